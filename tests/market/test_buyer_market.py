"""The paying client and the selling middleware together: real sockets, real work, settled on the chain."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from support.buyers import buying, open_tab
from support.fleet import Fleet
from support.rigged_shop import serving
from support.shop import Shops
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.delivery import Patience
from worktab.market.buyer.errors import AnswerLost
from worktab.market.buyer.purchases import bought


async def test_what_was_charged_is_what_the_device_earns_and_no_more(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with Shops() as shops:
        shop = await shops.start(fleet, tmp_path / "shop")
        async with serving(shop.app()) as url:
            async with buying(consumer, tmp_path / "purse") as buyer:
                assert (await buyer.http.post(f"{url}/echo", content=b"hello")).content == b"hello"
                counted = await buyer.http.post(f"{url}/count", content=b"seven..")
                assert counted.content == b"7 bytes, call 2"
                worked = await buyer.http.post(f"{url}/wasm", content=b"\1\2")
                assert worked.content == b"\2\3"
                receipts = [proof.receipt for proof in map(bought, (counted, worked)) if proof]
                assert [each.price for each in receipts] == [14, receipts[1].units]
                charged = 100 + 14 + receipts[1].units
                assert (buyer.budget.charged, buyer.budget.out) == (charged, 0)
                [before] = await shop.provider.book.unsettled()
                assert before.best is not None
                assert before.best.amount > charged
            [lane] = await shop.provider.book.unsettled()
            assert lane.exact is not None
            assert (lane.exact.amount, lane.exact.units, lane.exact.seq) == (charged, 3 + 7 + receipts[1].units, 3)
            await shop.provider.settle(at_once=True)
            assert await shop.earnings() == charged
            view = await consumer.tab()
            [held] = view.lanes
            assert (held.paid, held.units, view.tab.balance + held.reserved) == (
                charged,
                lane.exact.units,
                10_000 - charged,
            )


async def test_a_lost_answer_is_had_from_a_server_that_was_restarted(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with Shops() as shops:
        shop = await shops.start(fleet, tmp_path / "shop")
        async with buying(consumer, tmp_path / "purse") as buyer:
            async with serving(shop.app()) as url:
                buyer.road.faults.extend([None, "lost", "lost", "lost"])
                with pytest.raises(AnswerLost):
                    await buyer.http.post(f"{url}/count", content=b"four")
            await shop.reopen()
            async with serving(shop.app()) as again:
                answer = await buyer.http.post(f"{again}/count", content=b"four")
                assert answer.content == b"4 bytes, call 1"
                assert (shop.calls, shop.spool.state().seq) == (["count"], 1)
                assert (buyer.budget.charged, buyer.budget.out) == (10, 0)


async def test_a_provider_that_settled_the_largest_voucher_works_on_for_what_it_was_overpaid(
    fleet: Fleet, tmp_path: Path
) -> None:
    consumer = await open_tab(fleet)
    async with Shops() as shops:
        shop = await shops.start(fleet, tmp_path / "shop")
        patience = Patience()  # the seller looks at a tab once a second at most
        async with (
            serving(shop.app()) as url,
            buying(consumer, tmp_path / "purse", requests=1, patience=patience) as buyer,
        ):
            await buyer.http.post(f"{url}/count", content=b"x" * 10)
            await shop.provider.settle(at_once=True)
            assert await shop.earnings() == 100
            for number in range(4):
                assert (await buyer.http.post(f"{url}/count", content=b"y" * 30)).status_code == 200
                assert buyer.budget.charged == 20 + 60 * (number + 1)
            await shop.provider.settle(at_once=True)
            assert await shop.earnings() >= 260


async def test_clients_at_once_are_each_charged_what_they_bought(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with Shops() as shops:
        shop = await shops.start(fleet, tmp_path / "shop")
        async with (
            serving(shop.app()) as url,
            buying(consumer, tmp_path / "purse", Budget(400)) as one,
            buying(consumer, tmp_path / "purse", Budget(400)) as other,
        ):
            sent = [each.http.post(f"{url}/count", content=b"z" * 9) for _ in range(3) for each in (one, other)]
            assert [answer.status_code for answer in await asyncio.gather(*sent)] == [200] * 6
            assert (one.budget.charged, other.budget.charged, shop.spool.state().seq) == (54, 54, 6)
        await shop.provider.settle(at_once=True)
        assert await shop.earnings() == 108


async def test_failing_work_is_not_charged(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with Shops() as shops:
        shop = await shops.start(fleet, tmp_path / "shop")
        async with serving(shop.app()) as url, buying(consumer, tmp_path / "purse") as buyer:
            assert (await buyer.http.post(f"{url}/refusing", content=b"x")).status_code == 422
            assert (await buyer.http.post(f"{url}/silent", content=b"x")).status_code == 500
            assert (buyer.budget.charged, buyer.budget.out, await shop.provider.book.unsettled()) == (0, 100, [])
            assert (await buyer.http.post(f"{url}/broken", content=b"x")).status_code == 500
            assert (buyer.budget.charged, buyer.budget.out) == (0, 100)
            assert (await buyer.http.post(f"{url}/echo", content=b"x")).content == b"x"
            assert (buyer.budget.charged, buyer.budget.out) == (100, 0)


async def test_an_answer_given_up_is_had_later_under_its_own_key_for_nothing(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with Shops() as shops:
        shop = await shops.start(fleet, tmp_path / "shop")
        async with serving(shop.app()) as url, buying(consumer, tmp_path / "purse") as buyer:
            own = {"Idempotency-Key": "my own"}
            buyer.road.faults.extend([None, "lost", "lost", "lost"])
            with pytest.raises(AnswerLost) as caught:
                await buyer.http.post(f"{url}/count", content=b"four", headers=own)
            assert caught.value.key == "my own"
            assert (await buyer.http.post(f"{url}/count", content=b"other")).content == b"5 bytes, call 2"
            assert buyer.budget.charged == 20
            answer = await buyer.http.post(f"{url}/count", content=b"four", headers=own)
            proof = bought(answer)
            assert proof is not None
            assert (answer.content, proof.repeated, buyer.budget.charged) == (b"4 bytes, call 1", True, 20)
            assert (await buyer.http.post(f"{url}/count", content=b"last")).content == b"4 bytes, call 3"
            assert (buyer.budget.charged, buyer.budget.out) == (30, 0)


async def test_a_payment_of_another_is_worth_nothing(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with Shops() as shops:
        shop = await shops.start(fleet, tmp_path / "shop")
        async with serving(shop.app()) as url, buying(consumer, tmp_path / "purse") as buyer:
            await buyer.http.post(f"{url}/count", content=b"x")
            stolen = {"PAYMENT-SIGNATURE": buyer.paid[0].headers["PAYMENT-SIGNATURE"], "Idempotency-Key": "k"}
            answer = await buyer.http.post(f"{url}/count", content=b"y", headers=stolen)
            assert (answer.status_code, answer.json()["error"]) == (402, "amount_too_low")
            assert (shop.calls, buyer.budget.charged) == (["count"], 10)
