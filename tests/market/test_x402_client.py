"""x402's own httpx client buys from Worktab's middleware, over real HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from solders.pubkey import Pubkey
from starlette.responses import Response
from x402 import x402Client, x402ClientSync
from x402.http.clients.httpx import PaymentError, x402HttpxClient
from x402.schemas import NoMatchingRequirementsError, PaymentRequired

from support.buyers import open_tab
from support.fleet import Fleet
from support.rigged_shop import RiggedShop, serving
from support.shop import Buyer, Shop, Shops, error_of
from support.x402 import settled, x402_buying
from worktab.core.errors import StateError
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.errors import AnswerRefused, BudgetExceeded, DeviceDistrusted, TermsRefused
from worktab.market.buyer.purse import Purse
from worktab.market.errors import AmountTooLow, PaymentRefused
from worktab.market.pricing import Price
from worktab.market.terms import LaneTotals, Totals
from worktab.market.wire import CHARGE_HEADER, KEY_HEADER, PAYMENT_HEADER, RECEIPT_HEADER, decode, encode
from worktab.market.x402 import WorktabClientScheme
from worktab.market.x402.turns import Turns
from worktab.program.generated.errors import InsufficientBalance


async def test_it_pays_for_each_request_what_it_costs(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with serving(shop.app()) as url, x402_buying(shop, consumer, tmp_path / "purse") as buyer:
        first = await buyer.http.post(f"{url}/echo", content=b"hello")
        second = await buyer.http.post(f"{url}/count", content=b"seven b")
        assert (first.content, second.content) == (b"hello", b"7 bytes, call 2")
        one, two = settled(first), settled(second)
        assert (one.amount, one.payer, one.transaction) == ("100", str(consumer.tab_address), "")
        assert (two.amount, two.network) == ("14", shop.provider.seller.chain)
        assert (buyer.budget.charged, buyer.budget.out) == (114, 0)
    view = await consumer.tab()
    [lane] = view.lanes
    assert (view.tab.balance, lane.reserved) == (10_000 - 400, 400)
    account = await shop.provider.book.lane(consumer.tab_address, lane.nonce)
    [_, newest] = shop.spool.entries()
    assert account is not None
    assert account.charged == Totals(114, 10, 2, newest.head)
    assert account.cap is not None
    # It is bound to the chain as the first answer told it, and no more than the second could have cost.
    assert (account.cap.amount, account.cap.units, account.cap.seq) == (200, 53, 1)
    # x402's client leaves no exact voucher, so what settles is the newest; the rest counts toward what it buys next.
    assert await shop.earnings() == 0
    [settlement] = await shop.provider.settle(at_once=True)
    assert (settlement.moved, settlement.exact, await shop.earnings()) == (200, False, 200)
    [lane] = (await consumer.tab()).lanes
    assert (lane.paid, lane.reserved, lane.units) == (200, 200, 53)


async def test_it_goes_on_where_more_was_settled_than_charged(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with serving(shop.app()) as url, x402_buying(shop, consumer, tmp_path / "purse", Budget(200)) as buyer:
        assert settled(await buyer.http.post(f"{url}/count", content=b"one")).amount == "10"
        [settlement] = await shop.provider.settle(at_once=True)
        assert (settlement.moved, await shop.earnings()) == (100, 100)
        assert settled(await buyer.http.post(f"{url}/count", content=b"two")).amount == "10"
        assert (buyer.budget.charged, buyer.budget.left) == (20, 180)
        assert await shop.provider.settle(at_once=True) == []
        assert await shop.earnings() == 100


async def test_its_own_client_needs_no_more_than_the_scheme(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    consumer, budget, seller = await open_tab(fleet), Budget(1_000), shop.provider.seller
    with Purse.open(tmp_path / "purse") as purse:
        client = x402Client().register("solana:*", WorktabClientScheme(consumer, purse, budget))
        client.set_spend_controls({"allowed_assets": [{"network": "solana:*", "asset": str(seller.asset)}]})
        async with serving(shop.app()) as url, x402HttpxClient(client) as http:
            assert (await http.post(f"{url}/echo", content=b"hi")).content == b"hi"
    assert (budget.charged, budget.out) == (100, 0)


async def test_x402_refuses_tokens_that_its_user_did_not_allow(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    async with serving(shop.app()) as url, x402_buying(shop, await open_tab(fleet), tmp_path / "purse") as buyer:
        buyer.client.set_spend_controls({})
        with pytest.raises(PaymentError) as caught:
            await buyer.http.post(f"{url}/echo", content=b"hi")
        assert isinstance(caught.value.__cause__, NoMatchingRequirementsError)
        assert buyer.paid == []


async def test_requests_at_once_take_turns(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    async with serving(shop.app()) as url, x402_buying(shop, await open_tab(fleet), tmp_path / "purse") as buyer:
        sent = [buyer.http.post(f"{url}/count", content=b"x" * n) for n in range(20, 25)]
        answers = await asyncio.gather(*sent)
        assert [int(settled(each).amount or "") for each in answers] == [40, 42, 44, 46, 48]
        assert len(buyer.paid) == 5
        assert (buyer.budget.charged, buyer.budget.out) == (220, 0)


async def test_another_tasks_turn_comes_with_the_answer(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with serving(shop.app()) as url, x402_buying(shop, consumer, tmp_path / "purse") as buyer:
        await buyer.http.post(f"{url}/echo", content=b"mine")
        other = asyncio.create_task(buyer.http.post(f"{url}/echo", content=b"other"))
        assert (await asyncio.wait_for(other, 120)).content == b"other"


async def test_clients_of_one_purse_find_together(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with (
        serving(shop.app()) as url,
        x402_buying(shop, consumer, tmp_path / "purse") as one,
        x402_buying(shop, consumer, tmp_path / "purse") as two,
    ):
        await one.http.post(f"{url}/count", content=b"x" * 10)
        both = [one.http.post(f"{url}/count", content=b"x" * 11), two.http.post(f"{url}/count", content=b"x" * 12)]
        assert [each.status_code for each in await asyncio.gather(*both)] == [200, 200]
        last = settled(await two.http.post(f"{url}/count", content=b"x" * 10))
        lane = LaneTotals.from_json((last.extra or {})["lane"])
    account = await shop.provider.book.lane(lane.tab, lane.nonce)
    assert account is not None
    assert account.charged == lane.totals
    assert lane.totals.amount == 20 + 22 + 24 + 20


@pytest.mark.parametrize(
    ("budget", "got"),
    [
        (Budget(99), "100, with 0 charged and 0 out"),
        (Budget(1_000, per_request=99), "100"),
        (Budget(1_000, rate=33_333_333), "100 base units for at most 3 units"),
    ],
    ids=["total", "request", "rate"],
)
async def test_nothing_is_signed_above_the_budget(
    shop: Shop, fleet: Fleet, tmp_path: Path, budget: Budget, got: str
) -> None:
    consumer = await open_tab(fleet)
    async with serving(shop.app()) as url, x402_buying(shop, consumer, tmp_path / "purse", budget) as buyer:
        with pytest.raises(PaymentError) as caught:
            await buyer.http.post(f"{url}/echo", content=b"hi")
        assert isinstance(caught.value.__cause__, BudgetExceeded)
        assert caught.value.__cause__.got == got
        assert (buyer.paid, budget.charged, budget.out, shop.calls) == ([], 0, 0, [])
    assert (await consumer.tab()).lanes == ()


async def test_the_programs_refusals_are_told_as_they_are(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    async with serving(shop.app()) as url, x402_buying(shop, await open_tab(fleet, 99), tmp_path / "purse") as buyer:
        with pytest.raises(PaymentError) as caught:
            await buyer.http.post(f"{url}/echo", content=b"hi")
        assert isinstance(caught.value.__cause__, InsufficientBalance)
        assert buyer.budget.out == 0
        # And the lane is free for the next task.
        with pytest.raises(PaymentError):
            await asyncio.wait_for(buyer.http.post(f"{url}/echo", content=b"hi"), 120)


async def test_another_network_on_the_same_cluster_is_refused(
    shop: Shop, fleet: Fleet, shops: Shops, tmp_path: Path
) -> None:
    other = await Fleet(fleet.chain).start()
    consumer = await open_tab(other)
    async with serving(shop.app()) as url, x402_buying(shop, consumer, tmp_path / "purse") as buyer:
        with pytest.raises(PaymentError) as caught:
            await buyer.http.post(f"{url}/echo", content=b"hi")
        cause = caught.value.__cause__
        assert isinstance(cause, TermsRefused)
        assert (cause.expected, cause.device) == (f"network {other.network}", shop.device.device)
        assert buyer.paid == []


async def test_another_cluster_is_not_looked_at(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with (
        serving(shop.app()) as url,
        x402_buying(shop, consumer, tmp_path / "purse", network="solana:other") as buyer,
    ):
        with pytest.raises(PaymentError) as caught:
            await buyer.http.post(f"{url}/echo", content=b"hi")
        assert isinstance(caught.value.__cause__, NoMatchingRequirementsError)


async def test_after_a_lost_answer_the_two_agree_again(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    async with serving(shop.app()) as url, x402_buying(shop, await open_tab(fleet), tmp_path / "purse") as buyer:
        buyer.road.faults.extend([None, "lost"])
        with pytest.raises(PaymentError):
            await buyer.http.post(f"{url}/count", content=b"x" * 20)
        assert (buyer.budget.charged, buyer.budget.out) == (0, 100)
        answer = await buyer.http.post(f"{url}/count", content=b"x" * 21)
        assert (settled(answer).amount, shop.calls) == ("42", ["count", "count"])
        # The second payment was below what was charged by then, and was made anew from what the seller told.
        assert len(buyer.paid) == 3
        assert (buyer.budget.charged, buyer.budget.out) == (82, 0)


async def test_the_same_request_after_a_lost_answer_is_not_charged_again(
    shop: Shop, fleet: Fleet, tmp_path: Path
) -> None:
    async with (
        serving(shop.app()) as url,
        x402_buying(shop, await open_tab(fleet), tmp_path / "purse") as buyer,
    ):
        buyer.road.faults.extend([None, "lost"])
        with pytest.raises(PaymentError):
            await buyer.http.post(f"{url}/count", content=b"seven b")
        # Nothing else is known of the lane, so the same voucher is signed.
        again = await buyer.http.post(f"{url}/count", content=b"seven b")
        assert (again.content, settled(again).amount, shop.calls) == (b"7 bytes, call 1", "14", ["count"])
        assert (buyer.budget.charged, buyer.budget.out) == (14, 0)


async def test_a_seller_that_charges_without_an_answer_again_and_again_is_paid_no_more(
    shop: Shop, fleet: Fleet, tmp_path: Path
) -> None:
    async with (
        serving(shop.app()) as url,
        x402_buying(shop, await open_tab(fleet), tmp_path / "purse") as buyer,
    ):
        for number, faults in enumerate(([None, "lost"], *[[None, None, "lost"]] * 3)):
            buyer.road.faults.extend(faults)
            with pytest.raises(PaymentError, match="cut off"):
                await buyer.http.post(f"{url}/count", content=b"%d" % number)
        with pytest.raises(PaymentError) as caught:
            await buyer.http.post(f"{url}/count", content=b"x")
        assert isinstance(caught.value.__cause__, DeviceDistrusted)
        assert (shop.calls, buyer.budget.charged) == (["count"] * 4, 30)


async def test_a_turn_ends_with_its_task_or_its_time() -> None:
    turns = Turns()
    await asyncio.create_task(turns.take("lane", 60))
    await turns.take("lane", 60)  # the task that had it is done
    await turns.take("lane", 60)  # and this one goes on
    waiting = asyncio.create_task(turns.take("lane", 60))
    await asyncio.sleep(0)
    assert not waiting.done()
    turns.end("lane")
    await waiting
    await turns.take("lane", 60)
    await asyncio.create_task(turns.take("lane", 0))  # this task keeps it longer than it may
    turns.end("lane")  # and has none to end


async def test_a_payment_that_was_never_sent_costs_nothing(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    async with serving(shop.app()) as url, x402_buying(shop, await open_tab(fleet), tmp_path / "purse") as buyer:
        buyer.road.faults.extend([None, "unsent"])
        with pytest.raises(PaymentError):
            await asyncio.create_task(buyer.http.post(f"{url}/count", content=b"x" * 20))
        assert settled(await buyer.http.post(f"{url}/count", content=b"x" * 21)).amount == "42"
        assert (len(buyer.paid), buyer.budget.charged, buyer.budget.out) == (1, 42, 0)


async def test_a_failed_request_is_not_charged(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    async with serving(shop.app()) as url, x402_buying(shop, await open_tab(fleet), tmp_path / "purse") as buyer:
        assert (await buyer.http.post(f"{url}/refusing", content=b"x")).status_code == 422
        assert settled(await buyer.http.post(f"{url}/echo", content=b"x")).amount == "100"
        assert (buyer.budget.charged, buyer.budget.out) == (100, 0)


async def test_the_same_payment_with_the_same_request_gets_the_bought_answer(
    shop: Shop, fleet: Fleet, tmp_path: Path
) -> None:
    consumer = await open_tab(fleet)
    async with (
        serving(shop.app()) as url,
        x402_buying(shop, consumer, tmp_path / "purse") as buyer,
        httpx.AsyncClient(timeout=120) as plain,
    ):
        bought = await buyer.http.post(f"{url}/count", content=b"seven b")
        payment = {PAYMENT_HEADER: buyer.paid[0].headers[PAYMENT_HEADER]}
        again = await plain.post(f"{url}/count", content=b"seven b", headers=payment)
        assert (again.status_code, again.content) == (200, bought.content)
        assert again.headers[RECEIPT_HEADER] == bought.headers[RECEIPT_HEADER]
        other = await plain.post(f"{url}/count", content=b"another", headers=payment)
        assert error_of(other) == (402, "amount_too_low")
        elsewhere = await plain.post(f"{url}/echo", content=b"seven b", headers=payment)
        assert error_of(elsewhere) == (402, "terms_changed")
    assert shop.calls == ["count"]


async def test_a_restarted_client_goes_on_from_its_purse(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with serving(shop.app()) as url:
        for charged in (100, 200):
            async with x402_buying(shop, consumer, tmp_path / "purse") as buyer:
                assert settled(await buyer.http.post(f"{url}/echo", content=b"x")).amount == "100"
                assert len(buyer.paid) == 1
            [lane] = (await consumer.tab()).lanes
            account = await shop.provider.book.lane(consumer.tab_address, lane.nonce)
            assert account is not None
            assert account.charged.amount == charged


async def test_a_lane_that_is_closing_is_replaced(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with serving(shop.app()) as url, x402_buying(shop, consumer, tmp_path / "purse") as buyer:
        assert settled(await buyer.http.post(f"{url}/echo", content=b"x")).amount == "100"
        [first] = (await consumer.tab()).lanes
        await consumer.close_lane(first.nonce)
        await fleet.clock.advance(3_500)
        await shop.provider.tabs.read(consumer.tab_address)
        assert settled(await buyer.http.post(f"{url}/echo", content=b"x")).amount == "100"
        # The voucher on the lane that ends was refused, and is good until then.
        assert (buyer.budget.charged, buyer.budget.out) == (200, 100)
    lanes = (await consumer.tab()).lanes
    assert [each.nonce for each in lanes if not each.close_at] == [first.nonce + 1]


@pytest.mark.parametrize(
    ("lie", "message"),
    [
        ({"amount": "101"}, "do not add up"),
        ({"amount": "101", "extra": {"lane": {"amount": "101"}}}, "do not add up"),
        ({"amount": "99"}, "do not add up"),
        ({"extra": None}, "does not tell"),
        ({"extra": {"lane": {"nonce": 1}}}, "another lane"),
        ({"extra": {"lane": {"amount": "101"}}}, "do not add up"),
        ({"extra": {"lane": {"units": "4"}}}, "do not add up"),
    ],
)
async def test_a_seller_whose_settlement_cannot_be_is_paid_no_more(
    shop: Shop, fleet: Fleet, tmp_path: Path, lie: dict[str, object], message: str
) -> None:
    async def lying(scope: object, receive: object, send: object) -> None:
        async def sending(event: dict[str, object]) -> None:
            if "headers" in event:
                event["headers"] = [(name, told(name, value)) for name, value in event["headers"]]  # type: ignore[attr-defined]
            await send(event)  # type: ignore[operator]

        await shop.app()(scope, receive, sending)  # type: ignore[arg-type]

    def told(name: bytes, value: bytes) -> bytes:
        if name != CHARGE_HEADER.lower().encode():
            return value
        true = decode(value.decode())
        extra = lie.get("extra", {})
        lane = {**true["extra"]["lane"], **extra["lane"]} if extra else true["extra"]["lane"]  # type: ignore[index,dict-item]
        return encode(true | lie | {"extra": None if extra is None else {"lane": lane}}).encode()

    async with serving(lying) as url, x402_buying(shop, await open_tab(fleet), tmp_path / "purse") as buyer:
        with pytest.raises(PaymentError) as caught:
            await buyer.http.post(f"{url}/echo", content=b"x")
        cause = caught.value.__cause__
        assert isinstance(cause, AnswerRefused)
        assert message in cause.message
        assert (cause.device, cause.amount) == (shop.device.device, 100)
        assert (buyer.budget.charged, buyer.budget.out) == (0, 100)
        with pytest.raises(PaymentError) as caught:
            await buyer.http.post(f"{url}/echo", content=b"x")
        assert isinstance(caught.value.__cause__, DeviceDistrusted)
        assert len(buyer.paid) == 1


@pytest.mark.parametrize(
    "changes", [{"amount": 11}, {"asset": Pubkey.default()}, {"index": 9}, {"device": Pubkey.default()}]
)
async def test_terms_that_cannot_be_are_not_paid(fleet: Fleet, tmp_path: Path, changes: dict[str, Any]) -> None:
    shop = await RiggedShop.open(fleet, offers=lambda offer: replace(offer, **changes))
    async with shop.serving(), x402_buying(shop, await open_tab(fleet), tmp_path / "purse") as buyer:
        buyer.client.set_spend_controls(False)
        with pytest.raises(PaymentError) as caught:
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert isinstance(caught.value.__cause__, TermsRefused)
        assert shop.vouchers == []


async def test_what_an_unanswered_request_may_have_cost_stays_out(fleet: Fleet, tmp_path: Path) -> None:
    answers = {1: Response(status_code=500), 2: Response(status_code=500), 3: PaymentRefused("No")}
    shop = await RiggedShop.open(fleet, refuses=answers.get)
    async with shop.serving(), x402_buying(shop, await open_tab(fleet), tmp_path / "purse") as buyer:
        for price, status in ((Price(2_000_000), 500), (Price(1_000_000), 500), (Price(1_000_000), 402)):
            shop.price = price
            answer = await buyer.http.post(f"{shop.url}/work", content=b"x", headers={KEY_HEADER: "key"})
            assert (answer.status_code, buyer.budget.out) == (status, 10)
        assert [each.amount for each in shop.vouchers] == [10, 5, 5]


async def test_a_refusal_is_not_mended_by_what_cannot_be(fleet: Fleet, tmp_path: Path) -> None:
    shop = await RiggedShop.open(fleet)
    other = (await fleet.device()).device
    consumer = await open_tab(fleet)

    def elsewhere(number: int) -> PaymentRefused:
        shop.offers = lambda offer: replace(offer, device=other)
        return AmountTooLow("too low")

    def more(number: int) -> PaymentRefused:
        shop.lanes[consumer.tab_address, shop.vouchers[-1].lane_nonce] = Totals(1, 1, 1, b"h" * 32)
        return AmountTooLow("too low")

    async with shop.serving(), x402_buying(shop, consumer, tmp_path / "purse") as buyer:
        shop.refuses = elsewhere
        answer = await buyer.http.post(f"{shop.url}/work", content=b"x", headers={KEY_HEADER: "one"})
        assert (answer.status_code, len(shop.vouchers), buyer.budget.out) == (402, 1, 10)
        shop.refuses, shop.offers = more, lambda offer: offer
        answer = await buyer.http.post(f"{shop.url}/work", content=b"x", headers={KEY_HEADER: "two"})
        [lane] = (await consumer.tab()).lanes
        assert (answer.status_code, len(shop.vouchers), lane.close_at > 0) == (402, 3, True)
        assert (buyer.budget.charged, buyer.budget.out) == (0, 10)


async def test_the_synchronous_client_is_refused(
    shop: Shop, buyer: Buyer, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    seller = shop.provider.seller
    required = PaymentRequired.model_validate((await http.post("/echo")).json())
    with Purse.open(tmp_path / "purse") as purse:
        scheme = WorktabClientScheme(buyer.consumer, purse, Budget(1_000))
        with pytest.raises(StateError, match="x402ClientSync"):
            scheme.create_payment_payload(required.accepts[0])
        client = x402ClientSync().register(seller.chain, scheme).set_spend_controls(False)
        with pytest.raises(TypeError, match="Async hooks are not supported"):
            client.create_payment_payload(required)
