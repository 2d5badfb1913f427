"""Names of exported files, and writing them so that a reader never sees a part of one.

latest.json                 which epoch is newest: the file that changes
EPOCH/export.json           the same for one epoch; it is written last, so an epoch that has it is whole
EPOCH/manifest.json         of the published data
EPOCH/payees/000123.bin     the page of payees 123 (`worktab.epochs.proofs.pages`)
EPOCH/devices/000123.bin    their devices
EPOCH/index.bin             the directory of the index (`worktab.epochs.proofs.index`)
EPOCH/index/000012.bin      shard 12 of it
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from worktab.chain.durable import sync_folder
from worktab.core.errors import StorageError

LATEST: Final = "latest.json"
EXPORT: Final = "export.json"
MANIFEST: Final = "manifest.json"
DIRECTORY: Final = "index.bin"


def payees_name(number: int) -> str:
    """The name of a page of payees within its epoch."""
    return f"payees/{number:06}.bin"


def devices_name(number: int) -> str:
    """The name of a page of devices within its epoch."""
    return f"devices/{number:06}.bin"


def shard_name(number: int) -> str:
    """The name of a shard of the index within its epoch."""
    return f"index/{number:06}.bin"


def put(file: Path, data: bytes) -> bool:
    """Make a file hold these bytes, whole or not at all; whether it did not before. Raises `StorageError`."""
    beside = file.with_name(f".{file.name}.part")
    try:
        if _holds(file, data):
            return False
        file.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as made:
            made.write(data)
            made.flush()
            os.fsync(made.fileno())
        beside.replace(file)
    except OSError as error:
        raise StorageError(f"The file {file} cannot be written", got=str(error.strerror)) from error
    return True


def settle(folder: Path) -> None:
    """Make the names in a folder durable. Raises `StorageError`."""
    try:
        sync_folder(folder)
    except OSError as error:
        raise StorageError(f"The folder {folder} cannot be written", got=str(error.strerror)) from error


def _holds(file: Path, data: bytes) -> bool:
    try:
        return file.stat().st_size == len(data) and file.read_bytes() == data
    except FileNotFoundError:
        return False
