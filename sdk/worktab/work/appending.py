"""Recording one job: what is refused, when a job counts as already recorded, what is stored (PROTOCOL section 3)."""

from __future__ import annotations

import sqlite3
from typing import Final

from worktab.core.errors import InputError, StateError
from worktab.core.records import JobRecord, next_head, record_hash
from worktab.work import tables
from worktab.work.history import MAX_SEQ, MAX_UNITS, Entry
from worktab.work.receipts import MAX_UNITS_STEP

MAX_JOB_ID: Final = 64
"""Longest job id in bytes."""


def check(record: JobRecord, job_id: bytes | None) -> None:
    """Refuses a record that could never be claimed, and an id that is no id; see `Spool.append`."""
    if record.units == 0:
        raise InputError(
            "a record without units cannot be claimed: a receipt's units must rise",
            expected="1 or more units",
            got="0",
            next_step="Record several small jobs as one, or use a finer meter",
        )
    if record.units > MAX_UNITS_STEP:
        raise InputError(
            "a record of so many units could never be claimed",
            expected=f"at most 2^48 ({MAX_UNITS_STEP}) units",
            got=str(record.units),
            next_step="Split the job",
        )
    if job_id is not None and not (isinstance(job_id, bytes) and 1 <= len(job_id) <= MAX_JOB_ID):
        raise InputError("job id has the wrong form", expected="1 to 64 bytes", got=repr(job_id))


def append(connection: sqlite3.Connection, record: JobRecord, salt: bytes, job_id: bytes | None) -> Entry:
    """The entry recorded under `job_id` before, or else the record's new entry, stored; see `Spool.append`."""
    if job_id is not None and (known := find(connection, job_id)) is not None:
        if _identity(known.record) != _identity(record):
            raise StateError(
                f"job id {job_id.hex()} is already used by another job (number {known.seq})",
                next_step="Give every job an id of its own",
            )
        return known
    last = tables.newest_state(connection)
    if last.seq >= MAX_SEQ or record.units > MAX_UNITS - last.units:
        raise InputError(
            "the device's lifetime total is full",
            expected=f"at most {MAX_UNITS - last.units} more units and job {MAX_SEQ}",
            got=f"{record.units} units, job {last.seq + 1}",
            next_step="Retire this device and register it again",
        )
    hashed = record_hash(salt, record)
    entry = Entry(last.seq + 1, last.units + record.units, next_head(last.head, hashed), hashed, record, salt)
    tables.insert_entry(connection, entry)
    if job_id is not None:
        connection.execute("INSERT INTO jobs VALUES (?, ?)", (job_id, entry.seq))
    return entry


def find(connection: sqlite3.Connection, job_id: bytes) -> Entry | None:
    """The entry recorded under `job_id`, or None when the id is new; see `Spool.find`."""
    row = connection.execute("SELECT seq FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
    if row is None:
        return None
    entry = None if row[0] is None else tables.entry_at(connection, row[0])
    if entry is None:
        raise StateError(
            f"job {job_id.hex()} was recorded before, and its entry is no longer here",
            next_step="It has been counted; do not record it again",
        )
    return entry


def _identity(record: JobRecord) -> tuple[object, ...]:
    """What stays the same when a job is run again."""
    return record.meter, record.work_class, record.module, record.input, record.tab
