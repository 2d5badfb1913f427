"""Many small changes of one file in one write to the disk.

What is asked for while the disk is busy is done together in the next transaction, so that the number of waits for the
disk does not grow with the number of requests. A change that fails is undone alone. One that need not wait for the
disk is made at once where nothing else is being written: changing threads would take longer.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from worktab.core.errors import StateError
from worktab.work.database import Database

T = TypeVar("T")
_Asked = tuple[Callable[[sqlite3.Connection], Any], bool, "asyncio.Future[Any]"]
_Outcome = tuple[Any, BaseException | None]


class Committer:
    """Runs changes of a database on a thread of its own, for the tasks of one event loop; see the module's text."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._writing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="worktab-book", daemon=True)
        self._thread.start()

    async def run(self, change: Callable[[sqlite3.Connection], T], *, synced: bool = True) -> T:
        """What `change` returns, once all it wrote is on the disk; without `synced`, see `Database.transaction`.

        Raises:
            StateError: closed.
            StorageError: the disk is full or failing; nothing was changed.
        """
        if self._closed:
            raise StateError("the book is closed", next_step="Open it again")
        if not synced and self._asked.empty() and self._writing.acquire(blocking=False):
            try:
                with self._database.transaction(synced=False) as connection:
                    return change(connection)
            finally:
                self._writing.release()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._asked.put((change, synced, future))
        return await future

    def close(self) -> None:
        """Does what was asked, then closes the database. Closing twice is fine."""
        if not self._closed:
            self._closed = True
            self._asked.put(None)
            self._thread.join()
            self._database.close()

    def _serve(self) -> None:
        closing = False
        while not closing:
            batch, closing = self._next()
            asked = [each for each in batch if not each[2].cancelled()]
            if asked:
                self._commit(asked)

    def _next(self) -> tuple[list[_Asked], bool]:
        """All that is asked for now, at least one thing, and whether nothing follows."""
        batch: list[_Asked] = []
        first = self._asked.get()
        while first is not None:
            batch.append(first)
            try:
                first = self._asked.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _commit(self, asked: list[_Asked]) -> None:
        outcomes: list[_Outcome] = []
        try:
            with self._writing, self._database.transaction(synced=any(synced for _, synced, _ in asked)) as connection:
                if len(asked) == 1:
                    outcomes = [(asked[0][0](connection), None)]
                else:
                    outcomes = [_attempt(connection, change) for change, _, _ in asked]
        except BaseException as error:
            outcomes = [(None, error)] * len(asked)
        futures = [future for _, _, future in asked]
        with suppress(RuntimeError):  # the event loop is closed, and nobody waits
            futures[0].get_loop().call_soon_threadsafe(_tell, futures, outcomes)


def _tell(futures: list[asyncio.Future[Any]], outcomes: list[_Outcome]) -> None:
    for future, (result, failure) in zip(futures, outcomes, strict=True):
        if future.cancelled():
            continue
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)


def _attempt(connection: sqlite3.Connection, change: Callable[[sqlite3.Connection], Any]) -> _Outcome:
    connection.execute("SAVEPOINT change")
    try:
        result = change(connection)
    except sqlite3.Error:
        raise  # the file itself fails, and with it the whole transaction
    except Exception as error:
        connection.execute("ROLLBACK TO change")
        connection.execute("RELEASE change")
        return None, error
    connection.execute("RELEASE change")
    return result, None
