"""Bonds, SLAs and disputes of a world. Accounts given by name replace those passed by default."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support import changes
from support.parties import Device, Lane, Network, Tab
from support.world import World
from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID, find_dispute, find_sla
from worktab.core.records import JobRecord, Meter, next_head, record_hash
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state
from worktab.program.generated import instructions as ix
from worktab.program.generated.types import Change, DisputedRecord, ShownRecord, SlaTerms

SALT: Final = bytes([5]) * 32
WITHDRAWN, AGREES, DIFFERS, WITHHELD = 0, 1, 2, 3
"""What an attestor finds about a disputed record."""


@dataclass(frozen=True)
class Accusation:
    """A record of a device, the consumer's tab that challenges it, and the tab that the record says paid."""

    device: Device
    tab: Tab
    seq: int = 1
    amount: int = 60
    paid_by: Tab | None = None
    before: bytes = bytes(32)

    @property
    def record(self) -> JobRecord:
        """The record itself."""
        return JobRecord(
            Meter.WASM_FUEL,
            work_class=0,
            meter_version=1,
            module=bytes(32),
            input=bytes(32),
            output=bytes(32),
            units=10,
            amount=self.amount,
            started_ms=0,
            finished_ms=1,
            tab=bytes(self.paid_by.address) if self.paid_by else bytes(32),
        )

    @property
    def hash(self) -> bytes:
        """Its hash."""
        return record_hash(SALT, self.record)

    @property
    def head(self) -> bytes:
        """The device's chain head after it."""
        return next_head(self.before, self.hash)

    @property
    def address(self) -> Pubkey:
        """The Dispute about it."""
        return find_dispute(PROGRAM_ID, self.device.address, self.seq, self.hash)[0]


class Trust:
    """What stands behind the devices of a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    # Bonds and the pool

    def bond(self, device: Device, amount: int, /, **accounts: Pubkey) -> Instruction:
        """deposit_bond by the device's first owner, who is given the tokens at once."""
        owner, network = device.owner.pubkey(), device.network
        passed = ix.DepositBondAccounts(
            owner=owner,
            network=network.address,
            device=device.address,
            source=network.mint.open(owner, 0 if accounts.get("source") else amount),
            mint=network.mint.address,
            vault=network.vault,
            token_program=network.mint.token_program,
        )
        return ix.deposit_bond(replace(passed, **accounts), amount=amount)

    def unbond(self, device: Device, amount: int | None, /, **accounts: Pubkey) -> Instruction:
        """withdraw_bond by the device's first owner, to its own account: announces an amount, or pays what is due."""
        owner, network = device.owner.pubkey(), device.network
        passed = ix.WithdrawBondAccounts(
            owner=owner,
            network=network.address,
            device=device.address,
            destination=network.mint.open(owner),
            mint=network.mint.address,
            vault=network.vault,
            token_program=network.mint.token_program,
        )
        return ix.withdraw_bond(replace(passed, **accounts), amount=amount)

    def pool_leaves(self, amount: int, destination: Pubkey) -> Change:
        """The change that takes so much of the free pool back."""
        return changes.change(11, amount, key=destination)

    def withdraw_pool(self, network: Network, destination: Pubkey) -> Instruction:
        """withdraw_pool, by anybody."""
        passed = ix.WithdrawPoolAccounts(
            network=network.address,
            destination=destination,
            mint=network.mint.address,
            vault=network.vault,
            token_program=network.mint.token_program,
        )
        return ix.withdraw_pool(passed)

    # SLAs

    def promise(self, lane: Lane, due: int, bps: int, deadline: int, /, **accounts: Pubkey) -> Instruction:
        """open_sla on a lane, by its consumer and its device's owner."""
        passed = ix.OpenSlaAccounts(
            payer=self.world.payer.pubkey(),
            consumer=lane.tab.consumer.pubkey(),
            owner=lane.device.owner.pubkey(),
            network=lane.tab.network.address,
            tab=lane.tab.address,
            device=lane.device.address,
            sla=sla_of(lane),
        )
        return ix.open_sla(replace(passed, **accounts), terms=SlaTerms(lane.nonce, due, bps, deadline))

    def enforce(self, lane: Lane) -> Instruction:
        """enforce_sla, by anybody; the rent goes back to the world's payer."""
        passed = ix.EnforceSlaAccounts(
            tab=lane.tab.address,
            device=lane.device.address,
            sla=sla_of(lane),
            rent_payer=self.world.payer.pubkey(),
        )
        return ix.enforce_sla(passed)

    def contest(self, lane: Lane) -> Instruction:
        """contest_sla by the device's owner."""
        passed = ix.ContestSlaAccounts(owner=lane.device.owner.pubkey(), device=lane.device.address, sla=sla_of(lane))
        return ix.contest_sla(passed)

    def decide(self, lane: Lane, attestor: Keypair, upheld: bool | None) -> Instruction:
        """vote_sla by an attestor."""
        passed = ix.VoteSlaAccounts(attestor=attestor.pubkey(), network=lane.tab.network.address, sla=sla_of(lane))
        return ix.vote_sla(passed, upheld=upheld)

    def read_sla(self, lane: Lane) -> state.Sla:
        """The SLA about a lane."""
        return state.Sla.decode(self.world.data(sla_of(lane)))

    # Disputes

    def accuse(self, accusation: Accusation, **tampered: Any) -> Instruction:
        """open_dispute by the tab's consumer, for a record that the head on chain proves; `tampered` fields differ."""
        passed = ix.OpenDisputeAccounts(
            payer=self.world.payer.pubkey(),
            challenger=accusation.tab.consumer.pubkey(),
            network=accusation.tab.network.address,
            tab=accusation.tab.address,
            device=accusation.device.address,
            proof=INSTRUCTIONS_SYSVAR_ID,
            dispute=accusation.address,
        )
        record = DisputedRecord(seq=accusation.seq, hash=accusation.hash, before=accusation.before)
        return ix.open_dispute(passed, record=replace(record, **tampered), later=b"", receipt=None)

    def find(self, accusation: Accusation, attestor: Keypair, finding: int) -> Instruction:
        """vote_dispute by an attestor."""
        passed = ix.VoteDisputeAccounts(
            attestor=attestor.pubkey(), network=accusation.tab.network.address, dispute=accusation.address
        )
        return ix.vote_dispute(passed, finding=finding)

    def resolve(self, accusation: Accusation, *, shown: bool = True) -> Instruction:
        """resolve_dispute, by anybody, with the record shown or not."""
        passed = ix.ResolveDisputeAccounts(
            network=accusation.tab.network.address,
            device=accusation.device.address,
            dispute=accusation.address,
            tab=accusation.tab.address,
            consumer_tab=accusation.paid_by.address if accusation.paid_by else self.world.payer.pubkey(),
            rent_payer=self.world.payer.pubkey(),
        )
        record = ShownRecord(SALT, accusation.record.encode())
        return ix.resolve_dispute(passed, shown=record if shown else None)

    def read_dispute(self, accusation: Accusation) -> state.Dispute:
        """The Dispute about a record."""
        return state.Dispute.decode(self.world.data(accusation.address))


def sla_of(lane: Lane) -> Pubkey:
    """The SLA account of a lane."""
    return find_sla(PROGRAM_ID, lane.tab.address, lane.nonce)[0]
