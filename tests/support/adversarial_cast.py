"""The world of one adversarial scene: two networks of the same people and mint, and others beside them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from solders.account import Account
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.adversarial_idl import STATES, Family, Kind
from support.epochs import Roots
from support.invoices import Desk
from support.noop import NOOP
from support.parties import Device, Lane, Network, Tab
from support.tokens import Mint, create_mint
from support.world import World
from worktab.core.keys import Signer
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state

SOL: Final = 1_000_000_000
FEE_BPS: Final = 500
BURN_BPS: Final = 300
LARGEST_BUMP: Final = 255
BALANCE: Final = 1_000
"""Base units in each tab to begin with."""


class Chain(World):
    """A world that says whose keys it has."""

    def can_sign(self, address: Pubkey) -> bool:
        """Whether a transaction can carry this address's signature."""
        return address in self._keys


@dataclass(frozen=True)
class People:
    """Those of one side: who owns devices, who is paid for them, who buys, and whose key buys for them."""

    owner: Keypair
    consumer: Keypair
    payout: Keypair
    agent: Keypair


class Company:
    """One side of the world in which a call can be made. What a scene needs beyond this, it makes at first use."""

    def __init__(self, cast: Cast, network: Network, people: People, device: Device, tab: Tab) -> None:
        self.cast, self.world, self.desk = cast, cast.world, cast.desk
        self.network, self.people, self.device, self.tab = network, people, device, tab

    @cached_property
    def lane(self) -> Lane:
        """A lane of the tab for the device, opened by the consumer; 100 base units reserved."""
        return self.world.lane(self.tab, self.device, 100)

    @cached_property
    def delegate(self) -> Keypair:
        """A key that may spend from the tab without limits that matter."""
        agent = self.people.agent
        if self.world.slot_of(self.tab).status == 0:
            self.world.must(self.world.set_delegate(self.tab, 1, self.world.delegate_terms(agent)))
        return agent

    @cached_property
    def delegates_lane(self) -> Lane:
        """A lane of the tab for the device, opened by the delegate; 100 base units reserved."""
        return self.world.lane(self.tab, self.device, 100, signer=self.delegate)

    @cached_property
    def second(self) -> Device:
        """A second device of the same owner and payout wallet."""
        return self.cast.register(self.network, self.people)

    @property
    def roots(self) -> Roots:
        """The network's attestors and guardian at work."""
        return Roots(self.world, self.network, self.cast.attestors, self.cast.guardian)


class Cast:
    """A chain, its people, and a company for each family and for the call that is attacked (`own`).

    `terms` replace those of both networks; so a scene on the path of roots has both there.
    """

    def __init__(self, **terms: Any) -> None:
        self.world = world = Chain()
        self.desk = Desk(world)
        self.fees = self.wallet()
        """Pays the fee of every attacked transaction and is no part of any call."""
        self.stranger = self.wallet()
        self.authority, self.guardian = self.wallet(), self.wallet()
        self.attestors = [self.wallet() for _ in range(3)]
        self.others_mint = create_mint(world)
        self.strangers_program = self._program()
        us, them = self._people(), self._people()
        here, there = self._network(**terms), self._network(**terms)
        key = world.ed25519()
        ours, second = self.register(here, us, key), self.register(here, us)
        theirs, abroad = self.register(here, them), self.register(there, us, key)
        for wallet in (us.consumer, us.owner, them.consumer, them.owner, self.authority, self.stranger):
            world.mint.open(wallet.pubkey())
        self.mint.open(self.stranger.pubkey(), BALANCE)
        self.others_mint.open(us.consumer.pubkey(), BALANCE)
        world.next_epoch(here)
        our_tab, their_tab, tab_abroad = (
            world.tab(here, BALANCE, consumer=us.consumer),
            world.tab(here, BALANCE, consumer=them.consumer),
            world.tab(there, BALANCE, consumer=us.consumer),
        )
        self.own = Company(self, here, us, ours, our_tab)
        self.companies = {
            Family.SIBLING: Company(self, here, us, second, our_tab),
            Family.NEIGHBOUR: Company(self, here, them, theirs, their_tab),
            Family.FOREIGN: Company(self, there, us, abroad, tab_abroad),
        }
        self.zoo = self._zoo()

    @property
    def mint(self) -> Mint:
        """The token of both networks."""
        return self.world.mint

    def wallet(self) -> Keypair:
        """A new wallet with enough lamports to pay any rent."""
        return self.world.keypair(lamports=10 * SOL)

    def register(self, network: Network, people: People, key: Signer | None = None) -> Device:
        """A new device, admitted by the authority."""
        return self.world.device(
            network, owner=people.owner, payout=people.payout, signer=key, admission=self.authority
        )

    def _people(self) -> People:
        """New people. All payout wallets' token accounts have one bump, so that a claim's data fits any of them."""
        owner, consumer, payout, agent = (self.wallet() for _ in range(4))
        while self.mint.bump_of(payout.pubkey()) != LARGEST_BUMP:
            payout = self.wallet()
        return People(owner, consumer, payout, agent)

    def _network(self, **terms: Any) -> Network:
        attestors = tuple(each.pubkey() for each in self.attestors)
        given: dict[str, Any] = {
            "guardian": self.guardian.pubkey(),
            "attestors": attestors,
            "threshold": 2,
            "fee_bps": FEE_BPS,
            "burn_bps": BURN_BPS,
        }
        return self.world.network(authority=self.authority, **given | terms)

    def _program(self) -> Pubkey:
        address = self.world.keypair().pubkey()
        self.world.runtime.add_program(address, NOOP)
        return address

    def _zoo(self) -> dict[str, Pubkey]:
        """One account of every kind, the program's own all of the attacked network and otherwise empty.

        Those that the attacked calls could have a use for stand elsewhere: these are only there to be of another kind.
        """
        zoo = {kind: self._empty(kind) for kind in STATES}
        return zoo | {
            Kind.MINT: self.others_mint.address,
            Kind.TOKENS: self.strangers_tokens,
            Kind.WALLET: self.stranger.pubkey(),
            Kind.PROGRAM: self.strangers_program,
            "nothing": self.world.keypair().pubkey(),
        }

    def _empty(self, kind: str) -> Pubkey:
        layout = getattr(state, kind)
        body = bytes(self.own.network.address)
        data = layout.DISCRIMINATOR + body + bytes(layout.SIZE - len(body) - len(layout.DISCRIMINATOR))
        address = self.world.keypair().pubkey()
        self.world.set_account(address, data, PROGRAM_ID)
        return address

    @property
    def strangers_tokens(self) -> Pubkey:
        """A token account of the stranger's, of the networks' mint."""
        return self.mint.account_of(self.stranger.pubkey())

    def put(self, address: Pubkey, account: Account | None) -> None:
        """Write an account past every rule; None removes it."""
        self.world.runtime.set_account(address, account or Account(0, b"", Pubkey.default()))
