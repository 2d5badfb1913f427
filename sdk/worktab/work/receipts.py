"""Which receipt a spool signs next, and with what time (PROTOCOL sections 2 and 5).

**One state, one receipt.** A receipt is stored before it is handed out and handed out again as long as it can land.
The same jobs are never signed under another head. Signed again are only, with the same seq, units and head: a receipt
whose key the device has changed, and one whose time the chain does not accept.

**Steps.** A receipt may raise the chain's count by 2^32 jobs and 2^48 units at most. After a long time off line the
newest state can be further away: then the newest entry within reach is signed, and once that has landed the next.
A single record of over 2^48 units could never be claimed, so the spool does not take it. An ingest takes a step of any
size, since the rewards that are made from its receipts are capped by the epochs they are for: there the newest state of
all is signed.

**Time.** A receipt's time is the device's clock, but never below the time of one signed before: a clock set back
signs the old time. Where the caller knows the chain's time, a clock that is off by more than `CLOCK_TOLERANCE`
seconds either way is not believed, and the chain's time is used. Off line nothing shows that a clock is ahead, so the
receipt takes its word; when the chain's time is known again such a receipt, which the chain would refuse for as long
as the clock was ahead, stops counting and the same state is signed with the right time; so does one dated before the
last receipt on chain. So a wrong clock never blocks a claim for longer than the device is off line, and a node that
lies about the chain's time for no longer than it is asked. Each correction shows in `SignedReceipt.clock_correction`.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from worktab.core.errors import StateError, VerificationError
from worktab.core.keys import Signer
from worktab.core.messages import Message
from worktab.work.history import MAX_SEQ, MAX_UNITS, ChainState, SignedReceipt
from worktab.work.tables import (
    landed_state,
    newest_state,
    newest_state_within,
    read_meta,
    state_at,
    write_landed,
    write_meta,
)

MAX_SEQ_STEP: Final = 1 << 32
"""Most jobs by which one receipt may raise the chain's count (PROTOCOL section 5)."""

MAX_UNITS_STEP: Final = 1 << 48
"""Most work units by which one receipt may raise the chain's total (PROTOCOL section 5)."""

CLOCK_TOLERANCE: Final = 300
"""Seconds by which a receipt may be ahead of the chain's clock (PROTOCOL section 5)."""

_ADOPT: Final = (
    "Make sure that no other copy of the device is running, then adopt what is held there (worktab device adopt)"
)


def bind_context(connection: sqlite3.Connection, context: bytes, start: ChainState) -> None:
    """Ties the spool to one registration of the device, at the first receipt; refuses every other one.

    A device that registers again starts at zero on chain: under the new context its old jobs would be paid again. A
    copy restored from before its first receipt, or one that adopted the chain's state, may have seen jobs on chain
    without having signed for them: where the chain starts below those, it is not the registration that they are of.
    """
    bound = read_meta(connection, "context")
    landed = landed_state(connection)
    if bound is None and start.seq < landed.seq:
        raise StateError(
            "the chain shows fewer jobs of this device than it did before, when it may have been registered otherwise",
            expected=f"job {landed.seq} or a later one",
            got=f"job {start.seq}",
            next_step="Ask another node, this one may lag; for a device that was registered again, open a new spool",
        )
    if bound is None:
        write_meta(connection, "context", context)
    elif bound != context:
        raise StateError(
            "these jobs belong to another registration of the device",
            expected=f"receipt context {bound.hex()}",
            got=context.hex(),
            next_step="Open a new spool for the new registration; jobs of the old one cannot be claimed under it",
        )


def confirm(connection: sqlite3.Connection, chain: ChainState) -> None:
    """Compares what the chain holds with this history, and remembers it as landed."""
    if compare(connection, chain, "the chain") and chain.seq > landed_state(connection).seq:
        write_landed(connection, chain)


def compare(connection: sqlite3.Connection, held: ChainState, where: str) -> bool:
    """Whether a state that is held elsewhere is one of this history's; raises where it shows another history.

    A state older than anything held here is let pass: a lagging node may show it.
    """
    newest = newest_state(connection)
    if held.seq > newest.seq:
        raise StateError(
            f"{where} knows jobs of this device that this spool does not hold: it was restored from an old backup, "
            "or the key is in use elsewhere",
            expected=f"at most job {newest.seq}",
            got=f"job {held.seq}",
            next_step=_ADOPT,
        )
    ours = state_at(connection, held.seq)
    if ours is not None and ours != held:
        raise StateError(
            f"{where} holds another history of this device at job {held.seq}",
            expected=f"{ours.units} units, head {ours.head.hex()}",
            got=f"{held.units} units, head {held.head.hex()}",
            next_step=_ADOPT,
        )
    return ours is not None


def choose_receipt(
    connection: sqlite3.Connection,
    signer: Signer,
    context: bytes,
    now: int,
    landed: ChainState | None,
    chain_time: int | None,
    last_time: int | None,
) -> SignedReceipt:
    """The receipt for the newest state within reach of `landed`: the stored one while it can land, else a new one."""
    start = landed if landed is not None else landed_state(connection)
    bind_context(connection, context, start)
    state = newest_state_within(
        connection, min(start.seq + MAX_SEQ_STEP, MAX_SEQ), min(start.units + MAX_UNITS_STEP, MAX_UNITS)
    )
    if state is None or state.seq <= start.seq:
        raise _nothing_new(start)
    _drop_refused(connection, start.seq, chain_time, last_time)
    return _receipt_for(connection, signer, context, state, now, chain_time, last_time)


def newest_receipt(
    connection: sqlite3.Connection,
    signer: Signer,
    context: bytes,
    now: int,
    known: ChainState,
    their_time: int | None,
    last_time: int | None,
) -> SignedReceipt:
    """The receipt for the newest state of all; see `Spool.sign_newest`."""
    bind_context(connection, context, known)
    state = newest_state(connection)
    if state.seq == 0:
        raise _nothing_new(state)
    _drop_refused(connection, state.seq - 1, None, last_time)
    # Also one that landed: who took it with a time ahead of the others' is no measure for them.
    _drop_refused(connection, 0, their_time, None)
    return _receipt_for(connection, signer, context, state, now, their_time, last_time)


def _nothing_new(start: ChainState) -> StateError:
    return StateError(
        "there is nothing new to claim",
        expected=f"jobs after job {start.seq}",
        next_step="Record a job first",
    )


def _receipt_for(
    connection: sqlite3.Connection,
    signer: Signer,
    context: bytes,
    state: ChainState,
    now: int,
    chain_time: int | None,
    last_time: int | None,
) -> SignedReceipt:
    stored = stored_receipt(connection, state.seq)
    if stored is not None and signer.public.verify(stored.message.encode(), stored.signature):
        return stored
    time = receipt_time(connection, now, chain_time, last_time)
    message = Message.receipt(context, state.seq, state.units, time, state.head)
    signature = signer.sign(message.encode())
    if not signer.public.verify(message.encode(), signature):
        raise VerificationError(
            "the device's key gave a signature that does not hold; it was not stored",
            next_step="Check the secure element or TPM; P-256 signatures must be r and s with the low S",
        )
    receipt = SignedReceipt(message, signature, time - now)
    connection.execute(
        "INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?, ?)",
        (state.seq, time, message.encode(), signature, receipt.clock_correction),
    )
    return receipt


def _drop_refused(
    connection: sqlite3.Connection, landed_seq: int, chain_time: int | None, last_time: int | None
) -> None:
    """Forgets the receipts that the chain refuses for their time, except the one that did land."""
    if last_time is not None:
        connection.execute("DELETE FROM receipts WHERE time < ? AND seq > ?", (last_time, landed_seq))
    if chain_time is not None:
        connection.execute(
            "DELETE FROM receipts WHERE time > ? AND seq <> ?", (chain_time + CLOCK_TOLERANCE, landed_seq)
        )


def receipt_time(connection: sqlite3.Connection, now: int, chain_time: int | None, last_time: int | None) -> int:
    """The time that the next receipt carries, in Unix seconds; see the module's text."""
    time = now
    if chain_time is not None and abs(now - chain_time) > CLOCK_TOLERANCE:
        time = chain_time
    (signed,) = connection.execute("SELECT max(time) FROM receipts").fetchone()
    # What the spool remembers may be a lie of another node's; what the chain holds is all that counts.
    return max(time, signed or 0, time_floor(connection) if last_time is None else last_time)


def time_floor(connection: sqlite3.Connection) -> int:
    """The latest time that a receipt no longer held here carried, in Unix seconds."""
    value = read_meta(connection, "time_floor")
    return 0 if value is None else int.from_bytes(value, "big")


def raise_time_floor(connection: sqlite3.Connection, time: int) -> None:
    """Remembers a time below which no later receipt may be dated."""
    write_meta(connection, "time_floor", max(time, time_floor(connection)).to_bytes(8, "big"))


def stored_receipt(connection: sqlite3.Connection, seq: int) -> SignedReceipt | None:
    """The receipt signed for job number `seq`, if there is one."""
    row = connection.execute(
        "SELECT message, signature, clock_correction FROM receipts WHERE seq = ?", (seq,)
    ).fetchone()
    return None if row is None else SignedReceipt(Message.decode(row[0]), row[1], row[2])


def newest_pending(connection: sqlite3.Connection) -> SignedReceipt | None:
    """The newest receipt above what is known to have landed, if there is one."""
    row = connection.execute("SELECT max(seq) FROM receipts WHERE seq > ?", (landed_state(connection).seq,)).fetchone()
    return None if row[0] is None else stored_receipt(connection, row[0])
