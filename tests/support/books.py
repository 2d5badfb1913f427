"""A network's ledger and statistics, rebuilt from its events alone (PROTOCOL section 6).

Nothing here reads an account: whoever has all events knows who holds what.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from solders.pubkey import Pubkey

from support.sales_model import Sales
from worktab.program.generated import events
from worktab.program.structs import Event

PAID, DISPUTED = 0, 3
KEPT, MISSED = 0, 1
GUILTY, NOT_GUILTY = 1, 2


@dataclass(slots=True)
class DeviceBook:
    """What is known of a device; amounts in base units."""

    owner: Pubkey
    index: int
    seq: int = 0
    units: int = 0
    rewards_owed: int = 0
    lifetime_rewards: int = 0
    bond: int = 0
    held: int = 0
    leaving: int = 0
    open_slas: int = 0
    kept: int = 0
    missed: int = 0
    open_disputes: int = 0
    sales: Sales = field(default_factory=Sales)


@dataclass(slots=True)
class TabBook:
    """What is known of a tab; `lanes` are reserves by nonce, base units."""

    consumer: Pubkey
    balance: int = 0
    deposited: int = 0
    withdrawn: int = 0
    lanes: dict[int, int] = field(default_factory=dict)

    def credit(self, amount: int) -> None:
        """Adds what came from outside the tab."""
        self.balance += amount
        self.deposited += amount

    def take(self, amount: int) -> None:
        """Takes off what left the tab and was not spent."""
        self.balance -= amount
        self.withdrawn += amount


@dataclass(slots=True)
class Totals:
    """A network's own numbers."""

    pool_free: int = 0
    pool_owed: int = 0
    root_owed: int = 0
    fees: int = 0
    accounted: int = 0
    jobs: int = 0
    units: int = 0
    rewards: int = 0
    units_sold: int = 0
    units_self_sold: int = 0
    revenue: int = 0
    fees_taken: int = 0
    burned: int = 0
    slashed: int = 0
    guilty: int = 0
    not_guilty: int = 0


class Books:
    """Everything that the events of one network tell; `post` them all, in order. Others' are passed by."""

    def __init__(self, network: Pubkey) -> None:
        self.network = network
        self.totals = Totals()
        self.devices: dict[Pubkey, DeviceBook] = {}
        self.tabs: dict[Pubkey, TabBook] = {}
        self.slas: dict[Pubkey, events.SlaOpened] = {}
        self.disputes: dict[Pubkey, events.DisputeOpened] = {}

    def post(self, event: Event) -> None:
        """Books one event."""
        if getattr(event, "network", self.network) != self.network:
            return
        if getattr(event, "device", None) in self.devices or isinstance(event, events.DeviceRegistered):
            self._of_device(event)
        if getattr(event, "tab", None) in self.tabs or isinstance(event, events.TabOpened):
            self._of_tab(event)
        self._of_network(event)

    def _of_network(self, event: Event) -> None:
        totals = self.totals
        match event:
            case events.PoolFunded(amount=amount, surplus=surplus):
                totals.pool_free += amount + surplus
                totals.accounted += amount + surplus
            case events.PoolWithdrawn(amount=amount):
                totals.pool_free -= amount
                totals.accounted -= amount
            case events.FeesCollected(amount=amount):
                totals.fees -= amount
                totals.accounted -= amount
            case events.EpochFinalized(increase=increase):
                self._owe(increase)
                totals.root_owed += increase
            case events.RootClaimed(amount=amount):
                totals.root_owed -= amount
                totals.pool_owed -= amount
                totals.accounted -= amount
            case events.Claimed():
                self._claim(event)

    def _of_device(self, event: Event) -> None:
        if isinstance(event, events.DeviceRegistered):
            self.devices[event.device] = DeviceBook(event.owner, event.index)
            return
        at: Pubkey = getattr(event, "device")  # noqa: B009
        device, totals = self.devices[at], self.totals
        match event:
            case events.DeviceUpdated(owner=owner):
                device.owner = owner
            case events.DeviceRetired(closed=True):
                self._count(device)
                del self.devices[at]
            case events.ReceiptSubmitted(seq=seq, units=units, reward=reward):
                totals.jobs += seq - device.seq
                totals.units += units - device.units
                device.seq, device.units = seq, units
                self._owe(reward)
                device.rewards_owed += reward
                device.lifetime_rewards += reward
            case events.BondDeposited(amount=amount):
                device.bond += amount
                totals.accounted += amount
            case events.BondLeaving(amount=amount):
                device.leaving = amount
            case events.BondWithdrawn(amount=amount):
                device.bond -= amount
                device.leaving = 0
                totals.accounted -= amount
            case events.SlaOpened(sla=sla, held=held):
                self.slas[sla] = event
                device.held += held
                device.open_slas += 1
            case events.SlaEnforced(sla=sla, outcome=outcome, penalty=penalty):
                device.held -= self.slas.pop(sla).held
                device.bond -= penalty
                device.open_slas -= 1
                device.kept += outcome == KEPT
                device.missed += outcome == MISSED
            case events.DisputeOpened(dispute=dispute):
                self.disputes[dispute] = event
                device.open_disputes += 1
            case events.DisputeResolved():
                self._resolve(device, event)

    def _of_tab(self, event: Event) -> None:
        if isinstance(event, events.TabOpened):
            self.tabs[event.tab] = TabBook(event.consumer)
            return
        at: Pubkey = getattr(event, "tab")  # noqa: B009
        tab = self.tabs[at]
        match event:
            case events.TabClosed():
                del self.tabs[at]
            case events.Deposited(amount=amount):
                tab.credit(amount)
                self.totals.accounted += amount
            case events.Withdrawn(amount=amount):
                tab.take(amount)
                self.totals.accounted -= amount
            case events.LaneReserved(nonce=nonce, amount=amount):
                tab.balance -= amount
                tab.lanes[nonce] = tab.lanes.get(nonce, 0) + amount
            case events.VoucherSettled(index=index, nonce=nonce, amount=amount, units=units):
                self._sell(tab, index, nonce, amount, units)
            case events.BatchSettled(entries=entries):
                for each in entries:
                    self._sell(tab, each.index, each.nonce, each.amount, each.units)
            case events.LaneClosed(nonce=nonce, returned=returned):
                tab.balance += returned
                del tab.lanes[nonce]
            case events.InvoicePaid(device=device, amount=amount, units=units):
                seller = self.devices[device]
                tab.balance -= amount
                seller.sales.sell(amount, units, own=seller.owner == tab.consumer)
            case events.InvoiceRefunded(device=device, amount=amount, units=units):
                seller = self.devices[device]
                tab.balance += amount
                seller.sales.take_back(amount, units, own=seller.owner == tab.consumer)
            case events.SlaEnforced(penalty=penalty):
                tab.credit(penalty)
            case events.DisputeOpened(deposit=deposit):
                tab.take(deposit)

    def _owe(self, reward: int) -> None:
        """Moves a reward from what is free in the pool to what is owed."""
        self.totals.pool_free -= reward
        self.totals.pool_owed += reward
        self.totals.rewards += reward

    def _sell(self, tab: TabBook, index: int, nonce: int, amount: int, units: int) -> None:
        tab.lanes[nonce] -= amount
        [seller] = [each for each in self.devices.values() if each.index == index]
        seller.sales.sell(amount, units, own=seller.owner == tab.consumer)

    def _count(self, device: DeviceBook) -> None:
        """Adds to the network's totals what a device sold since it was counted last."""
        new, own = device.sales.count()
        self.totals.units_sold += new
        self.totals.units_self_sold += own

    def _claim(self, event: events.Claimed) -> None:
        totals = self.totals
        for entry in event.entries:
            found = [each for each in self.devices.values() if each.index == entry.device]
            if entry.outcome not in (PAID, DISPUTED) or not found:
                continue
            [device] = found
            if entry.earnings:
                self._count(device)
                totals.revenue += entry.earnings
                device.sales.claimed += entry.earnings
                device.sales.earnings = device.sales.own_earnings = 0
            if entry.outcome == PAID:
                # What was not owed before was earned by sales, with this very claim.
                earned = entry.rewards - device.rewards_owed
                self._owe(earned)
                device.lifetime_rewards += earned
                totals.pool_owed -= entry.rewards
                device.rewards_owed = 0
        totals.fees += event.fee
        totals.fees_taken += event.fee
        totals.burned += event.burn
        totals.accounted -= event.amount + event.burn

    def _resolve(self, device: DeviceBook, event: events.DisputeResolved) -> None:
        dispute, totals = self.disputes.pop(event.dispute), self.totals
        back = 0
        if dispute.tab in self.tabs:
            back = event.deposit_back + event.to_challenger
            self.tabs[dispute.tab].credit(back)
        if event.to_consumer:
            self.tabs[event.consumer_tab].credit(event.to_consumer)
        # Nothing is lost: what did not come from the deposit came from the bond.
        slashed = event.to_consumer + back + event.to_pool + event.to_bond - dispute.deposit
        device.bond += event.to_bond - slashed
        device.leaving = min(device.leaving, device.bond - device.held)
        device.open_disputes -= 1
        device.rewards_owed -= event.forfeited
        device.lifetime_rewards -= event.forfeited
        totals.pool_free += event.to_pool + event.forfeited
        totals.pool_owed -= event.forfeited
        totals.rewards -= event.forfeited
        totals.slashed += slashed
        totals.guilty += event.verdict == GUILTY
        totals.not_guilty += event.verdict == NOT_GUILTY
