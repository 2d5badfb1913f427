"""The money that a network's authority looks after: its pool and its fees."""

from __future__ import annotations

from dataclasses import dataclass

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.sending import Confirmed, Sender
from worktab.chain.tokens import associated_account, create_associated_account, decode_token_account
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from worktab.core.errors import InputError
from worktab.program.generated import PROGRAM_ID, events, instructions
from worktab.roles.base import Role
from worktab.roles.changes import PoolWithdrawal, pending_change
from worktab.roles.root_reading import existing


@dataclass(frozen=True, slots=True)
class FundedPool:
    """What a funding added to the pool, in base units.

    `surplus` is what the vault held beyond its ledger and was credited, too; None when the node keeps no logs.
    """

    amount: int
    surplus: int | None
    confirmed: Confirmed


@dataclass(frozen=True, slots=True)
class WithdrawnPool:
    """Base units that left the pool for a token account; an amount of None when the node keeps no logs."""

    amount: int | None
    destination: Pubkey
    confirmed: Confirmed


@dataclass(frozen=True, slots=True)
class CollectedFees:
    """Fees that were paid out, in base units; `confirmed` is None where there were none."""

    amount: int
    confirmed: Confirmed | None


class Treasury(Role):
    """The part of `Operator` that moves tokens."""

    def __init__(self, sender: Sender, network: Pubkey, *, authority: Keypair, program_id: Pubkey = PROGRAM_ID) -> None:
        super().__init__(sender, network, program_id=program_id)
        self.authority = authority

    async def fund_pool(
        self, amount: int, *, funder: Keypair | None = None, source: Pubkey | None = None
    ) -> FundedPool:
        """Add `amount` base units to the pool, and whatever the vault holds beyond its ledger; 0 does only the latter.

        funder  signs for the tokens; by default this operator's key
        source  a token account that the funder may spend from; by default its associated token account
        """
        funder = funder or self.authority
        network = await self.reader.network()
        passed = instructions.FundPoolAccounts(
            network=self.address,
            funder=funder.pubkey(),
            source=source or associated_account(funder.pubkey(), network.mint, network.token_program),
            mint=network.mint,
            vault=network.vault,
            token_program=network.token_program,
        )
        instruction = instructions.fund_pool(passed, amount=amount, program_id=self.program_id)
        confirmed = await self.sender.send([instruction], [funder], label="fund pool")
        event = self.event(confirmed, events.PoolFunded)
        return FundedPool(amount, event.surplus if event else None, confirmed)

    async def withdraw_pool(self) -> WithdrawnPool:
        """Put an announced withdrawal of the pool in force once it is due. Anyone may, so only the fee payer signs.

        The tokens go to the account that was announced. Where that is the authority's associated token account and it
        was closed meanwhile, it is made again at the fee payer's cost.
        """
        network = await self.reader.network()
        mint, program = network.mint, network.token_program
        own, pending = associated_account(network.authority, mint, program), pending_change(network)
        destination = own
        if pending is not None and isinstance(pending.change, PoolWithdrawal):
            destination = pending.change.destination
        before = [self._account_of(network.authority, mint, program)] if destination == own else []
        passed = instructions.WithdrawPoolAccounts(
            network=self.address,
            destination=destination,
            mint=mint,
            vault=network.vault,
            token_program=program,
        )
        withdrawn = instructions.withdraw_pool(passed, program_id=self.program_id)
        confirmed = await self.sender.send([*before, withdrawn], label="withdraw pool")
        event = self.event(confirmed, events.PoolWithdrawn)
        return WithdrawnPool(event.amount if event else None, destination, confirmed)

    async def collect_fees(self, destination: Pubkey | None = None) -> CollectedFees:
        """Pay out the fees that claims have taken so far; none to collect is a success.

        destination  a token account of the network's mint; by default the authority's associated token account, which
                     is made at the fee payer's cost where it is missing
        """
        network = await self.reader.network()
        if not network.fees:
            return CollectedFees(0, None)
        authority, mint, program = self.authority.pubkey(), network.mint, network.token_program
        before = []
        if destination is None:
            destination = associated_account(authority, mint, program)
            before = [self._account_of(authority, mint, program)]
        passed = instructions.CollectFeesAccounts(
            authority=authority,
            network=self.address,
            destination=destination,
            mint=network.mint,
            vault=network.vault,
            token_program=network.token_program,
        )
        collected = instructions.collect_fees(passed, program_id=self.program_id)
        confirmed = await self.sender.send([*before, collected], [self.authority], label="collect fees")
        event = self.event(confirmed, events.FeesCollected)
        return CollectedFees(event.amount if event else network.fees, confirmed)

    async def destination(self, to: Pubkey | None = None) -> tuple[Pubkey, list[Instruction]]:
        """The token account that is meant by a token account or a wallet, by default the authority, and what makes it.

        Raises `InputError` for a token account of another mint, and for what is neither.
        """
        network = await self.reader.network()
        mint, program = network.mint, network.token_program
        wallet = to or self.authority.pubkey()
        account = existing(await self.sender.chain.account(wallet))
        if account is not None and account.owner in (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID):
            held = decode_token_account(wallet, account)
            if held.mint != mint:
                told = f"The token account {wallet} is of another mint"
                raise InputError(told, expected=str(mint), got=str(held.mint))
            return wallet, []
        if account is None and not wallet.is_on_curve():
            raise InputError(
                f"There is no token account at {wallet}, and it is no wallet",
                expected="a token account that exists, or a wallet",
                got="no account",
            )
        return associated_account(wallet, mint, program), [self._account_of(wallet, mint, program)]

    def _account_of(self, owner: Pubkey, mint: Pubkey, program: Pubkey) -> Instruction:
        """Makes a wallet's associated token account where it is missing."""
        payer = self.sender.fee_payer.pubkey()
        return create_associated_account(payer=payer, owner=owner, mint=mint, program=program)
