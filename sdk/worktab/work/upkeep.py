"""What changes a spool's history as a whole: adopting the chain's state and pruning."""

from __future__ import annotations

import sqlite3

from worktab.core.errors import StateError
from worktab.work import receipts, tables
from worktab.work.history import ChainState


def adopt(connection: sqlite3.Connection, chain: ChainState, last_time: int) -> int:
    """Continues from `chain`, setting the entries held aside; see `Spool.adopt`. Returns how many were."""
    if tables.state_at(connection, chain.seq) == chain:
        receipts.confirm(connection, chain)
        return 0
    base = tables.base_state(connection)
    if chain.seq <= base.seq:
        raise StateError(
            "the chain's state is older than what this spool continues from",
            expected=f"above job {base.seq}",
            got=f"job {chain.seq}",
            next_step="Ask another node; this one may lag behind",
        )
    columns = tables.ENTRY_COLUMNS
    moved = connection.execute(
        f"INSERT INTO set_aside ({columns}) SELECT {columns} FROM entries ORDER BY seq"  # noqa: S608
    ).rowcount
    connection.execute("DELETE FROM entries")
    connection.execute("DELETE FROM receipts")
    connection.execute("UPDATE jobs SET seq = NULL")
    receipts.raise_time_floor(connection, last_time)
    tables.write_base(connection, chain)
    tables.write_landed(connection, chain)
    return moved


def prune(connection: sqlite3.Connection, before_seq: int) -> int:
    """Drops the landed entries and receipts below `before_seq`; see `Spool.prune`. Returns how many entries."""
    landed = tables.landed_state(connection)
    if before_seq - 1 <= tables.base_state(connection).seq:
        return 0
    last = tables.state_at(connection, before_seq - 1)
    if last is None or last.seq > landed.seq:
        raise StateError(
            "jobs that are not known to be on chain cannot be dropped",
            expected=f"at most {landed.seq + 1}",
            got=str(before_seq),
            next_step="Submit the pending receipt first",
        )
    # Older receipts may carry the time of a clock that was wrong; this one the chain has accepted.
    newest = receipts.stored_receipt(connection, landed.seq)
    if newest is not None:
        receipts.raise_time_floor(connection, newest.message.time)
    connection.execute("DELETE FROM receipts WHERE seq < ?", (before_seq,))
    connection.execute("UPDATE jobs SET seq = NULL WHERE seq < ?", (before_seq,))
    tables.write_base(connection, last)
    return connection.execute("DELETE FROM entries WHERE seq < ?", (before_seq,)).rowcount
