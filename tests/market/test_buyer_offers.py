"""Choosing among devices, going on to the next where one fails, and comparing results."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.responses import Response

from support.buyers import buying, open_tab
from support.fleet import Fleet
from support.rigged_shop import RiggedShop
from worktab.core.errors import EncodingError
from worktab.market.buyer.bill import Purpose
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.errors import BudgetExceeded, NoDeviceAnswered, NotVerified, ResultsDiffer
from worktab.market.offers import Offer, Order, buy, cheapest, fetch_offers
from worktab.market.pricing import Price
from worktab.program.generated.errors import InsufficientBalance

WORK = Order("/work", b"work", max_units=5)
_NOBODY = "http://127.0.0.1:9"


async def _shops(fleet: Fleet, stack: AsyncExitStack, *rates: int) -> list[RiggedShop]:
    shops = [await RiggedShop.open(fleet, price=Price(rate * 1_000_000, 1)) for rate in rates]
    return [await stack.enter_async_context(shop.serving()) for shop in shops]


async def test_the_cheapest_device_that_answers_does_the_work(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with AsyncExitStack() as stack:
        shops = await _shops(fleet, stack, 4, 2, 3)
        buyer = await stack.enter_async_context(buying(consumer, tmp_path / "purse"))
        done = await buy(buyer.http, [_NOBODY, *(shop.url for shop in shops)], WORK)
        assert (done.response.content, done.verified) == (b"WORK", 0)
        bill = done.bill
        assert (bill.price, bill.routing, bill.retries, bill.verification, bill.total) == (6, 0, 0, 0, 6)
        assert (bill.unreachable, [attempt.device for attempt in bill.attempts]) == (
            (_NOBODY,),
            [shops[1].device.device],
        )
        assert [len(shop.vouchers) for shop in shops] == [0, 1, 0]
        assert buyer.budget.charged == 6


async def test_a_device_that_dies_in_mid_stream_is_asked_again_and_then_another_one_is_paid(
    fleet: Fleet, tmp_path: Path
) -> None:
    consumer = await open_tab(fleet)
    async with AsyncExitStack() as stack:
        cheap, dear = await _shops(fleet, stack, 2, 3)
        cheap.cuts = lambda number: True
        buyer = await stack.enter_async_context(buying(consumer, tmp_path / "purse"))
        done = await buy(buyer.http, [dear.url, cheap.url], WORK)
        assert done.response.content == b"WORK"
        first, second = done.bill.attempts
        assert (first.device, first.error, first.price, first.out) == (cheap.device.device, "answer_lost", 0, 10)
        assert (second.device, second.error, second.price, second.units) == (dear.device.device, None, 9, 3)
        assert len({voucher.signature for voucher in cheap.vouchers}) == 1
        assert len(cheap.vouchers) == 3
        bill = done.bill
        assert (bill.price, bill.routing, bill.retries, bill.total) == (9, 3, 10, 19)
        assert [bill.share(each) for each in (bill.routing, bill.retries, bill.verification)] == [3_334, 11_112, 0]
        assert (buyer.budget.charged, buyer.budget.out) == (9, 10)
        assert bill.working + bill.retrying == sum(each.milliseconds for each in bill.attempts)


async def test_results_are_compared_with_other_devices(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with AsyncExitStack() as stack:
        shops = await _shops(fleet, stack, 2, 3, 4)
        buyer = await stack.enter_async_context(buying(consumer, tmp_path / "purse"))
        urls = [shop.url for shop in shops]
        done = await buy(buyer.http, urls, WORK, verify=2)
        assert (done.verified, done.bill.price, done.bill.verification, done.bill.total) == (2, 6, 9 + 12, 27)
        assert done.bill.share(done.bill.verification) == 35_000
        assert [each.purpose for each in done.bill.attempts] == [Purpose.RESULT, Purpose.VERIFY, Purpose.VERIFY]
        shops[1].body = bytes.title
        with pytest.raises(ResultsDiffer) as caught:
            await buy(buyer.http, urls, replace(WORK, content=b"other"), verify=1)
        assert caught.value.devices == (shops[0].device.device, shops[1].device.device)
        assert (caught.value.got, caught.value.delivery.response.content) == ("outputs", b"OTHER")
        shops[1].body, shops[1].units = bytes.upper, 2
        with pytest.raises(ResultsDiffer, match="units: 3 and 2"):
            await buy(buyer.http, urls, replace(WORK, content=b"third"), verify=1)


async def test_too_few_devices_to_compare_is_told_with_the_result(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with AsyncExitStack() as stack:
        [shop] = await _shops(fleet, stack, 2)
        buyer = await stack.enter_async_context(buying(consumer, tmp_path / "purse"))
        with pytest.raises(NotVerified) as caught:
            await buy(buyer.http, [shop.url], WORK, verify=1)
        assert (caught.value.delivery.response.content, caught.value.got) == (b"WORK", "0")
        assert buyer.budget.charged == 6


async def test_a_record_of_other_work_is_no_result(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with AsyncExitStack() as stack:
        shops = await _shops(fleet, stack, 2)
        buyer = await stack.enter_async_context(buying(consumer, tmp_path / "purse"))
        with pytest.raises(NoDeviceAnswered, match="other_work") as caught:
            await buy(buyer.http, [shops[0].url], replace(WORK, module=b"\1" * 32))
        [attempt] = caught.value.attempts
        assert (attempt.price, attempt.out) == (6, 0)


async def test_failing_devices_are_passed_by_and_named(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with AsyncExitStack() as stack:
        broken, lying = await _shops(fleet, stack, 2, 3)
        broken.refuses = lambda number: Response(status_code=422)
        lying.lies = lambda receipt: replace(receipt, signature=bytes(64))
        buyer = await stack.enter_async_context(buying(consumer, tmp_path / "purse"))
        with pytest.raises(NoDeviceAnswered) as caught:
            await buy(buyer.http, [broken.url, lying.url, _NOBODY], WORK)
        error = caught.value
        assert [(each.error, each.price, each.out) for each in error.attempts] == [
            ("http_422", 0, 0),
            ("answer_refused", 0, 15),
        ]
        assert error.unreachable == (_NOBODY,)


async def test_a_budget_that_holds_no_offer_is_told_as_that(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with AsyncExitStack() as stack:
        shops = await _shops(fleet, stack, 2, 3)
        buyer = await stack.enter_async_context(buying(consumer, tmp_path / "purse", Budget(9)))
        with pytest.raises(BudgetExceeded):
            await buy(buyer.http, [shop.url for shop in shops], WORK)
        assert [shop.vouchers for shop in shops] == [[], []]


async def test_what_no_other_device_would_mend_is_raised_at_once(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet, 5)
    async with AsyncExitStack() as stack:
        shops = await _shops(fleet, stack, 2, 3)
        buyer = await stack.enter_async_context(buying(consumer, tmp_path / "purse"))
        with pytest.raises(InsufficientBalance):
            await buy(buyer.http, [shop.url for shop in shops], WORK)
        assert [paid for _, _, paid in shops[1].calls] == []


async def test_offers_are_ranked_by_what_the_work_costs(fleet: Fleet, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        shops = await _shops(fleet, stack, 1, 2)
        shops[0].price, shops[1].price = Price(1_000_000, 100), Price(2_000_000, 1)
        buyer = await stack.enter_async_context(buying(await open_tab(fleet), tmp_path / "purse"))
        offers, silent = await fetch_offers(buyer.http, [shop.url for shop in shops])
        assert (offers, silent) == ([shop.advert() for shop in shops], [])
        low, high = offers
        assert cheapest(offers, 5) == [high, low]
        assert cheapest([replace(each, max_units=60) for each in offers], 60)[0].url == low.url
        assert cheapest(offers, 6) == []
        only = replace(low, modules=(b"\1" * 32,))
        assert cheapest([only], 5, module=b"\1" * 32) == [only]
        assert cheapest([only], 5, module=b"\2" * 32) == []
        assert cheapest([low, replace(low, url="http://elsewhere", price=Price(1, 1))], 5)[0].url == "http://elsewhere"


async def test_an_offer_is_never_paid_for(fleet: Fleet, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        [shop] = await _shops(fleet, stack, 2)
        consumer = await open_tab(fleet)
        buyer = await stack.enter_async_context(buying(consumer, tmp_path / "purse"))
        shop.advert = lambda: replace(RiggedShop.advert(shop), url="x")  # type: ignore[method-assign]
        wall = f"{shop.url}/work?path="
        assert await fetch_offers(buyer.http, [wall]) == ([], [wall])
        assert (shop.calls, shop.vouchers) == ([("GET", "/work", False)], [])


@pytest.mark.parametrize(
    "change", [{"meter": 9}, {"rate": 5}, {"modules": "all"}, {"modules": ["00"]}, {"class": -1}, {"device": "x"}]
)
def test_an_offer_that_is_malformed_is_refused(change: dict[str, object]) -> None:
    address = "11111111111111111111111111111111"
    value = {
        "device": address, "network": address, "class": 0, "meter": 1, "meterVersion": 1, "rate": "5", "minimum": "1",
        "maxUnits": "7",
    }  # fmt: skip
    assert Offer.from_json("http://x", value).to_json() == value
    with pytest.raises(EncodingError):
        Offer.from_json("http://x", value | change)
