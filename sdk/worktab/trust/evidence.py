"""From a chain of records and what the device signed to what opens a dispute.

A record is shown by its hash, the chain head before it, and the hashes of the records after it, up to a head that the
device signed: the one on chain, or that of a receipt by its present key. All of it must fit one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import Final

from worktab.core.records import next_head, record_hash
from worktab.roles.accusations import DisputeEvidence
from worktab.roles.reading import DeviceView
from worktab.trust.errors import NotShownSigned, RecordNotHeld, TooFarFromReceipt
from worktab.trust.receipts import ReceiptBook
from worktab.work.history import START, ChainState, Entry, SignedReceipt

WINDOW: Final = 64
"""Records after the disputed one that are looked at: more never fit a transaction."""


def evidence_of(
    entries: Iterable[Entry],
    seq: int,
    view: DeviceView,
    book: ReceiptBook,
    *,
    base: ChainState = START,
    room: Callable[[DisputeEvidence], bool] = lambda evidence: True,
    most: tuple[int, int] | None = None,
) -> DisputeEvidence:
    """What shows that the device signed the record of job `seq`, with as few later hashes as possible.

    Args:
        entries: records in order, those around the disputed one among them.
        seq: job number of the record.
        view: the device as it is on chain.
        book: its receipts that are known.
        base: the state that the first record follows.
        room: whether evidence fits one transaction (`Challenger.room`).
        most: later hashes that fit with a receipt, and up to the head on chain, for the error alone.

    Raises:
        RecordNotHeld: the record is not among them, or its hash or the heads do not add up.
        NotShownSigned: neither a receipt nor the head on chain is over it, in this history.
        TooFarFromReceipt: one is, and too many records lie between.
    """
    before, chain = _around(entries, seq, base)
    heads = {entry.seq: entry.head for entry in chain}
    signed = [(each.message.seq, each.message.head, each) for each in book.receipts]
    on_chain: list[tuple[int, bytes, SignedReceipt | None]] = [(view.device.seq, view.device.head, None)]
    ways = [
        DisputeEvidence(
            seq,
            chain[0].record_hash,
            before,
            tuple(entry.record_hash for entry in chain[1 : at - seq + 1]),
            None if receipt is None else receipt.message,
            b"" if receipt is None else receipt.signature,
        )
        for at, head, receipt in [*on_chain, *signed]
        if heads.get(at) == head
    ]
    ways.sort(key=lambda way: (len(way.later), way.message is not None))
    for way in ways:
        if room(way):
            return way
    beyond = [at for at, _, _ in [*on_chain, *signed] if at > max(heads)]
    if ways or beyond:
        nearest = len(ways[0].later) if ways else min(beyond) - seq
        raise TooFarFromReceipt(
            f"Job {seq} is too far from anything that the device signed",
            expected="fewer records after it" if most is None else _most(*most),
            got=f"{nearest} records after it up to the nearest",
        )
    raise _not_shown(seq, view, book)


def followed(
    entries: Iterable[Entry], seq: int, view: DeviceView, book: ReceiptBook, *, base: ChainState = START
) -> DisputeEvidence:
    """The record of job `seq`, after following all records from it to something that the device signed, however far.

    For an attestor, whose signature says so in place of the later hashes. Raises `RecordNotHeld`, `NotShownSigned`.
    """
    signed = {(view.device.seq, view.device.head), *((each.message.seq, each.message.head) for each in book.receipts)}
    before, hashed, head, due = (base.head if base.seq == seq - 1 else None), None, b"", seq
    for entry in entries:
        if entry.seq == seq - 1 and hashed is None:
            before = entry.head
        if entry.seq < due:
            continue
        if before is None or entry.seq != due:
            break
        due += 1
        found = record_hash(entry.salt, entry.record)
        if hashed is None:
            hashed, head = found, before
        head = next_head(head, found)
        if (entry.seq, head) in signed:
            return DisputeEvidence(seq, hashed, before)
    if before is None or hashed is None:
        raise RecordNotHeld(f"Job {seq} is not among these records, or they are no chain there", got=f"job {seq}")
    raise _not_shown(seq, view, book)


def single(seq: int, before: bytes, hash: bytes, receipt: SignedReceipt) -> DisputeEvidence:
    """Evidence for a record that a receipt has as its newest: what every paid answer brings."""
    return DisputeEvidence(seq, hash, before, (), receipt.message, receipt.signature)


def _not_shown(seq: int, view: DeviceView, book: ReceiptBook) -> NotShownSigned:
    return NotShownSigned(
        f"Nothing shows that the device signed job {seq}",
        expected=f"a receipt by its key of now, or the head on chain, over job {seq} or a later one",
        got=f"a chain head for job {view.device.seq}, {_counted(book)}",
    )


def _around(entries: Iterable[Entry], seq: int, base: ChainState) -> tuple[bytes, list[Entry]]:
    """The head before a record; that record and those after it, as far as they hold together."""
    before, chain = (base.head if base.seq == seq - 1 else None), list[Entry]()
    for entry in takewhile(lambda entry: entry.seq <= seq + WINDOW, entries):
        if entry.seq == seq - 1 and not chain:
            before = entry.head
        if entry.seq < seq + len(chain):
            continue
        previous = chain[-1].head if chain else before
        if previous is None or entry.seq != seq + len(chain):
            break
        whole = record_hash(entry.salt, entry.record) == entry.record_hash
        if not whole or next_head(previous, entry.record_hash) != entry.head:
            break
        chain.append(entry)
    if before is None or not chain:
        raise RecordNotHeld(f"Job {seq} is not among these records, or they are no chain there", got=f"job {seq}")
    return before, chain


def _most(receipt: int, on_chain: int) -> str:
    return f"at most {receipt} records after it with a receipt, {on_chain} up to the head on chain"


def _counted(book: ReceiptBook) -> str:
    return (
        f"{len(book.receipts)} receipts over other records, {book.other_key} by another key, "
        f"{book.foreign} of another registration"
    )
