"""What a network of reward path 1 should do, in plain Python and from PROTOCOL section 5 alone.

It keeps histories where the program keeps counters: capacities by the epoch they count from, work and pay by epoch.
So a mistake in when the program moves into an epoch shows as a difference.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from worktab.core.money import reward, share

CLOSED_INDEX = 2**32 - 1
U64 = 2**64 - 1
PAID, NOTHING_OWED, OTHER_PAYOUT, GONE, UNPAYABLE = 0, 1, 2, 4, 5


@dataclass(slots=True)
class DeviceModel:
    """A device; `eligible` and `earned` are by epoch."""

    index: int
    class_: int
    payout: int
    capacities: list[tuple[int, int]] = field(default_factory=list)
    eligible: Counter[int] = field(default_factory=Counter)
    earned: Counter[int] = field(default_factory=Counter)
    seq: int = 0
    units: int = 0
    last_time: int = 0
    carry: int = 0
    owed: int = 0
    retired: bool = False
    closed: bool = False

    def capacity(self, epoch: int) -> int:
        """The capacity that counts in an epoch: the last one announced for it or for an earlier one."""
        return next((capacity for since, capacity in reversed(self.capacities) if since <= epoch), 0)

    @property
    def announced(self) -> int:
        """The capacity announced last."""
        return self.capacities[-1][1]


@dataclass(slots=True)
class ClassModel:
    """A class: its terms, the newest epoch that anything happened in, and what was paid by epoch."""

    rate: int
    max_capacity: int
    budget: int
    latest: int = 0
    spent: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Terms:
    """New terms of a class."""

    class_: int
    rate: int
    max_capacity: int
    budget: int


@dataclass(slots=True)
class LedgerModel:
    """A network. Every method that acts returns the name of the program's error, or what the event should say."""

    now: int
    length: int
    delay: int
    classes: list[ClassModel]
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

    def __post_init__(self) -> None:
        self.created = self.now

    def epoch(self, class_: int) -> int:
        """The class's epoch now: by the clock, but never before one that it has seen."""
        return max(self.classes[class_].latest, max(0, self.now - self.created) // self.length)

    def total(self, class_: int, epoch: int) -> int:
        """The capacity of a class in an epoch, over all devices there ever were."""
        return sum(each.capacity(epoch) for each in self.devices if each.class_ == class_)

    def owed(self) -> int:
        """Rewards owed to all devices."""
        return sum(each.owed for each in self.devices)

    def fund(self, amount: int) -> tuple[int, int]:
        """The amount and the surplus credited to the pool."""
        surplus, self.stray = self.stray, 0
        self.pool += amount + surplus
        self.vault += amount
        return amount, surplus

    def register(self, class_: int, capacity: int, payout: int) -> str:
        if self.pause & 1:
            return "Paused"
        if capacity > self.classes[class_].max_capacity:
            return "CapacityTooLarge"
        device = DeviceModel(len(self.devices), class_, payout)
        self.devices.append(device)
        self._announce(device, capacity)
        return ""

    def update(self, device: DeviceModel, capacity: int | None, payout: int | None) -> str:
        if device.retired and capacity is not None:
            return "DeviceInactive"
        if capacity is not None:
            if capacity > max(self.classes[device.class_].max_capacity, device.announced):
                return "CapacityTooLarge"
            self._announce(device, capacity)
        if payout is not None:
            device.payout = payout
        return ""

    def retire(self, device: DeviceModel) -> str | bool:
        """Whether the account closes."""
        clear = device.owed == 0
        if device.retired and not clear:
            return "DeviceInactive"
        if not device.retired:
            self._announce(device, 0)
            device.retired = True
        device.closed = clear
        return clear

    def _announce(self, device: DeviceModel, capacity: int) -> None:
        epoch = self.epoch(device.class_)
        self.classes[device.class_].latest = epoch
        device.capacities.append((epoch + 1, capacity))

    def submit(self, device: DeviceModel, seq: int, units: int, time: int, *, consent: bool) -> str | tuple[int, int]:
        """Eligible units and reward of a receipt that is signed well."""
        if self.pause & 2:
            return "Paused"
        if device.retired:
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
        return self._accrue(device, seq, units, time, consent=consent)

    def _accrue(self, device: DeviceModel, seq: int, units: int, time: int, *, consent: bool) -> str | tuple[int, int]:
        class_, epoch = self.classes[device.class_], self.epoch(device.class_)
        capacity = device.capacity(epoch)
        new_units = units - device.units
        eligible = min(new_units, max(0, capacity - device.eligible[epoch]))
        full, carry = reward(device.carry, eligible, class_.rate)
        if full > U64:
            return "Overflow"
        # Terms may change within an epoch, so that more was paid than they allow now.
        limit = min(
            max(0, share(class_.budget, capacity, self.total(device.class_, epoch)) - device.earned[epoch]),
            max(0, class_.budget - class_.spent[epoch]),
            self.pool,
        )
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
        self.jobs += seq - device.seq
        self.units += new_units
        device.seq, device.units, device.last_time = seq, units, time
        return eligible, paid

    def claim(self, payout: int, devices: list[DeviceModel]) -> list[tuple[int, int, int]]:
        """Index, rewards and outcome of each device."""
        entries = []
        for device in devices:
            if device.closed:
                entries.append((CLOSED_INDEX, 0, GONE))
                continue
            owed = device.owed
            if not owed:
                outcome = NOTHING_OWED
            elif device.payout != payout:
                outcome = OTHER_PAYOUT
            elif payout not in self.payable:
                outcome = UNPAYABLE
            else:
                outcome = PAID
                device.owed = 0
                self.vault -= owed
                self.paid[payout] += owed
            entries.append((device.index, owed, outcome))
        return entries

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
            self.classes[terms.class_], rate=terms.rate, max_capacity=terms.max_capacity, budget=terms.budget
        )
        return ""
