"""One request at a time on a lane, whichever task or process sends it.

A lane's vouchers name totals, so two that are made at once would name the same ones. Tasks of one process wait for
each other; processes exclude each other by SQLite's own lock on an empty file beside the purse, which works on every
system and goes with the process that held it, however that ended.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from worktab.core.errors import StorageError

_POLL: Final = 0.01
"""Seconds between two looks at a lock that another process holds."""


class Locks:
    """The locks of one purse; `folder` holds a file for each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tasks: dict[str, asyncio.Lock] = {}
        self._files: dict[str, sqlite3.Connection] = {}

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        """Hold the lock of this name, waiting for it as long as it takes.

        Raises:
            StorageError: the folder cannot be written.
        """
        async with self._tasks.setdefault(name, asyncio.Lock()):
            connection = self._file(name)
            while not _locked(connection):  # noqa: ASYNC110 - nothing tells when another process lets go
                await asyncio.sleep(_POLL)
            try:
                yield
            finally:
                connection.execute("ROLLBACK")

    def close(self) -> None:
        """Let go of the files. A second call does nothing."""
        while self._files:
            self._files.popitem()[1].close()

    def _file(self, name: str) -> sqlite3.Connection:
        if name not in self._files:
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._files[name] = sqlite3.connect(
                    self._folder / name, timeout=0, isolation_level=None, check_same_thread=False
                )
                # Nothing is ever written: with no journal on the disk SQLite need not look for one each time. It cannot
                # be told while another process holds the lock, and then just takes a little longer.
                with suppress(sqlite3.OperationalError):
                    self._files[name].execute("PRAGMA journal_mode = MEMORY")
            except (OSError, sqlite3.Error) as error:
                raise StorageError(f"cannot make a lock in {self._folder}", got=str(error)) from error
        return self._files[name]


def _locked(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname.startswith("SQLITE_BUSY"):
            return False
        raise StorageError("a lane cannot be locked", got=str(error)) from error
    return True
