"""A network whose devices have bonds and whose attestors decide disputes, and what it keeps true of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from solders.keypair import Keypair

from support.parties import Device, Lane, Network, Tab
from support.svm import Result
from support.trust import DIFFERS, Dispute, Sla
from support.trust_records import Entry, Records
from support.world import World
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state

CHALLENGE = 600
"""Seconds of the default network's challenge delay: to contest an SLA, to decide it, and to vote on a dispute."""
UNBONDING = 7_200
"""Seconds that a bond takes to leave."""
DEPOSIT = 100
"""What a challenger deposits, base units."""
SLASH = 5_000
"""Most of a bond that a guilty dispute slashes, basis points."""


class TrustWorld(World):
    """A world that checks after every transaction that devices' accounts say what their SLAs and disputes say."""

    def check_ledger(self) -> None:
        super().check_ledger()
        self.check_promises()

    def check_promises(self) -> None:
        """Assert that every device counts the SLAs and disputes there are, that its bond covers what they hold and what
        leaves, and that an SLA's lane says so."""
        slas, held, disputes = Counter[bytes](), Counter[bytes](), Counter[bytes]()
        accounts = [account.data for _, account in self.runtime.get_program_accounts(PROGRAM_ID)]
        for data in accounts:
            if data.startswith(state.Sla.DISCRIMINATOR):
                sla = state.Sla.decode(data)
                slas[bytes(sla.device)] += 1
                held[bytes(sla.device)] += sla.held
            elif data.startswith(state.Dispute.DISCRIMINATOR):
                dispute = state.Dispute.decode(data)
                disputes[bytes(dispute.device)] += dispute.verdict == 0
                assert (dispute.deposit > 0) == (dispute.verdict == 0)
        for address, account in self.runtime.get_program_accounts(PROGRAM_ID):
            if account.data.startswith(state.Device.DISCRIMINATOR):
                device, key = state.Device.decode(account.data), bytes(address)
                assert (device.open_slas, device.open_disputes) == (slas[key], disputes[key])
                assert device.bond_held == held[key]
                assert device.bond_held + device.unbonding <= device.bond
                assert (device.unbonding_at > 0) or device.unbonding == 0


class Court:
    """A network with attestors, and how its promises and disputes go."""

    def __init__(self, world: World, network: Network, attestors: list[Keypair]) -> None:
        self.world, self.network, self.attestors = world, network, attestors

    def device(self, bond: int = 1_000, **terms: Any) -> Device:
        """A device with a bond, whose capacity counts from the next epoch on."""
        device = self.world.device(self.network, **terms)
        if bond:
            self.world.bond(device, bond)
        return device

    def lane(self, device: Device, reserved: int = 1_000, balance: int = 10_000) -> Lane:
        """A lane of a new tab."""
        return self.world.lane(self.world.tab(self.network, balance), device, reserved)

    def paid_record(self, tab: Tab, amount: int = 70) -> Records:
        """A chain of one record that a tab owes an amount for."""
        records = Records()
        records.add(tab, amount)
        return records

    def vote(self, dispute: Dispute, finding: int = DIFFERS, count: int | None = None) -> None:
        """So many attestors find the same, as many as must agree unless told."""
        count = self.world.read_network(self.network).threshold if count is None else count
        for attestor in self.attestors[:count]:
            self.must(self.world.vote_dispute(dispute, attestor, finding))

    def decide(self, sla: Sla, upheld: bool) -> None:
        """As many attestors as must agree say whether the penalty is due."""
        for attestor in self.attestors[: self.world.read_network(self.network).threshold]:
            self.must(self.world.vote_sla(sla, attestor, upheld))

    def convict(self, device: Device, tab: Tab, entry: Entry, records: Records) -> Dispute:
        """A dispute about a record that ends guilty with the record shown."""
        dispute = self.world.dispute(device, tab, records, entry)
        self.vote(dispute)
        self.must(self.world.resolve_dispute(dispute, shown=entry))
        return dispute

    def must(self, *instructions: Any) -> Result:
        """Sends what a test takes for granted; the ledger is checked after it."""
        result = self.world.send(*instructions)
        assert result.ok, f"{result.error_name}: {result.logs}"
        return result


def court_of(world: World, *, attestors: int = 3, threshold: int = 2, **terms: Any) -> Court:
    """A new network with attestors; a challenger deposits 100, and half of a bond is slashed. `terms` as for
    `World.network`."""
    keys = [world.keypair() for _ in range(attestors)]
    default = {"dispute_deposit": DEPOSIT, "slash_bps": SLASH}
    network = world.network(attestors=tuple(key.pubkey() for key in keys), threshold=threshold, **default | terms)
    return Court(world, network, keys)
