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

from worktab.core.errors import StorageError, WorktabError
from worktab.epochs.attesting.errors import DataUnavailable
from worktab.epochs.data import EpochData
from worktab.epochs.layout import ROWS
from worktab.epochs.lineage import MANIFEST
from worktab.epochs.manifest import FILES, Manifest

MOST_MANIFEST: Final = 1 << 20
"""Largest manifest in bytes."""

_TIMEOUT: Final = httpx.Timeout(10, read=60)


class DataSource(Protocol):
    """Where epochs' data may be published."""

    async def fetch(self, epoch: int, data: bytes | None, folder: Path) -> EpochData:
        """An epoch's data, from `folder/<epoch>` if it is not where it was already.

        Args:
            epoch: its index.
            data: SHA-256 of its manifest; None where the caller checks what it gets against a root.
            folder: an empty folder to keep it in.

        Raises:
            DataUnavailable: it is not here, or something else is.
        """
        ...


@dataclass(frozen=True, slots=True)
class FolderData:
    """A folder of published epochs, as attestors write them."""

    folder: Path

    async def fetch(self, epoch: int, data: bytes | None, folder: Path) -> EpochData:
        """See `DataSource.fetch`."""
        path = self.folder / str(epoch) / MANIFEST
        try:
            found = hashlib.sha256(path.read_bytes()).digest()
        except OSError as error:
            raise DataUnavailable(
                f"Epoch {epoch} is not published in {self.folder}", got=str(error.strerror)
            ) from error
        if data is not None and found != data:
            raise _other(epoch, str(self.folder), data, found)
        return await _read(self.folder, epoch)


class HttpData:
    """A server of such a folder: `URL/<epoch>/manifest.json` and the files beside it.

    url     the folder's address
    client  makes requests; closed by whoever made it
    most    bytes of one epoch that are taken; the manifest tells the sizes of files
    """

    def __init__(self, url: str, *, client: httpx.AsyncClient, most: int = 16 << 30) -> None:
        self._url, self._client, self._most = url.rstrip("/"), client, most

    async def fetch(self, epoch: int, data: bytes | None, folder: Path) -> EpochData:
        """See `DataSource.fetch`."""
        place = folder / str(epoch)
        place.mkdir(parents=True, exist_ok=True)
        found = await self._download(epoch, MANIFEST, place, MOST_MANIFEST)
        if data is not None and found != data:
            raise _other(epoch, self._url, data, found)
        try:
            manifest = Manifest.decode((place / MANIFEST).read_bytes())
        except WorktabError as error:
            raise DataUnavailable(f"{self._url} has no manifest of epoch {epoch}", got=str(error)) from error
        left = self._most
        for name in FILES:
            rows = manifest.count if name == "payees.bin" else manifest.devices
            size = rows * ROWS[name].itemsize
            if size > left:
                raise DataUnavailable(f"Epoch {epoch} is too large", expected=f"at most {self._most} bytes")
            left -= size
            digest = await self._download(epoch, name, place, size)
            if digest != manifest.files[name]:
                raise _other(epoch, f"{self._url}: {name}", manifest.files[name], digest)
        return await _read(folder, epoch)

    async def _download(self, epoch: int, name: str, place: Path, most: int) -> bytes:
        where, digest, size = f"{self._url}/{epoch}/{name}", hashlib.sha256(), 0
        try:
            async with self._client.stream("GET", where, timeout=_TIMEOUT) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise DataUnavailable(f"{where} is not published", got=f"status {answer.status_code}")
                with (place / name).open("wb") as file:
                    async for chunk in answer.aiter_bytes():
                        size += len(chunk)
                        if size > most:
                            raise DataUnavailable(f"{where} is too large", expected=f"at most {most} bytes")
                        digest.update(chunk)
                        file.write(chunk)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DataUnavailable(f"{where} cannot be had", got=str(error) or type(error).__name__) from error
        except OSError as error:
            raise StorageError(f"{place / name} cannot be written", got=str(error)) from error
        return digest.digest()


@dataclass(frozen=True, slots=True)
class AnyData:
    """Several sources, asked one after the other until one has the epoch."""

    sources: Sequence[DataSource]

    async def fetch(self, epoch: int, data: bytes | None, folder: Path) -> EpochData:
        """See `DataSource.fetch`."""
        refused = DataUnavailable(f"Nobody says where epoch {epoch} is published")
        for source in self.sources:
            shutil.rmtree(folder / str(epoch), ignore_errors=True)
            try:
                return await source.fetch(epoch, data, folder)
            except DataUnavailable as error:
                refused = error
        raise refused


async def _read(folder: Path, epoch: int) -> EpochData:
    try:
        return await asyncio.to_thread(EpochData.read, folder, epoch)
    except StorageError:
        raise
    except WorktabError as error:
        raise DataUnavailable(f"The published data of epoch {epoch} are damaged", got=str(error)) from error


def _other(epoch: int, where: str, expected: bytes, got: bytes) -> DataUnavailable:
    return DataUnavailable(
        f"{where} has something else for epoch {epoch}", expected=f"SHA-256 {expected.hex()}", got=got.hex()
    )
