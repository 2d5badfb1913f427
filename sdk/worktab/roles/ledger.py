"""The ledger rule, checked from the outside (PROTOCOL section 5)."""

from __future__ import annotations

from dataclasses import dataclass

from worktab.core.errors import InputError
from worktab.roles.snapshots import Snapshot


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every term of the ledger rule at one moment, in base units.

    pool_free        in the pool, free to be earned
    pool_owed        rewards owed, as the network counts them
    device_rewards   rewards owed, as the devices count them
    root_owed        owed to payees of roots
    fees             taken and not collected
    device_earnings  owed to devices for what they sold
    tab_balances     of all consumers, free to be spent or withdrawn
    lane_reserves    of all consumers, set aside for devices and not yet moved
    bonds            of all devices
    deposits         of the challengers of all open disputes
    accounted        what the network says the vault holds
    vault            what the vault holds
    root_total       rewards of all payees of roots in their lifetimes, as the newest final root says
    root_claimed     claimed of them, as the payees' pages count it
    """

    pool_free: int
    pool_owed: int
    device_rewards: int
    root_owed: int
    fees: int
    device_earnings: int
    tab_balances: int
    lane_reserves: int
    bonds: int
    deposits: int
    accounted: int
    vault: int
    root_total: int
    root_claimed: int

    @property
    def owed_holds(self) -> bool:
        """`pool_owed = sum(device rewards owed) + root_owed`"""
        return self.pool_owed == self.device_rewards + self.root_owed

    @property
    def roots_hold(self) -> bool:
        """`root_total = sum(claimed by payees) + root_owed`"""
        return self.root_total == self.root_claimed + self.root_owed

    @property
    def accounted_holds(self) -> bool:
        """`accounted = pool_free + pool_owed + fees + sum(tab balances + lane reserves + device earnings + bonds +
        dispute deposits)`"""
        network, tabs = self.pool_free + self.pool_owed + self.fees, self.tab_balances + self.lane_reserves
        return self.accounted == network + tabs + self.device_earnings + self.bonds + self.deposits

    @property
    def vault_holds(self) -> bool:
        """`accounted <= vault`"""
        return self.accounted <= self.vault

    @property
    def surplus(self) -> int:
        """What the vault holds beyond the ledger, below zero if it holds less; `fund_pool` credits it to the pool."""
        return self.vault - self.accounted

    @property
    def holds(self) -> bool:
        """Whether the whole rule holds."""
        return self.owed_holds and self.roots_hold and self.accounted_holds and self.vault_holds


def ledger_of(snapshot: Snapshot) -> Ledger:
    """The ledger of a network as an exact snapshot (`NetworkReader.snapshot`) shows it.

    Raises `InputError` for one that is not: it lacks tabs and disputes.
    """
    network, devices, tabs, disputes = snapshot.network, snapshot.devices, snapshot.tabs, snapshot.disputes
    if tabs is None or disputes is None:
        raise InputError("This snapshot does not show tabs and disputes", next_step="Take an exact one")
    return Ledger(
        pool_free=network.pool_free,
        pool_owed=network.pool_owed,
        device_rewards=devices.total("rewards_owed"),
        root_owed=network.root_owed,
        fees=network.fees,
        device_earnings=devices.total("earnings_owed"),
        tab_balances=sum(view.tab.balance for view in tabs),
        lane_reserves=sum(view.reserved for view in tabs),
        bonds=devices.total("bond"),
        deposits=sum(view.account.deposit for view in disputes),
        accounted=network.accounted,
        vault=snapshot.vault,
        root_total=network.root_total,
        root_claimed=snapshot.root_claimed,
    )
