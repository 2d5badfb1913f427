"""Records, shown to attestors: what a sample of them is run again from (`worktab.epochs.attesting.requests`)."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Final

from solders.pubkey import Pubkey
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from worktab.core.errors import InputError, VerificationError, WorktabError
from worktab.epochs.attesting.errors import EvidenceWithheld, NotAnAttestor
from worktab.epochs.attesting.requests import MEDIA_TYPE, RECORDS_PATH, RecordsRequest
from worktab.market.errors import Overloaded
from worktab.roles.device import Device
from worktab.work.blobs import BlobStore
from worktab.work.bundle import export_bundle
from worktab.work.history import START, ChainState, Entry
from worktab.work.spool import Spool

_AT_ONCE: Final = 2
"""Answers that are made for one attestor at the same time."""

_WAITING: Final = 64
"""Requests of one attestor that wait for that, or are under way: far more than disputes and samples make."""

_KNOWN_SECONDS: Final = 30.0


class Records:
    """Serves a device's records to the attestors of its network.

    device  whose records they are
    spool   holds them
    blobs   hold their data
    clock   Unix seconds
    """

    def __init__(
        self, device: Device, spool: Spool, blobs: BlobStore, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._device, self._spool, self._blobs, self._clock = device, spool, blobs, clock
        self._attestors: Collection[Pubkey] = ()
        self._known_at = float("-inf")
        self._turns: dict[Pubkey, asyncio.Semaphore] = {}
        self._asking = Counter[Pubkey]()

    @property
    def route(self) -> Route:
        """Where it answers."""
        return Route(RECORDS_PATH, self._answer, methods=["GET"])

    async def _answer(self, request: Request) -> Response:
        try:
            asked = RecordsRequest.parse(request.query_params.multi_items())
            return await self._bundle(asked, await self._require_attestor(asked, request))
        except WorktabError as error:
            status = _STATUS.get(type(error), 400 if isinstance(error, InputError) else 503)
            return JSONResponse({"error": {key: fact for key, fact in error.as_dict().items() if fact}}, status)

    async def _require_attestor(self, asked: RecordsRequest, request: Request) -> Pubkey:
        reader, now = self._device.reader, self._clock()
        domain, device = await reader.domain(), bytes(self._device.device)
        key = asked.attestor(request.headers, domain=domain, device=device, now=int(now))
        if now - self._known_at > _KNOWN_SECONDS:
            network = await reader.network()
            self._attestors, self._known_at = network.attestors[: network.attestor_count], now
        if key not in self._attestors:
            raise NotAnAttestor("The request is signed by somebody else", got=str(key))
        return key

    async def _bundle(self, asked: RecordsRequest, attestor: Pubkey) -> Response:
        # A refusal reads as withheld records. So they wait for their turns, and none takes another attestor's.
        if self._asking[attestor] >= _WAITING:
            raise Overloaded("Enough records are being shown already", expected=f"at most {_WAITING} for one attestor")
        self._asking[attestor] += 1
        try:
            async with self._turns.setdefault(attestor, asyncio.Semaphore(_AT_ONCE)):
                path = await asyncio.to_thread(self._export, asked)
        finally:
            self._asking[attestor] -= 1
        return FileResponse(path, media_type=MEDIA_TYPE, background=BackgroundTask(path.unlink, missing_ok=True))

    def _export(self, asked: RecordsRequest) -> Path:
        aside = self._set_aside(asked)
        if aside is not None:
            return self._write([aside], frozenset(_names(aside)), ChainState(aside.seq - 1, 0, START.head))
        base = self._before(asked.first)
        if not base.seq < asked.last <= self._spool.state().seq:
            raise EvidenceWithheld(
                "The device does not hold these records",
                expected=f"{base.seq + 1} to {self._spool.state().seq}",
                got=f"{asked.first} to {asked.last}",
            )
        entries = self._spool.entries(base.seq + 1, asked.last)
        wanted = self._spool.entries(min(asked.data, default=1), max(asked.data, default=0))
        names = frozenset(name for each in wanted if each.seq in asked.data for name in _names(each))
        return self._write(entries, names, base)

    def _write(self, entries: Iterable[Entry], names: frozenset[bytes], base: ChainState) -> Path:
        with tempfile.NamedTemporaryFile(prefix="worktab-records-", suffix=".bundle", delete=False) as file:
            path = Path(file.name)
        try:
            export_bundle(path, entries, _Chosen(self._blobs, names), device=self._device.device, base=base)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def _set_aside(self, asked: RecordsRequest) -> Entry | None:
        """The record asked for in particular, where it is no more in the chain and yet here."""
        if asked.record is None or any(
            each.record_hash == asked.record for each in self._spool.entries(asked.first, asked.last)
        ):
            return None
        return next((each for each in self._spool.set_aside() if each.record_hash == asked.record), None)

    def _before(self, first: int) -> ChainState:
        """The state before a job, or before the oldest one held."""
        base = self._spool.base()
        if first - 1 <= base.seq:
            return base
        return next((each.state for each in self._spool.entries(first - 1, first - 1)), START)


def _names(entry: Entry) -> tuple[bytes, bytes, bytes]:
    record = entry.record
    return record.module, record.input, record.output


class _Chosen:
    """Blobs, of which only some are shown, and none that is damaged: an output that is does not hide its record."""

    def __init__(self, blobs: BlobStore, names: frozenset[bytes]) -> None:
        self._blobs, self._names = blobs, names

    def get(self, digest: bytes) -> bytes | None:
        try:
            return self._blobs.get(digest) if digest in self._names else None
        except VerificationError:
            return None


_STATUS: Final[dict[type[WorktabError], int]] = {NotAnAttestor: 403, EvidenceWithheld: 404, Overloaded: 503}
