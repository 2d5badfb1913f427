"""What tabs, lanes, vouchers, delegates and invoices should do, in plain Python and from PROTOCOL section 5 alone.

A method that acts returns the errors of every rule that forbids it; where there is none, it has acted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

LANE_DELAY = 3_600
MOST_SOLD = 2**48
"""Units of one settlement or invoice."""
U64 = 2**64 - 1


@dataclass(slots=True)
class Sales:
    """What one device sold. `own` numbers are the part that its own owner bought; fee and burn due are in
    ten-thousandths of a base unit."""

    earnings: int = 0
    own_earnings: int = 0
    units: int = 0
    own_units: int = 0
    counted: int = 0
    own_counted: int = 0
    claimed: int = 0
    unrewarded: int = 0
    waiting: int = 0
    fee_due: int = 0
    burn_due: int = 0

    def sell(self, amount: int, units: int, *, own: bool) -> None:
        """Books a sale; units stop at the largest number, and what they lose there is taken off those counted."""
        self.earnings += amount
        self.counted = max(0, self.counted - max(0, self.units + units - U64))
        self.units = min(self.units + units, U64)
        if own:
            self.own_earnings += amount
            self.own_counted = max(0, self.own_counted - max(0, self.own_units + units - U64))
            self.own_units = min(self.own_units + units, U64)

    def take_back(self, amount: int, units: int, *, own: bool) -> None:
        """Books a refund; the owner's part stays a part."""
        self.earnings -= amount
        self.units = max(0, self.units - units)
        if own:
            self.own_earnings = max(0, self.own_earnings - amount)
            self.own_units = max(0, self.own_units - units)
        self.own_earnings = min(self.own_earnings, self.earnings)
        self.own_units = min(self.own_units, self.units)

    def count(self) -> tuple[int, int]:
        """Units that the network has not counted, and the owner's of them; from now on it has."""
        new = max(0, self.units - self.counted)
        own = min(new, max(0, self.own_units - self.own_counted))
        self.counted = max(self.counted, self.units)
        self.own_counted = max(self.own_counted, self.own_units)
        return new, own

    def take_fees(self, fee_bps: int, burn_bps: int) -> tuple[int, int]:
        """Fee and burn of the earnings owed, in whole base units; the rest stays due."""
        self.fee_due += self.earnings * fee_bps
        self.burn_due += self.earnings * burn_bps
        fee = self.fee_due // 10_000
        burn = min(self.burn_due // 10_000, self.earnings - fee)
        self.fee_due -= 10_000 * fee
        self.burn_due -= 10_000 * burn
        return fee, burn

    def wait(self, units: int, taken: int, carry: int, rate: int) -> int:
        """Units sold to others, whose fee and burn were `taken`, wait with what they are worth; the new carry."""
        worth, carry = divmod(carry + units * rate, 10**6)
        if worth > taken:
            # Units that nothing was paid for do not wait.
            worth, carry, units = taken, 0, -(-taken * 10**6 // rate)
        elif not worth:
            units = 0
        self.unrewarded = min(self.unrewarded + units, U64)
        self.waiting += worth
        return carry

    def take_reward(self, room: int, limit: int) -> tuple[int, int]:
        """Units and reward that capacity and limit let a claim take of those that wait."""
        eligible = min(self.unrewarded, room)
        due = self.waiting * eligible // self.unrewarded
        units, reward = (eligible, due) if due <= limit else (eligible * limit // due, limit)
        self.unrewarded -= units
        self.waiting -= reward
        return units, reward


@dataclass(slots=True)
class LaneModel:
    """A lane; `device` is the device's index, `signer` 0 for the consumer, `held` while an SLA holds it."""

    device: int
    nonce: int
    signer: int
    reserved: int
    paid: int = 0
    units: int = 0
    close_at: int = 0
    held: bool = False

    def refuse(self, amount: int) -> set[str]:
        """What forbids a voucher of this total."""
        reasons = set()
        if amount <= self.paid:
            reasons.add("StaleVoucher")
        if amount - self.paid > self.reserved:
            reasons.add("OverReserve")
        return reasons

    def move(self, amount: int, units: int) -> tuple[int, int]:
        """Amount and units that the totals add; units that fall add none."""
        sale = amount - self.paid, min(max(0, units - self.units), MOST_SOLD)
        self.reserved -= sale[0]
        self.paid, self.units = amount, max(self.units, units)
        return sale


@dataclass(slots=True)
class DelegateModel:
    """A delegate; `spent` is by period, and periods are never gone back to."""

    allowance: int
    period_limit: int
    period_length: int
    lane_limit: int
    expires_at: int
    classes: int
    set_at: int
    period: int = 0
    spent: Counter[int] = field(default_factory=Counter)
    revoked: bool = False

    def refuse(self, amount: int, class_: int, now: int) -> set[str]:
        """What forbids it to spend."""
        reasons = set()
        if self.revoked:
            reasons.add("DelegateRevoked")
        if self.expires_at and now >= self.expires_at:
            reasons.add("DelegateExpired")
        if not self.classes >> class_ & 1:
            reasons.add("ClassNotAllowed")
        if self.period_length and self.spent[self._period(now)] + amount > self.period_limit:
            reasons.add("PeriodLimitExceeded")
        if amount > self.allowance:
            reasons.add("AllowanceExceeded")
        return reasons

    def charge(self, amount: int, now: int) -> None:
        """Takes the amount off for good."""
        self.allowance -= amount
        if self.period_length:
            self.period = self._period(now)
            self.spent[self.period] += amount

    def _period(self, now: int) -> int:
        return max(self.period, max(0, now - self.set_at) // self.period_length)


@dataclass(slots=True)
class TabModel:
    """A tab; `nonce` is the next lane's."""

    nonce: int
    balance: int = 0
    deposited: int = 0
    withdrawn: int = 0
    lanes: list[LaneModel] = field(default_factory=list)
    delegates: dict[int, DelegateModel] = field(default_factory=dict)

    def lanes_of(self, signer: int) -> list[LaneModel]:
        """The lanes that name a signer."""
        return [lane for lane in self.lanes if lane.signer == signer]

    def money(self) -> int:
        """Balance and reserves."""
        return self.balance + sum(lane.reserved for lane in self.lanes)

    def refuse(self, signer: int, amount: int, class_: int, now: int) -> set[str]:
        """What forbids a signer to spend, whatever on."""
        reasons = {"InsufficientBalance"} if amount > self.balance else set()
        if signer and signer not in self.delegates:
            return reasons | {"Unauthorized"}
        return reasons | (self.delegates[signer].refuse(amount, class_, now) if signer else set())

    def spend(self, signer: int, amount: int, now: int) -> None:
        """Takes an amount off the balance, and charges a delegate for it."""
        self.balance -= amount
        if signer:
            self.delegates[signer].charge(amount, now)

    def reserve(
        self, signer: int, device: int, class_: int, amount: int, lane: LaneModel | None, now: int
    ) -> tuple[set[str], LaneModel | None]:
        """Sets money aside on a lane, or on a new one."""
        reasons = self.refuse(signer, amount, class_, now)
        if lane and (lane.device, lane.signer) != (device, signer):
            reasons.add("ForeignLane")
        if lane and lane.close_at:
            reasons.add("LaneClosing")
        held = amount + (lane.paid + lane.reserved if lane else 0)
        if signer in self.delegates and held > self.delegates[signer].lane_limit:
            reasons.add("LaneLimitExceeded")
        if reasons:
            return reasons, lane
        self.spend(signer, amount, now)
        if lane:
            lane.reserved += amount
            return reasons, lane
        self.lanes.append(LaneModel(device, self.nonce, signer, amount))
        self.nonce += 1
        return reasons, self.lanes[-1]

    def close_lane(self, lane: LaneModel, signer: int, now: int, *, waived: bool) -> set[str] | int | None:
        """What forbids it; else the base units that went back, None where the delay only begins."""
        if lane.held:
            return {"LaneHeld"}
        if not waived and signer not in (0, lane.signer):
            return {"Unauthorized"}
        if not waived and not lane.close_at:
            lane.close_at = now + LANE_DELAY
            return None
        if not waived and now < lane.close_at:
            return {"LaneNotDue"}
        self.lanes.remove(lane)
        self.balance += lane.reserved
        self._free(lane.signer)
        return lane.reserved

    def revoke(self, slot: int) -> set[str]:
        """Ends a delegate's spending; the slot is free once no lane names it."""
        if slot not in self.delegates or self.delegates[slot].revoked:
            return {"DelegateRevoked"}
        self.delegates[slot].revoked = True
        self._free(slot)
        return set()

    def _free(self, slot: int) -> None:
        if slot in self.delegates and self.delegates[slot].revoked and not self.lanes_of(slot):
            del self.delegates[slot]


@dataclass(slots=True)
class InvoiceModel:
    """An invoice of a device, by its index, for a consumer."""

    device: int
    consumer: int
    amount: int
    units: int
    slot: int
    paid: int = 0
    refunded: int = 0

    def sold(self) -> int:
        """Units for what was paid and not refunded, rounded down."""
        return self.units * (self.paid - self.refunded) // self.amount
