"""Where the demo happens: an embedded chain with a token and a network, and a count of what everything costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.embedded import EmbeddedChain
from worktab.chain.journal import Journal
from worktab.chain.sending import Confirmed, Sender
from worktab.chain.tokens import associated_account, create_associated_account, create_mint, mint_to, read_token_account
from worktab.demo.devices import Party
from worktab.program.generated import PROGRAM_ID
from worktab.roles.base import program_sender
from worktab.roles.operator import Operator
from worktab.roles.owner import Owner
from worktab.roles.terms import NetworkPlan, WorkClass

DECIMALS: Final = 6

_LAMPORTS: Final = 100 * 10**9


@dataclass(frozen=True, slots=True)
class Costs:
    """Lamports spent: fees are gone, rent is a deposit in the accounts that were made."""

    transactions: int
    fees: int
    rent: int


class Stage:
    """A chain where an authority, a relay and the devices that pay for themselves have lamports, and nothing else is.

    `operator` runs the network once `create_network` has made it.
    """

    operator: Operator

    def __init__(self, parties: Sequence[Party]) -> None:
        self.chain = EmbeddedChain()
        self.chain.deploy(PROGRAM_ID, resources.files("worktab.program").joinpath("worktab.so").read_bytes())
        self.relay = Keypair()
        self._authority, self._mint = Keypair(), Keypair()
        self._payers = [self._authority, self.relay, *(party.pays for party in parties if party.pays)]
        for payer in self._payers:
            self.chain.airdrop(payer.pubkey(), _LAMPORTS)
        self._confirmed: list[Confirmed] = []
        self._held = len(self._payers) * _LAMPORTS

    def sender(self, payer: Keypair, journal: Journal | None = None) -> Sender:
        """Sends what a payer pays for."""
        return program_sender(self.chain, fee_payer=payer, journal=journal)

    async def create_network(self, terms: WorkClass) -> None:
        """Make a token and a network that pays in it, with a pool of one epoch's budget."""
        sender, authority, mint = self.sender(self._authority), self._authority.pubkey(), self._mint.pubkey()
        made = await create_mint(self.chain, payer=authority, mint=mint, authority=authority, decimals=DECIMALS)
        held = associated_account(authority, mint)
        account = create_associated_account(payer=authority, owner=authority, mint=mint)
        minted = mint_to(mint=mint, target=held, authority=authority, amount=terms.budget)
        self.note(await sender.send([*made, account, minted], [self._mint], label="create token"))
        plan = NetworkPlan(mint=mint, classes=(terms,))
        self.operator = Operator.of_plan(sender, plan, authority=self._authority)
        self.note((await self.operator.create_network(plan)).confirmed)
        self.note((await self.operator.fund_pool(terms.budget)).confirmed)

    async def register(self, party: Party, capacity: int) -> Pubkey:
        """Register a device under its owner, who has no lamports: the relay pays."""
        owner = Owner(self.sender(self.relay), self.operator.address, owner=party.owner)
        registered = await owner.register(party.key, capacity=capacity)
        self.note(registered.confirmed)
        return registered.address

    async def tokens(self, wallet: Pubkey) -> int:
        """Base units that a wallet holds of the token."""
        account = await read_token_account(self.chain, associated_account(wallet, self._mint.pubkey()))
        return account.amount if account else 0

    def note(self, *confirmed: Confirmed) -> None:
        """Count transactions among what is spent."""
        self._confirmed += confirmed

    async def spent(self) -> Costs:
        """What was spent since the last time this was asked."""
        accounts = await self.chain.accounts([payer.pubkey() for payer in self._payers])
        held = sum(account.lamports for account in accounts if account)
        fees = sum(each.fee or 0 for each in self._confirmed)
        costs = Costs(len(self._confirmed), fees, self._held - held - fees)
        self._confirmed, self._held = [], held
        return costs
