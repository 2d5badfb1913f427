"""Receipts in one SQLite file.

Write-ahead mode with full sync: when a call returns, what it wrote is on the disk. One writer at a time, in one process
or in several; readers never wait.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from worktab.chain.durable import create_private
from worktab.core.enrolments import FIRST_ENROLLED_INDEX
from worktab.core.errors import StateError, StorageError, WorktabError
from worktab.ingest.base import Store
from worktab.ingest.kept import KEPT
from worktab.ingest.merging import Fork, Receipt, Registered
from worktab.ingest.rows import Rows
from worktab.ingest.store import Counts
from worktab.ingest.tables import FORKED, STORED, Tables

T = TypeVar("T")

APPLICATION_ID: Final = int.from_bytes(b"WTBI")

# A rank is `Receipt.rank`; SQLite has no u64, and these bytes compare in the right order.
MIGRATIONS: Final = (
    """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE registrations (
    device BLOB NOT NULL CHECK (length(device) = 32),
    idx INTEGER NOT NULL,
    kept BLOB NOT NULL CHECK (length(kept) = 401),
    PRIMARY KEY (device, idx)
) WITHOUT ROWID;
CREATE TABLE receipts (
    device BLOB NOT NULL CHECK (length(device) = 32),
    idx INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    rank BLOB NOT NULL CHECK (length(rank) = 16),
    arrived INTEGER NOT NULL,
    body BLOB NOT NULL CHECK (length(body) = 168),
    PRIMARY KEY (device, idx, epoch)
) WITHOUT ROWID;
CREATE TABLE forks (
    device BLOB NOT NULL CHECK (length(device) = 32),
    idx INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    first BLOB NOT NULL CHECK (length(first) = 168),
    second BLOB NOT NULL CHECK (length(second) = 168),
    PRIMARY KEY (device, idx)
) WITHOUT ROWID;
""",
)
"""The SQL that brings a file from each version to the next."""

_WAIT_SECONDS: Final = 30.0


class SqliteBackend:
    """One file; made where it is missing, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        """Raises `StorageError` where the file cannot be opened, is damaged, or is of another kind or version."""
        self.path = path
        self._lock = threading.Lock()
        try:
            create_private(path)
        except OSError as error:
            raise StorageError(f"The store {path} cannot be made", got=str(error)) from error
        with self._translated():
            self._writer = _connect(path)
            try:
                self._set_up()
            except BaseException:
                self._writer.close()
                raise

    def write(self, work: Callable[[Tables], T]) -> T:
        """See `Backend`."""
        with self._lock, self._translated(), _transaction(self._writer, "IMMEDIATE"):
            return work(SqliteTables(self._writer))

    def read(self, work: Callable[[Tables], T]) -> T:
        """See `Backend`."""
        with self._translated(), closing(_connect(self.path)) as reader, _transaction(reader, "DEFERRED"):
            return work(SqliteTables(reader))

    def close(self) -> None:
        """See `Backend`."""
        with self._lock:
            self._writer.close()

    def _set_up(self) -> None:
        run = self._writer.execute
        run("PRAGMA journal_mode = WAL")
        with _transaction(self._writer, "IMMEDIATE"):
            (application,) = run("PRAGMA application_id").fetchone()
            (version,) = run("PRAGMA user_version").fetchone()
            (tables,) = run("SELECT count(*) FROM sqlite_master").fetchone()
            if tables and (application != APPLICATION_ID or version > len(MIGRATIONS)):
                raise StorageError(
                    f"{self.path} is not a store of this version",
                    expected=f"at most format {len(MIGRATIONS)}",
                    got=f"format {version}" if application == APPLICATION_ID else "another program's database",
                    next_step="Use the version of Worktab that wrote it, or name another file",
                )
            for migration in MIGRATIONS[version:]:
                for statement in migration.split(";"):
                    run(statement)
            run(f"PRAGMA application_id = {APPLICATION_ID}")
            run(f"PRAGMA user_version = {len(MIGRATIONS)}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._translate(error) from error

    def _translate(self, error: sqlite3.Error) -> WorktabError:
        name = getattr(error, "sqlite_errorname", "")
        if isinstance(error, sqlite3.ProgrammingError):
            return StateError("The store is closed", got=str(error), next_step="Open it again")
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return StorageError(
                f"The store {self.path} is damaged",
                got=str(error),
                next_step="Move the file away and pull everything from another ingest (worktab ingest sync)",
            )
        return StorageError(
            f"The store {self.path} could not be read or written; nothing was changed",
            got=f"{error} ({name})" if name else str(error),
            next_step="Free disk space or repair the disk, then try again",
        )


class SqliteTables:
    """The tables within one transaction of a connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._run, self._run_many = connection.execute, connection.executemany

    def meta(self, name: str) -> bytes | None:
        """See `Tables`."""
        row = self._run("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def set_meta(self, name: str, value: bytes) -> None:
        """See `Tables`."""
        self._run("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def registrations(self, devices: Sequence[bytes]) -> Rows:
        """See `Tables`."""
        query = "SELECT kept FROM registrations WHERE device = ?"
        return _array((kept for each in devices for (kept,) in self._run(query, (each,))), KEPT)

    def write_registrations(self, kept: Rows) -> None:
        """See `Tables`."""
        rows = ((row["device"].tobytes(), int(row["index"]), each.tobytes()) for each in kept if (row := each["row"]))
        self._run_many("INSERT OR REPLACE INTO registrations VALUES (?, ?, ?)", rows)

    def lock(self, registered: Sequence[Registered]) -> None:
        """See `Tables`. There is one writer."""

    def held(self, registered: Sequence[Registered]) -> dict[Registered, dict[int, Receipt]]:
        """See `Tables`."""
        query = "SELECT epoch, body, arrived FROM receipts WHERE device = ? AND idx = ?"
        return {each: {row[0]: Receipt.of(*row) for row in self._run(query, each)} for each in registered}

    def forks(self, registered: Sequence[Registered]) -> dict[Registered, Fork]:
        """See `Tables`."""
        query = "SELECT epoch, first, second FROM forks WHERE device = ? AND idx = ?"
        return {each: Fork(*row) for each in registered for row in self._run(query, each)}

    def write(self, receipts: Sequence[tuple[Registered, Receipt]]) -> None:
        """See `Tables`."""
        rows = ((*each, receipt.epoch, receipt.rank, receipt.arrived, receipt.body) for each, receipt in receipts)
        self._run_many("INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?, ?, ?)", rows)

    def write_forks(self, forks: Sequence[tuple[Registered, Fork]]) -> None:
        """See `Tables`."""
        self._run_many("INSERT OR REPLACE INTO forks VALUES (?, ?, ?, ?, ?)", ((*each, *fork) for each, fork in forks))

    def registrations_after(self, after: bytes, most: int) -> Rows:
        """See `Tables`."""
        query = "SELECT kept FROM registrations WHERE device > ? ORDER BY device, idx LIMIT ?"
        return _array((kept for (kept,) in self._run(query, (after, most))), KEPT)

    def newest_between(self, after: bytes, last: bytes, epoch: int, before: int) -> Rows:
        """See `Tables`."""
        # SQLite takes the other columns from the row that has the largest rank.
        query = """
            SELECT device, idx, body, max(rank) FROM receipts
            WHERE device > ? AND device <= ? AND epoch <= ? AND arrived < ? GROUP BY device, idx
        """
        found = self._run(query, (after, last, epoch, before))
        return _array((device + _u32(idx) + body for device, idx, body, _ in found), STORED)

    def forks_between(self, after: bytes, last: bytes, epoch: int) -> Rows:
        """See `Tables`."""
        query = """
            SELECT device, idx, first, second FROM forks WHERE device > ? AND device <= ? AND epoch <= ?
            ORDER BY device, idx
        """
        found = self._run(query, (after, last, epoch))
        return _array((device + _u32(idx) + first + second for device, idx, first, second in found), FORKED)

    def counts(self) -> Counts:
        """See `Tables`."""
        (registered,) = self._run(
            "SELECT count(*) FROM registrations WHERE idx < ?", (FIRST_ENROLLED_INDEX,)
        ).fetchone()
        (enrolled,) = self._run("SELECT count(*) FROM registrations WHERE idx >= ?", (FIRST_ENROLLED_INDEX,)).fetchone()
        receipts, newest = self._run("SELECT count(*), max(epoch) FROM receipts").fetchone()
        (forks,) = self._run("SELECT count(*) FROM forks").fetchone()
        return Counts(registered, enrolled, receipts, forks, newest)

    def prune(self, epoch: int) -> int:
        """See `Tables`."""
        query = """
            DELETE FROM receipts WHERE epoch < ? AND EXISTS (
                SELECT 1 FROM receipts AS later WHERE later.device = receipts.device AND later.idx = receipts.idx
                AND later.epoch <= ? AND later.rank > receipts.rank
            )
        """
        return self._run(query, (epoch, epoch)).rowcount


class SqliteStore(Store):
    """A `ReceiptStore` in one SQLite file."""

    def __init__(self, path: Path) -> None:
        """Opens the file, making it and its folder where they are missing. Raises `StorageError`."""
        super().__init__(SqliteBackend(path))


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")
    # Where a plain fsync stops at the drive's cache (macOS); no effect elsewhere.
    connection.execute("PRAGMA fullfsync = ON")
    connection.execute("PRAGMA checkpoint_fullfsync = ON")
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection, kind: str) -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has already rolled back after some errors; a failing rollback must not hide the cause.
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise


def _array(parts: Iterable[bytes], dtype: np.dtype[np.void]) -> Rows:
    return np.frombuffer(b"".join(parts), dtype)


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "little")
