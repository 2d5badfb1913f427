"""The feed against a real node, through a proxy that does to its socket what networks and nodes do."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from support.node import LIMIT, localnet
from support.proxy import Connection, Proxy, Websocket
from support.transfers import SOL, pay, signed
from worktab.chain.feed import CursorLost, Delivery, Feed, Start
from worktab.chain.protocol import Chain, Level
from worktab.chain.rpc import RpcChain
from worktab.localnet import Localnet

NEVER = 3_600.0
"""Seconds that no test lasts: what else would come to the rescue does not."""


@dataclass
class Road:
    """A connection to a node whose socket leads through a proxy, and somebody who sends."""

    chain: RpcChain
    proxy: Proxy
    payer: Keypair
    sockets: list[Websocket]

    @property
    def address(self) -> Pubkey:
        return self.payer.pubkey()

    def feed(self, **options: Any) -> Feed:
        """By default only the socket says when to look."""
        return Feed(self.chain, self.address, **{"check": NEVER, "poll": 0.02, "ping": NEVER} | options)

    async def send(self, times: int = 1) -> list[Signature]:
        """Transactions that land, one by one."""
        made = []
        for _ in range(times):
            transaction = await signed(self.chain, self.payer, pay(self.payer, self.address, next(AMOUNTS)))
            await self.chain.send(bytes(transaction))
            made.append(transaction.signatures[0])
        return made


AMOUNTS = count(1)


@asynccontextmanager
async def road(node: Localnet, **options: Any) -> AsyncIterator[Road]:
    """A new payer's road to a node."""
    sockets: list[Websocket] = []

    def prepare(connection: Connection) -> None:
        sockets.append(Websocket())
        connection.down = sockets[-1]

    async with Proxy(node.ws_url).running() as proxy, RpcChain(node.rpc_url, ws_url=proxy.url, **options) as chain:
        proxy.prepare = prepare
        payer = Keypair()
        await chain.request_airdrop(payer.pubkey(), 100 * SOL)
        while await chain.account(payer.pubkey()) is None:
            await asyncio.sleep(0.02)
        while len(await chain.history(payer.pubkey())) < 1:
            await asyncio.sleep(0.02)
        yield Road(chain, proxy, payer, sockets)


@pytest.fixture
async def there(worktab_localnet: Localnet) -> AsyncIterator[Road]:
    async with road(worktab_localnet) as made:
        yield made


async def take(feed: Feed, number: int) -> list[Delivery]:
    """So many deliveries."""
    async with asyncio.timeout(LIMIT):
        return [await anext(feed) for _ in range(number)]


async def subscribed(feed: Feed) -> None:
    """Wait until the node tells."""
    async with asyncio.timeout(LIMIT):
        while feed.trouble:
            await asyncio.sleep(0.01)


class Idle:
    """A sleep that tells when a feed has nothing more to look for."""

    def __init__(self, check: float) -> None:
        self.options = {"check": check, "sleep": self._sleep}
        self._check = check
        self._idle = asyncio.Event()

    async def _sleep(self, seconds: float) -> None:
        if seconds == self._check:
            self._idle.set()
        await asyncio.sleep(seconds)

    async def wait(self) -> None:
        async with asyncio.timeout(LIMIT):
            await self._idle.wait()


async def on_chain(chain: Chain, address: Pubkey, number: int) -> list[Signature]:
    """The newest so many transactions in the chain's order."""
    return [entry.signature for entry in await chain.history(address, limit=number)][::-1]


async def test_what_is_sent_is_delivered_with_logs_and_failures_in_order(there: Road) -> None:
    async with there.feed() as feed:
        await subscribed(feed)
        good = await there.send(2)
        dear = await signed(there.chain, there.payer, pay(there.payer, Keypair().pubkey(), 10**15))
        await there.chain.send(bytes(dear))
        [last] = await there.send()
        delivered = await take(feed, 4)
    assert [each.signature for each in delivered] == [*good, dear.signatures[0], last]
    assert [each.error and each.error.custom for each in delivered] == [None, None, 1, None]
    for each in delivered:
        landed = await there.chain.transaction(each.signature)
        assert landed is not None
        assert each == Delivery(each.signature, landed.slot, landed.logs, landed.error)


async def test_what_the_node_refused_for_its_blockhash_is_no_transaction(there: Road) -> None:
    dead = MessageV0.try_compile(there.address, [pay(there.payer, there.address, 1)], [], Hash.new_unique())
    await there.chain.send(bytes(VersionedTransaction(dead, [there.payer])))
    [made] = await there.send()
    async with there.feed(since=Start.OLDEST) as feed:
        airdrop, payment = await take(feed, 2)
    assert payment.signature == made
    assert await on_chain(there.chain, there.address, 10) == [airdrop.signature, made]


async def test_at_the_final_level_as_well(worktab_localnet: Localnet) -> None:
    async with road(worktab_localnet, level=Level.FINALIZED) as there, there.feed() as feed:
        await subscribed(feed)
        sent = await there.send(3)
        delivered = await take(feed, 3)
        assert [each.signature for each in delivered] == sent
        assert {status and status.level for status in await there.chain.statuses(sent)} == {Level.FINALIZED}


@pytest.mark.parametrize("seed", range(3))
async def test_dropped_sockets_lose_and_repeat_nothing(there: Road, seed: int) -> None:
    """Four senders at once, so that several land in one slot, while the socket breaks again and again."""
    chance, drops, sent = random.Random(seed), 8, list[Signature]()

    async def breaks() -> None:
        for _ in range(drops):
            await subscribed(feed)
            await asyncio.sleep(chance.random() * 0.1)
            there.proxy.drop()
            while not feed.trouble:
                await asyncio.sleep(0)

    async def sends() -> None:
        while not breaking.done():
            sent.extend(await there.send())

    # What a drop costs is a pause of half a second or more; it is not what is tested.
    async with there.feed(sleep=lambda seconds: asyncio.sleep(min(seconds, 0.05))) as feed:
        breaking = asyncio.create_task(breaks())
        sending = asyncio.gather(*(sends() for _ in range(4)))
        delivered = await take(feed, 50)
        await sending
        delivered += await take(feed, len(sent) - 50)
        [last] = await there.send()
        delivered += await take(feed, 1)
    assert there.proxy.accepted > drops
    found = [each.signature for each in delivered]
    assert Counter(found) == Counter([*sent, last])
    assert found == await on_chain(there.chain, there.address, len(found))
    slots = [each.slot for each in delivered]
    assert slots == sorted(slots)
    assert len(set(slots)) < len(slots), "or order within a slot was not tested"


async def test_what_comes_while_nobody_listens_is_delivered_after_the_cursor(there: Road) -> None:
    async with there.feed() as feed:
        sent = await there.send(3)
        delivered = await take(feed, 3)
        cursor = feed.cursor
    assert cursor == sent[2]
    sent += await there.send(5)
    async with there.feed(since=cursor) as feed:
        sent += await there.send(2)
        delivered += await take(feed, 7)
    assert [each.signature for each in delivered] == sent
    async with there.feed(since=Start.OLDEST, follow=False) as feed:
        everything = [each.signature async for each in feed]
    assert everything[-10:] == sent
    assert everything == await on_chain(there.chain, there.address, 1_000)


async def test_a_socket_that_is_open_and_silent_is_noticed_by_its_pings(there: Road) -> None:
    idle = Idle(NEVER)
    # What a busy machine needs for a pong is less.
    async with there.feed(ping=2.0, **idle.options) as feed:
        await subscribed(feed)
        waiting = asyncio.create_task(take(feed, 2))
        await idle.wait()
        [stalled] = there.proxy.connections
        stalled.stall()
        sent = await there.send(2)
        assert [each.signature for each in await waiting] == sent
        assert there.proxy.accepted >= 2


async def test_a_subscription_that_is_dead_on_a_socket_that_answers_is_noticed_and_made_anew(there: Road) -> None:
    idle = Idle(0.3)
    async with there.feed(ping=10.0, **idle.options) as feed:
        await subscribed(feed)
        waiting = asyncio.create_task(take(feed, 2))
        await idle.wait()
        [first] = there.sockets
        first.deaf = True
        sent = await there.send(2)
        assert [each.signature for each in await waiting] == sent
        async with asyncio.timeout(LIMIT):
            while there.proxy.accepted < 2 or feed.trouble:
                await asyncio.sleep(0.01)
            second = there.sockets[-1]
            told = second.messages
            sent = await there.send(2)
            while second.messages < told + 2:
                await asyncio.sleep(0.01)
        assert [each.signature for each in await take(feed, 2)] == sent


async def test_without_any_socket_events_come_late_and_whole(there: Road) -> None:
    there.proxy.refuse()
    async with there.feed(check=0.2) as feed:
        sent = await there.send(3)
        assert [each.signature for each in await take(feed, 3)] == sent
        assert "ConnectionRefusedError" in feed.trouble
        assert there.proxy.accepted == 0
        await there.proxy.listen()
        await subscribed(feed)
        [last] = await there.send()
        assert [each.signature for each in await take(feed, 1)] == [last]


async def test_a_socket_lost_for_a_while_is_opened_again_and_the_gap_filled(there: Road) -> None:
    async with there.feed() as feed:
        await subscribed(feed)
        there.proxy.refuse()
        there.proxy.drop()
        sent = await there.send(40)
        await there.proxy.listen()
        assert [each.signature for each in await take(feed, 40)] == sent


@pytest.mark.parametrize("killed", [False, True])
async def test_a_node_restarted_in_mid_stream(tmp_path: Path, killed: bool) -> None:
    with localnet(ledger=tmp_path / "ledger") as node:
        async with road(node) as there, there.feed() as feed:
            await subscribed(feed)
            sent = await there.send(5)
            delivered = await take(feed, 3)
            waiting = asyncio.create_task(take(feed, 7))
            if killed:
                await asyncio.to_thread(node.kill)
            await asyncio.to_thread(node.restart)
            sent += await there.send(5)
            delivered += await waiting
            assert [each.signature for each in delivered] == sent


async def test_a_node_that_lost_its_ledger_has_lost_the_cursor(worktab_localnet: Localnet) -> None:
    with localnet() as other:
        async with road(other) as there:
            [foreign] = await there.send()
    async with road(worktab_localnet) as there:
        with pytest.raises(CursorLost, match="does not know"):
            async with there.feed(since=foreign):
                pass
