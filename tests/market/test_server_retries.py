"""A paid request is bought once: repeated, repeated at once, after a crash at any step, after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from support.shop import Buyer, Shop, bought_of, error_of, terms_of
from worktab.market.provider import rows
from worktab.market.terms import Totals
from worktab.market.wire import KEY_HEADER, PAYMENT_HEADER


class Killed(BaseException):
    """Ends a request as a kill would end the process: nothing is tidied up."""


async def _paid(http: httpx.AsyncClient, buyer: Buyer, path: str, key: str | None = "k") -> dict[str, str]:
    headers = buyer.payment(await buyer.terms(http, path, b""))
    return headers if key is None else headers | {KEY_HEADER: key}


def _same(left: httpx.Response, right: httpx.Response) -> bool:
    return (left.status_code, left.headers.raw, left.content) == (right.status_code, right.headers.raw, right.content)


@pytest.mark.parametrize("key", ["k", None])
async def test_a_repeated_request_gets_the_bought_answer(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer, key: str | None
) -> None:
    headers = await _paid(http, buyer, "/count", key)
    first = await http.post("/count", content=b"abc", headers=headers)
    for _ in range(2):
        assert _same(first, await http.post("/count", content=b"abc", headers=headers))
    assert bought_of(first).receipt.charged == Totals(10, 3, 1, shop.spool.state().head)
    assert (shop.calls, shop.spool.state().seq) == (["count"], 1)
    [lane] = await shop.provider.book.unsettled()
    assert lane.charged.amount == 10


async def test_a_repetition_while_the_first_is_on_its_way_waits_for_it(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    headers = await _paid(http, buyer, "/count")
    posts = (http.post("/count", content=b"abc", headers=headers) for _ in range(4))
    first, *others = await asyncio.gather(*posts)
    assert all(_same(first, each) for each in others)
    assert bought_of(first).response.content == b"3 bytes, call 1"
    assert (shop.calls, shop.spool.state().seq) == (["count"], 1)


async def test_a_repetition_with_a_new_voucher_is_no_second_charge(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    first = await buyer.buy(http, "/count", b"abc", key="k")
    again = await http.post("/count", content=b"abc", headers=await _paid(http, buyer, "/count"))
    assert _same(first.response, again)
    assert (await shop.provider.book.unsettled())[0].charged.amount == 10


async def test_a_key_stands_for_one_request_on_one_lane(shop: Shop, http: httpx.AsyncClient, buyer: Buyer) -> None:
    await buyer.buy(http, "/count", b"abc", key="k")
    headers = await _paid(http, buyer, "/count")
    assert error_of(await http.post("/count", content=b"abd", headers=headers)) == (409, "key_reused")
    assert error_of(await http.post("/count?x=1", content=b"abc", headers=headers)) == (409, "key_reused")
    assert error_of(await http.post("/echo", content=b"abc", headers=headers)) == (409, "key_reused")
    reserved = await buyer.consumer.reserve(shop.device.device, 1_000)
    shop.provider.tabs._min_age = -1
    other = await _paid(http, buyer.on_lane(reserved.nonce), "/count")
    assert error_of(await http.post("/count", content=b"abc", headers=other)) == (409, "key_reused")
    # Another buyer's key is another key.
    assert (await (await shop.buyer()).buy(http, "/count", b"abd", key="k")).receipt.price == 10
    assert shop.calls == ["count", "count"]


async def test_a_bought_answer_is_handed_out_only_to_who_can_sign(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    other = await shop.buyer()
    headers = await _paid(http, buyer, "/count")
    first = await http.post("/count", content=b"abc", headers=headers)
    forged = buyer.payment(await buyer.terms(http, "/count", b""), key=other.consumer.key) | {KEY_HEADER: "k"}
    assert error_of(await http.post("/count", content=b"abc", headers=forged)) == (402, "bad_signature")
    assert _same(first, await http.post("/count", content=b"abc", headers=headers))


async def test_a_bought_answer_outlives_its_lane(shop: Shop, http: httpx.AsyncClient, buyer: Buyer) -> None:
    headers = await _paid(http, buyer, "/count")
    first = await http.post("/count", content=b"abc", headers=headers)
    await shop.provider.settle(at_once=True)
    await buyer.consumer.close_lane(buyer.nonce)
    await shop.fleet.clock.advance(3_601)
    await buyer.consumer.close_lane(buyer.nonce)
    await shop.reopen()
    async with shop.http() as restarted:
        assert _same(first, await restarted.post("/count", content=b"abc", headers=headers))
        late = await _paid(restarted, buyer, "/count", "other")
        assert error_of(await restarted.post("/count", content=b"abc", headers=late)) == (402, "lane_unknown")


async def test_an_old_answer_is_dropped_and_not_charged_again(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    await buyer.buy(http, "/count", b"abc", key="k")
    now = shop.provider.tabs.now()
    assert await shop.provider.book.prune(now - 10) == 0
    assert await shop.provider.book.prune(now + 10) == 1
    again = await http.post("/count", content=b"abc", headers=await _paid(http, buyer, "/count"))
    assert error_of(again) == (410, "response_gone")
    [lane] = await shop.provider.book.unsettled()
    assert (lane.charged.amount, lane.cap is not None) == (10, True)
    assert (await buyer.buy(http, "/count", b"abc", key="k2")).receipt.charged.amount == 20


async def test_a_buyer_that_goes_away_finds_its_answer_later(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = await _paid(http, buyer, "/count")
    finish, reached, go_on = shop.provider.book.finish, asyncio.Event(), asyncio.Event()

    async def slow(*given: Any) -> Any:
        reached.set()
        await go_on.wait()
        return await finish(*given)

    monkeypatch.setattr(shop.provider.book, "finish", slow)
    gone = asyncio.create_task(http.post("/count", content=b"abc", headers=headers))
    await reached.wait()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    go_on.set()
    assert bought_of(await http.post("/count", content=b"abc", headers=headers)).receipt.charged.amount == 10
    assert shop.calls == ["count"]


def _before(call: Callable[..., Any]) -> Callable[..., Any]:
    def killed(*_: Any, **__: Any) -> Any:
        raise Killed

    return killed


def _after(call: Callable[..., Any]) -> Callable[..., Any]:
    def done(*given: Any, **named: Any) -> Any:
        call(*given, **named)
        raise Killed

    return done


def _before_async(call: Callable[..., Any]) -> Callable[..., Any]:
    async def killed(*_: Any, **__: Any) -> Any:
        raise Killed

    return killed


def _after_async(call: Callable[..., Any]) -> Callable[..., Any]:
    async def done(*given: Any, **named: Any) -> Any:
        await call(*given, **named)
        raise Killed

    return done


# What is left behind at each place: voucher, job, answer.
PLACES = {
    "before the voucher is stored": ("book.begin", _before_async, 0),
    "after the voucher is stored": ("book.begin", _after_async, 0),
    "before the job is recorded": ("spool.append", _before, 0),
    "after the job is recorded": ("spool.append", _after, 1),
    "before the answer is stored": ("rows.write_answer", _before, 1),
    "while the answer is stored": ("rows.write_answer", _after, 1),
    "after the answer is stored": ("book.finish", _after_async, 1),
}


@pytest.mark.parametrize("path", ["/count", "/wasm", "/echo"])
@pytest.mark.parametrize("place", PLACES)
async def test_a_request_killed_anywhere_is_bought_once_when_it_is_repeated(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer, monkeypatch: pytest.MonkeyPatch, place: str, path: str
) -> None:
    target, kill, jobs = PLACES[place]
    await buyer.buy(http, "/echo", b"before")
    headers = await _paid(http, buyer, path)
    name, method = target.split(".")
    held: Any = {"spool": shop.spool, "book": shop.provider.book, "rows": rows}[name]
    async with shop.http() as doomed:
        with monkeypatch.context() as patch:
            patch.setattr(held, method, kill(getattr(held, method)))
            patch.setattr(shop.provider.book, "abandon", _before_async(shop.provider.book.abandon))
            with pytest.raises(Killed):
                await doomed.post(path, content=b"abc", headers=headers)
    assert shop.spool.state().seq == 1 + jobs

    await shop.reopen()
    async with shop.http() as restarted:
        bought = bought_of(await restarted.post(path, content=b"abc", headers=headers))
        assert _same(bought.response, await restarted.post(path, content=b"abc", headers=headers))
    price = {"/count": 10, "/wasm": 71, "/echo": 100}[path]
    assert bought.receipt.charged.amount == 100 + price
    [lane] = await shop.provider.book.unsettled()
    assert lane.charged == bought.receipt.charged
    # The application counts its calls in its answer to /count: another answer is other work, and recorded as such.
    repeated = jobs == 1 and path == "/count" and place != "after the answer is stored"
    assert shop.spool.state().seq == (3 if repeated else 2)
    assert await shop.provider.settle(at_once=True)
    assert await buyer.lane() == (
        lane.cap.amount if lane.cap else 0,
        10_000 - (lane.cap.amount if lane.cap else 0),
        lane.cap.units if lane.cap else 0,
    )


async def test_a_killed_request_may_be_repeated_with_other_totals(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = await _paid(http, buyer, "/count")
    with monkeypatch.context() as patch:
        patch.setattr(shop.provider.book, "finish", _before_async(shop.provider.book.finish))
        patch.setattr(shop.provider.book, "abandon", _before_async(shop.provider.book.abandon))
        with pytest.raises(Killed):
            await http.post("/count", content=b"abc", headers=headers)
    await buyer.buy(http, "/echo", b"other")
    refused = terms_of(await http.post("/count", content=b"abc", headers=headers))
    assert refused.error == "amount_too_low"
    asked = refused.accepts[0]
    assert asked.lane is not None
    assert asked.lane.totals == buyer.totals
    again = await http.post("/count", content=b"abc", headers=buyer.payment(asked) | {KEY_HEADER: "k"})
    assert bought_of(again).receipt.charged.amount == 110
    assert PAYMENT_HEADER not in again.headers
