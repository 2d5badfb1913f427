"""Receipts in PostgreSQL, for any number of workers at once.

A batch comes in by COPY and is merged by one statement. Transactions take the locks of devices in the order of their
addresses, so none waits for another in a circle. A connection that breaks is made anew and the transaction repeated:
repeating changes nothing that was done.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import numpy as np

from worktab.core.enrolments import FIRST_ENROLLED_INDEX
from worktab.core.errors import DependencyError, StateError, StorageError
from worktab.ingest.base import Store
from worktab.ingest.copying import Columns
from worktab.ingest.kept import KEPT
from worktab.ingest.merging import Fork, Receipt, Registered
from worktab.ingest.postgres_schema import migrate
from worktab.ingest.rows import Rows
from worktab.ingest.store import Counts
from worktab.ingest.tables import BODY, FORKED, STORED, Tables

try:
    import psycopg
    from psycopg import Connection, IsolationLevel, errors
except ImportError as error:
    raise DependencyError(
        "PostgreSQL needs the package psycopg", next_step='Install it: pip install "worktab[postgres]"'
    ) from error

T = TypeVar("T")

_PATIENCE: Final = 30.0
_PAUSE: Final = 0.2
_CONNECT_SECONDS: Final = 5

_KEPT: Final = Columns(kept=KEPT.itemsize)
_REGISTERED: Final = Columns(device=32, idx=8)
_REGISTRATION: Final = Columns(device=32, idx=8, kept=KEPT.itemsize)
_RECEIPT: Final = Columns(device=32, idx=8, epoch=8, rank=16, arrived=8, body=BODY)
_STORED: Final = Columns(device=32, idx=8, body=BODY)
_FORKED: Final = Columns(device=32, idx=8, first=BODY, second=BODY)

# ON COMMIT DELETE ROWS: each transaction begins with empty ones.
_TEMPORARY: Final = """
CREATE TEMPORARY TABLE batch_registered (device bytea, idx bigint) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE batch_registrations (device bytea, idx bigint, kept bytea) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE batch_receipts (device bytea, idx bigint, epoch bigint, rank bytea, arrived bigint, body bytea)
    ON COMMIT DELETE ROWS;
"""


class PostgresBackend:
    """Connections to one database, as many as transactions run at once."""

    def __init__(self, url: str, *, patience: float = _PATIENCE, sleep: Callable[[float], None] = time.sleep) -> None:
        """Brings the database to the newest version.

        url       as libpq takes it, such as postgresql://user@host/database
        patience  seconds in which a server that is gone is tried again

        Raises `StorageError` where it cannot be reached, or is of a later version.
        """
        self._url, self._patience, self._sleep = url, patience, sleep
        self._idle: list[Connection[Any]] = []
        self._lock, self._closed = threading.Lock(), False
        self._run(lambda connection: migrate(connection))

    def write(self, work: Callable[[Tables], T]) -> T:
        """See `Backend`."""

        def transaction(connection: Connection[Any]) -> T:
            connection.isolation_level = IsolationLevel.READ_COMMITTED
            with connection.transaction():
                return work(PostgresTables(connection))

        return self._run(transaction)

    def read(self, work: Callable[[Tables], T]) -> T:
        """See `Backend`."""

        def transaction(connection: Connection[Any]) -> T:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            with connection.transaction():
                return work(PostgresTables(connection))

        return self._run(transaction)

    def close(self) -> None:
        """See `Backend`."""
        with self._lock:
            self._closed, idle, self._idle = True, self._idle, []
        for connection in idle:
            connection.close()

    def _run(self, transaction: Callable[[Connection[Any]], T]) -> T:
        end = time.monotonic() + self._patience
        while True:
            connection = None
            try:
                connection = self._connection()
                result = transaction(connection)
            except psycopg.Error as error:
                if connection is not None:
                    connection.close()
                # Those left from before would fail as well.
                self._forget_idle()
                if not _may_pass(error) or time.monotonic() >= end:
                    raise StorageError(
                        "The database could not be read or written",
                        got=str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__,
                        next_step="See that the server runs and has room, then try again",
                    ) from error
                self._sleep(_PAUSE)
            except BaseException:
                if connection is not None:
                    connection.close()
                raise
            else:
                self._give_back(connection)
                return result

    def _connection(self) -> Connection[Any]:
        with self._lock:
            if self._closed:
                raise StateError("The store is closed", next_step="Open it again")
            if self._idle:
                return self._idle.pop()
        connection = psycopg.connect(self._url, autocommit=True, connect_timeout=_CONNECT_SECONDS)
        try:
            # What is acknowledged is on the disk, whatever the server's default.
            connection.execute("SET synchronous_commit = on")
            connection.execute("SET client_min_messages = warning")
            connection.execute(_TEMPORARY)
        except BaseException:
            connection.close()
            raise
        return connection

    def _give_back(self, connection: Connection[Any]) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _forget_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            with suppress(psycopg.Error):
                connection.close()


class PostgresTables:
    """The tables within one transaction of a connection."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._run = connection.execute

    def meta(self, name: str) -> bytes | None:
        """See `Tables`."""
        row = self._run("SELECT value FROM worktab_meta WHERE name = %s", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def set_meta(self, name: str, value: bytes) -> None:
        """See `Tables`."""
        self._run(
            "INSERT INTO worktab_meta VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def registrations(self, devices: Sequence[bytes]) -> Rows:
        """See `Tables`."""
        found = self._run(
            "SELECT kept FROM worktab_registrations WHERE device = ANY(%s)", (list(devices),), binary=True
        )
        return np.frombuffer(b"".join(kept for (kept,) in found), KEPT)

    def write_registrations(self, kept: Rows) -> None:
        """See `Tables`."""
        row = kept["row"]
        self._copy_in(
            "COPY batch_registrations FROM STDIN (FORMAT binary)",
            _REGISTRATION.encode(device=row["device"], idx=row["index"].astype(">i8"), kept=kept),
        )
        self._run("""
            INSERT INTO worktab_registrations SELECT * FROM batch_registrations ORDER BY device, idx
            ON CONFLICT (device, idx) DO UPDATE SET kept = excluded.kept
        """)

    def lock(self, registered: Sequence[Registered]) -> None:
        """See `Tables`."""
        devices = np.frombuffer(b"".join(device for device, _ in registered), "u1").reshape(-1, 32)
        indices = np.array([index for _, index in registered], ">i8")
        self._copy_in(
            "COPY batch_registered FROM STDIN (FORMAT binary)", _REGISTERED.encode(device=devices, idx=indices)
        )
        # The rows of registrations stand for their receipts, which may not be there yet.
        self._run("""
            SELECT FROM worktab_registrations JOIN batch_registered USING (device, idx)
            ORDER BY device, idx FOR NO KEY UPDATE OF worktab_registrations
        """)

    def held(self, registered: Sequence[Registered]) -> dict[Registered, dict[int, Receipt]]:
        """See `Tables`. Those that `lock` has locked."""
        found = self._run(
            "SELECT device, idx, epoch, body, arrived FROM worktab_receipts JOIN batch_registered USING (device, idx)",
            binary=True,
        )
        held: dict[Registered, dict[int, Receipt]] = {each: {} for each in registered}
        for device, idx, *row in found:
            held[device, idx][row[0]] = Receipt.of(*row)
        return held

    def forks(self, registered: Sequence[Registered]) -> dict[Registered, Fork]:
        """See `Tables`."""
        if not registered:
            return {}
        devices, indices = map(list, zip(*registered, strict=True))
        found = self._run(
            """
            SELECT device, idx, epoch, first, second FROM worktab_forks
            JOIN unnest(%s::bytea[], %s::bigint[]) AS wanted (device, idx) USING (device, idx)
            """,
            (devices, indices),
            binary=True,
        )
        return {(device, idx): Fork(*rest) for device, idx, *rest in found}

    def write(self, receipts: Sequence[tuple[Registered, Receipt]]) -> None:
        """See `Tables`."""
        if not receipts:
            return
        parts = [(device, each.rank, each.body) for (device, _), each in receipts]
        devices, ranks, bodies = (np.frombuffer(b"".join(part), "u1") for part in zip(*parts, strict=True))
        self._copy_in(
            "COPY batch_receipts FROM STDIN (FORMAT binary)",
            _RECEIPT.encode(
                device=devices,
                idx=np.array([index for (_, index), _ in receipts], ">i8"),
                epoch=np.array([each.epoch for _, each in receipts], ">i8"),
                rank=ranks,
                arrived=np.array([each.arrived for _, each in receipts], ">i8"),
                body=bodies,
            ),
        )
        self._run("""
            INSERT INTO worktab_receipts SELECT * FROM batch_receipts ORDER BY device, idx, epoch
            ON CONFLICT (device, idx, epoch) DO UPDATE
            SET rank = excluded.rank, arrived = excluded.arrived, body = excluded.body
        """)

    def write_forks(self, forks: Sequence[tuple[Registered, Fork]]) -> None:
        """See `Tables`."""
        query = """
            INSERT INTO worktab_forks VALUES (%s, %s, %s, %s, %s) ON CONFLICT (device, idx)
            DO UPDATE SET epoch = excluded.epoch, first = excluded.first, second = excluded.second
        """
        for each, fork in forks:
            self._run(query, (*each, *fork))

    def registrations_after(self, after: bytes, most: int) -> Rows:
        """See `Tables`."""
        query = """
            COPY (SELECT kept FROM worktab_registrations WHERE device > %s ORDER BY device, idx LIMIT %s)
            TO STDOUT (FORMAT binary)
        """
        found = self._copy_out(query, (after, most), _KEPT)
        return np.ascontiguousarray(found["kept"]).view(KEPT).reshape(-1)

    def newest_between(self, after: bytes, last: bytes, epoch: int, before: int) -> Rows:
        """See `Tables`."""
        query = """
            COPY (
                SELECT DISTINCT ON (device, idx) device, idx, body FROM worktab_receipts
                WHERE device > %s AND device <= %s AND epoch <= %s AND arrived < %s ORDER BY device, idx, rank DESC
            ) TO STDOUT (FORMAT binary)
        """
        return _indexed(self._copy_out(query, (after, last, epoch, before), _STORED), STORED)

    def forks_between(self, after: bytes, last: bytes, epoch: int) -> Rows:
        """See `Tables`."""
        query = """
            COPY (
                SELECT device, idx, first, second FROM worktab_forks
                WHERE device > %s AND device <= %s AND epoch <= %s ORDER BY device, idx
            ) TO STDOUT (FORMAT binary)
        """
        return _indexed(self._copy_out(query, (after, last, epoch), _FORKED), FORKED)

    def counts(self) -> Counts:
        """See `Tables`."""
        row = self._run(
            """
            SELECT (SELECT count(*) FROM worktab_registrations WHERE idx < %(first)s),
                (SELECT count(*) FROM worktab_registrations WHERE idx >= %(first)s),
                (SELECT count(*) FROM worktab_receipts), (SELECT count(*) FROM worktab_forks),
                (SELECT max(epoch) FROM worktab_receipts)
            """,
            {"first": FIRST_ENROLLED_INDEX},
        ).fetchone()
        assert row is not None
        return Counts(*row)

    def prune(self, epoch: int) -> int:
        """See `Tables`."""
        query = """
            DELETE FROM worktab_receipts AS old WHERE epoch < %(epoch)s AND EXISTS (
                SELECT FROM worktab_receipts AS later WHERE later.device = old.device AND later.idx = old.idx
                AND later.epoch <= %(epoch)s AND later.rank > old.rank
            )
        """
        return self._run(query, {"epoch": epoch}).rowcount

    def _copy_in(self, statement: str, rows: bytes) -> None:
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(rows)

    def _copy_out(self, query: str, values: tuple[object, ...], columns: Columns) -> Rows:
        with self._connection.cursor() as cursor, cursor.copy(query, values) as copy:
            return columns.decode(b"".join(copy))


class PostgresStore(Store):
    """A `ReceiptStore` in PostgreSQL."""

    def __init__(self, url: str, *, patience: float = _PATIENCE) -> None:
        """See `PostgresBackend`. Raises `StorageError`."""
        super().__init__(PostgresBackend(url, patience=patience))


def _may_pass(error: psycopg.Error) -> bool:
    """Whether the same may work a moment later: the server restarts, or another transaction was in the way."""
    passing = errors.SerializationFailure | errors.DeadlockDetected | errors.AdminShutdown | errors.CrashShutdown
    if isinstance(error, passing | errors.CannotConnectNow | errors.TooManyConnections):
        return True
    # One without a state of its own is of the connection.
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and error.sqlstate is None


def _indexed(found: Rows, dtype: np.dtype[np.void]) -> Rows:
    rows = np.zeros(len(found), dtype)
    for name in dtype.names or ():
        rows[name] = found[name].copy().view(">i8").reshape(-1) if name == "idx" else found[name]
    return rows
