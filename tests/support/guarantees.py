"""A fleet whose devices have bonds, make promises and are disputed, all of it by plain instructions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import Fleet, StartFleet
from support.trust_records import Entry, Records
from worktab.chain.tokens import associated_account
from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID, find_dispute, find_sla
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import instructions as ix
from worktab.program.generated.types import SlaTerms
from worktab.roles.consumer import Consumer
from worktab.roles.device import Device
from worktab.roles.owner import Owner
from worktab.roles.settling import Settler

CHALLENGE: Final = 600
"""Seconds of the networks' challenge delay."""
DEPOSIT: Final = 100
"""What a challenger deposits, base units."""
SLASH: Final = 5_000
"""Most of a bond that one guilty dispute slashes, basis points."""
BOND: Final = 10_000
"""What a device has bonded, base units."""


@dataclass(frozen=True, slots=True)
class Bonded:
    """A device with its owner and its chain of records."""

    device: Device
    owner: Owner
    records: Records

    @property
    def address(self) -> Pubkey:
        """The device's address."""
        return self.device.device


class Guarantees:
    """A network with two attestors of whom both must agree; challengers deposit `DEPOSIT`."""

    def __init__(self, fleet: Fleet, attestors: list[Keypair]) -> None:
        self.fleet, self.attestors = fleet, attestors

    @classmethod
    async def start(cls, start_fleet: StartFleet, **plan: Any) -> Self:
        """A new network; `plan` replaces parts of it."""
        attestors = [Keypair(), Keypair()]
        terms: dict[str, Any] = {
            "attestors": tuple(each.pubkey() for each in attestors),
            "challenge_delay": CHALLENGE,
            "dispute_deposit": DEPOSIT,
            "slash_bps": SLASH,
        }
        return cls(await start_fleet(**terms | plan), attestors)

    async def bonded(self, bond: int = BOND) -> Bonded:
        """A device with a bond, whose capacity counts from the next epoch on."""
        owner = self.fleet.owner()
        made = Bonded(await self.fleet.device(owner=owner), owner, Records())
        if bond:
            await self.deposit(made, bond)
        return made

    async def deposit(self, bonded: Bonded, amount: int) -> None:
        """Adds to a bond."""
        owner, mint = bonded.owner.owner, self.fleet.mint
        passed = ix.DepositBondAccounts(
            owner=owner.pubkey(),
            network=self.fleet.network,
            device=bonded.address,
            source=await mint.give(owner.pubkey(), amount),
            mint=mint.address,
            vault=associated_account(self.fleet.network, mint.address, mint.program),
            token_program=mint.program,
        )
        await self._send(ix.deposit_bond(passed, amount=amount), owner)

    async def withdraw(self, bonded: Bonded, amount: int | None) -> None:
        """Says what is to leave a bond, or pays what is due."""
        owner, mint = bonded.owner.owner, self.fleet.mint
        passed = ix.WithdrawBondAccounts(
            owner=owner.pubkey(),
            network=self.fleet.network,
            device=bonded.address,
            destination=associated_account(owner.pubkey(), mint.address, mint.program),
            mint=mint.address,
            vault=associated_account(self.fleet.network, mint.address, mint.program),
            token_program=mint.program,
        )
        await self._send(ix.withdraw_bond(passed, amount=amount), owner)

    async def promise(
        self, consumer: Consumer, bonded: Bonded, due: int, bps: int, seconds: int = 1_000
    ) -> tuple[Pubkey, int]:
        """An SLA over a new lane that reserves what is due; its address and the lane's nonce."""
        nonce = (await consumer.reserve(bonded.address, due)).nonce
        sla, _ = find_sla(PROGRAM_ID, consumer.tab_address, nonce)
        passed = ix.OpenSlaAccounts(
            payer=self.fleet.payer.pubkey(),
            consumer=consumer.consumer,
            owner=bonded.owner.owner.pubkey(),
            network=self.fleet.network,
            tab=consumer.tab_address,
            device=bonded.address,
            sla=sla,
        )
        terms = SlaTerms(nonce, due, bps, await self.fleet.chain.unix_time() + seconds)
        await self._send(ix.open_sla(passed, terms=terms), consumer.key, bonded.owner.owner)
        return sla, nonce

    async def deliver(self, consumer: Consumer, bonded: Bonded, nonce: int, amount: int) -> None:
        """Settles a voucher of one unit over a lane."""
        voucher = await self.fleet.voucher(consumer, bonded.device, nonce, amount=amount, units=1)
        await Settler(self.fleet.sender, self.fleet.network).settle(voucher)

    async def enforce(self, consumer: Consumer, bonded: Bonded, sla: Pubkey) -> None:
        """Ends an SLA."""
        passed = ix.EnforceSlaAccounts(
            tab=consumer.tab_address, device=bonded.address, sla=sla, rent_payer=self.fleet.payer.pubkey()
        )
        await self._send(ix.enforce_sla(passed))

    async def contest(self, bonded: Bonded, sla: Pubkey) -> None:
        """The owner contests an SLA's penalty."""
        owner = bonded.owner.owner
        passed = ix.ContestSlaAccounts(owner=owner.pubkey(), device=bonded.address, sla=sla)
        await self._send(ix.contest_sla(passed), owner)

    async def decide(self, sla: Pubkey, upheld: bool | None) -> None:
        """All attestors say whether a penalty is due, or take their votes back."""
        for attestor in self.attestors:
            passed = ix.VoteSlaAccounts(attestor=attestor.pubkey(), network=self.fleet.network, sla=sla)
            await self._send(ix.vote_sla(passed, upheld=upheld), attestor)

    async def work(self, bonded: Bonded, consumer: Consumer | None = None, amount: int = 0) -> Entry:
        """One more record, for which a consumer owes an amount, and the receipt over it."""
        records = bonded.records
        entry = records.add(consumer.tab_address if consumer else None, amount)
        await bonded.device.submit(
            *await self.fleet.receipt(bonded.device, records.seq, records.units, head=records.head)
        )
        return entry

    async def accuse(self, challenger: Consumer, bonded: Bonded, entry: Entry) -> Pubkey:
        """A dispute about a record that the receipt on chain covers."""
        dispute, _ = find_dispute(PROGRAM_ID, bonded.address, entry.seq, entry.hash)
        passed = ix.OpenDisputeAccounts(
            payer=self.fleet.payer.pubkey(),
            challenger=challenger.consumer,
            network=self.fleet.network,
            tab=challenger.tab_address,
            device=bonded.address,
            proof=INSTRUCTIONS_SYSVAR_ID,
            dispute=dispute,
        )
        later = bonded.records.later(entry)
        await self._send(ix.open_dispute(passed, record=entry.disputed, later=later, receipt=None), challenger.key)
        return dispute

    async def judge(self, dispute: Pubkey, finding: int) -> None:
        """All attestors find the same."""
        for attestor in self.attestors:
            passed = ix.VoteDisputeAccounts(attestor=attestor.pubkey(), network=self.fleet.network, dispute=dispute)
            await self._send(ix.vote_dispute(passed, finding=finding), attestor)

    async def resolve(self, dispute: Pubkey, challenger: Consumer, bonded: Bonded, shown: Entry | None = None) -> None:
        """Ends a dispute; `shown` names the consumer that is made whole."""
        named = Pubkey(shown.record.tab) if shown and any(shown.record.tab) else challenger.tab_address
        passed = ix.ResolveDisputeAccounts(
            network=self.fleet.network,
            device=bonded.address,
            dispute=dispute,
            tab=challenger.tab_address,
            consumer_tab=named,
            rent_payer=self.fleet.payer.pubkey(),
        )
        await self._send(ix.resolve_dispute(passed, shown=shown.shown if shown else None))

    async def _send(self, instruction: Instruction, *signers: Keypair) -> None:
        await self.fleet.sender.send([instruction], list(signers))
