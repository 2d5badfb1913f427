"""What becomes of receipts beside those that are held: the one rule that every store follows.

What is kept follows from the receipts alone, not from the order in which they came: of each epoch the one with the most
jobs, of those with as many the earliest, and of those the one with the lower bytes. A device that signed two receipts
of which one can't come after the other has forked.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from worktab.ingest.verdicts import Verdict

_FIELDS: Final = struct.Struct("<QQ8xq32s")
_FIRST_FIELD: Final = 40
_LARGEST_TIME: Final = (1 << 63) - 1

Registered: TypeAlias = tuple[bytes, int]
"""A device's address and the index of its registration."""


class Receipt(NamedTuple):
    """What merging looks at.

    epoch    that its time is in
    body     its message and its signature, 168 bytes
    arrived  when the store first took it, or the same state, Unix seconds
    """

    epoch: int
    seq: int
    units: int
    time: int
    head: bytes
    body: bytes
    arrived: int

    @classmethod
    def of(cls, epoch: int, body: bytes, arrived: int) -> Receipt:
        """The receipt in 168 bytes."""
        seq, units, time, head = _FIELDS.unpack_from(body, _FIRST_FIELD)
        return cls(epoch, seq, units, time, head, body, arrived)

    def newer(self, other: Receipt) -> bool:
        """Whether it is to be kept in place of the other."""
        return (self.seq, other.time, other.body) > (other.seq, self.time, self.body)

    @property
    def order(self) -> tuple[int, int, bytes]:
        """Sorts receipts by their jobs, and those of as many from the one that is kept to the others."""
        return self.seq, self.time, self.body

    def same_state(self, other: Receipt) -> bool:
        """Whether both stand for the same jobs."""
        return (self.seq, self.units, self.head) == (other.seq, other.units, other.head)

    def contradicts(self, other: Receipt) -> bool:
        """Whether no single history has both: as many jobs and another head or other units, or more jobs and fewer
        units."""
        if self.seq == other.seq:
            return self.units != other.units or self.head != other.head
        return (self.seq > other.seq) != (self.units > other.units) and self.units != other.units

    @property
    def rank(self) -> bytes:
        """16 bytes that compare as `newer` does, among receipts of different epochs."""
        return self.seq.to_bytes(8, "big") + (_LARGEST_TIME - self.time).to_bytes(8, "big")


class Fork(NamedTuple):
    """Two receipts that contradict each other. From `epoch`, the earlier one's, on the device stops counting."""

    epoch: int
    first: bytes
    second: bytes


@dataclass
class Merge:
    """Receipts of a batch, beside those that are held.

    held    all that the store holds of the registrations in the batch
    forked  the forks that it holds of them
    strict  see `ReceiptStore.put`
    """

    held: dict[Registered, dict[int, Receipt]]
    forked: dict[Registered, Fork]
    strict: bool = True
    to_write: dict[tuple[Registered, int], Receipt] = field(default_factory=dict)
    new_forks: dict[Registered, Fork] = field(default_factory=dict)
    _sorted: dict[Registered, list[Receipt]] = field(default_factory=dict)

    def put(self, registered: Registered, receipt: Receipt) -> Verdict:
        """Take one receipt into account: what becomes of it."""
        epochs = self.held.setdefault(registered, {})
        if self.strict and registered in self.forked:
            return Verdict.DEVICE_FORKED
        known = self._sorted.get(registered)
        if known is None:
            known = self._sorted[registered] = sorted(epochs.values(), key=_order)
        before, same, after = _around(known, receipt.seq)
        # Where no two of them contradict each other, jobs and units rise together: what is nearest decides for all.
        near = known if registered in self.forked else [each for each in (before, same, after) if each is not None]
        if any(receipt.contradicts(each) for each in near):
            for other in known:
                if receipt.contradicts(other):
                    self.put_fork(registered, receipt, other)
            return Verdict.FORK
        if same is not None and not receipt.newer(same):
            return Verdict.DUPLICATE
        if self.strict and before is not None and (refusal := _refusal(receipt, before)) is not None:
            return refusal
        here = epochs.get(receipt.epoch)
        if here is not None and not receipt.newer(here):
            return Verdict.OLDER
        if here is not None and here.same_state(receipt):
            receipt = receipt._replace(arrived=min(here.arrived, receipt.arrived))
        if here is not None:
            del known[bisect_left(known, here.order, key=_order)]
        insort(known, receipt, key=_order)
        epochs[receipt.epoch] = self.to_write[registered, receipt.epoch] = receipt
        return Verdict.STORED

    def put_fork(self, registered: Registered, one: Receipt, other: Receipt) -> None:
        """Keep two receipts that contradict each other as evidence, if it is the earliest."""
        first, second = sorted((one, other))
        found = Fork(first.epoch, first.body, second.body)
        fork = self.forked.get(registered)
        if fork is None or found < fork:
            self.forked[registered] = self.new_forks[registered] = found


def _order(receipt: Receipt) -> tuple[int, int, bytes]:
    return receipt.order


def _jobs(receipt: Receipt) -> int:
    return receipt.seq


def _around(known: list[Receipt], seq: int) -> tuple[Receipt | None, Receipt | None, Receipt | None]:
    """Of sorted receipts the last one of fewer jobs, the first one of as many and the first one of more."""
    at, end = bisect_left(known, seq, key=_jobs), bisect_right(known, seq, key=_jobs)
    return (
        known[at - 1] if at else None,
        known[at] if at < end else None,
        known[end] if end < len(known) else None,
    )


def _refusal(receipt: Receipt, before: Receipt) -> Verdict | None:
    """Why an honest device would not have signed it after the one before."""
    if before.time > receipt.time:
        return Verdict.TIME_BACK
    if before.units == receipt.units:
        return Verdict.UNITS_NOT_RISING
    return None
