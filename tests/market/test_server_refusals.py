"""Vouchers that are refused, over HTTP and with terms that let the buyer do better."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.shop import Buyer, Shop, Shops, bought_of, error_of, terms_of
from worktab.chain.embedded import EmbeddedChain
from worktab.core.errors import ConnectionFailed
from worktab.market.pricing import Price
from worktab.market.provider.provider import Limits
from worktab.market.routes import PricedRoute
from worktab.market.server import PaidWork
from worktab.market.terms import Requirement
from worktab.market.wire import PAYMENT_HEADER, VOUCHER_PATH, Payment


async def _refused(http: httpx.AsyncClient, buyer: Buyer, **fields: Any) -> str:
    asked = await buyer.terms(http, "/echo", b"")
    response = await http.post("/echo", content=b"", headers=buyer.payment(asked, **fields))
    terms = terms_of(response)
    [again] = terms.accepts
    assert again.lane is not None
    assert again.lane.tab == fields.get("tab", buyer.tab)
    assert terms.detail["code"] == terms.error
    return terms.error


async def test_each_voucher_that_will_not_do_is_refused_with_its_reason(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    await buyer.buy(http, "/echo", b"first")
    now, other = shop.provider.tabs.now(), await shop.fleet.device()
    stranger = await shop.buyer()
    cases: list[tuple[str, dict[str, Any]]] = [
        ("amount_too_low", {"amount": 199}),
        ("amount_too_low", {"amount": 0}),
        ("units_too_low", {"units": 5}),
        ("reserve_too_small", {"amount": 10_001}),
        ("voucher_expired", {"expires_at": now + 590}),
        ("voucher_expired", {"expires_at": 1}),
        ("units_too_high", {"units": 7}),
        ("units_too_high", {"units": (1 << 64) - 1}),
        ("units_too_high", {"amount": 10_000, "units": 301}),
        ("voucher_expired", {"expires_at": now + 10**6}),
        ("wrong_head", {"head": bytes(32)}),
        ("bad_signature", {"key": Keypair()}),
        ("bad_signature", {"domain": bytes(32)}),
        ("bad_signature", {"key": stranger.consumer.key}),
        ("wrong_device", {"device": other.device}),
        ("wrong_device", {"index": shop.provider.seller.index + 1}),
        ("lane_unknown", {"lane_nonce": buyer.nonce + 1}),
        ("lane_unknown", {"tab": Pubkey.new_unique()}),
    ]
    for code, fields in cases:
        assert (code, await _refused(http, buyer, **fields)) == (code, code), fields
    assert (shop.calls, buyer.totals.amount) == (["echo"], 100)
    # And what is on the edge will do.
    await buyer.buy(http, "/echo", b"", amount=9_000, units=6, seq=0, head=bytes(32))
    assert buyer.totals.amount == 200
    await shop.provider.settle(at_once=True)
    await buyer.buy(http, "/echo", b"", expires_at=now + 700, amount=9_000, seq=9, head=b"?" * 32)
    assert buyer.totals.amount == 300


@pytest.mark.parametrize("method", ["HEAD", "GET", "OPTIONS", "PUT", "post", "BREW"])
async def test_a_priced_path_is_not_to_be_had_by_another_method(shop: Shop, method: str) -> None:
    async def free(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("the application was reached")

    routes = [PricedRoute.fixed("/echo", 100), PricedRoute.fixed("/echo", 5, methods=("DELETE",))]
    async with shop.http(PaidWork(free, shop.provider, routes)) as http:
        answer = await http.send(_as_it_is(http, method))
    assert (answer.status_code, answer.headers["allow"], answer.content) == (405, "DELETE, POST", b"")


async def test_what_is_mounted_below_another_path_is_sold_there(shop: Shop, buyer: Buyer) -> None:
    transport = httpx.ASGITransport(shop.app(), root_path="/api")
    async with httpx.AsyncClient(transport=transport, base_url="http://shop/api") as http:
        assert (await http.head("/echo")).status_code == 405
        await buyer.buy(http, "/echo", b"x")
        assert (await http.post(VOUCHER_PATH, content=b"[]")).status_code == 400
    assert (shop.calls, buyer.totals.amount) == (["echo"], 100)


def _as_it_is(http: httpx.AsyncClient, method: str) -> httpx.Request:
    request = http.build_request("GET", "/echo")
    request.method = method
    return request


async def test_a_voucher_for_another_lane_of_the_tab_is_refused(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    other = await shop.fleet.device()
    reserved = await buyer.consumer.reserve(other.device, 1_000)
    second = await buyer.consumer.reserve(shop.device.device, 1_000)
    assert await _refused(http, buyer, lane_nonce=reserved.nonce) == "lane_unknown"
    asked = await buyer.terms(http, "/echo", b"")
    good = buyer.next_voucher(asked)
    payment = Payment(asked, replace(good, lane_nonce=second.nonce))
    answer = await http.post("/echo", headers={PAYMENT_HEADER: payment.to_header()})
    assert error_of(answer) == (402, "bad_signature")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"chain": "solana:x"}, "wrong_network"),
        ({"network": Pubkey.new_unique()}, "wrong_network"),
        ({"program": Pubkey.new_unique()}, "wrong_network"),
        ({"asset": Pubkey.new_unique()}, "wrong_network"),
        ({"device": Pubkey.new_unique()}, "wrong_device"),
        ({"index": 77}, "wrong_device"),
        ({"amount": 99}, "terms_changed"),
        ({"price": Price.fixed(99)}, "terms_changed"),
        ({"amount": 101, "price": Price(5, 101)}, None),
    ],
)
async def test_what_was_accepted_must_be_what_is_asked(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer, change: dict[str, Any], code: str | None
) -> None:
    asked: Requirement = await buyer.terms(http, "/echo", b"")
    payment = Payment(replace(asked, **change), buyer.next_voucher(asked))
    answer = await http.post("/echo", headers={PAYMENT_HEADER: payment.to_header()})
    if code is None:
        assert bought_of(answer).receipt.price == 100
    else:
        assert error_of(answer) == (402, code)


async def test_exact_vouchers_are_exact(shop: Shop, http: httpx.AsyncClient, buyer: Buyer) -> None:
    assert error_of(await buyer.leave_exact(http)) == (402, "lane_unknown")
    await buyer.buy(http, "/count", b"a" * 7)
    seen = [
        error_of(await buyer.leave_exact(http, **fields))
        for fields in (
            {"amount": 15},
            {"amount": 13},
            {"units": 6},
            {"seq": 0, "head": bytes(32)},
            {"head": bytes(32)},
            {"key": Keypair()},
            {"expires_at": 1},
        )
    ]
    codes = ["amount_too_high", "amount_too_low", "units_too_low", "wrong_head", "wrong_head", "bad_signature"]
    assert seen == [(402, code) for code in [*codes, "voucher_expired"]]
    for body in (b"", b"{}", b"[]", b"x" * 4_097):
        answer = await http.post("/.well-known/worktab/voucher", content=body)
        assert answer.status_code == (413 if len(body) > 4_096 else 400)
    assert [lane.exact for lane in await shop.provider.book.unsettled()] == [None]
    assert (await buyer.leave_exact(http)).status_code == 204


async def test_a_closing_lane_is_refused_once_it_may_end_too_soon(
    shops: Shops, shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    shop.provider.tabs._max_age = -1  # always looked at anew
    await buyer.buy(http, "/echo", b"")
    await buyer.consumer.close_lane(buyer.nonce)
    await shop.fleet.clock.advance(2_900)
    await buyer.buy(http, "/echo", b"", key="last")
    await shop.fleet.clock.advance(200)
    await shop.provider.tabs.read(buyer.tab)
    assert await _refused(http, buyer) == "lane_closing"
    # What is owed is settled all the same, and in time.
    [settled] = await shop.provider.settle()
    assert (settled.moved, settled.exact) == (200, True)
    assert await buyer.lane() == (200, 9_800, 6)


async def test_too_much_at_once_is_put_off(shops: Shops, fleet: Any, tmp_path: Any) -> None:
    shop = await shops.start(fleet, tmp_path, limits=Limits(most=0))
    buyer = await shop.buyer()
    async with shop.http() as http:
        answer = await http.post("/echo", headers=buyer.payment(await buyer.terms(http, "/echo", b"")))
    assert error_of(answer) == (503, "overloaded")
    assert answer.headers["retry-after"] == "1"


async def test_a_silent_chain_puts_new_buyers_off_and_keeps_the_known(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    newcomer = await shop.buyer()
    await buyer.buy(http, "/echo", b"")
    asked = await buyer.terms(http, "/echo", b"")

    async def silent(*_: object) -> None:
        raise ConnectionFailed("no answer")

    monkeypatch.setattr(EmbeddedChain, "accounts", silent)
    shop.provider.tabs._max_age = -1
    assert (await http.post("/echo", headers=buyer.payment(asked))).status_code == 200
    assert error_of(await http.post("/echo", headers=newcomer.payment(asked))) == (503, "overloaded")
    # Nor is it believed for longer than an open lane lives.
    shop.provider.tabs._clock = lambda: 1e12
    assert error_of(await http.post("/echo", headers=buyer.payment(asked))) == (503, "overloaded")
