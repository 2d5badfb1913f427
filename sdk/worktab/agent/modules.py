"""The modules that a device holds for its buyers, by hash.

What a buyer uploads is kept until there is no more room; then what was used longest ago makes room, for it can be
uploaded again. With a list of allowed modules only these are taken, and none has to go.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from worktab.agent.errors import ModuleRefused
from worktab.core.errors import InputError, StorageError, VerificationError
from worktab.market.errors import BodyTooLarge
from worktab.work.blobs import BlobStore
from worktab.work.wasm import MODULE_LIMIT

ROOM: Final = 1 << 30
"""Bytes of uploaded modules that are kept unless told otherwise."""

_MAGIC: Final = b"\0asm"


class Modules:
    """A folder of modules; see the module's text. Safe to share between threads.

    folder   where they are kept; made where it is missing
    allowed  the 32-byte hashes of the only modules taken; None for any
    limit    largest module in bytes
    room     bytes of modules kept at most

    Raises `StorageError` if the folder cannot be used.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        allowed: Iterable[bytes] | None = None,
        limit: int = MODULE_LIMIT,
        room: int = ROOM,
    ) -> None:
        self._folder = Path(folder)
        self._store = BlobStore(self._folder)
        self._allowed = None if allowed is None else frozenset(allowed)
        self._limit, self._room = min(limit, MODULE_LIMIT), room
        self._lock = threading.Lock()
        self._held: OrderedDict[bytes, int] = OrderedDict()
        try:
            files = [(path.stat(), path) for path in self._folder.glob("[0-9a-f][0-9a-f]/*") if _is_digest(path.name)]
        except OSError as error:
            raise StorageError(f"cannot use the folder of modules {folder}", got=str(error)) from error
        for stat, path in sorted(files, key=lambda each: each[0].st_mtime):
            self._held[bytes.fromhex(path.name)] = stat.st_size

    @property
    def limit(self) -> int:
        """Largest module in bytes."""
        return self._limit

    @property
    def restricted(self) -> bool:
        """Whether only modules on a list are taken."""
        return self._allowed is not None

    def list(self) -> list[tuple[bytes, int]]:
        """Hash and size in bytes of every module that jobs may use, in the order of the hashes."""
        with self._lock:
            return sorted((digest, size) for digest, size in self._held.items() if self._takes(digest))

    def holds(self, digest: bytes) -> bool:
        """Whether a job may use the module. Raises `ModuleRefused` where it is not on the list."""
        self._require_allowed(digest)
        with self._lock:
            return digest in self._held

    def get(self, digest: bytes) -> bytes | None:
        """The module, None where it is not held. Raises `ModuleRefused`, `StorageError`."""
        if not self.holds(digest):
            return None
        try:
            module = self._store.get(digest)
        except VerificationError:  # damaged: it has to be uploaded again
            module = None
        with self._lock:
            if module is None:
                self._held.pop(digest, None)
            elif digest in self._held:
                self._held.move_to_end(digest)
        return module

    def put(self, module: bytes) -> tuple[bytes, bool]:
        """Keep a module; its hash, and whether it is new. On the disk when this returns.

        Raises `BodyTooLarge`, `ModuleRefused`, `InputError` (not a WASM binary), `StorageError`.
        """
        if len(module) > self._limit:
            raise BodyTooLarge(
                "The module is too large", expected=f"at most {self._limit} bytes", got=f"{len(module)} bytes"
            )
        if not module.startswith(_MAGIC):
            raise InputError("this is not a WASM binary", expected=_MAGIC.hex(), got=module[:4].hex())
        digest = hashlib.sha256(module).digest()
        self._require_allowed(digest)
        self._store.put(module)
        with self._lock:
            new = digest not in self._held
            self._held[digest] = len(module)
            self._held.move_to_end(digest)
            if not self.restricted:
                self._make_room(digest)
        return digest, new

    def _make_room(self, keep: bytes) -> None:
        while sum(self._held.values()) > self._room:
            oldest = next(iter(self._held))
            if oldest == keep:
                return
            del self._held[oldest]
            name = oldest.hex()
            (self._folder / name[:2] / name).unlink(missing_ok=True)

    def _takes(self, digest: bytes) -> bool:
        return self._allowed is None or digest in self._allowed

    def _require_allowed(self, digest: bytes) -> None:
        if not self._takes(digest):
            raise ModuleRefused("This device runs only chosen modules", got=digest.hex())


def _is_digest(name: str) -> bool:
    return len(name) == 64 and all(each in "0123456789abcdef" for each in name)
