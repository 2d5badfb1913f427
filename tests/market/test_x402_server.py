"""x402's FastAPI middleware sells a device's work, checked and charged by our schemes in the same process."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from x402 import x402ResourceServer
from x402.http.middleware.fastapi import PaymentMiddlewareASGI
from x402.http.types import PaymentOption, RouteConfig
from x402.payment_flow import AUTHORIZATION_PAYMENT_FLOW
from x402.schemas import AssetAmount, SettleResponse, SupportedKind, SupportedResponse, VerifyResponse

from support.buyers import buying, open_tab
from support.fleet import Fleet
from support.rigged_shop import serving
from support.shop import Buyer, Shop, terms_of
from support.x402 import RECEIPTED, WORK, settled, x402_app, x402_buying, x402_server
from worktab.core.records import Meter
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.errors import AnswerRefused, BudgetExceeded
from worktab.market.buyer.purchases import bought
from worktab.market.pricing import Price
from worktab.market.terms import LaneTotals, Requirement, Terms, Totals
from worktab.market.wire import LANE_HEADER, PAYMENT_HEADER, PAYMENT_REQUIRED_HEADER, decode, encode
from worktab.market.x402 import ReceiptedWork, WorktabFacilitator, WorktabServerScheme


async def test_x402_pays_x402(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with serving(x402_app(shop)) as url, x402_buying(shop, consumer, tmp_path / "purse") as buyer:
        first = await buyer.http.post(f"{url}/echo", content=b"hello")
        second = await buyer.http.post(f"{url}/count", content=b"seven b")
        assert (first.content, second.content) == (b"hello", b"7 bytes, call 2")
        one, two = settled(first), settled(second)
        assert (one.amount, one.payer, one.transaction) == ("100", str(consumer.tab_address), "")
        assert (two.amount, two.network) == ("14", shop.provider.seller.chain)
        assert (buyer.budget.charged, buyer.budget.out, len(buyer.paid)) == (114, 0, 2)
    [lane] = (await consumer.tab()).lanes
    account = await shop.provider.book.lane(consumer.tab_address, lane.nonce)
    entries = list(shop.spool.entries())
    assert account is not None
    assert account.charged == Totals(114, 10, 2, entries[1].head)
    assert [(each.record.amount, each.record.units, each.record.module) for each in entries] == [
        (100, 3, WORK.module),
        (14, 7, WORK.module),
    ]
    [settlement] = await shop.provider.settle(at_once=True)
    assert (settlement.moved, await shop.earnings()) == (200, 200)


async def test_our_transport_pays_x402(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with serving(x402_app(shop, receipts=True)) as url, buying(consumer, tmp_path / "purse") as buyer:
        first = await buyer.http.post(f"{url}/echo", content=b"hello")
        second = await buyer.http.post(f"{url}/count", content=b"seven b")
        assert (first.content, second.content) == (b"hello", b"7 bytes, call 2")
        one, two = bought(first), bought(second)
        assert one is not None
        assert two is not None
        assert (two.receipt.price, two.receipt.units, two.receipt.record.meter) == (14, 7, Meter.CPU_MS)
        assert two.receipt.record.output == sha256(second.content).digest()
        assert (one.receipt.price, two.receipt.charged.amount) == (100, 114)
        assert (settled(first).amount, settled(second).amount) == ("100", "14")
        assert (buyer.budget.charged, buyer.budget.out, len(buyer.paid)) == (114, 0, 2)
    # The exact voucher was left on the way out, through x402's middleware.
    [settlement] = await shop.provider.settle(at_once=True)
    assert (settlement.moved, settlement.exact, await shop.earnings()) == (114, True, 114)


async def test_x402_pays_receipted_work(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    async with (
        serving(x402_app(shop, receipts=True)) as url,
        x402_buying(shop, await open_tab(fleet), tmp_path / "purse") as buyer,
    ):
        first = await buyer.http.post(f"{url}/count", content=b"seven b")
        second = await buyer.http.post(f"{url}/echo", content=b"hello")
        assert (settled(first).amount, settled(second).amount) == ("14", "100")
        assert (buyer.budget.charged, buyer.budget.out, len(buyer.paid)) == (114, 0, 2)
        [_, newest] = shop.spool.entries()
        lane = LaneTotals.from_json((settled(second).extra or {})["lane"])
        assert lane.totals == Totals(114, 10, 2, newest.head)


async def test_without_receipts_our_transport_refuses_the_answer(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    async with serving(x402_app(shop)) as url, buying(await open_tab(fleet), tmp_path / "purse") as buyer:
        with pytest.raises(AnswerRefused, match="no receipt"):
            await buyer.http.post(f"{url}/echo", content=b"hello")


async def test_the_terms_are_what_our_middleware_asks(shop: Shop, buyer: Buyer) -> None:
    async with shop.http() as ours, shop.http(x402_app(shop)) as theirs:
        for path in ("/echo", "/count"):
            asked = await ours.post(path, content=b"x"), await theirs.post(path, content=b"x")
            mine, other = (Terms.from_json(decode(each.headers[PAYMENT_REQUIRED_HEADER])) for each in asked)
            assert mine.accepts == other.accepts


async def test_the_terms_tell_what_is_charged_on_a_lane(shop: Shop, buyer: Buyer) -> None:
    await buyer.buy(http := shop.http(), "/echo", b"hello")
    await http.aclose()
    async with shop.http(x402_app(shop)) as theirs:
        named = await theirs.post("/echo", headers={LANE_HEADER: f"{buyer.tab}:{buyer.nonce}"})
        [asked] = Terms.from_json(decode(named.headers[PAYMENT_REQUIRED_HEADER])).accepts
        assert asked.lane == LaneTotals(buyer.tab, buyer.nonce, buyer.totals)
        for header in ({}, {LANE_HEADER: "nobody"}, {PAYMENT_HEADER: "e30="}):
            unnamed = await theirs.post("/echo", headers=header)
            assert unnamed.status_code == 402
            assert Terms.from_json(decode(unnamed.headers[PAYMENT_REQUIRED_HEADER])).accepts[0].lane is None


async def test_a_lost_answer_is_handed_out_again_and_charged_once(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    async with (
        serving(x402_app(shop, receipts=True)) as url,
        buying(await open_tab(fleet), tmp_path / "purse") as buyer,
    ):
        await buyer.http.post(f"{url}/count", content=b"seven b")
        buyer.road.faults.append("lost")
        again = await buyer.http.post(f"{url}/count", content=b"12345678")
        assert (again.content, shop.calls) == (b"8 bytes, call 2", ["count", "count"])
        assert (buyer.budget.charged, buyer.budget.out) == (14 + 16, 0)


async def test_two_that_lost_each_other_agree_again(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    for receipts in (False, True):
        purse, consumer = tmp_path / f"purse-{receipts}", await open_tab(fleet)
        async with serving(x402_app(shop, receipts=receipts)) as url, x402_buying(shop, consumer, purse) as buyer:
            buyer.road.faults.extend([None, "lost"])
            with pytest.raises(Exception, match="cut off"):
                await buyer.http.post(f"{url}/count", content=b"x" * 20)
            assert settled(await buyer.http.post(f"{url}/count", content=b"x" * 21)).amount == "42"
            assert (len(buyer.paid), buyer.budget.charged, buyer.budget.out) == (3, 82, 0)


async def test_requests_at_once_take_turns(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    for receipts in (False, True):
        purse, consumer = tmp_path / f"purse-{receipts}", await open_tab(fleet)
        async with serving(x402_app(shop, receipts=receipts)) as url, x402_buying(shop, consumer, purse) as buyer:
            sent = [buyer.http.post(f"{url}/count", content=b"x" * n) for n in range(20, 24)]
            assert [settled(each).amount for each in await asyncio.gather(*sent)] == ["40", "42", "44", "46"]
            assert (len(buyer.paid), buyer.budget.charged, buyer.budget.out) == (4, 172, 0)


async def test_a_failed_request_is_not_charged(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    async with (
        serving(x402_app(shop)) as url,
        x402_buying(shop, await open_tab(fleet), tmp_path / "purse") as buyer,
    ):
        assert (await buyer.http.post(f"{url}/broken", content=b"x")).status_code == 503
        assert settled(await buyer.http.post(f"{url}/echo", content=b"x")).amount == "100"
        assert (buyer.budget.charged, buyer.budget.out, len(list(shop.spool.entries()))) == (100, 0, 1)


async def test_without_receipts_a_voucher_pays_for_one_request(shop: Shop, buyer: Buyer) -> None:
    async with shop.http(x402_app(shop)) as http:
        payment = buyer.payment(await _terms(http, "/count"))
        assert (await http.post("/count", content=b"one", headers=payment)).status_code == 200
        for path, body in (("/count", b"one"), ("/count", b"two")):
            again = await http.post(path, content=body, headers=payment)
            assert (again.status_code, decode(again.headers[PAYMENT_REQUIRED_HEADER])["error"]) == (
                402,
                "amount_too_low",
            )
    assert shop.calls == ["count"]


async def test_without_receipts_one_of_many_at_once_is_charged_and_answered(shop: Shop, buyer: Buyer) -> None:
    async with shop.http(x402_app(shop)) as http:
        payment = buyer.payment(await _terms(http, "/count"))
        answers = await asyncio.gather(*[http.post("/count", content=b"one", headers=payment) for _ in range(5)])
        assert sorted(each.status_code for each in answers) == [200, 402, 402, 402, 402]
        assert {each.content for each in answers if each.status_code == 402} <= {b"{}"} | {
            each.content for each in answers if PAYMENT_REQUIRED_HEADER in each.headers
        }
    account = await shop.provider.book.lane(buyer.tab, buyer.nonce)
    assert account is not None
    assert account.charged.amount == 10


async def test_with_receipts_a_payment_gets_its_answer_again_and_no_other(shop: Shop, buyer: Buyer) -> None:
    async with shop.http(x402_app(shop, receipts=True)) as http:
        payment = buyer.payment(await _terms(http, "/count"))
        first, again = [await http.post("/count", content=b"one", headers=payment) for _ in range(2)]
        assert (first.content, again.content) == (b"3 bytes, call 1", b"3 bytes, call 1")
        other = await http.post("/count", content=b"two", headers=payment)
        assert terms_of(other).error == "amount_too_low"
    assert shop.calls == ["count"]


async def test_other_payments_and_free_routes_pass(shop: Shop) -> None:
    async with shop.http(x402_app(shop, receipts=True)) as http:
        assert (await http.get("/docs")).status_code == 200
        assert (await http.post("/echo", headers={PAYMENT_HEADER: "e30="})).status_code == 402
    assert shop.calls == []


class OtherScheme:
    """Another way to pay, which takes every payment: its facilitator and its side of the server in one."""

    scheme = "other"
    default_asset_transfer_method = "default"

    def __init__(self, network: str) -> None:
        self.network = network
        self.payment_flows = {"default": AUTHORIZATION_PAYMENT_FLOW}

    def parse_price(self, price: Any, network: str) -> AssetAmount:
        return AssetAmount.model_validate(price)

    def enhance_payment_requirements(self, requirements: Any, kind: Any, extensions: Any) -> Any:
        return requirements

    def get_supported(self) -> SupportedResponse:
        return SupportedResponse(kinds=[SupportedKind(x402_version=2, scheme="other", network=self.network)])

    async def verify(self, payload: Any, requirements: Any) -> VerifyResponse:
        return VerifyResponse(is_valid=True, payer="somebody")

    async def settle(self, payload: Any, requirements: Any) -> SettleResponse:
        return SettleResponse(success=True, transaction="theirs", network=self.network, amount=requirements.amount)


async def test_other_ways_to_pay_stand_beside_ours(shop: Shop, buyer: Buyer, fleet: Fleet, tmp_path: Path) -> None:
    chain = shop.provider.seller.chain
    other, scheme = OtherScheme(chain), WorktabServerScheme(shop.provider.seller, provider=shop.provider)
    server = x402ResourceServer([WorktabFacilitator(shop.provider, WORK), other])
    server.register(chain, scheme).register(chain, other)
    theirs = PaymentOption("other", "somebody", AssetAmount(amount="5", asset="theirs"), chain)
    app = FastAPI()

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return Response(await request.body())

    app.add_middleware(ReceiptedWork, provider=shop.provider, routes=RECEIPTED)
    routes = {"POST /echo": RouteConfig(accepts=[theirs, scheme.option(Price.fixed(100), 3)])}
    app.add_middleware(PaymentMiddlewareASGI, routes=routes, server=server)
    async with serving(app) as url, httpx.AsyncClient(timeout=120) as plain:
        asked = await plain.post(f"{url}/echo", headers={LANE_HEADER: f"{buyer.tab}:{buyer.nonce}"})
        one, two = decode(asked.headers[PAYMENT_REQUIRED_HEADER])["accepts"]
        assert (one["scheme"], one["extra"], two["scheme"], "lane" in two["extra"]) == ("other", {}, "worktab", True)
        payment = encode({"x402Version": 2, "accepted": one, "payload": {}})
        answer = await plain.post(f"{url}/echo", content=b"hello", headers={PAYMENT_HEADER: payment})
        assert (answer.content, settled(answer).transaction, settled(answer).amount) == (b"hello", "theirs", "5")
        assert list(shop.spool.entries()) == []
        consumer = await open_tab(fleet)
        async with buying(consumer, tmp_path / "purse") as ours, x402_buying(shop, consumer, tmp_path / "b") as third:
            assert (await ours.http.post(f"{url}/echo", content=b"hello")).content == b"hello"
            assert (await third.http.post(f"{url}/echo", content=b"hello")).content == b"hello"
            assert (ours.budget.charged, third.budget.charged) == (100, 100)


async def test_over_budget_nothing_is_signed(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    consumer, budget = await open_tab(fleet), Budget(99)
    async with serving(x402_app(shop, receipts=True)) as url, buying(consumer, tmp_path / "purse", budget) as buyer:
        with pytest.raises(BudgetExceeded):
            await buyer.http.post(f"{url}/echo", content=b"hello")
        assert (buyer.paid, shop.calls) == ([], [])


async def test_routes_may_be_written_as_x402_writes_them(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    seller, (server, _) = shop.provider.seller, x402_server(shop)
    told = {"scheme": "worktab", "network": seller.chain, "pay_to": str(seller.device)}
    base = AssetAmount(amount="7", asset=str(seller.asset))
    routes = {
        "POST /tokens": RouteConfig(accepts=PaymentOption(**told, price="1.25")),
        "POST /whole": RouteConfig(accepts=PaymentOption(**told, price=2)),
        "POST /base": RouteConfig(accepts=PaymentOption(**told, price=base)),
        "POST /rate": RouteConfig(accepts=PaymentOption(**told, price=base, extra={"rate": "700000", "units": "10"})),
    }
    app = FastAPI()

    @app.post("/{name}")
    async def work(request: Request) -> Response:
        return Response(b"done")

    app.add_middleware(PaymentMiddlewareASGI, routes=routes, server=server)
    async with serving(app) as url, x402_buying(shop, await open_tab(fleet), tmp_path / "purse") as buyer:
        for path, amount, units in (("tokens", 125, 1), ("whole", 200, 1), ("base", 7, 1), ("rate", 7, 10)):
            answer = await buyer.http.post(f"{url}/{path}")
            assert (answer.content, settled(answer).amount) == (b"done", str(amount))
            *_, entry = shop.spool.entries()
            assert (entry.record.amount, entry.record.units) == (amount, units)


async def _terms(http: httpx.AsyncClient, path: str) -> Requirement:
    asked = await http.post(path)
    return Terms.from_json(decode(asked.headers[PAYMENT_REQUIRED_HEADER])).accepts[0]
