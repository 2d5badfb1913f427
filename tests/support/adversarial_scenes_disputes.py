"""Valid calls of the instructions of disputes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from support.adversarial_cast import Company
from support.adversarial_idl import Family
from support.adversarial_scene import scene
from support.adversarial_scenes_devices import key_of
from support.adversarial_scenes_trust import BOND, bonded
from support.builders import signed
from support.epochs import CHALLENGE
from support.parties import Tab
from support.svm import Instructions
from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID, find_dispute
from worktab.core.records import JobRecord, Meter, next_head, record_hash
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import instructions as ix
from worktab.program.generated.types import DisputedRecord, ShownRecord

_DIFFERS, _AGREES = 2, 1
_DISPUTES: Final = {"dispute_deposit": 50, "slash_bps": 5_000}
_SALT: Final = bytes(range(32))


@dataclass(frozen=True)
class Disputed:
    """A record of a company's device that another consumer paid for, 60 base units."""

    company: Company

    @property
    def buyer(self) -> Tab:
        """The tab that the record names: that of who owns the company's devices, for lack of further people."""
        company = self.company
        return company.world.tab_of(company.network, company.people.owner)

    @property
    def record(self) -> JobRecord:
        """The first record of the device."""
        work = {"module": bytes(32), "input": bytes(32), "output": bytes(32)}
        return JobRecord(
            Meter.WASM_FUEL,
            work_class=0,
            meter_version=1,
            **work,
            units=10,
            amount=60,
            started_ms=0,
            finished_ms=1,
            tab=bytes(self.buyer.address),
        )

    @property
    def hash(self) -> bytes:
        """Its hash."""
        return record_hash(_SALT, self.record)

    @property
    def head(self) -> bytes:
        """The device's chain head after it."""
        return next_head(bytes(32), self.hash)

    @property
    def address(self) -> Pubkey:
        """The Dispute about it."""
        return find_dispute(PROGRAM_ID, self.company.device.address, 1, self.hash)[0]

    @property
    def message(self) -> bytes:
        """The receipt over it, which the device signed."""
        return self.company.world.receipt_message(self.company.device, 1, 10, head=self.head)

    def open(self, *, proof: Pubkey = INSTRUCTIONS_SYSVAR_ID, receipt: bytes | None = None) -> Instruction:
        """open_dispute by the company's consumer."""
        company = self.company
        passed = ix.OpenDisputeAccounts(
            payer=company.world.payer.pubkey(),
            challenger=company.people.consumer.pubkey(),
            network=company.network.address,
            tab=company.tab.address,
            device=company.device.address,
            proof=proof,
            dispute=self.address,
        )
        record = DisputedRecord(seq=1, hash=self.hash, before=bytes(32))
        return ix.open_dispute(passed, record=record, later=b"", receipt=receipt)

    def opened(self, bond: int = BOND) -> Disputed:
        """The same after it was disputed and the buyer has a tab; the device has a bond unless that is 0."""
        world = self.company.world
        if world.account(self.buyer.address) is None:
            world.must(world.open_tab(self.buyer))
        world.must([bonded(self.company, bond)] if bond else [])
        world.must(world.native(self.company.device.signer, self.message), self.open())
        return self

    def vote(self, attestor: int, finding: int) -> Instruction:
        """vote_dispute by one of the attestors."""
        passed = ix.VoteDisputeAccounts(
            attestor=self.company.cast.attestors[attestor].pubkey(),
            network=self.company.network.address,
            dispute=self.address,
        )
        return ix.vote_dispute(passed, finding=finding)

    def resolve(self, *, shown: bool) -> Instruction:
        """resolve_dispute, with the record shown or not."""
        company = self.company
        passed = ix.ResolveDisputeAccounts(
            network=company.network.address,
            device=company.device.address,
            dispute=self.address,
            tab=company.tab.address,
            consumer_tab=self.buyer.address,
            rent_payer=company.world.payer.pubkey(),
        )
        record = ShownRecord(_SALT, self.record.encode())
        return ix.resolve_dispute(passed, shown=record if shown else None)

    def close(self) -> Instruction:
        """close_dispute."""
        company = self.company
        passed = ix.CloseDisputeAccounts(
            device=company.device.address, dispute=self.address, rent_payer=company.world.payer.pubkey()
        )
        return ix.close_dispute(passed)


@scene("open_dispute", created=("dispute",), terms=_DISPUTES)
def open_dispute(company: Company) -> Instructions:
    disputed = Disputed(company)
    return [company.world.native(company.device.signer, disputed.message), disputed.open()]


@scene("open_dispute", "by the head on chain", created=("dispute",), terms=_DISPUTES)
def open_dispute_by_the_head(company: Company) -> Instruction:
    disputed = Disputed(company)
    company.world.must(company.world.receipt(company.device, 1, 10, head=disputed.head))
    return disputed.open()


@scene(
    "open_dispute",
    "by the key itself",
    created=("dispute",),
    signs=("proof",),
    differs={"proof": (Family.SIBLING, Family.NEIGHBOUR)},
    terms=_DISPUTES,
)
def open_dispute_by_the_key(company: Company) -> Instruction:
    disputed, key = Disputed(company), key_of(company.device)
    return signed(disputed.open(proof=key, receipt=disputed.message), key)


@scene("vote_dispute", terms=_DISPUTES)
def vote_dispute(company: Company) -> Instruction:
    return Disputed(company).opened().vote(0, _DIFFERS)


def _voted(company: Company, finding: int, bond: int = BOND) -> Disputed:
    disputed = Disputed(company).opened(bond)
    company.world.must(disputed.vote(0, finding), disputed.vote(1, finding))
    return disputed


@scene("resolve_dispute", "guilty", terms=_DISPUTES)
def resolve_dispute_guilty(company: Company) -> Instruction:
    return _voted(company, _DIFFERS).resolve(shown=True)


@scene("resolve_dispute", "not guilty", closed=("dispute",), terms=_DISPUTES)
def resolve_dispute_not_guilty(company: Company) -> Instruction:
    return _voted(company, _AGREES).resolve(shown=False)


@scene("resolve_dispute", "undecided", closed=("dispute",), terms=_DISPUTES, seconds=CHALLENGE)
def resolve_dispute_undecided(company: Company) -> Instruction:
    return Disputed(company).opened().resolve(shown=False)


@scene("close_dispute", closed=("dispute",), terms={"dispute_deposit": 50})
def close_dispute(company: Company) -> Instruction:
    world, device = company.world, company.device
    disputed = _voted(company, _DIFFERS, bond=0)
    world.must(disputed.resolve(shown=True))
    world.must(world.retire(device))
    company.cast.register(company.network, company.people, device.signer)
    return disputed.close()
