"""Proofs as files that any web server or CDN serves; see `worktab.epochs.proofs.files` for which.

The bytes are a function of the published data alone. An export that was cut off goes on where it was: what is there and
holds what it should is left as it is. Readers of the newest epoch see it only once all of its files are there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from worktab.core.errors import StorageError
from worktab.epochs.manifest import canonical
from worktab.epochs.proofs.book import ProofBook
from worktab.epochs.proofs.files import (
    DIRECTORY,
    EXPORT,
    LATEST,
    MANIFEST,
    devices_name,
    payees_name,
    put,
    settle,
    shard_name,
)
from worktab.epochs.proofs.index import SHARD, index_files

FORMAT: Final = 1
"""Raised with every change of the files' form."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export left in its folder: files of this epoch, their bytes, and how many of them it had to write."""

    folder: Path
    epoch: int
    files: int
    size: int
    written: int


def export(book: ProofBook, folder: Path, *, told: Callable[[int, int], None] = lambda done, total: None) -> Exported:
    """Write an epoch's proofs to a folder, and make it the newest there unless a later one is.

    told  is called with the files that are done, and how many there are

    Raises `StorageError`.
    """
    at = folder / str(book.root.epoch)
    facts = summary(book)
    total = 2 * book.root.pages + facts["shards"] + 4
    size = written = 0
    for done, (name, data) in enumerate(_files(book), 1):
        written += put(at / name, data)
        size += len(data)
        told(done, total)
    for name in ("payees", "devices", "index", ""):
        settle(at / name)
    stated = canonical(facts)
    written += put(at / EXPORT, stated)
    settle(at)
    if (newest(folder) or -1) <= book.root.epoch:
        written += put(folder / LATEST, stated)
    settle(folder)
    told(total, total)
    return Exported(at, book.root.epoch, total, size + 2 * len(stated), written)


def newest(folder: Path) -> int | None:
    """The newest epoch in an exported folder. Raises `StorageError` where the folder says something else."""
    try:
        told = json.loads((folder / LATEST).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StorageError(f"{folder / LATEST} cannot be read", got=str(error)) from error
    epoch = told.get("epoch") if isinstance(told, dict) else None
    if type(epoch) is not int:
        raise StorageError(f"{folder / LATEST} names no epoch", next_step="Export into another folder")
    return epoch


def summary(book: ProofBook) -> dict[str, Any]:
    """What `latest.json` and `export.json` say."""
    root = book.root
    return {
        "format": FORMAT,
        "network": str(root.network),
        "domain": root.domain.hex(),
        "epoch": root.epoch,
        "root": root.root.hex(),
        "count": root.count,
        "total": str(root.total),
        "pages": root.pages,
        "shards": -(-root.count // SHARD),
    }


def _files(book: ProofBook) -> Iterator[tuple[str, bytes]]:
    yield MANIFEST, book.manifest.encode()
    directory, shards = index_files(book.payees)
    yield DIRECTORY, directory
    for number, shard in enumerate(shards):
        yield shard_name(number), shard
    for number in range(book.root.pages):
        yield payees_name(number), book.page(number)
        yield devices_name(number), book.device_page(number)
