"""Rows of the spool's tables as values, and the few queries that several modules share."""

from __future__ import annotations

import sqlite3
import struct
from typing import Final

from worktab.core.records import JobRecord
from worktab.work.history import START, ChainState, Entry

ENTRY_COLUMNS: Final = "seq, units_total, head, record_hash, record, salt"
_STATE = struct.Struct("<QQ32s")

EntryRow = tuple[int, bytes, bytes, bytes, bytes, bytes]


def units_to_blob(units: int) -> bytes:
    """A u64 as it is stored: 8 bytes, big-endian, so that SQLite orders it as a number."""
    return units.to_bytes(8, "big")


def entry_from_row(row: EntryRow) -> Entry:
    """The entry in a row of `ENTRY_COLUMNS`."""
    seq, units_total, head, record_hash, record, salt = row
    return Entry(seq, int.from_bytes(units_total, "big"), head, record_hash, JobRecord.decode(record), salt)


def insert_entry(connection: sqlite3.Connection, entry: Entry) -> None:
    """Stores an entry."""
    connection.execute(
        f"INSERT INTO entries ({ENTRY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            entry.seq,
            units_to_blob(entry.units_total),
            entry.head,
            entry.record_hash,
            entry.record.encode(),
            entry.salt,
        ),
    )


def entry_at(connection: sqlite3.Connection, seq: int) -> Entry | None:
    """The entry of job number `seq`, or None where it is not held."""
    row = connection.execute(f"SELECT {ENTRY_COLUMNS} FROM entries WHERE seq = ?", (seq,)).fetchone()  # noqa: S608
    return None if row is None else entry_from_row(row)


def newest_state(connection: sqlite3.Connection) -> ChainState:
    """The chain's state after the newest job."""
    row = connection.execute("SELECT seq, units_total, head FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
    return base_state(connection) if row is None else _state_from_row(row)


def state_at(connection: sqlite3.Connection, seq: int) -> ChainState | None:
    """The chain's state after job number `seq`, or None where it is not held."""
    row = connection.execute("SELECT seq, units_total, head FROM entries WHERE seq = ?", (seq,)).fetchone()
    if row is not None:
        return _state_from_row(row)
    base = base_state(connection)
    return base if base.seq == seq else None


def newest_state_within(connection: sqlite3.Connection, seq: int, units: int) -> ChainState | None:
    """The newest held state whose seq and units are at most these."""
    row = connection.execute(
        "SELECT seq, units_total, head FROM entries WHERE seq <= ? AND units_total <= ? ORDER BY seq DESC LIMIT 1",
        (seq, units_to_blob(units)),
    ).fetchone()
    return None if row is None else _state_from_row(row)


def _state_from_row(row: tuple[int, bytes, bytes]) -> ChainState:
    return ChainState(row[0], int.from_bytes(row[1], "big"), row[2])


def base_state(connection: sqlite3.Connection) -> ChainState:
    """The state just before the oldest entry held."""
    return _read_state(connection, "base")


def landed_state(connection: sqlite3.Connection) -> ChainState:
    """The newest state known to be on chain."""
    return _read_state(connection, "landed")


def write_base(connection: sqlite3.Connection, state: ChainState) -> None:
    """Remembers the state just before the oldest entry held."""
    write_meta(connection, "base", _STATE.pack(state.seq, state.units, state.head))


def write_landed(connection: sqlite3.Connection, state: ChainState) -> None:
    """Remembers the newest state known to be on chain."""
    write_meta(connection, "landed", _STATE.pack(state.seq, state.units, state.head))


def _read_state(connection: sqlite3.Connection, name: str) -> ChainState:
    value = read_meta(connection, name)
    return START if value is None else ChainState(*_STATE.unpack(value))


def read_meta(connection: sqlite3.Connection, name: str) -> bytes | None:
    """A stored fact about the spool."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None else bytes(row[0])


def write_meta(connection: sqlite3.Connection, name: str, value: bytes) -> None:
    """Stores a fact about the spool."""
    connection.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
    )
