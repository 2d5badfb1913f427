"""The values a spool deals in: states of a device's record chain, its entries, its signed receipts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from worktab.core._checks import bytes32, uint
from worktab.core.messages import Message
from worktab.core.records import ZERO_HEAD, JobRecord

MAX_SEQ: Final = (1 << 63) - 1
"""Largest job count a spool holds: SQLite's integers are signed. At 2^32 jobs a receipt that takes 2^31 receipts."""

MAX_UNITS: Final = (1 << 64) - 1
"""Largest lifetime total of work units (PROTOCOL section 2, u64)."""


@dataclass(frozen=True, slots=True)
class ChainState:
    """Where a device's record chain stands (PROTOCOL sections 1 and 3).

    Attributes:
        seq: jobs so far, at most 2^63 - 1.
        units: lifetime work units, u64.
        head: 32-byte head of the chain at `seq`.

    Raises:
        InputError: a field has the wrong type, length or range.
    """

    seq: int
    units: int
    head: bytes

    def __post_init__(self) -> None:
        uint(self.seq, 63, "seq")
        uint(self.units, 64, "units")
        object.__setattr__(self, "head", bytes32(self.head, "head"))


START: Final = ChainState(0, 0, ZERO_HEAD)
"""A chain without records."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded job and the chain's state right after it (PROTOCOL section 3).

    Attributes:
        seq: the job's number in the device's chain, from 1.
        units_total: the device's lifetime work units with this job.
        head: 32-byte head of the chain with this job.
        record_hash: 32-byte salted hash of the record.
        record: what was done.
        salt: 32 random bytes; hide them from everyone but verifiers, so they are left out of `repr`.
    """

    seq: int
    units_total: int
    head: bytes
    record_hash: bytes
    record: JobRecord
    salt: bytes = field(repr=False)

    @property
    def state(self) -> ChainState:
        """The chain's state right after this job."""
        return ChainState(self.seq, self.units_total, self.head)


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """A receipt with its signature (PROTOCOL section 2).

    Attributes:
        message: the receipt.
        signature: 64 bytes by the device's key.
        clock_correction: seconds by which the receipt's time differs from what the device's clock said. Zero in
            normal life; above zero the clock had been set back; otherwise it disagreed with the chain's by more than
            `worktab.work.receipts.CLOCK_TOLERANCE` and the chain's time was used. Worth a warning to whoever runs
            the device.
    """

    message: Message
    signature: bytes
    clock_correction: int = 0

    @property
    def state(self) -> ChainState:
        """The chain state that the receipt claims."""
        return ChainState(self.message.seq, self.message.units, self.message.head)
