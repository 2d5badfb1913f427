"""Bringing vouchers to the chain: which, when, with what balances; over restarts, by others, too late."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import Fleet
from support.shop import Buyer, Shop, Shops
from worktab.chain.embedded import EmbeddedChain
from worktab.core.errors import ConnectionFailed, InputError
from worktab.core.vouchers import SignedVoucher
from worktab.market.provider.checking import Gate
from worktab.market.provider.provider import Limits
from worktab.market.provider.rows import LaneAccount
from worktab.market.provider.settling import SettlePolicy
from worktab.market.terms import Totals
from worktab.market.wire import KEY_HEADER
from worktab.roles.consumer import Consumer
from worktab.roles.settling import Settler

NEVER = (1 << 32) - 1


async def test_without_an_exact_voucher_the_cap_is_settled_and_counts_toward_later_requests(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    await buyer.buy(http, "/count", b"a" * 7)
    [settled] = await shop.provider.settle(at_once=True)
    assert (settled.tab, settled.nonce, settled.moved, settled.exact) == (buyer.tab, buyer.nonce, 100, False)
    assert await buyer.lane() == (100, 9_900, 50)
    assert await shop.earnings() == 100
    # 14 of the 100 were charged: the next requests are paid by the rest, with vouchers that move nothing.
    for charged in (28, 42, 56, 70, 84, 98):
        await buyer.buy(http, "/count", b"a" * 7)
        assert buyer.totals.amount == charged
        assert await shop.provider.settle(at_once=True) == []
    await buyer.buy(http, "/count", b"a" * 7)
    assert (buyer.totals.amount, buyer.totals.units) == (112, 56)
    assert (await buyer.leave_exact(http)).status_code == 204
    [settled] = await shop.provider.settle(at_once=True)
    assert (settled.moved, settled.exact) == (12, True)
    assert await buyer.lane() == (112, 9_888, 56)
    assert await shop.earnings() == 112


async def test_the_exact_voucher_is_settled_in_place_of_the_cap(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    await buyer.buy(http, "/count", b"a" * 7)
    await buyer.leave_exact(http)
    [settled] = await shop.provider.settle(at_once=True)
    assert (settled.moved, settled.exact) == (14, True)
    assert await buyer.lane() == (14, 9_986, 7)
    assert await shop.earnings() == 14
    assert await shop.provider.book.unsettled() == []
    assert await shop.provider.settle(at_once=True) == []


async def test_units_that_the_chain_has_counted_hold_nothing_up(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    # A cap of 50 units for 100 base units is settled while 1 unit for 10 is charged.
    await buyer.buy(http, "/count", b"a")
    await shop.provider.settle(at_once=True)
    assert await buyer.lane() == (100, 9_900, 50)
    # 100 base units more for 3 units: 110 for 4 in all, where the chain knows of 50.
    asked = await buyer.terms(http, "/echo", b"", **{"WORKTAB-LANE": f"{buyer.tab}:{buyer.nonce}"})
    assert (asked.amount, asked.units) == (100, 3)
    bought = await http.post("/echo", content=b"", headers=buyer.payment(asked))
    assert bought.status_code == 200
    [settled] = await shop.provider.settle(at_once=True)
    assert settled.moved == 10
    assert await buyer.lane() == (110, 9_890, 50)


async def test_a_buyer_that_settles_all_the_units_there_are_pays_all_the_same(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    for _ in range(10):
        await buyer.buy(http, "/echo", b"x")
    poison = buyer.voucher(1, (1 << 64) - 1, seq=0, head=bytes(32))
    await Settler(shop.fleet.sender, shop.fleet.network).settle(poison)
    assert await buyer.lane() == (1, 9_999, (1 << 64) - 1)
    shop.provider.tabs._max_age = -1
    [settled] = await shop.provider.settle(at_once=True)
    assert (settled.moved, settled.exact) == (1_000, True)
    await buyer.buy(http, "/echo", b"y")
    [settled] = await shop.provider.settle(at_once=True)
    assert (settled.moved, await shop.earnings()) == (100, 1_100)


async def test_units_that_somebody_settled_meanwhile_are_looked_for(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    await buyer.buy(http, "/echo", b"x")
    await Settler(shop.fleet.sender, shop.fleet.network).settle(buyer.voucher(1, 9, seq=0, head=bytes(32)))
    await buyer.buy(http, "/echo", b"x", units=9)
    assert (buyer.totals.units, await buyer.lane()) == (6, (1, 9_999, 9))


async def test_a_lane_is_settled_when_that_is_worth_it(shops: Shops, fleet: Fleet, tmp_path: Path) -> None:
    policy = SettlePolicy(enough=40, least=11, max_age=NEVER, before_end=0, exact_wait=0)
    shop = await shops.start(fleet, tmp_path, policy=policy)
    buyer = await shop.buyer()
    async with shop.http() as http:
        for _ in range(2):
            await buyer.buy(http, "/count", b"a" * 7)
            assert await shop.provider.settle() == []
        await buyer.buy(http, "/count", b"a" * 7)
        await buyer.leave_exact(http)
    [settled] = await shop.provider.settle()
    assert settled.moved == 42


async def test_what_waited_long_enough_is_settled(shops: Shops, fleet: Fleet, tmp_path: Path) -> None:
    policy = SettlePolicy(enough=NEVER, max_age=1_000, before_end=0, exact_wait=NEVER)
    shop = await shops.start(fleet, tmp_path, policy=policy, max_age=-1)
    buyer = await shop.buyer()
    async with shop.http() as http:
        await buyer.buy(http, "/count", b"a" * 7)
        await fleet.clock.advance(900)
        assert await shop.provider.settle() == []
        # Another request does not make the first any younger.
        await buyer.buy(http, "/count", b"a" * 7)
        await fleet.clock.advance(101)
        await shop.provider.tabs.read(buyer.tab)
        assert [each.moved for each in await shop.provider.settle()] == [114]
        await buyer.buy(http, "/echo", b"")
        await fleet.clock.advance(900)
        assert await shop.provider.settle() == []
        assert (await buyer.leave_exact(http)).status_code == 204
        await fleet.clock.advance(101)
        assert [each.moved for each in await shop.provider.settle()] == [14]


async def test_a_buyer_that_never_pauses_is_settled(shops: Shops, fleet: Fleet, tmp_path: Path) -> None:
    policy = SettlePolicy(enough=1, max_age=NEVER, before_end=0, exact_wait=300)
    shop = await shops.start(fleet, tmp_path, policy=policy, max_age=-1)
    buyer = await shop.buyer()
    async with shop.http() as http:
        for _ in range(3):
            await buyer.buy(http, "/echo", b"")
            assert await shop.provider.settle() == []
            await fleet.clock.advance(101)
        await buyer.buy(http, "/echo", b"")
        assert [each.moved for each in await shop.provider.settle()] == [400]
        # With the exact voucher there is nothing to wait for.
        await buyer.buy(http, "/echo", b"")
        assert await shop.provider.settle() == []
        await buyer.leave_exact(http)
        assert [each.moved for each in await shop.provider.settle()] == [100]


def test_a_lane_that_an_sla_holds_is_settled_within_minutes() -> None:
    key, place = Keypair(), Pubkey.new_unique()
    voucher = SignedVoucher.sign(key, bytes(32), place, place, 0, 1, amount=9, units=9, seq=1, head=bytes(32))
    lane = LaneAccount(place, 1, Totals(9, 9, 1, bytes(32)), 0, exact=voucher, unsettled_since=1_000)
    gate = Gate(place, 0, bytes(32), key.pubkey(), paid=0, most=10, units=0, close_at=0)
    policy = SettlePolicy(enough=NEVER, max_age=NEVER, exact_wait=300)
    promised = replace(gate, promised=True)
    assert [policy.due(lane, each, 1_300) for each in (gate, promised)] == [None, voucher]
    assert policy.due(lane, promised, 1_299) is None
    assert SettlePolicy(enough=NEVER, max_age=NEVER, least=10).due(lane, promised, 9_999) is None


async def test_a_voucher_that_ends_is_settled_before(shops: Shops, fleet: Fleet, tmp_path: Path) -> None:
    policy = SettlePolicy(enough=NEVER, max_age=NEVER, before_end=1_000)
    shop = await shops.start(fleet, tmp_path, policy=policy, max_age=-1)
    buyer = await shop.buyer()
    ends = await fleet.chain.unix_time() + 2_000
    async with shop.http() as http:
        await shop.provider.tabs.read(buyer.tab)
        await buyer.buy(http, "/count", b"a" * 7, expires_at=ends)
        assert await shop.provider.settle() == []
        await fleet.clock.advance(1_100)
        await shop.provider.tabs.read(buyer.tab)
        assert [each.moved for each in await shop.provider.settle()] == [100]


async def test_an_exact_voucher_that_ended_leaves_the_cap(shop: Shop, http: httpx.AsyncClient, buyer: Buyer) -> None:
    ends = await shop.fleet.chain.unix_time() + 1_000
    shop.provider.tabs._max_age = -1
    await buyer.buy(http, "/count", b"a" * 7)
    assert (await buyer.leave_exact(http, expires_at=ends)).status_code == 204
    await shop.fleet.clock.advance(1_000)
    await shop.provider.tabs.read(buyer.tab)
    assert [each.moved for each in await shop.provider.settle(at_once=True)] == [100]


async def test_what_is_owed_is_settled_after_a_restart(shop: Shop, http: httpx.AsyncClient, buyer: Buyer) -> None:
    other = await shop.buyer()
    for each, body in ((buyer, b"a" * 7), (other, b"a" * 9)):
        await each.buy(http, "/count", body)
        await each.leave_exact(http)
    await shop.reopen()
    settled = await shop.provider.settle(at_once=True)
    assert {each.tab: each.moved for each in settled} == {buyer.tab: 14, other.tab: 18}
    assert await shop.earnings() == 32


async def test_what_somebody_else_settled_is_noted(shop: Shop, http: httpx.AsyncClient, buyer: Buyer) -> None:
    await buyer.buy(http, "/count", b"a" * 7)
    await buyer.leave_exact(http)
    [lane] = await shop.provider.book.unsettled()
    assert lane.exact is not None
    await Settler(shop.fleet.sender, shop.fleet.network).settle(lane.exact)
    [settled] = await shop.provider.settle(at_once=True)
    assert settled.moved == 14
    assert await shop.provider.book.unsettled() == []
    assert await shop.earnings() == 14


async def _lose_the_book(shop: Shop) -> None:
    await shop.close()
    for path in shop.folder.glob("book*"):
        path.unlink()
    await shop.open()


async def test_a_lost_book_starts_from_what_the_chain_has_paid(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    await buyer.buy(http, "/count", b"a" * 7)
    await buyer.leave_exact(http)
    await shop.provider.settle(at_once=True)
    await _lose_the_book(shop)
    async with shop.http() as restarted:
        # Whoever knows of no job goes on from there; and so does whoever names one that nobody knows.
        job = {"seq": 9, "head": b"?" * 32}
        for charged, given in ((24, {"seq": 0, "head": bytes(32)}), (34, job), (44, {})):
            bought = await buyer.buy(restarted, "/count", b"a", **given)
            assert bought.receipt.charged.amount == charged
        asked = await buyer.terms(restarted, "/count", b"")
        wrong = await restarted.post("/count", content=b"a", headers=buyer.payment(asked, head=bytes(32)))
        assert wrong.json()["error"] == "wrong_head"


async def test_a_lost_book_learns_from_the_buyer_what_was_charged(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        await buyer.buy(http, "/echo", b"x")
    await _lose_the_book(shop)
    async with shop.http() as restarted:
        bought = await buyer.buy(restarted, "/echo", b"y")
        charged = bought.receipt.charged
        assert (charged.amount, charged.units, charged.seq) == (400, 12, 4)
        assert "names job 3, which the book does not know and the spool does" in caplog.text
    assert [each.moved for each in await shop.provider.settle(at_once=True)] == [400]
    assert await buyer.lane() == (400, 9_600, 12)


async def test_an_old_copy_of_the_book_learns_from_the_buyer_what_was_charged(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    await buyer.buy(http, "/echo", b"x")
    await shop.close()
    copy = (shop.folder / "book").read_bytes()
    await shop.open()
    async with shop.http() as second:
        await buyer.buy(second, "/echo", b"x")
    await shop.close()
    (shop.folder / "book").write_bytes(copy)
    await shop.open()
    async with shop.http() as third:
        assert (await buyer.buy(third, "/echo", b"y")).receipt.charged.amount == 300
    assert [each.moved for each in await shop.provider.settle(at_once=True)] == [300]


async def test_a_lost_book_believes_no_more_units_than_the_device_ever_did(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    await buyer.buy(http, "/echo", b"x")
    await _lose_the_book(shop)
    async with shop.http() as restarted:
        asked = await buyer.terms(restarted, "/echo", b"")
        for units in (7, (1 << 64) - 1):
            refused = await restarted.post("/echo", content=b"y", headers=buyer.payment(asked, units=units))
            assert refused.json()["error"] == "units_too_high"
        await buyer.buy(restarted, "/echo", b"y", units=6)
    assert (buyer.totals.amount, buyer.totals.units) == (200, 6)


async def test_a_revoked_delegate_is_served_and_settled_to_the_end_of_its_lane(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    key = Keypair()
    await buyer.consumer.set_delegate(key.pubkey(), slot=1, allowance=500)
    agent = Consumer(shop.fleet.sender, shop.fleet.network, key, tab_of=buyer.consumer.consumer)
    reserved = await agent.reserve(shop.device.device, 500)
    shop.provider.tabs._min_age = -1
    agent_buyer = Buyer(shop, agent, reserved.nonce)
    await agent_buyer.buy(http, "/count", b"a" * 7)
    await buyer.consumer.revoke(key.pubkey())
    await shop.provider.tabs.read(buyer.tab)
    await agent_buyer.buy(http, "/count", b"a" * 7)
    await agent_buyer.leave_exact(http)
    [settled] = await shop.provider.settle(at_once=True)
    assert (settled.nonce, settled.moved) == (reserved.nonce, 28)
    assert await agent_buyer.lane() == (28, 472, 14)
    assert await shop.earnings() == 28


async def test_a_lane_that_ended_unsettled_is_told_and_given_up(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer, caplog: pytest.LogCaptureFixture
) -> None:
    await buyer.buy(http, "/count", b"a" * 7)
    await buyer.consumer.close_lane(buyer.nonce)
    await shop.fleet.clock.advance(3_601)
    await buyer.consumer.close_lane(buyer.nonce)
    shop.provider.tabs._max_age = -1
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert await shop.provider.settle() == []
        assert "is not there, with 14 not settled" in caplog.text
        await shop.fleet.clock.advance(7_200)
        await shop.provider.settle()
        assert [lane.unsettled for lane in await shop.provider.book.unsettled()] == [14]
        await shop.fleet.clock.advance(100)
        await shop.provider.settle()
        await shop.provider.settle()
    assert "ended with 14 not settled" in caplog.text
    assert await shop.provider.book.unsettled() == []
    # Its keys are forgotten with it, once the answers are.
    assert await shop.provider.book.prune(shop.provider.tabs.now() + 10) == 0


async def test_a_lane_that_a_lagging_node_does_not_show_is_settled_later(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lagging(*_: object) -> None:
        return None

    tabs = shop.provider.tabs
    tabs._max_age = -1
    await buyer.buy(http, "/echo", b"x", key="k")
    with monkeypatch.context() as patch:
        patch.setattr(tabs, "_find", lagging)
        for _ in range(2):
            assert await shop.provider.settle(at_once=True) == []
    await shop.fleet.clock.advance(7_000)
    # It was seen meanwhile, so what is missed from here on is counted anew.
    await shop.provider.settle()
    with monkeypatch.context() as patch:
        patch.setattr(tabs, "_find", lagging)
        await shop.fleet.clock.advance(7_000)
        assert await shop.provider.settle(at_once=True) == []
    assert [each.moved for each in await shop.provider.settle(at_once=True)] == [100]


async def test_a_lane_that_comes_back_is_settled_again_and_keeps_its_keys(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    first = await buyer.buy(http, "/echo", b"x", key="k")
    book = shop.provider.book
    await book.note_ended(buyer.tab, buyer.nonce)
    assert await book.unsettled() == []
    asked = await buyer.terms(http, "/echo", b"")
    again = await http.post("/echo", content=b"x", headers=buyer.payment(asked) | {KEY_HEADER: "k"})
    assert again.headers["payment-response"] == first.response.headers["payment-response"]
    assert [lane.unsettled for lane in await book.unsettled()] == [100]
    await book.note_ended(buyer.tab, buyer.nonce)
    assert (await buyer.leave_exact(http)).status_code == 204
    assert [each.moved for each in await shop.provider.settle(at_once=True)] == [100]


async def test_one_lane_that_fails_does_not_keep_the_others(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = await shop.buyer()
    for each in (buyer, other):
        await each.buy(http, "/count", b"a" * 7)
    settle = Settler.settle

    async def failing(self: Settler, voucher: Any, **named: Any) -> Any:
        if voucher.tab == buyer.tab:
            raise ConnectionFailed("no answer")
        return await settle(self, voucher, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Settler, "settle", failing)
        assert [each.tab for each in await shop.provider.settle(at_once=True)] == [other.tab]
    assert "was not settled: no answer" in caplog.text
    assert [each.tab for each in await shop.provider.settle(at_once=True)] == [buyer.tab]
    assert await shop.earnings() == 200


async def test_the_background_settles_prunes_and_goes_on_after_a_failure(
    shops: Shops, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Limits(keep_answers=0)
    shop = await shops.start(fleet, tmp_path, policy=SettlePolicy(enough=1), limits=limits)
    buyer = await shop.buyer()
    accounts, failures = EmbeddedChain.accounts, iter(range(3))

    async def flaky(self: EmbeddedChain, *given: Any) -> Any:
        if next(failures, None) is not None:
            raise ConnectionFailed("no answer")
        return await accounts(self, *given)

    async with shop.http() as http:
        await buyer.buy(http, "/count", b"a" * 7, key="k")
        await buyer.leave_exact(http)
        monkeypatch.setattr(EmbeddedChain, "accounts", flaky)
        settling = asyncio.create_task(shop.provider.run(interval=0.01))
        async with asyncio.timeout(120):
            while await shop.provider.book.unsettled():
                await asyncio.sleep(0.01)
        headers = buyer.payment(await buyer.terms(http, "/count", b"")) | {KEY_HEADER: "k"}
        async with asyncio.timeout(120):
            while (await http.post("/count", content=b"a" * 7, headers=headers)).status_code != 410:
                await asyncio.sleep(0.1)
        settling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await settling
    assert await shop.earnings() == 14


async def test_a_low_reserve_is_told_once_for_each_level_of_it(shop: Shop) -> None:
    buyer = await shop.buyer(reserve=700)
    async with shop.http() as http:
        for left in (600, 500):
            await buyer.buy(http, "/echo", b"")
            assert (shop.low, 700 - buyer.totals.amount) == ([], left)
        for _ in range(2):
            await buyer.buy(http, "/echo", b"")
            assert [(low.tab, low.nonce, low.left) for low in shop.low] == [(buyer.tab, buyer.nonce, 400)]
        await buyer.consumer.reserve(shop.device.device, 50, nonce=buyer.nonce)
        await shop.provider.tabs.read(buyer.tab)
        await buyer.buy(http, "/echo", b"")
    assert [low.left for low in shop.low] == [400, 250]


@pytest.mark.parametrize("change", [{"enough": -1}, {"least": 1 << 64}, {"max_age": 1 << 32}, {"before_end": 0.5}])
def test_a_policy_is_made_of_whole_numbers(change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        SettlePolicy(**change)
