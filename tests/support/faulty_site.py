"""A network on a real node, reached directly to see what is true, and over a road that fails to be tested."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from support.faulty_node import FaultyNode
from support.fleet import Fleet
from worktab.chain.journal import Journal
from worktab.chain.protocol import Chain
from worktab.chain.rpc import RpcChain
from worktab.chain.sending import Sender
from worktab.localnet import Localnet, LocalnetChain
from worktab.roles.base import program_sender
from worktab.roles.claiming import Crank
from worktab.roles.device import Device
from worktab.roles.ledger import ledger_of
from worktab.roles.operator import Operator
from worktab.roles.owner import Owner
from worktab.roles.terms import WorkClass
from worktab.testing.chains import POLL

FEE: Final = 5_000
"""Lamports for each signature of a transaction, those that the native programs check included."""

RECEIPT_FEE: Final = 2 * FEE
"""A receipt is signed by its device and sent by a fee payer."""

RICH: Final = WorkClass(rate=2_000_000, max_capacity=1_000_000, budget=10**12)
"""Two base units for each unit of work, and no limit that a test would reach."""

FUNDS: Final = 10_000_000


@dataclass(frozen=True)
class Books:
    """What the chain holds of a site.

    payer         lamports of the fee payer
    transactions  those that it has paid for, failed ones included
    the others    in base units, but for the number of `devices` ever registered
    """

    payer: int
    transactions: int
    funder: int
    vault: int
    pool_free: int
    pool_owed: int
    rewards: int
    paid: int
    devices: int

    def __sub__(self, other: Books) -> dict[str, int]:
        """What changed, by its name."""
        changes = {field.name: getattr(self, field.name) - getattr(other, field.name) for field in fields(self)}
        return {name: change for name, change in changes.items() if change}


class Site:
    """A network with an owner and one device, whose capacity counts already.

    fleet   on the direct way
    direct  that way
    road    the way that fails
    pauses  seconds that chains on it asked to wait before they try again; none are spent
    pausing what happens meanwhile
    """

    def __init__(
        self,
        fleet: Fleet,
        direct: LocalnetChain,
        road: FaultyNode,
        owner: Owner,
        device: Device,
        held: AsyncExitStack,
    ) -> None:
        self.fleet, self.direct, self.road, self.owner, self.device = fleet, direct, road, owner, device
        self.pauses: list[float] = []
        self.pausing: Callable[[], Awaitable[None]] = nothing
        self._held = held

    @classmethod
    @asynccontextmanager
    async def running(
        cls, localnet: Localnet, *, signer: Any = None, terms: WorkClass = RICH, funds: int = FUNDS
    ) -> AsyncIterator[Self]:
        """A new site on a node, until the block ends."""
        async with AsyncExitStack() as held:
            chain = await held.enter_async_context(LocalnetChain(localnet.rpc_url, sleep=_short_sleep))
            road = await held.enter_async_context(FaultyNode(localnet.rpc_url).running())
            fleet = await Fleet(chain).start(classes=(terms,), funds=funds)
            owner = fleet.owner()
            device = await fleet.device(owner=owner, signer=signer, capacity=terms.max_capacity)
            await fleet.next_epoch()
            yield cls(fleet, chain, road, owner, device, held)

    async def chain(self, url: str | None = None, **options: Any) -> RpcChain:
        """A new connection, over the road unless another address is given."""
        options = {"sleep": self._pause, "random": lambda: 1.0} | options
        return await self._held.enter_async_context(RpcChain(url or self.road.url, **options))

    async def sender(
        self, payer: Keypair | None = None, *, chain: Chain | None = None, journal: Journal | None = None, **timing: Any
    ) -> Sender:
        """A new sender over the road."""
        return program_sender(
            chain or await self.chain(),
            fee_payer=payer or self.fleet.payer,
            journal=journal,
            **({"poll": POLL, "rebroadcast": 0.2} | timing),
        )

    def operator_by(self, sender: Sender) -> Operator:
        """The network's operator, by another sender."""
        return Operator(sender, self.fleet.network, authority=self.fleet.authority)

    def owner_by(self, sender: Sender) -> Owner:
        """The device's owner, by another sender."""
        return Owner(sender, self.fleet.network, owner=self.owner.owner)

    def device_by(self, sender: Sender) -> Device:
        """The device, by another sender."""
        return Device(sender, self.fleet.network, signer=self.device.signer, device=self.device.device)

    def crank_by(self, sender: Sender) -> Crank:
        """Anybody who claims."""
        return Crank(sender, self.fleet.network)

    async def books(self, payer: Pubkey | None = None) -> Books:
        """What the chain holds now. The network's ledger must add up."""
        payer = payer or self.fleet.payer.pubkey()
        network, listed = await self.fleet.operator.network(), await self.fleet.chain.history(payer)
        assert ledger_of(await self.fleet.operator.reader.snapshot()).holds
        return Books(
            payer=await self.fleet.lamports(payer),
            # The node lists what it refused last, too, under a signature that is none.
            transactions=sum(each.signature != Signature.default() for each in listed),
            funder=await self.fleet.mint.balance(self.fleet.authority.pubkey()),
            vault=await self.fleet.vault(),
            pool_free=network.pool_free,
            pool_owed=network.pool_owed,
            rewards=network.total_rewards,
            paid=await self.fleet.mint.balance(self.owner.owner.pubkey()),
            devices=network.next_device_index,
        )

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await self.pausing()
        await asyncio.sleep(0)


class Blocks:
    """The blocks of a localnet, made by hand; each is a jump of the chain's clock by one slot.

    height   of the last block that was made. What is sent now will be in the one after it
    now      seconds that were slept
    leap     height up to which the next sleep makes blocks; one block where that is passed
    between  what happens after the blocks of a sleep
    """

    def __init__(self, chain: LocalnetChain, slot: int, height: int) -> None:
        self.height, self.now, self.leap = height, 0.0, 0
        self.between: Callable[[], Awaitable[None]] = nothing
        self._chain, self._slot = chain, slot

    @classmethod
    @asynccontextmanager
    async def by_hand(cls, chain: LocalnetChain) -> AsyncIterator[Self]:
        """Until the block ends the chain makes none by itself."""
        await chain._cheat("surfnet_pauseClock", [])
        try:
            tip = await chain._cheat("getEpochInfo", [{"commitment": "processed"}])
            yield cls(chain, tip["absoluteSlot"], tip["blockHeight"])
        finally:
            await chain._cheat("surfnet_resumeClock", [])

    async def make(self, count: int) -> None:
        """Make so many blocks."""
        for _ in range(count):
            tip = await self._chain._cheat("surfnet_timeTravel", [{"absoluteSlot": self._slot + 1}])
            self._slot, self.height = tip["absoluteSlot"], tip["blockHeight"]

    async def height_of(self, slot: int) -> int:
        """The height of the block at a slot."""
        options = {"encoding": "base64", "transactionDetails": "none", "rewards": False}
        height: int = (await self._chain._cheat("getBlock", [slot, options]))["blockHeight"]
        return height

    async def sleep(self, seconds: float) -> None:
        """Time goes by, and blocks with it."""
        self.now += seconds
        await self.make(max(self.leap - self.height, 1))
        await self.between()

    def clock(self) -> float:
        """Seconds that were slept."""
        return self.now


async def nothing() -> None:
    """Nothing happens."""


async def _short_sleep(seconds: float) -> None:
    await asyncio.sleep(min(seconds, POLL))
