"""How often the chain is asked for a tab."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from solders.pubkey import Pubkey

from support.shop import Buyer, Shop
from worktab.chain.embedded import EmbeddedChain
from worktab.market.errors import LaneUnknown, Overloaded
from worktab.market.provider import tabs as module
from worktab.market.provider.tabs import Tabs


class Reads:
    """Counts what is read of the chain, and can hold it up."""

    def __init__(self) -> None:
        self.count = 0
        self.gate = asyncio.Event()
        self.gate.set()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    counted, accounts = Reads(), EmbeddedChain.accounts

    async def counting(self: EmbeddedChain, *given: Any) -> Any:
        counted.count += 1
        await counted.gate.wait()
        return await accounts(self, *given)

    monkeypatch.setattr(EmbeddedChain, "accounts", counting)
    return counted


@pytest.fixture
def now() -> list[float]:
    """A clock: its one item is the time."""
    return [1_000.0]


@pytest.fixture
def tabs(shop: Shop, now: list[float]) -> Tabs:
    return Tabs(shop.device.reader, shop.provider.seller, max_age=100, min_age=5, clock=lambda: now[0])


async def test_a_tab_is_read_once_for_all_who_ask_and_again_when_it_is_old(
    buyer: Buyer, tabs: Tabs, reads: Reads, now: list[float]
) -> None:
    reads.count = 0
    reads.gate.clear()
    asking = [asyncio.create_task(tabs.gate(buyer.tab, buyer.nonce)) for _ in range(5)]
    await asyncio.sleep(0)
    asking[0].cancel()
    reads.gate.set()
    gates = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(gates[0], asyncio.CancelledError)
    assert all(gate is gates[1] for gate in gates[1:])
    assert reads.count == 1
    now[0] += 100
    assert await tabs.gate(buyer.tab, buyer.nonce) is gates[1]
    now[0] += 0.1
    assert await tabs.gate(buyer.tab, buyer.nonce) == gates[1]
    assert reads.count == 2


async def test_what_is_missing_is_looked_for_again_at_once(shop: Shop, buyer: Buyer, tabs: Tabs, reads: Reads) -> None:
    with pytest.raises(LaneUnknown, match="no such lane"):
        await tabs.gate(buyer.tab, buyer.nonce + 1)
    await buyer.consumer.reserve(shop.device.device, 500)
    reads.count = 0
    assert (await tabs.gate(buyer.tab, buyer.nonce + 1)).most == 500
    assert reads.count == 1


async def test_what_stays_missing_is_looked_for_a_few_times_and_then_later(
    shop: Shop, buyer: Buyer, tabs: Tabs, reads: Reads, now: list[float]
) -> None:
    nobody = Pubkey.new_unique()
    for tab, nonce in ((nobody, 1), (buyer.tab, buyer.nonce + 1)):
        reads.count = 0
        for _ in range(8):
            with pytest.raises(LaneUnknown):
                await tabs.gate(tab, nonce)
        assert reads.count == 5
    await buyer.consumer.reserve(shop.device.device, 500)
    with pytest.raises(LaneUnknown):
        await tabs.gate(buyer.tab, buyer.nonce + 1)
    now[0] += 5.1
    assert (await tabs.gate(buyer.tab, buyer.nonce + 1)).most == 500


async def test_a_flood_of_unknown_tabs_does_not_reach_the_chain(
    tabs: Tabs, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_READS", 3)
    monkeypatch.setattr(module, "_CACHED", 4)
    reads.count = 0
    reads.gate.clear()
    asking = [asyncio.create_task(tabs.gate(Pubkey.new_unique(), 1)) for _ in range(10)]
    for _ in range(5):
        await asyncio.sleep(0)
    reads.gate.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(each) for each in outcomes] == [LaneUnknown] * 3 + [Overloaded] * 7
    assert reads.count == 3
    for _ in range(5):
        with pytest.raises(LaneUnknown):
            await tabs.gate(Pubkey.new_unique(), 1)
    assert (len(tabs._held), len(tabs._strange)) == (0, 4)


async def test_a_flood_of_unknown_tabs_keeps_no_known_buyer_out(
    shop: Shop, buyer: Buyer, tabs: Tabs, reads: Reads, now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_READS", 3)
    monkeypatch.setattr(module, "_CACHED", 4)
    gate = await tabs.gate(buyer.tab, buyer.nonce)
    for _ in range(5):
        with pytest.raises(LaneUnknown):
            await tabs.gate(Pubkey.new_unique(), 1)
    reads.gate.clear()
    asking = [asyncio.create_task(tabs.gate(Pubkey.new_unique(), 1)) for _ in range(3)]
    await asyncio.sleep(0)
    now[0] += 1_800
    assert await tabs.gate(buyer.tab, buyer.nonce) is gate
    # Not where it does not show what is asked for, nor once a lane of it can have ended.
    for nonce, fresh in ((buyer.nonce + 1, False), (buyer.nonce, True)):
        with pytest.raises(Overloaded, match="Too many"):
            await tabs.gate(buyer.tab, nonce, fresh=fresh)
    now[0] += 0.1
    with pytest.raises(Overloaded, match="Too many"):
        await tabs.gate(buyer.tab, buyer.nonce)
    reads.gate.set()
    await asyncio.gather(*asking, return_exceptions=True)
    assert await tabs.gate(buyer.tab, buyer.nonce) == gate
