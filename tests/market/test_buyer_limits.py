"""What a device may make a buyer read, and what refused vouchers may cost."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from support.buyers import PATIENCE, buying, open_tab
from support.fleet import Fleet
from support.hostile_server import dripping, hostile
from support.rigged_shop import RiggedShop
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.delivery import ANSWER_LIMIT, read
from worktab.market.buyer.errors import AnswerTooLarge, BudgetExceeded, NoDeviceAnswered, TermsRefused
from worktab.market.buyer.purse import Purse
from worktab.market.buyer.transport import PayingTransport
from worktab.market.errors import BadSignature
from worktab.market.offers import Order, buy
from worktab.market.wire import KEY_HEADER, PAYMENT_HEADER, PAYMENT_REQUIRED_HEADER


class _Flood(httpx.AsyncByteStream):
    """Sends without an end."""

    sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.sent += 1_000
            yield bytes(1_000)


class _Flooding(httpx.AsyncBaseTransport):
    """The road to a shop whose answers of one kind never end."""

    def __init__(self, shop: RiggedShop, *, paid: bool) -> None:
        self.real, self.paid, self.flood = httpx.ASGITransport(shop.app), paid, _Flood()
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.headers["accept-encoding"])
        answer = await self.real.handle_async_request(request)
        if (PAYMENT_HEADER in request.headers) is not self.paid:
            return answer
        named = [each for each in answer.headers.raw if each[0].lower() != b"content-length"]
        return httpx.Response(answer.status_code, headers=named, stream=self.flood)


@pytest.mark.parametrize("paid", [True, False], ids=["paid", "terms"])
async def test_no_more_is_read_than_the_buyer_allows(fleet: Fleet, tmp_path: Path, paid: bool) -> None:
    consumer, shop, budget = await open_tab(fleet), await RiggedShop.open(fleet), Budget(100)
    road = _Flooding(shop, paid=paid)
    with Purse.open(tmp_path / "purse") as purse:
        paying = PayingTransport(road, consumer=consumer, purse=purse, budget=budget, patience=PATIENCE, limit=5_000)
        async with httpx.AsyncClient(transport=paying) as http:
            with pytest.raises(AnswerTooLarge if paid else TermsRefused) as caught:
                await http.post("http://shop/work", content=b"x")
    assert caught.value.device == shop.device.device
    assert (road.flood.sent, set(road.asked)) == (6_000, {"identity"})
    assert (budget.charged, budget.out) == (0, 10 if paid else 0)


async def test_a_packed_answer_is_not_unpacked(fleet: Fleet, tmp_path: Path) -> None:
    consumer, shop, budget = await open_tab(fleet), await RiggedShop.open(fleet), Budget(100)

    async def packed(request: httpx.Request) -> httpx.Response:
        answer = await httpx.ASGITransport(shop.app).handle_async_request(request)
        if PAYMENT_HEADER not in request.headers:
            return answer
        body = gzip.compress(bytes(1_000_000))
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(body))

    with Purse.open(tmp_path / "purse") as purse:
        paying = PayingTransport(httpx.MockTransport(packed), consumer=consumer, purse=purse, budget=budget)
        async with httpx.AsyncClient(transport=paying) as http:
            with pytest.raises(AnswerTooLarge, match="gzip"):
                await http.post("http://shop/work", content=b"x")


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "endless"])
async def test_an_answer_that_nobody_paid_for_is_read_within_limits_too(
    fleet: Fleet, tmp_path: Path, packed: bool
) -> None:
    consumer, shop, flood = await open_tab(fleet), await RiggedShop.open(fleet), _Flood()

    async def answered(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return await httpx.ASGITransport(shop.app).handle_async_request(request)
        return httpx.Response(200, headers={"Content-Encoding": "gzip"} if packed else {}, stream=flood)

    with Purse.open(tmp_path / "purse") as purse:
        paying = PayingTransport(httpx.MockTransport(answered), consumer=consumer, purse=purse, budget=Budget(100))
        async with httpx.AsyncClient(transport=paying) as http:
            with pytest.raises(NoDeviceAnswered) as caught:
                await buy(http, ["http://shop"], Order("/work", b"x", max_units=5))
    assert [each.error for each in caught.value.attempts] == ["connection"]
    assert flood.sent <= ANSWER_LIMIT + 1_000 * (not packed)


async def test_a_paid_answer_that_drips_is_left_in_time() -> None:
    async with hostile(dripping) as url, httpx.AsyncClient(timeout=120) as http:
        response = await http.send(http.build_request("GET", url), stream=True)
        with pytest.raises(httpx.ReadTimeout, match=r"more than 0\.3 seconds"):
            await read(response, seconds=0.3)


async def test_terms_with_endless_headers_are_not_read(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)

    async def endless(request: httpx.Request) -> httpx.Response:
        return httpx.Response(402, headers={PAYMENT_REQUIRED_HEADER: "A" * 100_000})

    with Purse.open(tmp_path / "purse") as purse:
        paying = PayingTransport(httpx.MockTransport(endless), consumer=consumer, purse=purse, budget=Budget(100))
        async with httpx.AsyncClient(transport=paying) as http:
            with pytest.raises(TermsRefused, match="too large"):
                await http.post("http://shop/work", content=b"x")


async def test_devices_that_refuse_what_they_can_settle_do_not_exceed_the_budget(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with AsyncExitStack() as stack:
        buyer = await stack.enter_async_context(buying(consumer, tmp_path / "purse", Budget(25)))
        shops = []
        for expected in (BadSignature, BadSignature, BudgetExceeded):
            shop = await RiggedShop.open(fleet, refuses=lambda number: BadSignature("no"))
            shops.append(await stack.enter_async_context(shop.serving()))
            with pytest.raises(expected):
                await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert [sum(each.amount for each in shop.vouchers) for shop in shops] == [10, 10, 0]
        assert (buyer.budget.charged, buyer.budget.out) == (0, 20)
        shops[0].refuses = lambda number: None
        # What is out on a lane is the largest of its vouchers: the same device may be asked again.
        assert (await buyer.http.post(f"{shops[0].url}/work", content=b"x")).content == b"X"
        assert (buyer.budget.charged, buyer.budget.out) == (6, 10)


async def test_each_device_gets_a_key_of_its_own(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with AsyncExitStack() as stack:
        shops = [await stack.enter_async_context((await RiggedShop.open(fleet)).serving()) for _ in range(2)]
        buyer = await stack.enter_async_context(buying(consumer, tmp_path / "purse", Budget(100)))
        order = Order("/work", b"x", max_units=5, headers={"idempotency-key": "mine"})
        for _ in range(2):
            done = await buy(buyer.http, [shop.url for shop in shops], order, verify=1)
            assert done.verified == 1
        keys = [request.headers[KEY_HEADER] for request in buyer.paid]
        assert (len(keys), len(set(keys)), "mine" in keys) == (4, 2, False)
        assert (buyer.budget.charged, [shop.seq for shop in shops]) == (12, [1, 1])
