"""Modules, inputs and outputs by their hash, kept so that a record can be verified or defended.

A file's name is the SHA-256 of its bytes. It is written beside its place, synced and renamed, so that under its name
there is only ever the whole of it; several processes may share one folder.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from worktab.chain.durable import sync_folder
from worktab.core._checks import Bytes32, bytes32
from worktab.core.errors import StorageError, VerificationError

_STALE_SECONDS: Final = 3600
_FULL: Final = "Free disk space or repair the disk, then repeat the call"


class BlobSource(Protocol):
    """Where the data behind a record's hashes is found."""

    def get(self, digest: bytes) -> bytes | None:
        """The bytes whose SHA-256 is `digest`, or None where they are not held.

        Raises:
            VerificationError: what is held under that hash is something else.
        """


class BlobStore:
    """A folder of blobs; see the module's text."""

    def __init__(self, folder: str | Path) -> None:
        """Uses `folder`, making it where it is missing; removes what killed writers left there over an hour ago.

        Raises:
            StorageError: the folder cannot be made.
        """
        self._folder = Path(folder)
        self._partial = self._folder / "partial"
        try:
            self._partial.mkdir(parents=True, exist_ok=True)
            for path in self._partial.iterdir():
                with suppress(FileNotFoundError):  # another process has just finished it
                    if path.stat().st_mtime < time.time() - _STALE_SECONDS:
                        path.unlink()
        except OSError as error:
            raise StorageError(f"cannot use the blob folder {folder}", got=str(error)) from error

    def put(self, data: bytes) -> bytes:
        """Stores `data` and returns its 32-byte SHA-256; on the disk when this returns. A repeat costs one reading.

        Raises:
            StorageError: the disk is full or failing; nothing was stored.
        """
        digest = hashlib.sha256(data).digest()
        path = self._path(digest)
        try:
            if path.exists() and path.read_bytes() == data:
                return digest
            self._write(path, data)
        except OSError as error:
            raise StorageError(
                f"the blob {digest.hex()} could not be stored", got=str(error), next_step=_FULL
            ) from error
        return digest

    def get(self, digest: Bytes32) -> bytes | None:
        """The bytes whose SHA-256 is `digest`, or None where they are not held.

        Raises:
            VerificationError: the file holds other bytes.
            StorageError: the file cannot be read.
        """
        name = bytes32(digest, "digest")
        try:
            data = self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"the blob {name.hex()} could not be read", got=str(error)) from error
        return checked_blob(name, data)

    def _path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self._folder / name[:2] / name

    def _write(self, path: Path, data: bytes) -> None:
        if not path.parent.is_dir():
            path.parent.mkdir(exist_ok=True)
            sync_folder(self._folder)
        descriptor, partial = tempfile.mkstemp(dir=self._partial)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def checked_blob(digest: bytes, data: bytes) -> bytes:
    """`data`, checked to have the SHA-256 `digest`.

    Raises:
        VerificationError: it has another.
    """
    found = hashlib.sha256(data).digest()
    if found != digest:
        raise VerificationError(
            "a blob does not hold what its name says",
            expected=f"SHA-256 {digest.hex()}",
            got=found.hex(),
            next_step="The file is damaged or was changed: store the data again",
        )
    return data
