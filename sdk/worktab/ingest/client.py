"""Posting to an ingest, and pulling from one.

Everything is safe to repeat, and is repeated where an answer did not come: what was stored meanwhile is told as a
duplicate.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import httpx
import numpy as np
from solders.pubkey import Pubkey

from worktab.core._json import json_decimal
from worktab.core.answers import read_answer, require_unpacked
from worktab.core.enrolments import SignedEnrolment
from worktab.core.errors import ConnectionFailed, EncodingError, InputError, StateError
from worktab.ingest.errors import NoSuchDevice
from worktab.ingest.facts import Facts
from worktab.ingest.inputs import Inputs
from worktab.ingest.rows import RECEIPT, REGISTRATION
from worktab.ingest.store import Page
from worktab.ingest.verdicts import Verdict
from worktab.ingest.wire import (
    DEVICES_PATH,
    ENROLMENTS_PATH,
    HEADER_SIZE,
    INPUTS_PATH,
    NETWORK_PATH,
    RECEIPTS_PATH,
    ROWS_TYPE,
    Part,
    receipt_to_json,
    rows_of_json,
)

_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WAIT: Final = 60.0
_LARGEST: Final = 1 << 20
_LEAST_PACE: Final = 1 << 10
_VERDICTS: Final = frozenset(Verdict)


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how long a client tries.

    tries   requests in all, the first included
    first   seconds the first pause may last; each later one may last twice as long as the one before
    sleep   pauses for so many seconds
    chance  a number from 0 to 1: half of each pause is chance
    """

    tries: int = 6
    first: float = 0.5
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random

    async def pause(self, attempt: int, asked: float) -> None:
        """Wait after so many attempts, as long as the other side asks at least."""
        own = self.first * (1 << min(attempt, 10)) * (1 + self.chance()) / 2
        await self.sleep(min(max(own, asked), _LONGEST_WAIT))


@dataclass(frozen=True, slots=True)
class Newest:
    """What an ingest holds of a device: its newest receipt of 200 bytes, None without one.

    `time` is the ingest's clock in Unix seconds. The receipt's signature is not verified here.
    """

    receipt: bytes | None
    time: int


class IngestClient:
    """One ingest, by its address. Use it as an async context manager, or close it.

    url      where it listens, such as http://127.0.0.1:8410
    retries  how often and how long it tries
    most     receipts of one request
    seconds  that one answer may take

    Every method raises `ConnectionFailed` where no answer came in time, `StateError` where the request is refused, and
    `EncodingError` where the answer is not that of an ingest.
    """

    def __init__(self, url: str, *, retries: Retries | None = None, most: int = 5_000, seconds: float = 60.0) -> None:
        self.url = url.rstrip("/")
        self._retries, self._most, self._seconds = retries or Retries(), most, seconds
        self._http = httpx.AsyncClient(timeout=seconds, trust_env=False, headers={"Accept-Encoding": "identity"})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def submit(self, receipts: Sequence[bytes]) -> list[Verdict]:
        """Post receipts of 200 bytes: what became of each, in their order.

        Those that have to wait are posted again; `RATE_LIMITED` is what still had to at the end. Raises `InputError`
        where one has another size.
        """
        for each in receipts:
            if len(each) != RECEIPT.itemsize:
                raise InputError("a receipt has another size", expected="200 bytes", got=f"{len(each)} bytes")
        verdicts: list[Verdict] = []
        for start in range(0, len(receipts), self._most):
            verdicts += await self._submit(receipts[start : start + self._most])
        return verdicts

    async def submit_continuous(self, receipt: bytes, record_hashes: Sequence[bytes]) -> Verdict:
        """Post one receipt with the record hashes from the newest one that the ingest holds to it."""
        answer = await self._ask("POST", RECEIPTS_PATH, json=receipt_to_json(receipt, record_hashes))
        results = _object(answer).get("results")
        if not isinstance(results, list) or len(results) != 1:
            raise _not_an_ingest(results)
        return _verdict(results[0])

    async def enrol(self, enrolment: SignedEnrolment) -> Verdict:
        """Post an enrolment: what became of it."""
        return _verdict(_object(await self._ask("POST", ENROLMENTS_PATH, json=enrolment.to_json())))

    async def newest(self, device: Pubkey) -> Newest:
        """What it holds of a device. Raises `NoSuchDevice`; `EncodingError` where the answer is something else."""
        told = _object(await self._ask("GET", f"{DEVICES_PATH}/{device}"))
        time, receipt = json_decimal(told.get("time"), "time"), None
        if told.get("newest") is not None:
            rows, _ = rows_of_json(told["newest"])
            receipt = rows[0].tobytes()
        if receipt is not None and receipt[:32] != bytes(device):
            raise EncodingError("the answer is about another device", expected=str(device))
        return Newest(receipt, time)

    async def facts(self) -> Facts:
        """The network that it takes receipts for."""
        return Facts.from_json({name: fact for name, fact in _object(await self._network()).items() if name != "epoch"})

    async def epoch(self) -> int:
        """The present epoch, by its clock."""
        return json_decimal(_object(await self._network()).get("epoch"), "epoch")

    async def pages(self, epoch: int) -> AsyncIterator[Page]:
        """The inputs of an epoch in parts; where the connection breaks, it goes on after the last whole part."""
        after, attempt = None, 0
        while True:
            try:
                async for page in self._pages(epoch, after):
                    yield page
                    after, attempt = page.after, 0
                return
            except (httpx.TransportError, _Cut) as error:
                attempt += 1
                if attempt >= self._retries.tries:
                    raise ConnectionFailed("The ingest did not send all of its inputs", got=str(error)) from error
                await self._retries.pause(attempt - 1, 0)

    async def inputs(self, epoch: int) -> Inputs:
        """The inputs of an epoch, as the ingest holds them: nothing in them is verified here."""
        pages = [page async for page in self.pages(epoch)]
        return Inputs(
            epoch,
            np.concatenate([np.zeros(0, REGISTRATION), *(page.working for page in pages)]),
            np.concatenate([np.zeros(0, RECEIPT), *(page.receipts for page in pages)]),
        )

    async def _submit(self, receipts: Sequence[bytes]) -> list[Verdict]:
        verdicts = [Verdict.RATE_LIMITED] * len(receipts)
        places = list(range(len(receipts)))
        headers = {"content-type": ROWS_TYPE, "accept": ROWS_TYPE}
        for attempt in range(self._retries.tries):
            body = b"".join(receipts[place] for place in places)
            answer = await self._ask("POST", RECEIPTS_PATH, content=body, headers=headers)
            if len(answer.content) != len(places) or not _VERDICTS.issuperset(answer.content):
                raise _not_an_ingest(answer.content[:100])
            for place, number in zip(places, answer.content, strict=True):
                verdicts[place] = Verdict(number)
            places = [place for place in places if verdicts[place] is Verdict.RATE_LIMITED]
            if not places or attempt + 1 == self._retries.tries:
                break
            await self._retries.pause(attempt, _asked(answer))
        return verdicts

    async def _network(self) -> httpx.Response:
        return await self._ask("GET", NETWORK_PATH)

    async def _ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        """An answer with a result in it."""
        for attempt in range(self._retries.tries):
            asked, got = 0.0, ""
            try:
                answer = await self._answer(self._http.build_request(method, self.url + path, **content))
            except (httpx.TransportError, TimeoutError) as error:
                got = f"{type(error).__name__}: {error}"
            else:
                if answer.is_success or _has_verdicts(answer):
                    return answer
                got = f"HTTP {answer.status_code} {answer.text[:200]}"
                if answer.status_code not in _PASSING:
                    raise _refusal(answer)
                asked = _asked(answer)
            if attempt + 1 < self._retries.tries:
                await self._retries.pause(attempt, asked)
        raise ConnectionFailed(
            f"The ingest at {self.url} gave no usable answer",
            got=got,
            next_step="Send the same again later: what was stored is told as a duplicate",
        )

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        async with asyncio.timeout(self._seconds):
            return await read_answer(await self._http.send(request, stream=True), _LARGEST)

    async def _pages(self, epoch: int, after: bytes | None) -> AsyncIterator[Page]:
        query = {"epoch": str(epoch)} | ({} if after is None else {"after": str(Pubkey(after))})
        async with self._http.stream("GET", self.url + INPUTS_PATH, params=query) as answer:
            if answer.status_code in _PASSING:
                raise _Cut(f"HTTP {answer.status_code}")
            if not answer.is_success:
                raise _refusal(await read_answer(answer, _LARGEST))
            require_unpacked(answer)
            reader = _Reader(answer.aiter_raw(), self._seconds)
            while (part := Part.decode(await reader.read(HEADER_SIZE))) is not None:
                yield part.page(await reader.read(part.size))


class _Cut(Exception):
    """The answer ended too soon."""


class _Reader:
    """Reads parts of given sizes, each within `seconds` and what its bytes take at the least pace."""

    def __init__(self, chunks: AsyncIterator[bytes], seconds: float) -> None:
        self._chunks, self._seconds, self._held = chunks, seconds, bytearray()

    async def read(self, size: int) -> bytes:
        try:
            async with asyncio.timeout(self._seconds + size / _LEAST_PACE):
                while len(self._held) < size:
                    self._held += await anext(self._chunks)
        except StopAsyncIteration:
            raise _Cut("the answer ended too soon") from None
        except TimeoutError:
            raise _Cut("a part took too long") from None
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        value = answer.json()
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise _not_an_ingest(answer.text[:100])
    return value


def _verdict(told: object) -> Verdict:
    try:
        return Verdict[str(told["code"]).upper()]  # type: ignore[index]
    except (KeyError, TypeError):
        raise _not_an_ingest(told) from None


def _not_an_ingest(got: object) -> EncodingError:
    return EncodingError("the answer is not that of an ingest", got=ascii(got)[:100])


def _has_verdicts(answer: httpx.Response) -> bool:
    """Whether it says of each receipt what became of it, though all of them have to wait."""
    if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
        return False
    return answer.headers.get("content-type") == ROWS_TYPE or b'"results"' in answer.content


def _refusal(answer: httpx.Response) -> StateError:
    try:
        told = dict(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        told = {}
    facts = {name: str(told.get(name, "")) for name in ("expected", "got", "next_step")}
    kind = NoSuchDevice if told.get("code") == NoSuchDevice.code else StateError
    return kind(str(told.get("message", f"The ingest answered HTTP {answer.status_code}")), **facts)


def _asked(answer: httpx.Response) -> float:
    seconds = answer.headers.get("retry-after", "")
    return float(seconds) if seconds.isdecimal() else 0.0
