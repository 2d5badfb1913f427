"""A network with everything in it, for clocks that misbehave: its parties, and the handles of what they make."""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

from support.edges_trust import Accusation, Trust
from support.epochs import Root, Roots
from support.invoices import Desk
from support.parties import EPOCH, Lane
from support.svm import Instructions, Result
from support.tokens import token_amount
from support.world import World

TIME_BEGINS: Final = -(1 << 63)
TIME_ENDS: Final = (1 << 63) - 1
DELAY, CHALLENGE, UNBONDING = 60, 600, 7_200
"""Delays of the network, seconds."""


class Life:
    """A network and its parties. `now` is the time by which they go; the chain's clock may show another one."""

    def __init__(self, world: World) -> None:
        self.world, self.trust, self.desk = world, Trust(world), Desk(world)
        self.now = world.now
        self.attestor, self.agent = world.keypair(), world.keypair()
        terms = world.terms(
            fee_bps=500,
            burn_bps=250,
            parameter_delay=DELAY,
            challenge_delay=CHALLENGE,
            unbonding_delay=UNBONDING,
            attestors=(self.attestor.pubkey(),),
            threshold=1,
            dispute_deposit=100,
            slash_bps=5_000,
        )
        self.network, self.create = world.create_network(terms)
        self.tab = world.tab_of(self.network)
        self.roots = Roots(world, self.network, [self.attestor])
        self.wallets: dict[str, Pubkey] = {
            name: self.network.mint.open(world.keypair().pubkey()) for name in ("pool", "fees", "consumer", "bond")
        }
        self.dates: dict[str, int] = {}
        """When what was announced last is due, by the clock at the announcement."""

    def send(self, instructions: Instructions) -> Result:
        """Sends a transaction; the ledger is checked after it."""
        return self.world.send(instructions)

    def wait(self, seconds: int) -> None:
        """Lets time go on, up to its end."""
        self.now = min(self.now + seconds, TIME_ENDS)
        self.world.now = self.now

    def announce(self, name: str, delay: int, instructions: Instructions) -> Instructions:
        """Notes when what is announced at the chain's time will be due."""
        self.dates[name] = self.world.now + delay
        return instructions

    def epoch(self, clock: int) -> int:
        """The network's epoch at a time."""
        return max(0, clock - self.world.read_network(self.network).created_at) // EPOCH

    def paid(self) -> dict[str, int]:
        """Base units that everybody was paid in the end, and what is left in the vault."""
        mint = self.network.mint
        accounts = self.wallets | {
            "payout": mint.account_of(self.device.payout.pubkey()),
            "payee": mint.account_of(self.root.payee(0).payout),
            "vault": self.network.vault,
        }
        return {name: token_amount(self.world.data(account)) for name, account in accounts.items()}

    # What is there once its step was done

    def register(self) -> Instructions:
        """Registers the device, which is known from then on, and so is what it will be accused of."""
        self.device, terms = self.world.plan(self.network)
        self.accusation = Accusation(self.device, self.tab)
        return [self.world.possession(self.device), self.world.register(self.device, terms)]

    def open_tab(self) -> Instructions:
        """Opens the tab; its lanes count from the slot on."""
        self.lane = Lane(self.tab, self.device, self.world.slot, self.tab.consumer)
        return self.world.open_tab(self.tab)

    def invoice(self) -> Instructions:
        """Makes an invoice."""
        self.bill = self.desk.plan(self.device, self.tab.consumer.pubkey(), 50)
        return self.desk.create(self.bill)

    def receipt(self) -> Instructions:
        """The device's receipt, by its own time, which is not before the beginning of Unix time."""
        self.reported_at = max(self.now, 0)
        return self.world.receipt(self.device, 1, 100, time=self.reported_at, head=self.accusation.head)

    def promise(self) -> Instructions:
        """Promises 200 base units on the lane within five minutes."""
        self.deadline = min(self.now + 300, TIME_ENDS)
        self.dates["sla"] = self.deadline + CHALLENGE
        return self.trust.promise(self.lane, 200, 5_000, self.deadline)

    def delegate(self) -> Instructions:
        """Lets the agent spend for some hours."""
        self.expires_at = min(self.now + 10_000, TIME_ENDS)
        terms = self.world.delegate_terms(self.agent, expires_at=self.expires_at, period_length=100, period_limit=1_000)
        return self.world.set_delegate(self.tab, 1, terms)

    def commit(self) -> Instructions:
        """Commits to a root over the newest epoch that is over by the parties' time."""
        self.root: Root = self.roots.root(max(self.epoch(self.now) - 1, 0), self.roots.payees(30))
        return self.announce("root", CHALLENGE, self.roots.commit(self.root.commitment()))
