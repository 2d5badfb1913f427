"""What a caller allows to be spent, checked before anything is signed."""

from __future__ import annotations

from worktab.core._checks import uint
from worktab.core.money import RATE_UNITS
from worktab.market.buyer.errors import BudgetExceeded


class Budget:
    """Limits for one piece of buying, and what was spent of them; shared by as many clients as one likes.

    Vouchers name the most that a request can cost. Until its true price is known that amount is `out`: a device could
    settle it. So it could after it refused the request: the amount stays out until the totals of its lane have grown
    past it, or a later voucher that names as much is answered. Nothing is signed that would bring `charged + out`
    above `total`.

    Vouchers of one lane stand for each other, so that what is out on a lane is the largest of them.

    total        base units in all
    per_request  most base units that one request may cost; None for no limit but the total
    rate         most base units for 1,000,000 work units; None for no limit

    Raises `InputError` for a limit that is no u64.
    """

    def __init__(self, total: int, *, per_request: int | None = None, rate: int | None = None) -> None:
        self.total = uint(total, 64, "budget")
        self.per_request = None if per_request is None else uint(per_request, 64, "limit for a request")
        self.rate = None if rate is None else uint(rate, 64, "limit of the rate")
        self.charged = 0
        self._out: dict[str, tuple[str, int]] = {}
        self._refused: dict[str, int] = {}

    @property
    def out(self) -> int:
        """Base units that devices could settle beyond what they charged, by vouchers that are out."""
        return self._out_without(None)

    @property
    def left(self) -> int:
        """Base units that may still be signed for."""
        return self.total - self.charged - self.out

    def require(self, amount: int, units: int, rate: int, *, lane: str | None = None) -> None:
        """Check a request that may cost `amount` base units for at most `units` work units.

        rate  base units for 1,000,000 work units, 0 for a fixed price
        lane  the lane that pays for it, if there is one yet

        Raises `BudgetExceeded`; nothing was signed.
        """
        if self.per_request is not None and amount > self.per_request:
            raise BudgetExceeded(
                "The request may cost more than one request is allowed to",
                expected=f"at most {self.per_request} base units",
                got=f"{amount}",
                next_step="Ask for less work, allow more for a request, or buy elsewhere",
            )
        # A fixed price has no rate of its own: it is taken by the most units that it buys.
        if self.rate is not None and (rate > self.rate or (rate == 0 and amount * RATE_UNITS > self.rate * units)):
            raise BudgetExceeded(
                "The device asks for a higher rate than is allowed",
                expected=f"at most {self.rate} base units for {RATE_UNITS} units",
                got=str(rate) if rate else f"{amount} base units for at most {units} units",
                next_step="Allow a higher rate, or buy elsewhere",
            )
        self._require_left(amount, lane)

    def hold(self, key: str, amount: int, *, lane: str | None = None) -> None:
        """Count a voucher that leaves for the request of this key, worth `amount` base units more than was charged.

        A request has one: to hold again replaces it. A request without a `lane` counts as one of its own. Raises
        `BudgetExceeded` if the total does not hold it.
        """
        self._require_left(amount, lane or key, key)
        self._out[key] = lane or key, amount

    def charge(self, key: str, amount: int) -> None:
        """Count what a request was charged, base units, in place of what was held for it.

        The key may be a lane's: then it is charged without a request that is known.
        """
        lane, held = self._out.pop(key, (key, 0))
        refused = self._refused.pop(lane, 0)
        if refused > max(held, amount):
            self._refused[lane] = refused - amount
        self.charged += amount

    def refuse(self, key: str) -> None:
        """Count a request as refused: the device says that nothing is owed, and holds a voucher that says it is."""
        if key in self._out:
            lane, held = self._out.pop(key)
            self._refused[lane] = max(held, self._refused.get(lane, 0))

    def release(self, key: str) -> None:
        """Let go of what was held for a request whose voucher never left."""
        self._out.pop(key, None)

    def _out_without(self, lane: str | None, key: str | None = None) -> int:
        """What is out on every other lane, and for every other request of another lane."""
        lanes = dict(self._refused)
        for name, (on, held) in self._out.items():
            if name != key:
                lanes[on] = max(held, lanes.get(on, 0))
        return sum(amount for name, amount in lanes.items() if name != lane)

    def _require_left(self, amount: int, lane: str | None, key: str | None = None) -> None:
        left = self.total - self.charged - self._out_without(lane, key)
        if amount > left:
            raise BudgetExceeded(
                "The budget does not hold what the request may cost",
                expected=f"at most {left} base units of {self.total}",
                got=f"{amount}, with {self.charged} charged and {self.out} out",
                next_step="Raise the budget, or wait for requests under way",
            )

    def __repr__(self) -> str:
        return f"Budget(total={self.total}, charged={self.charged}, out={self.out})"
