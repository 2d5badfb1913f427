"""What work costs. Integers only, always rounded up, so that a device is never paid a base unit too little."""

from __future__ import annotations

from dataclasses import dataclass

from worktab.core._checks import uint
from worktab.core.errors import InputError
from worktab.core.money import RATE_UNITS


@dataclass(frozen=True, slots=True)
class Price:
    """A price by work done, with a least price; or, with a rate of 0, the same price whatever the work.

    Attributes:
        rate: base units per 1,000,000 work units, u64.
        minimum: base units that a request costs at least, u64.

    Raises:
        InputError: a field is out of range, or both are 0: what costs nothing is not sold.
    """

    rate: int
    minimum: int = 1

    def __post_init__(self) -> None:
        uint(self.rate, 64, "rate")
        uint(self.minimum, 64, "minimum")
        if self.rate == self.minimum == 0:
            raise InputError(
                "a price of nothing", expected="a rate or a minimum above 0", next_step="Leave a free route unpriced"
            )

    @classmethod
    def fixed(cls, amount: int) -> Price:
        """The price of `amount` base units for every request."""
        return cls(0, amount)

    def cost(self, units: int) -> int:
        """Base units for `units` of work (u64), rounded up.

        Raises:
            InputError: `units` is no u64, or the cost is above the largest u64.
        """
        cost = max(self.minimum, -(-uint(units, 64, "units") * self.rate // RATE_UNITS))
        return uint(cost, 64, "cost")
