"""A provider's book as a watcher of its SLAs asks it (`worktab.trust.watching`)."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from solders.pubkey import Pubkey

from worktab.core.errors import StorageError
from worktab.market.provider.book import Book
from worktab.market.provider.rows import BOOK, LaneAccount
from worktab.trust.watching.seeing import Owed
from worktab.work.database import Database


class LaneBookFile:
    """A device's book in a file that no daemon holds; it is open only while it is asked.

    Where a daemon holds it, asking raises `StateError`: that daemon settles lanes under an SLA within minutes by
    itself.
    """

    def __init__(self, path: Path, device: Pubkey, index: int) -> None:
        self._path, self._device, self._index = path, device, index

    async def owed(self, lanes: Collection[tuple[Pubkey, int]], now: int) -> dict[tuple[Pubkey, int], Owed]:
        """See `LaneBook.owed`. Raises `StateError`, `StorageError`."""
        _require_book(self._path)
        book = Book.open(self._path, device=self._device, index=self._index)
        try:
            found = {lane: await book.lane(*lane) for lane in lanes}
        finally:
            book.close()
        return {lane: _owed(held, now) for lane, held in found.items() if held is not None}


def _owed(lane: LaneAccount, now: int) -> Owed:
    good = (each for each in (lane.exact, lane.cap) if each is not None and not 0 < each.expires_at <= now)
    return Owed(lane.charged.amount, next(good, None))


def device_of(path: Path) -> tuple[Pubkey, int]:
    """The device whose book is in a file, and its index in its network. Raises `StateError`, `StorageError`."""
    _require_book(path)
    database = Database(path, BOOK)
    try:
        with database.transaction() as connection:
            row = connection.execute("SELECT value FROM meta WHERE name = 'device'").fetchone()
    finally:
        database.close()
    if row is None:
        raise StorageError(f"the book {path} names no device", next_step="Name the book of a device's daemon")
    return Pubkey(row[0][:32]), int.from_bytes(row[0][32:], "little")


def _require_book(path: Path) -> None:
    """Opening a book makes it where there is none, so a file that is missing, or another's, is told apart before."""
    next_step = "Name the book.sqlite of a device's folder"
    if not path.is_file():
        raise StorageError(f"There is no book at {path}", next_step=next_step)
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=0, uri=True)) as connection:
            (found,) = connection.execute("PRAGMA application_id").fetchone()
    except sqlite3.Error:
        return  # in use, or damaged: opening it says which
    if found != BOOK.application_id:
        raise StorageError(f"{path} is no book", next_step=next_step)
