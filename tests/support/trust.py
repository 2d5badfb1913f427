"""Bonds, SLAs and disputes: handles, and every instruction of trust with sensible accounts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.builders import signed
from support.consumers import Consumers
from support.parties import Device, Lane, Network, Tab
from support.svm import Instructions
from support.trust_records import Entry, Records
from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID, find_dispute, find_sla
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state
from worktab.program.generated import instructions as ix
from worktab.program.generated.types import SlaTerms

WITHDRAWN, AGREES, DIFFERS, WITHHELD, REPEATED = range(5)
"""Findings of a vote on a dispute."""
OPEN, GUILTY, NOT_GUILTY, UNDECIDED = range(4)
"""Verdicts of a dispute."""
KEPT, MISSED, EXCUSED = range(3)
"""Outcomes of an SLA."""
SLA_TIME: Final = 1_000
"""Seconds from the opening of an SLA to its deadline, unless a test says otherwise."""


@dataclass(frozen=True, slots=True)
class Sla:
    """An SLA as it was opened."""

    address: Pubkey
    lane: Lane
    due: int
    bps: int
    deadline: int


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute that the tab's consumer opened, or could open, about a record of a device."""

    address: Pubkey
    device: Device
    tab: Tab
    entry: Entry


class Trust(Consumers):
    """A chain and the instructions of trust. Accounts given by name replace those passed by default."""

    # Scenes

    def bond(self, device: Device, amount: int) -> None:
        """Adds to a device's bond."""
        self.must(self.deposit_bond(device, amount))

    def sla(self, lane: Lane, due: int, bps: int = 0, *, deadline: int | None = None) -> Sla:
        """An open SLA on a lane, signed by consumer and owner."""
        sla = self.sla_of(lane, due, bps, deadline=deadline)
        self.must(self.open_sla(sla))
        return sla

    def dispute(self, device: Device, tab: Tab, records: Records, entry: Entry | None = None) -> Dispute:
        """An open dispute about a record of a chain, the newest unless told; the tab is the challenger's.

        A receipt over the chain's newest head is the evidence.
        """
        dispute = self.dispute_of(device, tab, entry or records.entries[-1])
        self.must(self.accuse(dispute, records))
        return dispute

    def sla_of(self, lane: Lane, due: int, bps: int = 0, *, deadline: int | None = None) -> Sla:
        """An SLA that could be opened next."""
        address, _ = find_sla(PROGRAM_ID, lane.tab.address, lane.nonce)
        return Sla(address, lane, due, bps, self.now + SLA_TIME if deadline is None else deadline)

    def dispute_of(self, device: Device, tab: Tab, entry: Entry) -> Dispute:
        """A dispute that could be opened next."""
        address, _ = find_dispute(PROGRAM_ID, device.address, entry.seq, entry.hash)
        return Dispute(address, device, tab, entry)

    def accuse(self, dispute: Dispute, records: Records, /, *, shown: bool = False) -> list[Instructions]:
        """The native signature of a receipt over the chain's newest head, and open_dispute.

        With `shown`, the device signs the transaction in its place.
        """
        device, later = dispute.device, records.later(dispute.entry)
        receipt = self.receipt_message(device, records.seq, records.units, head=records.head)
        if shown:
            key = Pubkey(device.signer.public.public_bytes)
            return [signed(self.open_dispute(dispute, later, shown=receipt, proof=key), key)]
        return [self.native(device.signer, receipt), self.open_dispute(dispute, later)]

    # Accounts

    def read_sla(self, sla: Sla) -> state.Sla:
        """An SLA's account, decoded."""
        return state.Sla.decode(self.data(sla.address))

    def read_dispute(self, dispute: Dispute) -> state.Dispute:
        """A dispute's account, decoded."""
        return state.Dispute.decode(self.data(dispute.address))

    # Bonds and pool

    def deposit_bond(
        self, device: Device, amount: int, /, *, depositor: Keypair | None = None, **accounts: Pubkey
    ) -> Instruction:
        """deposit_bond by the device's first owner, or by `depositor`; who deposits is given the tokens at once."""
        wallet, network = (depositor or device.owner).pubkey(), device.network
        passed = ix.DepositBondAccounts(
            owner=wallet,
            network=network.address,
            device=device.address,
            source=network.mint.open(wallet, amount),
            mint=network.mint.address,
            vault=network.vault,
            token_program=network.mint.token_program,
        )
        return ix.deposit_bond(replace(passed, **accounts), amount=amount)

    def withdraw_bond(self, device: Device, amount: int | None = None, /, **accounts: Pubkey) -> Instruction:
        """withdraw_bond by the device's first owner, to its associated token account: says what is to leave, or takes
        what is due."""
        network = device.network
        passed = ix.WithdrawBondAccounts(
            owner=device.owner.pubkey(),
            network=network.address,
            device=device.address,
            destination=network.mint.open(accounts.get("owner", device.owner.pubkey())),
            mint=network.mint.address,
            vault=network.vault,
            token_program=network.mint.token_program,
        )
        return ix.withdraw_bond(replace(passed, **accounts), amount=amount)

    def withdraw_pool(self, network: Network, destination: Pubkey, /, **accounts: Pubkey) -> Instruction:
        """withdraw_pool to a token account."""
        passed = ix.WithdrawPoolAccounts(
            network=network.address,
            destination=destination,
            mint=network.mint.address,
            vault=network.vault,
            token_program=network.mint.token_program,
        )
        return ix.withdraw_pool(replace(passed, **accounts))

    # SLAs

    def open_sla(self, sla: Sla, /, *, terms: SlaTerms | None = None, **accounts: Pubkey) -> Instruction:
        """open_sla, the rent paid by the world's payer; `terms` replace those of the handle."""
        lane = sla.lane
        passed = ix.OpenSlaAccounts(
            payer=self.payer.pubkey(),
            consumer=lane.tab.consumer.pubkey(),
            owner=lane.device.owner.pubkey(),
            network=lane.tab.network.address,
            tab=lane.tab.address,
            device=lane.device.address,
            sla=sla.address,
        )
        agreed = terms or SlaTerms(lane.nonce, sla.due, sla.bps, sla.deadline)
        return ix.open_sla(replace(passed, **accounts), terms=agreed)

    def enforce_sla(self, sla: Sla, /, **accounts: Pubkey) -> Instruction:
        """enforce_sla, the rent going back to the world's payer."""
        passed = ix.EnforceSlaAccounts(
            tab=sla.lane.tab.address,
            device=sla.lane.device.address,
            sla=sla.address,
            rent_payer=self.payer.pubkey(),
        )
        return ix.enforce_sla(replace(passed, **accounts))

    def contest_sla(self, sla: Sla, /, **accounts: Pubkey) -> Instruction:
        """contest_sla by the device's first owner."""
        passed = ix.ContestSlaAccounts(
            owner=sla.lane.device.owner.pubkey(), device=sla.lane.device.address, sla=sla.address
        )
        return ix.contest_sla(replace(passed, **accounts))

    def vote_sla(self, sla: Sla, attestor: Keypair, upheld: bool | None, /, **accounts: Pubkey) -> Instruction:
        """vote_sla: the penalty is due, is not, or the vote is withdrawn."""
        passed = ix.VoteSlaAccounts(attestor=attestor.pubkey(), network=sla.lane.tab.network.address, sla=sla.address)
        return ix.vote_sla(replace(passed, **accounts), upheld=upheld)

    # Disputes

    def open_dispute(
        self,
        dispute: Dispute,
        later: bytes = b"",
        /,
        *,
        shown: bytes | None = None,
        entry: Entry | None = None,
        **accounts: Pubkey,
    ) -> Instruction:
        """open_dispute alone, the rent paid by the world's payer; `shown` is a receipt of a device that signs the
        transaction itself, `entry` another record than the address says."""
        passed = ix.OpenDisputeAccounts(
            payer=self.payer.pubkey(),
            challenger=dispute.tab.consumer.pubkey(),
            network=dispute.device.network.address,
            tab=dispute.tab.address,
            device=dispute.device.address,
            proof=INSTRUCTIONS_SYSVAR_ID,
            dispute=dispute.address,
        )
        record = (entry or dispute.entry).disputed
        return ix.open_dispute(replace(passed, **accounts), record=record, later=later, receipt=shown)

    def vote_dispute(self, dispute: Dispute, attestor: Keypair, finding: int, /, **accounts: Pubkey) -> Instruction:
        """vote_dispute."""
        passed = ix.VoteDisputeAccounts(
            attestor=attestor.pubkey(), network=dispute.device.network.address, dispute=dispute.address
        )
        return ix.vote_dispute(replace(passed, **accounts), finding=finding)

    def resolve_dispute(
        self, dispute: Dispute, /, *, shown: Entry | None = None, consumer_tab: Pubkey | None = None, **accounts: Pubkey
    ) -> Instruction:
        """resolve_dispute, the rent going back to the world's payer. The consumer's tab is the one that `shown` names;
        without it, the challenger's stands in its place."""
        named = Pubkey(shown.record.tab) if shown and any(shown.record.tab) else dispute.tab.address
        passed = ix.ResolveDisputeAccounts(
            network=dispute.device.network.address,
            device=dispute.device.address,
            dispute=dispute.address,
            tab=dispute.tab.address,
            consumer_tab=consumer_tab or named,
            rent_payer=self.payer.pubkey(),
        )
        return ix.resolve_dispute(replace(passed, **accounts), shown=shown.shown if shown else None)

    def close_dispute(self, dispute: Dispute, /, **accounts: Pubkey) -> Instruction:
        """close_dispute, the rent going back to the world's payer."""
        passed = ix.CloseDisputeAccounts(
            device=dispute.device.address, dispute=dispute.address, rent_payer=self.payer.pubkey()
        )
        return ix.close_dispute(replace(passed, **accounts))
