"""What an agent bought, and what happened on the way. Amounts are base units, units are work units."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from solders.pubkey import Pubkey

from worktab.demo.devices import BrokenAnswer
from worktab.program.generated.errors import AllowanceExceeded


class Use(StrEnum):
    """What an answer was bought for.

    RESULT   the job's result
    COMPARE  to compare it with another device's
    RETRY    it broke off, and another device's took its place
    OWN      an owner bought it from its own device
    """

    RESULT = "result"
    COMPARE = "compare"
    RETRY = "retry"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class Purchase:
    """An answer that was paid for. `job` counts from 0."""

    job: int
    device: Pubkey
    use: Use
    units: int
    price: int


@dataclass(frozen=True, slots=True)
class FailOver:
    """How a device went down in mid-answer, and what became of it.

    job        counted from 0
    device     that went down
    successor  whose answer took its place
    error      what the client says of the request
    broken     what was sent of the answer
    charged    on the device's lane before that answer, and once it was handed out after all
    price      of that answer
    repeated   whether it was handed out as bought before
    same       whether it was the successor's
    """

    job: int
    device: Pubkey
    successor: Pubkey
    error: str
    broken: BrokenAnswer
    charged: tuple[int, int]
    price: int
    repeated: bool
    same: bool

    @property
    def holds(self) -> bool:
        """Whether the answer that broke off was charged once, and right."""
        before, after = self.charged
        return self.repeated and self.same and after - before == self.price


@dataclass(frozen=True, slots=True)
class Refusal:
    """The program's refusal to let the agent spend more.

    cost       what the request could have cost
    room       what was left on the lane that it would have been paid from
    allowance  what the agent might still set aside
    """

    cost: int
    room: int
    allowance: int
    error: AllowanceExceeded

    @property
    def holds(self) -> bool:
        """Whether it was right to refuse."""
        return self.cost - self.room > self.allowance


@dataclass(slots=True)
class Bought:
    """An output for each job, everything that was paid for, and what happened on the way."""

    outputs: list[bytes] = field(default_factory=list)
    purchases: list[Purchase] = field(default_factory=list)
    fail_over: FailOver | None = None
    refusal: Refusal | None = None

    def of(self, device: Pubkey) -> list[Purchase]:
        """What was bought from a device."""
        return [each for each in self.purchases if each.device == device]
