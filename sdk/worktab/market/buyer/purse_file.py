"""The purse's SQLite file: its tables, its transactions, and its errors."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

from worktab.chain.durable import create_private
from worktab.core.errors import StateError, StorageError

Run: TypeAlias = Callable[..., sqlite3.Cursor]
"""Runs one statement of a transaction."""

_APPLICATION_ID: Final = int.from_bytes(b"WTBP")
_FORMAT_VERSION: Final = 1
_BUSY: Final = 30.0
"""Seconds to wait for another process's transaction, which takes a disk's flush at most."""

# u64 are 8 bytes, big-endian: SQLite has none, and these compare in the right order.
_TABLES: Final = """
CREATE TABLE lanes (
    id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    domain BLOB NOT NULL, tab BLOB NOT NULL, device BLOB NOT NULL, signer BLOB NOT NULL,
    lane_index INTEGER NOT NULL,
    nonce INTEGER NOT NULL,
    open INTEGER NOT NULL,
    closing INTEGER NOT NULL, disputed INTEGER NOT NULL,
    most BLOB NOT NULL, settled BLOB NOT NULL,
    amount BLOB NOT NULL, units BLOB NOT NULL, seq BLOB NOT NULL, head BLOB NOT NULL,
    signed BLOB NOT NULL,
    exact BLOB NOT NULL,
    ceiling_amount BLOB NOT NULL, ceiling_units BLOB NOT NULL,
    behind BLOB NOT NULL,
    unproven INTEGER NOT NULL,
    key TEXT, request BLOB, terms TEXT, message BLOB, signature BLOB,
    UNIQUE (domain, tab, nonce)
);
CREATE UNIQUE INDEX open_lanes ON lanes (domain, tab, device, signer) WHERE open;
CREATE TABLE reserving (
    domain BLOB NOT NULL, tab BLOB NOT NULL, device BLOB NOT NULL, signer BLOB NOT NULL,
    nonce INTEGER NOT NULL,
    PRIMARY KEY (domain, tab, device, signer)
) WITHOUT ROWID;
CREATE TABLE distrusted (device BLOB PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
"""


def u64(value: int) -> bytes:
    """A u64 as the file holds it, 8 bytes."""
    return value.to_bytes(8)


class PurseFile:
    """One connection to a purse, shared by the threads of a process."""

    def __init__(self, path: Path, *, durable: bool) -> None:
        self._path = path
        self._durable = durable
        self._lock = threading.RLock()
        with self._translated():
            # What it bought is nobody else's business.
            create_private(path)
            self._connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
            try:
                self._set_up()
            except BaseException:
                self._connection.close()
                raise

    def row(self, query: str, values: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        """The first row that a query finds."""
        with self._lock, self._translated():
            row: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
        return row

    def rows(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows that a query finds."""
        with self._lock, self._translated():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[Run]:
        """One transaction: committed when the block ends, undone when it raises.

        durable  return only when it, and all before it, is on the disk. What is not survives a killed process, and a
                 purse that forgot an answer asks the device again, while one that forgot a voucher cannot

        Raises:
            StorageError: the disk is full or failing, or the file is damaged; nothing was changed.
        """
        with self._lock, self._translated():
            run = self._connection.execute
            run(f"PRAGMA synchronous = {'FULL' if durable and self._durable else 'NORMAL'}")
            run("BEGIN IMMEDIATE")
            try:
                yield run
                run("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    if self._connection.in_transaction:
                        run("ROLLBACK")
                raise

    def close(self) -> None:
        """Let go of the file. A second call does nothing."""
        with self._lock:
            self._connection.close()

    def _set_up(self) -> None:
        run = self._connection.execute
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA fullfsync = ON")
        with self.transaction(durable=True):
            (application,) = run("PRAGMA application_id").fetchone()
            (version,) = run("PRAGMA user_version").fetchone()
            (tables,) = run("SELECT count(*) FROM sqlite_master").fetchone()
            if tables == 0:
                for statement in _TABLES.split(";"):
                    run(statement)
                run(f"PRAGMA application_id = {_APPLICATION_ID}")
                run(f"PRAGMA user_version = {_FORMAT_VERSION}")
            elif (application, version) != (_APPLICATION_ID, _FORMAT_VERSION):
                raise StorageError(
                    f"{self._path} is not a purse of this version",
                    expected=f"format {_FORMAT_VERSION}",
                    got=f"format {version}" if application == _APPLICATION_ID else "another program's database",
                    next_step="Use the version of Worktab that wrote it, or name another file",
                )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError as error:
            raise StateError("the purse is closed", got=str(error), next_step="Open it again") from error
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"the purse {self._path} could not be read or written; nothing was changed",
                got=str(error),
                next_step="Free disk space or repair the disk; a purse that is lost costs no more than its lanes' "
                "unsettled vouchers: close them on chain and start a new one",
            ) from error
