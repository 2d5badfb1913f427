"""Answers that are lost, and clients that are killed: never a second charge, and no lane that is stuck."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from starlette.responses import Response

from support.buyers import buying, open_tab
from support.fleet import Fleet
from support.rigged_shop import RiggedShop
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.errors import AnswerLost, DeviceDistrusted
from worktab.market.buyer.lane_state import Place
from worktab.market.buyer.purchases import bought, digest
from worktab.market.buyer.purse import Purse


async def test_a_lost_answer_is_asked_for_again_with_the_same_key_and_voucher(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with (await RiggedShop.open(fleet)).serving() as shop, buying(consumer, tmp_path / "purse") as buyer:
        buyer.road.faults.extend([None, "lost", "lost"])
        answer = await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert answer.content == b"X"
        one, two, three = buyer.paid
        assert one.headers["Idempotency-Key"] == two.headers["Idempotency-Key"] == three.headers["Idempotency-Key"]
        assert shop.vouchers[0] == shop.vouchers[1] == shop.vouchers[2]
        assert (shop.seq, buyer.budget.charged, buyer.budget.out) == (1, 6, 0)
        paid = bought(answer)
        assert paid is not None
        assert (paid.sendings, paid.repeated) == (3, False)


async def test_an_answer_that_breaks_off_is_asked_for_again(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet, cuts=lambda number: number == 1)
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        assert (await buyer.http.post(f"{shop.url}/work", content=b"whole")).content == b"WHOLE"
        assert (shop.seq, len(shop.vouchers), buyer.budget.charged) == (1, 2, 6)


async def test_a_busy_device_is_asked_again(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    busy = Response(status_code=503, headers={"Retry-After": "1"})
    shop = await RiggedShop.open(fleet, refuses=lambda number: busy if number < 3 else None)
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        assert (await buyer.http.post(f"{shop.url}/work", content=b"x")).content == b"X"
        assert (len({voucher.signature for voucher in shop.vouchers}), buyer.budget.charged) == (1, 6)


async def test_a_voucher_that_never_left_is_not_counted(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with (await RiggedShop.open(fleet)).serving() as shop, buying(consumer, tmp_path / "purse") as buyer:
        buyer.road.faults.extend([None, "unsent", "unsent", "unsent"])
        with pytest.raises(httpx.ConnectError):
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert (buyer.budget.charged, buyer.budget.out, shop.vouchers) == (0, 0, [])
        await buyer.http.post(f"{shop.url}/work", content=b"y")
        assert [voucher.amount for voucher in shop.vouchers] == [10]


async def test_the_same_request_after_a_lost_answer_is_answered_without_a_second_charge(
    fleet: Fleet, tmp_path: Path
) -> None:
    consumer = await open_tab(fleet)
    async with (await RiggedShop.open(fleet)).serving() as shop:
        async with buying(consumer, tmp_path / "purse") as buyer:
            buyer.road.faults.extend([None, "lost", "lost", "lost"])
            with pytest.raises(AnswerLost) as caught:
                await buyer.http.post(f"{shop.url}/work", content=b"x")
            assert (caught.value.device, caught.value.amount) == (shop.device.device, 10)
            assert (buyer.budget.charged, buyer.budget.out) == (0, 10)
        async with buying(consumer, tmp_path / "purse") as buyer:
            answer = await buyer.http.post(f"{shop.url}/work", content=b"x")
            paid = bought(answer)
            assert paid is not None
            assert (answer.content, paid.repeated, paid.key) == (b"X", True, caught.value.key)
            assert (shop.seq, buyer.budget.charged, buyer.budget.out) == (1, 6, 0)
            assert len({voucher.signature for voucher in shop.vouchers}) == 1
            await buyer.http.post(f"{shop.url}/work", content=b"x")
            assert (shop.seq, shop.vouchers[-1].amount, buyer.budget.charged) == (2, 16, 12)


@pytest.mark.parametrize("done", [True, False], ids=["charged", "not charged"])
async def test_another_request_after_a_lost_answer_starts_from_what_the_device_charged(
    fleet: Fleet, tmp_path: Path, done: bool
) -> None:
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet)
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        if done:
            buyer.road.faults.extend([None, "lost", "lost", "lost"])
        else:
            shop.refuses = lambda number: Response(status_code=500)
            shop.cuts = lambda number: False
        if done:
            with pytest.raises(AnswerLost):
                await buyer.http.post(f"{shop.url}/work", content=b"x")
        else:
            assert (await buyer.http.post(f"{shop.url}/work", content=b"x")).status_code == 500
        assert (buyer.budget.charged, buyer.budget.out) == (0, 10)
        shop.refuses = lambda number: None
        before = 6 if done else 0
        assert (await buyer.http.post(f"{shop.url}/work", content=b"y")).content == b"Y"
        assert (shop.vouchers[-1].amount, shop.vouchers[-1].units) == (before + 10, before // 2 + 5)
        assert (buyer.budget.charged, buyer.budget.out) == (before + 6, 0)
        assert shop.calls[-1] == ("POST", "/work", True)


async def test_a_device_that_claims_more_for_a_lost_answer_than_was_signed_is_paid_on_another_lane(
    fleet: Fleet, tmp_path: Path
) -> None:
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet)
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        buyer.road.faults.extend([None, "lost", "lost", "lost"])
        with pytest.raises(AnswerLost):
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        [lane] = shop.lanes
        shop.lanes[lane] = replace(shop.lanes[lane], amount=11)
        assert (await buyer.http.post(f"{shop.url}/work", content=b"y")).content == b"Y"
        assert {(voucher.lane_nonce, voucher.amount) for voucher in shop.vouchers} == {(lane[1], 10), (lane[1] + 1, 10)}
        first, second = (await consumer.tab()).lanes
        assert (first.close_at > 0, second.close_at) == (True, 0)
        assert (buyer.budget.charged, buyer.budget.out) == (6, 10)


async def test_a_device_that_charges_for_lost_answers_again_and_again_is_left(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with (await RiggedShop.open(fleet)).serving() as shop, buying(consumer, tmp_path / "purse") as buyer:
        for number in range(4):
            buyer.road.faults.extend([None] * (1 if number == 0 else 2) + ["lost"] * 3)
            with pytest.raises(AnswerLost):
                await buyer.http.post(f"{shop.url}/work", content=b"%d" % number)
        with pytest.raises(DeviceDistrusted, match="4 requests in a row"):
            await buyer.http.post(f"{shop.url}/work", content=b"last")
        assert (shop.seq, buyer.budget.charged, buyer.budget.out) == (4, 18, 10)
        assert max(voucher.amount for voucher in shop.vouchers) == 18 + 10


async def test_a_request_that_is_cancelled_leaves_the_lane_usable(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with (await RiggedShop.open(fleet)).serving() as shop, buying(consumer, tmp_path / "purse") as buyer:
        await buyer.http.post(f"{shop.url}/work", content=b"x")
        arrived, go = asyncio.Event(), asyncio.Event()

        async def hold(request: httpx.Request) -> httpx.Response:
            arrived.set()
            await go.wait()
            raise AssertionError

        real, buyer.road.handle_async_request = buyer.road.handle_async_request, hold  # type: ignore[method-assign]
        task = asyncio.ensure_future(buyer.http.post(f"{shop.url}/work", content=b"slow"))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        buyer.road.handle_async_request = real  # type: ignore[method-assign]
        assert buyer.budget.out == 10
        assert (await buyer.http.post(f"{shop.url}/work", content=b"y")).content == b"Y"
        assert (buyer.budget.charged, buyer.budget.out, shop.seq) == (12, 0, 2)


@pytest.mark.parametrize("reached", [True, False], ids=["after it left", "before it left"])
async def test_a_client_killed_between_signing_and_the_answer_goes_on_where_it_was(
    fleet: Fleet, tmp_path: Path, reached: bool
) -> None:
    consumer, path = await open_tab(fleet), tmp_path / "purse"
    async with (await RiggedShop.open(fleet)).serving() as shop:
        async with buying(consumer, path) as buyer:
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        request = httpx.Request("POST", f"{shop.url}/work", content=b"killed")
        told = {
            "key": bytes(consumer.key).hex(),
            "offer": shop.offer().to_json(),
            "domain": shop.domain.hex(),
            "tab": str(consumer.tab_address),
            "request": digest(request).hex(),
        }
        victim = subprocess.Popen(
            [sys.executable, "-m", "support.buyer_victim", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        try:
            assert victim.stdin is not None
            assert victim.stdout is not None
            victim.stdin.write(json.dumps(told).encode() + b"\n")
            victim.stdin.flush()
            signature = bytes.fromhex((await asyncio.to_thread(victim.stdout.readline)).decode())
        finally:
            victim.kill()
            victim.communicate()
        place = Place(shop.domain, consumer.tab_address, shop.device.device, consumer.key.pubkey())
        with Purse.open(path) as purse:
            lane = purse.lane(place)
            assert lane is not None
            assert lane.pending is not None
            assert (lane.pending.voucher.signature, lane.pending.voucher.amount, lane.signed) == (signature, 16, 16)
            assert (lane.charged.amount, lane.charged.seq) == (6, 1)
        async with buying(consumer, path, Budget(100)) as buyer:
            content = b"killed" if reached else b"other"
            answer = await buyer.http.post(f"{shop.url}/work", content=content)
            assert answer.content == content.upper()
            assert (buyer.paid[-1].headers["Idempotency-Key"] == "killed") is reached
            assert (shop.vouchers[-1].amount, shop.seq, buyer.budget.charged) == (16, 2, 6)


async def test_a_lane_reserved_just_before_a_kill_is_found_again(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet)
    other = await fleet.device()
    view = await consumer.tab()
    place = Place(view.tab.domain, view.address, shop.device.device, consumer.key.pubkey())
    before = await consumer.reserve(shop.device.device, 7)
    with Purse.open(tmp_path / "purse") as purse:
        purse.reserving(place, (await consumer.tab()).tab.nonce)
    await consumer.reserve(other.device, 500)
    reserved = await consumer.reserve(shop.device.device, 40)
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        assert (await buyer.http.post(f"{shop.url}/work", content=b"x")).content == b"X"
        assert [lane.nonce for lane in (await consumer.tab()).lanes] == [before.nonce, before.nonce + 1, reserved.nonce]
        assert shop.vouchers[0].lane_nonce == reserved.nonce
