"""A token to test with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.sending import Sender
from worktab.chain.tokens import associated_account, create_associated_account, create_mint, mint_to, read_token_account
from worktab.core.addresses import TOKEN_PROGRAM_ID

DECIMALS: Final = 6


@dataclass(frozen=True, slots=True)
class Mint:
    """A mint whose authority the test holds; `Mint.create` makes one.

    address    the mint
    authority  mints and freezes; it holds no lamports
    program    SPL Token or Token-2022
    sender     pays for what is done here
    """

    address: Pubkey
    authority: Keypair
    program: Pubkey
    sender: Sender

    @classmethod
    async def create(cls, sender: Sender, *, program: Pubkey = TOKEN_PROGRAM_ID) -> Self:
        """A new mint of 6 decimals. Raises what `Sender.send` raises."""
        mint, authority = Keypair(), Keypair()
        instructions = await create_mint(
            sender.chain,
            payer=sender.fee_payer.pubkey(),
            mint=mint.pubkey(),
            authority=authority.pubkey(),
            freeze_authority=authority.pubkey(),
            decimals=DECIMALS,
            program=program,
        )
        await sender.send(instructions, [mint], label="create mint")
        return cls(mint.pubkey(), authority, program, sender)

    def account_of(self, owner: Pubkey) -> Pubkey:
        """Where an owner's tokens are kept: its associated token account."""
        return associated_account(owner, self.address, self.program)

    async def give(self, owner: Pubkey, amount: int) -> Pubkey:
        """Mint base units into an owner's account, which is made where it is missing; returns the account."""
        account, payer = self.account_of(owner), self.sender.fee_payer.pubkey()
        made = create_associated_account(payer=payer, owner=owner, mint=self.address, program=self.program)
        minted = mint_to(
            mint=self.address, target=account, authority=self.authority.pubkey(), amount=amount, program=self.program
        )
        await self.sender.send([made, minted], [self.authority], label="mint")
        return account

    async def balance(self, owner: Pubkey) -> int:
        """Base units in an owner's account; 0 where it has none."""
        account = await read_token_account(self.sender.chain, self.account_of(owner))
        return account.amount if account else 0
