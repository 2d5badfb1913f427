"""Where an attestor gets devices' records from: folders of bundles, and devices that serve them.

What comes is from strangers. It is bounded in size, kept in files until it is checked, and believed for no more than
its hashes show.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Protocol

import httpx
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.core.answers import UnfitAnswer, ask
from worktab.core.errors import InputError, StorageError
from worktab.epochs.attesting.errors import DeviceNotListed, EvidenceRefused, EvidenceWithheld
from worktab.epochs.attesting.requests import MOST_DATA, MOST_RECORDS, RECORDS_PATH, RecordsRequest

MOST_BYTES: Final = 320 << 20
"""Bytes of one device's records that are taken: more than the largest module, input and output that a job may have."""

MOST_REQUESTS: Final = 40
"""Requests that one device is sent for an epoch's records: two million records."""

LONGEST: Final = 300.0
"""Seconds that one device may take for all of them."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A device's records from `first` to `last`, with the data of those numbered in `data`, rising.

    `record` is the hash of one that is wanted in particular, which the device may hold outside its chain of now.
    """

    device: Pubkey
    first: int
    last: int
    data: tuple[int, ...]
    record: bytes | None = None

    def requests(self) -> list[RecordsRequest]:
        """As many requests as one device answers it in. Raises `EvidenceWithheld` for more than `MOST_REQUESTS`."""
        found: list[RecordsRequest] = []
        start = self.first
        while start <= self.last:
            if len(found) == MOST_REQUESTS:
                raise EvidenceWithheld(
                    f"{self.device} claims too many records to ask for",
                    expected=f"at most {MOST_REQUESTS} requests",
                    got=f"jobs {self.first} to {self.last}",
                )
            end = min(self.last, start + MOST_RECORDS - 1)
            data = [each for each in self.data if start <= each <= end]
            if len(data) > MOST_DATA:
                end = data[MOST_DATA] - 1
            found.append(RecordsRequest(start, end, tuple(data[:MOST_DATA]), self.record))
            start = end + 1
        return found


class EvidenceSource(Protocol):
    """Where records may be found.

    asks_device  whether it asks the device itself, so that what is not had there is withheld
    """

    asks_device: ClassVar[bool]

    async def fetch(self, wanted: Wanted, folder: Path) -> list[Path]:
        """Bundles that together hold the records wanted, in order; more are held where that is simpler.

        They lie in `folder`, or where they were.

        Raises:
            EvidenceWithheld: they could not be had here; `EvidenceRefused` where the device refuses to show them.
        """
        ...


@dataclass(frozen=True, slots=True)
class FolderEvidence:
    """Bundles in a folder, each called `<device>.bundle`: as `worktab device export` writes them."""

    asks_device: ClassVar[bool] = False

    folder: Path

    async def fetch(self, wanted: Wanted, folder: Path) -> list[Path]:
        """See `EvidenceSource.fetch`."""
        path = self.folder / f"{wanted.device}.bundle"
        if not path.is_file():
            raise EvidenceWithheld("There is no bundle of the device", expected=str(path))
        return [path]


class HttpEvidence:
    """Devices that serve their records (`worktab.epochs.attesting.requests`).

    url       where a device is reached: with `{device}` for its address, or a mapping from addresses to URLs
    attestor  signs the requests
    domain    32-byte domain of the network
    client    makes them; closed by whoever made it
    most      bytes of one device's records that are taken
    longest   seconds that one device may take for all of its records
    clock     Unix seconds
    """

    asks_device: ClassVar[bool] = True

    def __init__(
        self,
        url: str | Mapping[Pubkey, str],
        *,
        attestor: Keypair,
        domain: bytes,
        client: httpx.AsyncClient,
        most: int = MOST_BYTES,
        longest: float = LONGEST,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url, self._attestor, self._domain = url, attestor, domain
        self._client, self._most, self._longest, self._clock = client, most, longest, clock

    async def fetch(self, wanted: Wanted, folder: Path) -> list[Path]:
        """See `EvidenceSource.fetch`."""
        url, requests = self._where(wanted.device), wanted.requests()
        paths, left = [], self._most
        try:
            async with asyncio.timeout(self._longest):
                for number, request in enumerate(requests):
                    path = folder / f"{wanted.device}-{number}.bundle"
                    left -= await self._download(url, wanted.device, request, path, left)
                    paths.append(path)
        except TimeoutError as error:
            raise EvidenceWithheld(f"{url} takes too long", expected=f"at most {self._longest:g} seconds") from error
        return paths

    def _where(self, device: Pubkey) -> str:
        if isinstance(self._url, str):
            return self._url.replace("{device}", str(device))
        if device not in self._url:
            raise DeviceNotListed("Nobody says where the device is reached", got=str(device))
        return self._url[device]

    async def _download(self, url: str, device: Pubkey, request: RecordsRequest, path: Path, most: int) -> int:
        headers = request.headers(domain=self._domain, device=device, attestor=self._attestor, now=int(self._clock()))
        size = 0
        try:
            where = httpx.URL(url.rstrip("/") + RECORDS_PATH, params=request.query)
            async with ask(self._client, where, most=most, seconds=self._longest, headers=headers) as answer:
                if answer.status == httpx.codes.FORBIDDEN:
                    raise EvidenceRefused(f"{where} takes this for no attestor's request", got="status 403")
                if not answer.ok:
                    raise EvidenceWithheld(f"{where} shows no records", got=f"status {answer.status}")
                with path.open("wb") as file:
                    async for chunk in answer.chunks():
                        size += len(chunk)
                        file.write(chunk)
        except UnfitAnswer as error:
            raise EvidenceWithheld(error.message, expected=error.expected, got=error.got) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise EvidenceWithheld(f"{url} does not answer", got=str(error) or type(error).__name__) from error
        except OSError as error:
            # A full disk, too: what somebody sends must not end the look.
            raise EvidenceWithheld("records cannot be kept", got=str(error)) from error
        return size


@dataclass(frozen=True, slots=True)
class AnyEvidence:
    """Several sources, asked one after the other until one has the records."""

    asks_device: ClassVar[bool] = False

    sources: Sequence[EvidenceSource]

    async def fetch(self, wanted: Wanted, folder: Path) -> list[Path]:
        """See `EvidenceSource.fetch`."""
        refused = EvidenceWithheld("Nobody says where records are")
        for source in self.sources:
            try:
                return await source.fetch(wanted, folder)
            except EvidenceWithheld as error:
                refused = error
        raise refused


def read_addresses(path: Path) -> dict[Pubkey, str]:
    """Where devices are reached, from a file with a line `DEVICE URL` for each; empty lines and `#` are left out.

    Raises:
        StorageError: the file cannot be read.
        InputError: a line has another form.
    """
    found = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{path} cannot be read", got=str(error)) from error
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            device, url = words
            found[Pubkey.from_string(device)] = url
        except ValueError:
            raise InputError(
                f"line {number} of {path} is not one", expected="DEVICE URL", got=repr(line[:80])
            ) from None
    return found
