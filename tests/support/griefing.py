"""Who attacks with money and no keys but its own, what that costs, and what a victim has before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from support.parties import Device, Network, Tab
from support.svm import Instructions, Result
from support.trust import Dispute
from support.trust_records import Records
from support.trust_scenes import Court
from support.world import World

RICH: Final = 10**13
"""Lamports that an attacker starts with."""
SIGNATURE: Final = 5_000
"""Lamports that a signature costs, those of native instructions among them."""


class Griefer:
    """An attacker: pays for its transactions itself, so that its wallet tells what an attack costs."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.wallet = world.keypair(lamports=RICH)

    @property
    def key(self) -> Pubkey:
        """Its wallet's address."""
        return self.wallet.pubkey()

    @property
    def spent(self) -> int:
        """Lamports that it has lost so far."""
        return RICH - self.world.lamports(self.key)

    def attempt(self, *instructions: Instructions) -> Result:
        """Sends a transaction of its own; the ledger is checked after it."""
        return self.world.send(*instructions, payer=self.wallet)

    def attack(self, *instructions: Instructions) -> Result:
        """As `attempt`, where the program lets it."""
        result = self.attempt(*instructions)
        assert result.ok, f"{result.error_name}: {result.logs}"
        return result

    def gift(self, address: Pubkey, lamports: int) -> Instruction:
        """Lamports for an address that did not ask for any."""
        return transfer(TransferParams(from_pubkey=self.key, to_pubkey=address, lamports=lamports))

    def tab(self, network: Network, balance: int) -> Tab:
        """A tab of its own with so many base units, its rent paid by itself."""
        tab = self.world.tab_of(network, self.wallet)
        deposit = self.world.deposit(tab, balance)
        self.attack(self.world.open_tab(tab, payer=self.key), deposit)
        return tab


@dataclass(frozen=True, slots=True)
class Worth:
    """What a device and its payout wallet have, base units."""

    wallet: int
    rewards: int
    earnings: int
    bond: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.wallet + self.rewards + self.earnings + self.bond


def worth(world: World, device: Device) -> Worth:
    """What a device and its payout wallet have now."""
    held = world.read_device(device)
    return Worth(world.balance(device.payout, device.network.mint), held.rewards_owed, held.earnings_owed, held.bond)


def money(world: World, tab: Tab) -> tuple[int, int]:
    """A tab's free balance and what its lanes reserve, base units."""
    return world.read_tab(tab).balance, sum(lane.reserved for lane in world.lanes(tab))


def working(court: Court, *, bond: int = 1_000, units: int = 70) -> Device:
    """A bonded device that is owed a base unit for each unit."""
    device = court.device(bond)
    court.world.next_epoch(court.network)
    court.must(court.world.receipt(device, 1, units))
    return device


def in_use(result: Result) -> bool:
    """Whether a creation failed because there is an account at its address."""
    return result.error == "Custom(0)"


def open_by(griefer: Griefer, dispute: Dispute, records: Records) -> None:
    """Opens a dispute at the attacker's expense."""
    signature = griefer.world.accuse(dispute, records)[0]
    opening = griefer.world.open_dispute(dispute, records.later(dispute.entry), payer=griefer.key)
    griefer.attack(signature, opening)


def honest(count: int) -> Records:
    """So many true records that nobody paid for."""
    records = Records()
    records.extend(count)
    return records


def end(court: Court, dispute: Dispute) -> None:
    """Ends a dispute that attestors agree on or left alone."""
    court.must(court.world.resolve_dispute(dispute, rent_payer=court.world.read_dispute(dispute).rent_payer))


def later_slot(world: World, slots: int = 10) -> None:
    """So many slots later; the time stays."""
    now = world.now
    world.slot += slots
    world.now = now
