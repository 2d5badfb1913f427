"""A durable SQLite file, such as the spool's: its tables, its lock, its transactions, its errors in our words.

One process at a time. SQLite's exclusive locking mode holds the operating system's lock on the file from opening to
closing, and a kill -9 releases it. (Never open the file by other means inside the same process: closing it would drop
the lock; back it up while it is closed.) A process that was forked off with the file open is refused.

Every change is one transaction, in write-ahead mode with full sync: when a call returns, its change is on the disk;
when it raises, nothing changed. One that asks for less survives the end of the process as well, and the end of the
machine once the next change has returned.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from worktab.chain.durable import create_private
from worktab.core.errors import StateError, StorageError, WorktabError

APPLICATION_ID: Final = int.from_bytes(b"WTB1")
FORMAT_VERSION: Final = 1

# units are 8 bytes, big-endian: SQLite has no u64, and these compare in the right order.
# A job's seq is NULL once its entry is no longer here (pruned or set aside); its id still counts as used.
_TABLES: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    record BLOB NOT NULL CHECK (length(record) = 168),
    salt BLOB NOT NULL CHECK (length(salt) = 32),
    record_hash BLOB NOT NULL CHECK (length(record_hash) = 32),
    units_total BLOB NOT NULL CHECK (length(units_total) = 8),
    head BLOB NOT NULL CHECK (length(head) = 32)
);
CREATE TABLE jobs (job_id BLOB PRIMARY KEY, seq INTEGER) WITHOUT ROWID;
CREATE TABLE receipts (
    seq INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    message BLOB NOT NULL CHECK (length(message) = 104),
    signature BLOB NOT NULL CHECK (length(signature) = 64),
    clock_correction INTEGER NOT NULL
);
CREATE TABLE set_aside (
    id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    record BLOB NOT NULL,
    salt BLOB NOT NULL,
    record_hash BLOB NOT NULL,
    units_total BLOB NOT NULL,
    head BLOB NOT NULL
);
CREATE TABLE sent (
    id INTEGER PRIMARY KEY,
    signature TEXT NOT NULL UNIQUE,
    label TEXT NOT NULL,
    last_valid_block_height INTEGER NOT NULL,
    raw BLOB NOT NULL,
    outcome TEXT
);
"""

_CHECKPOINT_PAGES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Form:
    """What a file holds.

    name            what to call the file in errors
    tables          the SQL that makes its tables
    version         raised with every change of the tables
    application_id  tells this kind of file from every other, in 4 bytes
    damaged         what to do when the file is damaged
    """

    name: str
    tables: str
    version: int
    application_id: int
    damaged: str


SPOOL: Final = Form(
    "spool",
    _TABLES,
    FORMAT_VERSION,
    APPLICATION_ID,
    "Move the file away, open a new spool and adopt the chain's state (worktab device adopt)",
)


class Database:
    """One file, held exclusively; safe to share between the threads of one process."""

    def __init__(self, path: Path, form: Form = SPOOL) -> None:
        """Opens the file, creating it (readable by its owner alone) and its folders where they are missing.

        Raises:
            StateError: another process, or another opening in this one, holds the file.
            StorageError: the file cannot be opened, is damaged, or is not of this form and version.
        """
        self.path = path
        self.form = form
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._synced = True
        try:
            # Salts are secrets.
            create_private(path)
        except OSError as error:
            raise StorageError(f"cannot create the {form.name} {path}", got=str(error)) from error
        with self._translated():
            self._connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
            try:
                self._set_up()
            except BaseException:
                self._connection.close()
                raise

    def _set_up(self) -> None:
        run = self._connection.execute
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        # Where a plain fsync stops at the drive's cache (macOS); no effect elsewhere.
        run("PRAGMA fullfsync = ON")
        run("PRAGMA checkpoint_fullfsync = ON")
        with self.transaction() as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if tables == 0:
                for statement in self.form.tables.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {self.form.application_id}")
                connection.execute(f"PRAGMA user_version = {self.form.version}")
            elif (application, version) != (self.form.application_id, self.form.version):
                raise StorageError(
                    f"{self.path} is not a {self.form.name} of this version",
                    expected=f"format {self.form.version}",
                    got=f"format {version}"
                    if application == self.form.application_id
                    else "another program's database",
                    next_step="Use the version of Worktab that wrote it, or name another file",
                )

    @contextmanager
    def transaction(self, *, synced: bool = True) -> Iterator[sqlite3.Connection]:
        """One transaction: committed and on the disk when the block ends, undone when it raises.

        Without `synced` it is on the disk only with the next one that is: a power cut may undo it, a kill may not. It
        then never waits for the disk.

        Raises:
            StorageError: the disk is full or failing, or the file is damaged; nothing was changed.
            StateError: the file is closed, or this is a forked copy of the process that opened it.
        """
        with self._lock:
            if os.getpid() != self._process:
                raise StateError(
                    f"the {self.form.name} was opened before this process was forked",
                    next_step="Open it in the process that uses it",
                )
            with self._translated():
                if synced is not self._synced:
                    self._connection.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
                    self._connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES if synced else 0}")
                    self._synced = synced
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    # SQLite has already rolled back after some errors; a failing rollback must not hide the cause.
                    with suppress(sqlite3.Error):
                        if self._connection.in_transaction:
                            self._connection.execute("ROLLBACK")
                    raise

    def close(self) -> None:
        """Releases the file. Closing twice is fine; a forked copy leaves its parent's file alone."""
        if os.getpid() == self._process:
            with self._lock:
                self._connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._translate(error) from error

    def _translate(self, error: sqlite3.Error) -> WorktabError:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return StateError(
                f"the {self.form.name} {self.path} is in use",
                next_step="One process at a time may hold it: stop the other one, or ask it",
            )
        if isinstance(error, sqlite3.ProgrammingError):
            return StateError(f"the {self.form.name} is closed", got=str(error), next_step="Open it again")
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return StorageError(
                f"the {self.form.name} {self.path} is damaged",
                got=str(error),
                next_step=self.form.damaged,
            )
        return StorageError(
            f"the {self.form.name} {self.path} could not be read or written; nothing was changed",
            got=f"{error} ({name})" if name else str(error),
            next_step="Free disk space or repair the disk, then repeat the call (append: with the same job id)",
        )
