"""Where the demo happens: an embedded chain with a token and a network, and a count of what everything costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from worktab.chain.embedded import EmbeddedChain
from worktab.chain.journal import Journal
from worktab.chain.protocol import Landed
from worktab.chain.sending import Sender
from worktab.chain.tokens import (
    associated_account,
    create_associated_account,
    create_mint,
    mint_to,
    read_mint,
    read_token_account,
)
from worktab.core.keys import Signer
from worktab.program.generated import PROGRAM_ID
from worktab.roles.base import program_sender
from worktab.roles.operator import Operator
from worktab.roles.owner import Owner
from worktab.roles.terms import NetworkPlan, WorkClass

DECIMALS: Final = 6
FEE_BPS: Final = 500
BURN_BPS: Final = 200

_LAMPORTS: Final = 100 * 10**9


@dataclass(frozen=True, slots=True)
class Costs:
    """Lamports spent: fees are gone, rent is a deposit in the accounts that were made."""

    transactions: int
    fees: int
    rent: int


class CountedChain(EmbeddedChain):
    """An embedded chain that counts what lands, whoever sends it."""

    def __init__(self) -> None:
        super().__init__()
        self.landed: dict[Signature, Landed] = {}

    async def send(self, raw: bytes) -> None:
        """See `Chain.send`."""
        await super().send(raw)
        signature = VersionedTransaction.from_bytes(raw).signatures[0]
        landed = await self.transaction(signature)
        if landed is not None:
            self.landed[signature] = landed


class Stage:
    """A chain where an authority, a relay and whoever else pays for itself have lamports, and nothing else is.

    relay     pays fees and rent of everybody who has no lamports
    operator  runs the network once `create_network` has made it
    minted    base units of the token that were ever made
    """

    operator: Operator

    def __init__(self, payers: Sequence[Keypair]) -> None:
        self.chain = CountedChain()
        self.chain.deploy(PROGRAM_ID, resources.files("worktab.program").joinpath("worktab.so").read_bytes())
        self.relay = Keypair()
        self.minted = 0
        self._authority, self._mint = Keypair(), Keypair()
        self._payers = [self._authority, self.relay, *payers]
        for payer in self._payers:
            self.chain.airdrop(payer.pubkey(), _LAMPORTS)
        self._held, self._counted = len(self._payers) * _LAMPORTS, 0

    def sender(self, payer: Keypair | None = None, journal: Journal | None = None) -> Sender:
        """Sends what a payer pays for; by default the relay."""
        return program_sender(self.chain, fee_payer=payer or self.relay, journal=journal)

    async def create_network(self, terms: WorkClass, **further: Any) -> None:
        """Make a token and a network that pays in it, with a pool of one epoch's budget.

        `further` are other terms of the network's `NetworkPlan`.
        """
        sender, authority, mint = self.sender(self._authority), self._authority.pubkey(), self._mint.pubkey()
        made = await create_mint(self.chain, payer=authority, mint=mint, authority=authority, decimals=DECIMALS)
        await sender.send(made, [self._mint], label="create token")
        await self.give(authority, terms.budget)
        plan = NetworkPlan(mint=mint, classes=(terms,), fee_bps=FEE_BPS, burn_bps=BURN_BPS, **further)
        self.operator = Operator.of_plan(sender, plan, authority=self._authority)
        await self.operator.create_network(plan)
        await self.operator.fund_pool(terms.budget)

    async def register(self, key: Signer | Keypair, owner: Keypair, capacity: int) -> None:
        """Register a device under its owner, who has no lamports: the relay pays."""
        await Owner(self.sender(), self.operator.address, owner=owner).register(key, capacity=capacity)

    async def give(self, wallet: Pubkey, amount: int) -> None:
        """Make so many base units of the token for a wallet."""
        mint, authority = self._mint.pubkey(), self._authority.pubkey()
        account = create_associated_account(payer=authority, owner=wallet, mint=mint)
        held = associated_account(wallet, mint)
        minted = mint_to(mint=mint, target=held, authority=authority, amount=amount)
        await self.sender(self._authority).send([account, minted], label="make tokens")
        self.minted += amount

    async def tokens(self, wallet: Pubkey) -> int:
        """Base units that a wallet holds of the token."""
        account = await read_token_account(self.chain, associated_account(wallet, self._mint.pubkey()))
        return account.amount if account else 0

    async def supply(self) -> int:
        """Base units of the token that there are."""
        return (await read_mint(self.chain, self._mint.pubkey())).supply

    async def pass_an_epoch(self) -> None:
        """Let an epoch go by."""
        self.chain.advance(seconds=(await self.operator.network()).epoch_length)

    async def spent(self) -> Costs:
        """What was spent since the last time this was asked."""
        accounts = await self.chain.accounts([payer.pubkey() for payer in self._payers])
        held = sum(account.lamports for account in accounts if account)
        landed = list(self.chain.landed.values())[self._counted :]
        fees = sum(each.fee for each in landed)
        costs = Costs(len(landed), fees, self._held - held - fees)
        self._counted, self._held = len(self.chain.landed), held
        return costs
