"""A client that pays by itself: what is signed, sent, charged and remembered."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from solders.keypair import Keypair
from starlette.responses import JSONResponse, Response

from support.buyers import buying, open_tab
from support.fleet import Fleet
from support.rigged_shop import RiggedShop
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.client import paying_client
from worktab.market.buyer.errors import BudgetExceeded
from worktab.market.buyer.purchases import bought
from worktab.market.buyer.purse import Purse
from worktab.market.buyer.transport import PayingTransport
from worktab.market.pricing import Price
from worktab.program.generated.errors import AllowanceExceeded, InsufficientBalance
from worktab.roles.consumer import Consumer


async def test_a_request_is_paid_at_its_price_and_the_next_one_in_one_round_trip(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with (await RiggedShop.open(fleet)).serving() as shop, buying(consumer, tmp_path / "purse") as buyer:
        first = await buyer.http.post(f"{shop.url}/work", content=b"one")
        assert (first.status_code, first.content) == (200, b"ONE")
        assert shop.calls == [("POST", "/work", False), ("POST", "/work", True)]
        second = await buyer.http.post(f"{shop.url}/work", content=b"two")
        assert second.content == b"TWO"
        assert shop.calls[2:] == [("POST", "/work", True)]
        one, two = shop.vouchers
        assert (one.amount, one.units, one.seq, one.head) == (10, 5, 0, bytes(32))
        charged = shop.charged(one.tab, one.lane_nonce)
        assert (two.amount, two.units, two.seq) == (6 + 10, 3 + 5, 1)
        assert (charged.amount, charged.units, charged.seq, charged.head) == (12, 6, 2, shop.head)
        assert (buyer.budget.charged, buyer.budget.out, buyer.budget.left) == (12, 0, 988)
        view = await consumer.tab()
        [lane] = view.lanes
        assert (view.tab.balance, lane.reserved, lane.index) == (10_000 - 40, 40, shop.index)
        paid = bought(second)
        assert paid is not None
        assert (paid.receipt.price, paid.receipt.units, paid.sendings, paid.repeated) == (6, 3, 1, False)
        assert paid.key == buyer.paid[1].headers["Idempotency-Key"] != buyer.paid[0].headers["Idempotency-Key"]
        assert shop.exact == []
    [exact] = shop.exact
    assert (exact.amount, exact.units, exact.seq, exact.head) == (12, 6, 2, shop.head)
    exact.verify(consumer.key.pubkey(), shop.domain)


async def test_a_lane_is_topped_up_when_it_runs_low(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with (
        (await RiggedShop.open(fleet)).serving() as shop,
        buying(consumer, tmp_path / "purse", requests=1) as buyer,
    ):
        for _ in range(3):
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        view = await consumer.tab()
        [lane] = view.lanes
        assert [voucher.amount for voucher in shop.vouchers] == [10, 16, 22]
        assert (lane.most, view.tab.balance) == (22, 10_000 - 22)


async def test_the_reserve_is_bounded_by_what_the_budget_has_left(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    budget = Budget(25)
    async with (await RiggedShop.open(fleet)).serving() as shop, buying(consumer, tmp_path / "purse", budget) as buyer:
        await buyer.http.post(f"{shop.url}/work", content=b"x")
        [lane] = (await consumer.tab()).lanes
        assert lane.reserved == 25
        await buyer.http.post(f"{shop.url}/work", content=b"x")
        await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert (budget.charged, budget.left) == (18, 7)
        with pytest.raises(BudgetExceeded) as caught:
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert (caught.value.code, caught.value.expected) == ("budget_exceeded", "at most 7 base units of 25")
        assert len(shop.vouchers) == 3
        assert ((await consumer.tab()).tab.balance, budget.charged, budget.out) == (10_000 - 25, 18, 0)


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (Budget(9), "at most 9 base units of 9"),
        (Budget(1_000, per_request=9), "at most 9 base units"),
        (Budget(1_000, rate=1_999_999), "at most 1999999 base units for 1000000 units"),
    ],
    ids=["total", "request", "rate"],
)
async def test_terms_above_the_budget_are_refused_before_anything_is_signed(
    fleet: Fleet, tmp_path: Path, budget: Budget, expected: str
) -> None:
    consumer = await open_tab(fleet)
    async with (await RiggedShop.open(fleet)).serving() as shop, buying(consumer, tmp_path / "purse", budget) as buyer:
        with pytest.raises(BudgetExceeded) as caught:
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert caught.value.expected == expected
        assert (shop.vouchers, buyer.paid, (await consumer.tab()).lanes) == ([], [], ())


async def test_a_fixed_price_is_held_to_the_rate_by_its_units(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet, price=Price.fixed(10))
    async with shop.serving(), buying(consumer, tmp_path / "purse", Budget(100, rate=1_999_999)) as buyer:
        with pytest.raises(BudgetExceeded):
            await buyer.http.post(f"{shop.url}/work", content=b"x")
    async with shop.serving(), buying(consumer, tmp_path / "purse", Budget(100, rate=2_000_000)) as buyer:
        assert (await buyer.http.post(f"{shop.url}/work", content=b"x")).content == b"X"
        assert (buyer.budget.charged, buyer.budget.left) == (10, 90)


async def test_parallel_requests_wait_for_the_lane_and_are_charged_once_each(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with (await RiggedShop.open(fleet)).serving() as shop, buying(consumer, tmp_path / "purse") as buyer:
        requests = [buyer.http.post(f"{shop.url}/work", content=b"%d" % number) for number in range(6)]
        answers = await asyncio.gather(*requests)
        assert sorted(answer.content for answer in answers) == [b"%d" % number for number in range(6)]
        assert [voucher.amount for voucher in shop.vouchers] == [10, 16, 22, 28, 34, 40]
        assert (buyer.budget.charged, buyer.budget.out) == (36, 0)


async def test_two_clients_with_purses_on_one_file_never_sign_the_same_totals(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with (
        (await RiggedShop.open(fleet)).serving() as shop,
        buying(consumer, tmp_path / "purse") as one,
        buying(consumer, tmp_path / "purse") as other,
    ):
        requests = [each.http.post(f"{shop.url}/work", content=b"x") for _ in range(4) for each in (one, other)]
        answers = await asyncio.gather(*requests)
        assert [answer.status_code for answer in answers] == [200] * 8
        assert [voucher.amount for voucher in shop.vouchers] == [10 + 6 * number for number in range(8)]
        assert len({(voucher.lane_nonce) for voucher in shop.vouchers}) == 1
        assert (one.budget.charged, other.budget.charged) == (24, 24)
        assert len((await consumer.tab()).lanes) == 1


async def test_a_delegate_pays_within_its_limits_and_the_programs_refusal_comes_through(
    fleet: Fleet, tmp_path: Path
) -> None:
    consumer, key = await open_tab(fleet), Keypair()
    await consumer.set_delegate(key.pubkey(), allowance=25)
    delegate = Consumer(fleet.sender, fleet.network, key, tab_of=consumer.key.pubkey())
    async with (await RiggedShop.open(fleet)).serving() as shop, buying(delegate, tmp_path / "purse") as buyer:
        for _ in range(3):
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        with pytest.raises(AllowanceExceeded):
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        view = await consumer.tab()
        [lane] = view.lanes
        assert (lane.signer, lane.most, view.tab.balance) == (1, 22, 10_000 - 22)
        assert [voucher.amount for voucher in shop.vouchers] == [10, 16, 22]
        shop.vouchers[-1].verify(key.pubkey(), shop.domain)
        assert (buyer.budget.charged, buyer.budget.out) == (18, 0)


async def test_a_tab_without_the_money_is_the_programs_refusal(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet, 9)
    async with (await RiggedShop.open(fleet)).serving() as shop, buying(consumer, tmp_path / "purse") as buyer:
        with pytest.raises(InsufficientBalance):
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert (shop.vouchers, buyer.budget.charged, buyer.budget.out) == ([], 0, 0)


async def test_a_tab_with_less_than_the_usual_reserve_reserves_for_the_request(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet, 15)
    async with (await RiggedShop.open(fleet)).serving() as shop, buying(consumer, tmp_path / "purse") as buyer:
        assert (await buyer.http.post(f"{shop.url}/work", content=b"x")).content == b"X"
        view = await consumer.tab()
        assert (view.tab.balance, view.lanes[0].reserved) == (5, 10)


async def test_changed_terms_are_asked_for_again_and_paid_within_the_budget(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with (await RiggedShop.open(fleet)).serving() as shop, buying(consumer, tmp_path / "purse") as buyer:
        await buyer.http.post(f"{shop.url}/work", content=b"x")
        shop.price = Price(3_000_000, 1)
        assert (await buyer.http.post(f"{shop.url}/work", content=b"y")).content == b"Y"
        assert [paid for _, _, paid in shop.calls] == [False, True, True, False, True]
        assert [voucher.amount for voucher in shop.vouchers] == [10, 16, 6 + 15]
        assert (buyer.budget.charged, buyer.budget.out) == (6 + 9, 0)


async def test_a_lane_that_is_closing_is_left_for_a_new_one(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with (
        (await RiggedShop.open(fleet)).serving() as shop,
        buying(consumer, tmp_path / "purse", requests=1) as buyer,
    ):
        await buyer.http.post(f"{shop.url}/work", content=b"x")
        [lane] = (await consumer.tab()).lanes
        await consumer.close_lane(lane.nonce)
        assert (await buyer.http.post(f"{shop.url}/work", content=b"y")).content == b"Y"
        old, new = (await consumer.tab()).lanes
        assert (old.nonce, old.most, new.most) == (lane.nonce, 10, 10)
        assert shop.vouchers[-1].lane_nonce == new.nonce
        assert (shop.vouchers[-1].amount, shop.vouchers[-1].seq) == (10, 0)


async def test_what_is_free_or_sold_otherwise_passes_untouched(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet)
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        assert (await buyer.http.get(f"{shop.url}/free")).content == b"free"
        assert (await buyer.http.get(f"{shop.url}/missing")).status_code == 404

    def exact_only(request: httpx.Request) -> httpx.Response:
        return httpx.Response(402, headers={"PAYMENT-REQUIRED": "eyJ4NDAyVmVyc2lvbiI6MiwiYWNjZXB0cyI6W119"}, text="pay")

    with_purse = tmp_path / "other"
    async with buying(consumer, with_purse) as buyer:
        inner = httpx.MockTransport(exact_only)
        transport = PayingTransport(inner, consumer=consumer, purse=buyer.purse, budget=buyer.budget)
        async with httpx.AsyncClient(transport=transport) as http:
            answer = await http.get("http://seller/work")
            assert (answer.status_code, answer.text) == (402, "pay")


async def test_an_answer_without_success_and_receipt_is_handed_through_and_not_charged(
    fleet: Fleet, tmp_path: Path
) -> None:
    consumer = await open_tab(fleet)
    conflict = JSONResponse({"error": {"code": "key_reused", "message": "another request"}}, 409)
    shop = await RiggedShop.open(fleet, refuses=lambda number: [conflict, Response(status_code=422), None][number - 1])
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        assert (await buyer.http.post(f"{shop.url}/work", content=b"x")).status_code == 409
        assert (await buyer.http.post(f"{shop.url}/work", content=b"x")).status_code == 422
        assert (buyer.budget.charged, buyer.budget.out) == (0, 10)
        assert (await buyer.http.post(f"{shop.url}/work", content=b"x")).content == b"X"
        assert [voucher.amount for voucher in shop.vouchers] == [10, 10, 10]
        assert (buyer.budget.charged, buyer.budget.out) == (6, 0)


async def test_paying_client_pays_by_itself(fleet: Fleet, tmp_path: Path) -> None:
    consumer, budget = await open_tab(fleet), Budget(100)
    async with (await RiggedShop.open(fleet)).serving() as shop:
        with Purse.open(tmp_path / "purse") as purse:
            async with paying_client(consumer, purse, budget, base_url=shop.url) as http:
                async with http.stream("POST", "/work", content=b"piece by piece") as answer:
                    assert b"".join([piece async for piece in answer.aiter_raw()]) == b"PIECE BY PIECE"
                assert (await http.post("/work", content=b"x")).content == b"X"
        assert (budget.charged, budget.out, [voucher.amount for voucher in shop.exact]) == (12, 0, [12])
