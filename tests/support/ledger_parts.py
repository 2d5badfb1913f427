"""What the model of a network is made of: devices and classes by epoch, terms, and what a claim paid."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from support.sales_model import Sales
from support.trust_model import BondModel


@dataclass(slots=True)
class DeviceModel:
    """A device; `eligible` and `earned` are by epoch."""

    index: int
    class_: int
    payout: int
    owner: int = 0
    sales: Sales = field(default_factory=Sales)
    capacities: list[tuple[int, int]] = field(default_factory=list)
    eligible: Counter[int] = field(default_factory=Counter)
    earned: Counter[int] = field(default_factory=Counter)
    seq: int = 0
    units: int = 0
    for_roots: int = 0
    last_time: int = 0
    carry: int = 0
    owed: int = 0
    bond: BondModel = field(default_factory=BondModel)
    forfeited: int = 0
    fees: int = 0
    burned: int = 0
    suspended: bool = False
    retired: bool = False
    closed: bool = False

    @property
    def inactive(self) -> bool:
        """Whether it is suspended or retired."""
        return self.suspended or self.retired

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
    least_bond: int = 0
    latest: int = 0
    spent: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Terms:
    """New terms of a class."""

    class_: int
    rate: int
    max_capacity: int
    budget: int
    least_bond: int = 0


@dataclass(slots=True)
class Paid:
    """What a claim moved: to the payout account, to the fees, and out of existence."""

    amount: int = 0
    fee: int = 0
    burn: int = 0
