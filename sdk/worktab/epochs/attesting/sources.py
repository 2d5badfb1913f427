"""Where published epochs are read from: folders, and servers of such folders.

Whoever serves them is not trusted: the manifest must have the hash that was committed to, every file the hash and no
more than the size that follow from the manifest.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import httpx

from worktab.core.answers import UnfitAnswer, ask
from worktab.core.errors import WorktabError
from worktab.epochs.attesting.errors import DataUnavailable
from worktab.epochs.data import EpochData
from worktab.epochs.layout import ROWS
from worktab.epochs.lineage import MANIFEST
from worktab.epochs.manifest import FILES, Manifest

MOST_MANIFEST: Final = 1 << 20
"""Largest manifest in bytes."""

LONGEST: Final = 600.0
"""Seconds that one source may take for an epoch."""


class DataSource(Protocol):
    """Where epochs' data may be published."""

    async def fetch(self, epoch: int, data: bytes, folder: Path) -> EpochData:
        """An epoch's data, from `folder/<epoch>` if it is not where it was already.

        Args:
            epoch: its index.
            data: SHA-256 of its manifest.
            folder: an empty folder to keep it in.

        Raises:
            DataUnavailable: it is not here, or something else is.
        """
        ...


@dataclass(frozen=True, slots=True)
class FolderData:
    """A folder of published epochs, as attestors write them."""

    folder: Path

    async def fetch(self, epoch: int, data: bytes, folder: Path) -> EpochData:
        """See `DataSource.fetch`."""
        path = self.folder / str(epoch) / MANIFEST
        try:
            found = hashlib.sha256(path.read_bytes()).digest()
        except OSError as error:
            raise DataUnavailable(
                f"Epoch {epoch} is not published in {self.folder}", got=str(error.strerror)
            ) from error
        if found != data:
            raise _other(epoch, str(self.folder), data, found)
        return await _read(self.folder, epoch, data)


class HttpData:
    """A server of such a folder: `URL/<epoch>/manifest.json` and the files beside it.

    url      the folder's address
    client   makes requests; closed by whoever made it
    most     bytes of one epoch that are taken; never more than half of what the disk has free
    longest  seconds that all of it may take
    """

    def __init__(self, url: str, *, client: httpx.AsyncClient, most: int = 16 << 30, longest: float = LONGEST) -> None:
        self._url, self._client, self._most, self._longest = url.rstrip("/"), client, most, longest

    async def fetch(self, epoch: int, data: bytes, folder: Path) -> EpochData:
        """See `DataSource.fetch`."""
        try:
            async with asyncio.timeout(self._longest):
                await self._fetch(epoch, data, folder)
        except TimeoutError as error:
            raise DataUnavailable(f"{self._url} takes too long", expected=f"{self._longest:g} seconds") from error
        except OSError as error:
            # A full disk, too: what somebody publishes must not end the look.
            raise DataUnavailable(f"Epoch {epoch} cannot be kept", got=str(error)) from error
        return await _read(folder, epoch, data)

    async def _fetch(self, epoch: int, data: bytes, folder: Path) -> None:
        place = folder / str(epoch)
        place.mkdir(parents=True, exist_ok=True)
        found = await self._download(epoch, MANIFEST, place, MOST_MANIFEST)
        if found != data:
            raise _other(epoch, self._url, data, found)
        try:
            manifest = Manifest.decode((place / MANIFEST).read_bytes())
        except WorktabError as error:
            raise DataUnavailable(f"{self._url} has no manifest of epoch {epoch}", got=str(error)) from error
        most = left = min(self._most, shutil.disk_usage(folder).free // 2)
        for name in FILES:
            rows = manifest.count if name == "payees.bin" else manifest.devices
            size = rows * ROWS[name].itemsize
            if size > left:
                raise DataUnavailable(f"Epoch {epoch} is too large", expected=f"at most {most} bytes")
            left -= size
            digest = await self._download(epoch, name, place, size)
            if digest != manifest.files[name]:
                raise _other(epoch, f"{self._url}: {name}", manifest.files[name], digest)

    async def _download(self, epoch: int, name: str, place: Path, most: int) -> bytes:
        where, digest = f"{self._url}/{epoch}/{name}", hashlib.sha256()
        try:
            async with ask(self._client, where, most=most, seconds=self._longest) as answer:
                if not answer.ok:
                    raise DataUnavailable(f"{where} is not published", got=f"status {answer.status}")
                with (place / name).open("wb") as file:
                    async for chunk in answer.chunks():
                        digest.update(chunk)
                        file.write(chunk)
        except UnfitAnswer as error:
            raise DataUnavailable(error.message, expected=error.expected, got=error.got) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DataUnavailable(f"{where} cannot be had", got=str(error) or type(error).__name__) from error
        return digest.digest()


@dataclass(frozen=True, slots=True)
class AnyData:
    """Several sources, asked one after the other until one has the epoch."""

    sources: Sequence[DataSource]

    async def fetch(self, epoch: int, data: bytes, folder: Path) -> EpochData:
        """See `DataSource.fetch`."""
        refused = DataUnavailable(f"Nobody says where epoch {epoch} is published")
        for source in self.sources:
            shutil.rmtree(folder / str(epoch), ignore_errors=True)
            try:
                return await source.fetch(epoch, data, folder)
            except DataUnavailable as error:
                refused = error
        raise refused


async def _read(folder: Path, epoch: int, data: bytes) -> EpochData:
    try:
        found = await asyncio.to_thread(EpochData.read, folder, epoch)
    except WorktabError as error:
        raise DataUnavailable(f"The published data of epoch {epoch} are damaged", got=str(error)) from error
    # They may have been replaced since the manifest was looked at.
    if found.manifest.hash() != data:
        raise _other(epoch, str(folder), data, found.manifest.hash())
    return found


def _other(epoch: int, where: str, expected: bytes, got: bytes) -> DataUnavailable:
    return DataUnavailable(
        f"{where} has something else for epoch {epoch}", expected=f"SHA-256 {expected.hex()}", got=got.hex()
    )
