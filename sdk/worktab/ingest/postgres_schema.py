"""The tables in PostgreSQL, and how they come to their newest version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from worktab.core.errors import StorageError

if TYPE_CHECKING:
    from psycopg import Connection

PARTITIONS: Final = 16
"""Parts of every large table, by hash of the device."""

_LOCK: Final = int.from_bytes(b"WTBI")

_TABLES: Final = """
CREATE TABLE worktab_meta (name text PRIMARY KEY, value bytea NOT NULL);

CREATE TABLE worktab_registrations (
    device bytea NOT NULL CHECK (length(device) = 32),
    idx bigint NOT NULL,
    kept bytea NOT NULL CHECK (length(kept) = 401),
    PRIMARY KEY (device, idx)
) PARTITION BY HASH (device);

CREATE TABLE worktab_receipts (
    device bytea NOT NULL CHECK (length(device) = 32),
    idx bigint NOT NULL,
    epoch bigint NOT NULL,
    rank bytea NOT NULL CHECK (length(rank) = 16),
    arrived bigint NOT NULL,
    body bytea NOT NULL CHECK (length(body) = 168),
    PRIMARY KEY (device, idx, epoch)
) PARTITION BY HASH (device);

CREATE TABLE worktab_forks (
    device bytea NOT NULL CHECK (length(device) = 32),
    idx bigint NOT NULL,
    epoch bigint NOT NULL,
    first bytea NOT NULL CHECK (length(first) = 168),
    second bytea NOT NULL CHECK (length(second) = 168),
    PRIMARY KEY (device, idx)
);
"""

# A newer receipt takes the old one's place: room on the page spares the index.
_PARTITIONS: Final = "\n".join(
    f"CREATE TABLE worktab_{name}_{part:02} PARTITION OF worktab_{name} "
    f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {part}) WITH (fillfactor = {fill});"
    for name, fill in (("registrations", 90), ("receipts", 80))
    for part in range(PARTITIONS)
)

MIGRATIONS: Final = (_TABLES + _PARTITIONS,)
"""The SQL that brings a database from each version to the next."""


def migrate(connection: Connection[Any]) -> None:
    """Bring the database to the newest version, once, however many workers start together.

    Raises `StorageError` for a database of a later version.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute("CREATE TABLE IF NOT EXISTS worktab_schema (version integer NOT NULL)")
        row = connection.execute("SELECT max(version) FROM worktab_schema").fetchone()
        version = (row and row[0]) or 0
        if version > len(MIGRATIONS):
            raise StorageError(
                "The database is of a later version",
                expected=f"at most {len(MIGRATIONS)}",
                got=str(version),
                next_step="Use the version of Worktab that made it",
            )
        for migration in MIGRATIONS[version:]:
            connection.execute(migration)
        if version < len(MIGRATIONS):
            connection.execute("INSERT INTO worktab_schema VALUES (%s)", (len(MIGRATIONS),))
