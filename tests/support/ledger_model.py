"""What a network and its devices should do, in plain Python and from PROTOCOL section 5 alone.

It keeps histories where the program keeps counters: capacities by the epoch they count from, work and pay by epoch.
So a mistake in when the program moves into an epoch shows as a difference.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from support.ledger_parts import ClassModel, DeviceModel, Paid, Terms
from support.roots_model import RootsModel
from support.sales_model import InvoiceModel, TabModel
from worktab.core.money import reward, share

CLOSED_INDEX = 2**32 - 1
U64 = 2**64 - 1
PAID, NOTHING_OWED, OTHER_PAYOUT, DISPUTED, GONE, UNPAYABLE = 0, 1, 2, 3, 4, 5


@dataclass(slots=True)
class LedgerModel:
    """A network. Every method that acts returns the name of the program's error, or what the event should say."""

    now: int
    length: int
    delay: int
    classes: list[ClassModel]
    roots: RootsModel
    path: int = 1
    devices: list[DeviceModel] = field(default_factory=list)
    created: int = 0
    pool: int = 0
    vault: int = 0
    stray: int = 0
    pause: int = 0
    pending: tuple[int, Terms] | None = None
    jobs: int = 0
    units: int = 0
    paid: Counter[int] = field(default_factory=Counter)
    payable: set[int] = field(default_factory=set)
    basis: int = 1
    fee_bps: int = 0
    burn_bps: int = 0
    fees: int = 0
    burned: int = 0
    units_sold: int = 0
    own_units_sold: int = 0
    revenue: int = 0
    tabs: dict[int, TabModel] = field(default_factory=dict)
    invoices: list[InvoiceModel] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.created = self.now

    def epoch(self, class_: int) -> int:
        """The class's epoch now: by the clock, but never before one that it has seen."""
        return max(self.classes[class_].latest, self.clock_epoch())

    def clock_epoch(self) -> int:
        """The epoch by the clock."""
        return max(0, self.now - self.created) // self.length

    def budget(self) -> int:
        """What all classes together may pay in an epoch."""
        return sum(each.budget for each in self.classes)

    def total(self, class_: int, epoch: int) -> int:
        """The capacity of a class in an epoch, over all devices there ever were."""
        return sum(each.capacity(epoch) for each in self.devices if each.class_ == class_)

    def owed(self) -> int:
        """Rewards owed to all devices."""
        return sum(each.owed for each in self.devices)

    def accounted(self) -> int:
        """Everything that the ledger says the vault holds."""
        tabs = sum(tab.money() for tab in self.tabs.values())
        return (
            self.pool
            + self.owed()
            + self.roots.owed
            + self.fees
            + tabs
            + sum(each.sales.earnings + each.bond.amount for each in self.devices)
            + sum(dispute.deposit for each in self.devices for dispute in each.bond.disputes)
        )

    def fund(self, amount: int) -> tuple[int, int]:
        """The amount and the surplus credited to the pool."""
        surplus, self.stray = self.stray, 0
        self.pool += amount + surplus
        self.vault += amount
        return amount, surplus

    def register(self, class_: int, capacity: int, payout: int, owner: int) -> str:
        if self.pause & 1:
            return "Paused"
        if capacity > self.classes[class_].max_capacity:
            return "CapacityTooLarge"
        if capacity and self.classes[class_].least_bond:
            return "BondTooSmall"
        device = DeviceModel(len(self.devices), class_, payout, owner)
        self.devices.append(device)
        self._announce(device, capacity)
        return ""

    def update(self, device: DeviceModel, capacity: int | None, payout: int | None) -> str:
        if device.inactive and capacity is not None:
            return "DeviceInactive"
        if capacity is not None:
            class_ = self.classes[device.class_]
            if capacity > max(class_.max_capacity, device.announced):
                return "CapacityTooLarge"
            if capacity > device.announced and device.bond.free < class_.least_bond:
                return "BondTooSmall"
            self._announce(device, capacity)
        if payout is not None:
            device.payout = payout
        return ""

    def retire(self, device: DeviceModel) -> str | bool:
        """Whether the account closes."""
        clear = device.owed == device.sales.earnings == 0 and device.bond.clear
        if device.retired and not clear:
            return "DeviceInactive"
        if not device.retired:
            self._announce(device, 0)
            device.retired = True
        if clear:
            device.closed = True
            self._count(device, 0)
        return clear

    def _announce(self, device: DeviceModel, capacity: int) -> None:
        epoch = self.epoch(device.class_)
        self.classes[device.class_].latest = epoch
        device.capacities.append((epoch + 1, capacity))

    def submit(self, device: DeviceModel, seq: int, units: int, time: int, *, consent: bool) -> str | tuple[int, int]:
        """Eligible units and reward of a receipt that is signed well."""
        if self.pause & 2:
            return "Paused"
        if device.inactive:
            return "DeviceInactive"
        if seq <= device.seq:
            return "StaleSequence"
        if units <= device.units:
            return "UnitsNotRising"
        new_jobs, new_units = seq - device.seq, units - device.units
        if new_jobs > 2**32 or new_units > 2**48:
            return "JumpTooLarge"
        if time < device.last_time:
            return "TimeBackwards"
        if time > self.now + 300:
            return "TimeAhead"
        if self.basis == 1 and (self.path == 1 or self.clock_epoch() < self.roots.since):
            return self._accrue(device, seq, units, time, consent=consent)
        if self.path == 2:
            device.for_roots += new_units
        self._record(device, seq, units, time)
        return 0, 0

    def _record(self, device: DeviceModel, seq: int, units: int, time: int) -> None:
        self.jobs += seq - device.seq
        self.units += units - device.units
        device.seq, device.units, device.last_time = seq, units, time

    def _accrue(self, device: DeviceModel, seq: int, units: int, time: int, *, consent: bool) -> str | tuple[int, int]:
        class_, epoch = self.classes[device.class_], self.epoch(device.class_)
        if device.bond.free < class_.least_bond:
            return "BondTooSmall"
        capacity = device.capacity(epoch)
        new_units = units - device.units
        eligible = min(new_units, max(0, capacity - device.eligible[epoch]))
        full, carry = reward(device.carry, eligible, class_.rate)
        if full > U64:
            return "Overflow"
        limit = self._limit(device, epoch)
        if ((eligible < new_units and class_.rate > 0) or full > limit) and not consent:
            return "RewardLimited"
        paid = min(full, limit)
        class_.latest = epoch
        class_.spent[epoch] += paid
        device.eligible[epoch] += eligible
        device.earned[epoch] += paid
        device.carry = carry
        device.owed += paid
        self.pool -= paid
        self._record(device, seq, units, time)
        return eligible, paid

    def _limit(self, device: DeviceModel, epoch: int) -> int:
        """Most that share, budget and pool leave a device. Terms may change within an epoch, so that more was paid than
        they allow now."""
        class_ = self.classes[device.class_]
        part = share(class_.budget, device.capacity(epoch), self.total(device.class_, epoch))
        return min(max(0, part - device.earned[epoch]), max(0, class_.budget - class_.spent[epoch]), self.pool)

    def claim(self, payout: int, devices: list[DeviceModel]) -> tuple[list[tuple[int, int, int, int]], Paid]:
        """Index, rewards, earnings and outcome of each device, and what moved in all."""
        entries, paid = [], Paid()
        for device in devices:
            if device.closed:
                entries.append((CLOSED_INDEX, 0, 0, GONE))
                continue
            rewards, earnings = device.owed, device.sales.earnings
            if not rewards and not earnings and not device.sales.unrewarded:
                outcome = NOTHING_OWED
            elif device.payout != payout:
                outcome = OTHER_PAYOUT
            elif payout not in self.payable:
                outcome = UNPAYABLE
            else:
                outcome, rewards = self._pay_device(device, paid)
            entries.append((device.index, rewards, earnings, outcome))
        self.vault -= paid.amount + paid.burn
        self.paid[payout] += paid.amount
        self.fees += paid.fee
        self.burned += paid.burn
        return entries, paid

    def _pay_device(self, device: DeviceModel, paid: Paid) -> tuple[int, int]:
        """Outcome and rewards; those of a disputed device wait."""
        rewards, earnings = device.owed, device.sales.earnings
        if earnings:
            self._collect(device, paid)
        if device.bond.disputes:
            return DISPUTED, rewards
        device.owed = 0
        if device.sales.unrewarded:
            rewards += self._reward_sales(device)
        paid.amount += rewards
        return PAID if rewards or earnings else NOTHING_OWED, rewards

    def _collect(self, device: DeviceModel, paid: Paid) -> None:
        sales = device.sales
        earnings, others = sales.earnings, sales.earnings - sales.own_earnings
        fee, burn = sales.take_fees(self.fee_bps, self.burn_bps)
        new, own = self._count(device, earnings)
        if self.basis == 2:
            taken, rate = (fee + burn) * others // earnings, self.classes[device.class_].rate
            device.carry = sales.wait(new - own, taken, device.carry, rate)
        sales.earnings = sales.own_earnings = 0
        paid.amount += earnings - fee - burn
        paid.fee += fee
        paid.burn += burn
        device.fees += fee
        device.burned += burn

    def _count(self, device: DeviceModel, revenue: int) -> tuple[int, int]:
        new, own = device.sales.count()
        device.sales.claimed += revenue
        self.units_sold = min(self.units_sold + new, U64)
        self.own_units_sold = min(self.own_units_sold + own, U64)
        self.revenue += revenue
        return new, own

    def _reward_sales(self, device: DeviceModel) -> int:
        """The demand-backed reward; what a limit cuts waits."""
        class_, epoch = self.classes[device.class_], self.epoch(device.class_)
        if device.inactive or device.bond.free < class_.least_bond:
            return 0
        class_.latest = epoch
        room = max(0, device.capacity(epoch) - device.eligible[epoch])
        units, amount = device.sales.take_reward(room, self._limit(device, epoch))
        device.eligible[epoch] += units
        device.earned[epoch] += amount
        class_.spent[epoch] += amount
        self.pool -= amount
        return amount

    def propose(self, terms: Terms | None) -> int:
        """When the change may be applied; 0 for a withdrawal."""
        due = self.now + self.delay
        self.pending = (due, terms) if terms else None
        return due if terms else 0

    def apply(self) -> str:
        if not self.pending:
            return "NothingPending"
        due, terms = self.pending
        if self.now < due:
            return "NotDue"
        self.pending = None
        self.classes[terms.class_] = replace(
            self.classes[terms.class_],
            rate=terms.rate,
            max_capacity=terms.max_capacity,
            budget=terms.budget,
            least_bond=terms.least_bond,
        )
        return ""
