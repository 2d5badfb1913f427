"""The ledger rule, checked from the outside (PROTOCOL section 5)."""

from __future__ import annotations

from dataclasses import dataclass

from worktab.roles.reading import Snapshot


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every term of the ledger rule at one moment, in base units.

    pool_free        in the pool, free to be earned
    pool_owed        rewards owed, as the network counts them
    device_rewards   rewards owed, as the devices count them
    root_owed        owed to payees of roots
    fees             taken and not collected
    device_earnings  owed to devices for what they sold
    bonds            of all devices
    accounted        what the network says the vault holds
    vault            what the vault holds
    """

    pool_free: int
    pool_owed: int
    device_rewards: int
    root_owed: int
    fees: int
    device_earnings: int
    bonds: int
    accounted: int
    vault: int

    @property
    def owed_holds(self) -> bool:
        """`pool_owed = sum(device rewards owed) + root_owed`"""
        return self.pool_owed == self.device_rewards + self.root_owed

    @property
    def accounted_holds(self) -> bool:
        """`accounted = pool_free + pool_owed + fees + sum(device earnings + bonds)`"""
        return self.accounted == self.pool_free + self.pool_owed + self.fees + self.device_earnings + self.bonds

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
        return self.owed_holds and self.accounted_holds and self.vault_holds


def ledger_of(snapshot: Snapshot) -> Ledger:
    """The ledger of a network as a snapshot (`NetworkReader.snapshot`) shows it."""
    network, devices = snapshot.network, snapshot.devices
    return Ledger(
        pool_free=network.pool_free,
        pool_owed=network.pool_owed,
        device_rewards=devices.total("rewards_owed"),
        root_owed=network.root_owed,
        fees=network.fees,
        device_earnings=devices.total("earnings_owed"),
        bonds=devices.total("bond"),
        accounted=network.accounted,
        vault=snapshot.vault,
    )
