"""Paid requests through the middleware: what is answered, charged, recorded and proven."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import httpx
import pytest
from solders.pubkey import Pubkey

from support.jobs import increment
from support.shop import Buyer, Shop, bought_of, error_of, terms_of
from worktab.core.messages import MessageKind
from worktab.core.records import ZERO_HEAD, Meter, next_head, record_hash
from worktab.market.pricing import Price
from worktab.market.terms import LaneTotals, Totals
from worktab.market.wire import KEY_HEADER, LANE_HEADER, PAYMENT_HEADER
from worktab.roles.decoding import key_of


async def test_an_unpaid_request_is_told_the_terms(shop: Shop, http: httpx.AsyncClient) -> None:
    terms = terms_of(await http.post("/count?a=1", content=b"abc"))
    assert (terms.error, terms.detail["code"]) == ("payment_required", "payment_required")
    assert terms.resource is not None
    assert (terms.resource.url, terms.resource.description) == ("http://shop/count?a=1", "Counts")
    [asked] = terms.accepts
    assert (asked.amount, asked.units, asked.price, asked.lane) == (100, 50, Price(2_000_000, 10), None)
    assert (asked.device, asked.network) == (shop.device.device, shop.fleet.network)
    assert asked.asset == shop.fleet.mint.address
    assert asked.index == (await shop.fleet.read(shop.device.device)).index
    assert shop.calls == []


async def test_terms_may_depend_on_the_request(http: httpx.AsyncClient, buyer: Buyer) -> None:
    assert (await buyer.terms(http, "/sized", b"12345")).units == 10
    assert (await buyer.buy(http, "/sized", b"12345")).receipt.price == 5


async def test_a_paid_request_is_answered_charged_and_proven(shop: Shop, http: httpx.AsyncClient, buyer: Buyer) -> None:
    first = await buyer.buy(http, "/count", b"a" * 7)
    assert first.response.content == b"7 bytes, call 1"
    assert first.charge.amount == first.receipt.price == 14
    assert first.charge.payer == buyer.tab
    second = await buyer.buy(http, "/count", b"a")
    assert (second.receipt.price, second.receipt.units) == (10, 1)

    entries = list(shop.spool.entries())
    assert [(entry.record.units, entry.record.amount) for entry in entries] == [(7, 14), (1, 10)]
    assert second.receipt.charged == Totals(24, 8, 2, entries[1].head)
    for bought, entry, previous in zip((first, second), entries, (ZERO_HEAD, entries[0].head), strict=True):
        record, receipt = bought.receipt.record, bought.receipt
        assert record == entry.record
        assert record.output == sha256(bought.response.content).digest()
        assert (record.meter, record.tab, record.module) == (Meter.CPU_MS, bytes(buyer.tab), sha256(b"/count").digest())
        assert receipt.previous == previous
        assert receipt.receipt.head == next_head(previous, record_hash(receipt.salt, record)) == entry.head
        assert (receipt.receipt.kind, receipt.receipt.seq) == (MessageKind.RECEIPT, entry.seq)
        assert receipt.receipt.units == entry.units_total
        key = key_of(await shop.fleet.read(shop.device.device))
        assert key.verify(receipt.receipt.encode(), receipt.signature)
    assert entries[0].record.input == sha256(b"a" * 7).digest()


async def test_a_receipt_that_came_with_work_is_good_on_the_chain(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    await shop.fleet.next_epoch()  # from where on the device has capacity
    bought = await buyer.buy(http, "/count", b"a" * 7)
    await shop.device.submit(bought.receipt.receipt, bought.receipt.signature)
    device = await shop.fleet.read(shop.device.device)
    assert (device.seq, device.units, device.head) == (1, 7, buyer.totals.head)


async def test_a_wasm_job_is_sold_by_its_fuel(shop: Shop, http: httpx.AsyncClient, buyer: Buyer) -> None:
    bought = await buyer.buy(http, "/wasm", b"abc")
    assert bought.response.content == b"bcd"
    record = bought.receipt.record
    assert (record.meter, record.units, record.amount) == (Meter.WASM_FUEL, 71, 71)
    assert (record.module, record.tab) == (sha256(increment()).digest(), bytes(buyer.tab))
    assert buyer.totals == Totals(71, 71, 1, shop.spool.state().head)


async def test_an_application_may_tell_its_units_in_a_header(http: httpx.AsyncClient, buyer: Buyer) -> None:
    bought = await buyer.buy(http, "/header", b"12")
    assert "worktab-units" not in bought.response.headers
    assert (bought.receipt.units, bought.receipt.price) == (12, 12)


async def test_a_fixed_price_needs_no_word_of_the_application(http: httpx.AsyncClient, buyer: Buyer) -> None:
    bought = await buyer.buy(http, "/echo", b"hello")
    assert bought.response.content == b"hello"
    assert bought.response.headers["content-type"] == "text/plain; charset=utf-8"
    assert (bought.receipt.units, bought.receipt.price) == (3, 100)


async def test_a_stream_is_gathered_up_to_the_limit(shop: Shop, http: httpx.AsyncClient, buyer: Buyer) -> None:
    assert (await buyer.buy(http, "/stream", b"20")).response.content == b"x" * 2_000
    headers = buyer.payment(await buyer.terms(http, "/stream", b"21"))
    assert error_of(await http.post("/stream", content=b"21", headers=headers)) == (500, "work_not_recorded")
    assert (shop.spool.state().seq, buyer.totals.amount) == (1, 100)


async def test_terms_tell_what_is_charged_on_a_lane(shop: Shop, http: httpx.AsyncClient, buyer: Buyer) -> None:
    lane = {LANE_HEADER: f"{buyer.tab}:{buyer.nonce}"}
    nothing = LaneTotals(buyer.tab, buyer.nonce, Totals(0, 0, 0, ZERO_HEAD))
    assert (await buyer.terms(http, "/count", b"", **lane)).lane == nothing
    await buyer.buy(http, "/count", b"a" * 7)
    assert (await buyer.terms(http, "/count", b"", **lane)).lane == LaneTotals(buyer.tab, buyer.nonce, buyer.totals)
    assert buyer.totals.amount == 14
    assert (await http.post("/count", headers={LANE_HEADER: "x"})).status_code == 400


async def test_what_is_not_priced_is_free(http: httpx.AsyncClient) -> None:
    assert (await http.get("/count")).status_code == 405
    assert (await http.post("/elsewhere")).status_code == 404


@pytest.mark.parametrize(("path", "status"), [("/broken", 500), ("/refusing", 422), ("/silent", 500), ("/header", 500)])
async def test_work_that_fails_is_not_charged(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer, path: str, status: int
) -> None:
    headers = buyer.payment(await buyer.terms(http, path, b"?"))
    assert (await http.post(path, content=b"?", headers=headers | {KEY_HEADER: "k"})).status_code == status
    assert shop.spool.state().seq == 0
    # Nor is the key used up, nor the voucher.
    assert (await buyer.buy(http, "/echo", b"!", key="k")).receipt.charged.amount == 100


async def test_work_that_takes_more_than_was_paid_for_is_not_charged(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    assert (await buyer.buy(http, "/count", b"a" * 50)).receipt.price == 100
    headers = buyer.payment(await buyer.terms(http, "/count", b""))
    assert error_of(await http.post("/count", content=b"a" * 51, headers=headers)) == (500, "work_not_recorded")
    assert shop.spool.state().seq == 1
    assert (await shop.provider.book.unsettled())[0].charged == buyer.totals


async def test_a_body_is_limited(shop: Shop, http: httpx.AsyncClient, buyer: Buyer) -> None:
    headers = buyer.payment(await buyer.terms(http, "/echo", b""))
    assert (await http.post("/echo", content=b"x" * 1_000, headers=headers)).status_code == 200

    async def chunks() -> object:
        for _ in range(11):
            yield b"x" * 100

    for content in (b"x" * 1_001, chunks()):
        assert error_of(await http.post("/echo", content=content, headers=headers)) == (413, "body_too_large")  # type: ignore[arg-type]
    assert shop.calls == ["echo"]


async def test_an_exact_voucher_is_kept(shop: Shop, http: httpx.AsyncClient, buyer: Buyer) -> None:
    await buyer.buy(http, "/count", b"a" * 7)
    assert (await buyer.leave_exact(http)).status_code == 204
    [lane] = await shop.provider.book.unsettled()
    assert lane.exact == buyer.voucher(14, 7)
    # The next charge outdates it.
    await buyer.buy(http, "/count", b"a" * 7)
    [lane] = await shop.provider.book.unsettled()
    assert (lane.exact, lane.charged.amount) == (None, 28)
    assert lane.cap is not None
    assert lane.cap.amount == 114


async def test_lanes_do_not_wait_for_each_other_and_requests_on_one_lane_do(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    other = await shop.buyer()
    asked = await buyer.terms(http, "/count", b"")
    # Two requests at once on one lane: the second voucher is good for both.
    first = http.post("/count", content=b"a" * 7, headers=buyer.payment(asked))
    more = buyer.payment(asked, amount=2 * asked.amount, units=2 * asked.units)
    second = http.post("/count", content=b"b" * 9, headers=more)
    third = http.post("/count", content=b"c" * 11, headers=other.payment(asked))
    bought = [bought_of(each) for each in await asyncio.gather(first, second, third)]
    assert [each.receipt.price for each in bought] == [14, 18, 22]
    assert [each.receipt.charged.amount for each in bought] == [14, 32, 22]
    assert {lane.charged.amount for lane in await shop.provider.book.unsettled()} == {32, 22}
    assert sorted(each.receipt.receipt.seq for each in bought) == [1, 2, 3]


async def test_two_requests_with_vouchers_for_one_are_one_sale(
    shop: Shop, http: httpx.AsyncClient, buyer: Buyer
) -> None:
    asked = await buyer.terms(http, "/count", b"")
    answers = await asyncio.gather(
        *(http.post("/count", content=body, headers=buyer.payment(asked)) for body in (b"one", b"two"))
    )
    refused = terms_of(next(each for each in answers if each.status_code == 402))
    assert refused.error == "amount_too_low"
    assert refused.accepts[0].lane is not None
    assert refused.accepts[0].lane.totals.amount == 10
    assert shop.spool.state().seq == 1


async def test_a_lane_pays_up_to_its_reserve(shop: Shop, http: httpx.AsyncClient) -> None:
    small = await shop.buyer(reserve=250)
    for _ in range(2):
        await small.buy(http, "/echo", b"")
    headers = small.payment(await small.terms(http, "/echo", b""))
    assert error_of(await http.post("/echo", content=b"", headers=headers)) == (402, "reserve_too_small")
    # More reserve is seen without waiting for the tab to grow old.
    await small.consumer.reserve(shop.device.device, 50, nonce=small.nonce)
    shop.provider.tabs._min_age = -1
    assert bought_of(await http.post("/echo", content=b"", headers=headers)).receipt.charged.amount == 300


async def test_a_payment_header_of_another_kind_is_unreadable(http: httpx.AsyncClient) -> None:
    answer = await http.post("/echo", headers={PAYMENT_HEADER: "e30="})
    assert error_of(answer) == (402, "payment_unreadable")


async def test_keys_have_a_form(http: httpx.AsyncClient, buyer: Buyer) -> None:
    headers = buyer.payment(await buyer.terms(http, "/echo", b""))
    for key in ("", "x" * 129, "a\tb"):
        answer = await http.post("/echo", headers=headers | {KEY_HEADER: key})
        assert error_of(answer) == (400, "input")
    assert (await http.post("/echo", headers=headers | {KEY_HEADER: "x" * 128})).status_code == 200


async def test_unknown_tabs_are_refused(http: httpx.AsyncClient, buyer: Buyer) -> None:
    asked = await buyer.terms(http, "/echo", b"")
    for tab in (Pubkey.new_unique(), buyer.consumer.address):
        answer = await http.post("/echo", headers=buyer.payment(asked, tab=tab))
        assert error_of(answer) == (402, "lane_unknown")
