"""The facilitator: what it refuses, what it charges, and how x402's own facilitators and clients use it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from x402 import x402Facilitator
from x402.http import FacilitatorConfig, HTTPFacilitatorClient
from x402.schemas import AssetAmount, SettleResponse, SupportedKind

from support.buyers import open_tab
from support.fleet import Fleet
from support.rigged_shop import serving
from support.shop import Buyer, Shop, Shops
from support.x402 import WORK, facilitator_app, models, required, settled, x402_app, x402_buying, x402_server
from worktab.chain.sync import blocking
from worktab.core.errors import InputError
from worktab.market.pricing import Price
from worktab.market.terms import LaneTotals, Requirement, Totals
from worktab.market.wire import Payment
from worktab.market.x402 import WorktabFacilitator, WorktabFacilitatorScheme, WorktabServerScheme
from worktab.roles.settling import Settler

ELSEWHERE = Pubkey(b"e" * 32)
FIXED, METERED = Price.fixed(100), Price(2_000_000, 10)


def asked(shop: Shop, price: Price = FIXED, units: int = 3) -> Requirement:
    """What a route asks for."""
    return shop.provider.seller.requirement(price, units)


async def settle(shop: Shop, buyer: Buyer, offer: Requirement, amount: int | None = None) -> SettleResponse:
    """Pay for an offer, of which `amount` is charged in the end."""
    payload, requirements = models(Payment(offer, buyer.next_voucher(offer)))
    if amount is not None:
        requirements = requirements.model_copy(update={"amount": str(amount)})
    facilitator = WorktabFacilitator(shop.provider, WORK)
    assert (await facilitator.verify(payload, required(offer))).is_valid
    response = await facilitator.settle(payload, requirements)
    if response.success and response.extra is not None:
        buyer.totals = LaneTotals.from_json(response.extra["lane"]).totals
    return response


async def test_it_supports_one_device(shop: Shop) -> None:
    seller = shop.provider.seller
    [kind] = WorktabFacilitator(shop.provider, WORK).get_supported().kinds
    assert (kind.x402_version, kind.scheme, kind.network) == (2, "worktab", seller.chain)
    assert kind.extra == {
        "device": str(seller.device),
        "index": seller.index,
        "program": str(seller.program),
        "network": str(seller.network),
        "asset": str(seller.asset),
    }


async def test_a_settlement_charges_and_is_recorded(shop: Shop, buyer: Buyer) -> None:
    first = await settle(shop, buyer, asked(shop))
    assert (first.success, first.amount, first.transaction, first.payer) == (True, "100", "", str(buyer.tab))
    second = await settle(shop, buyer, asked(shop, METERED, 50))
    assert second.amount == "100"
    entries = list(shop.spool.entries())
    assert [(each.record.amount, each.record.units, each.record.tab) for each in entries] == [
        (100, 3, bytes(buyer.tab)),
        (100, 50, bytes(buyer.tab)),
    ]
    assert buyer.totals == Totals(200, 53, 2, entries[1].head)
    assert await buyer.lane() == (0, 10_000, 0)
    [settlement] = await shop.provider.settle(at_once=True)
    assert (settlement.moved, await shop.earnings()) == (200, 200)
    assert await buyer.lane() == (200, 9_800, 53)


@pytest.mark.parametrize(
    ("price", "units", "amount", "charged", "counted"),
    [
        (FIXED, 3, 40, 40, 3),
        (FIXED, 3, 0, 0, 0),
        (METERED, 50, 42, 42, 21),
        (METERED, 50, 43, 42, 21),
        (METERED, 50, 8, 8, 4),
        (METERED, 50, 100, 100, 50),
    ],
)
async def test_less_may_be_charged_than_was_accepted(
    shop: Shop, buyer: Buyer, price: Price, units: int, amount: int, charged: int, counted: int
) -> None:
    response = await settle(shop, buyer, asked(shop, price, units), amount)
    assert (response.success, response.amount) == (True, str(charged))
    assert (buyer.totals.amount, buyer.totals.units) == (charged, counted)
    assert len(list(shop.spool.entries())) == (1 if amount else 0)


async def test_more_than_was_accepted_is_not_charged(shop: Shop, buyer: Buyer) -> None:
    response = await settle(shop, buyer, asked(shop), 101)
    assert (response.success, response.error_reason, response.transaction) == (False, "terms_changed", "")
    assert list(shop.spool.entries()) == []


async def test_a_voucher_is_settled_once(shop: Shop, buyer: Buyer) -> None:
    payload, requirements = models(Payment(asked(shop), buyer.next_voucher(asked(shop))))
    facilitator = WorktabFacilitator(shop.provider, WORK)
    answers = await asyncio.gather(*[facilitator.settle(payload, requirements) for _ in range(4)])
    assert sorted(each.error_reason or "" for each in answers) == ["", *["amount_too_low"] * 3]
    assert (await facilitator.verify(payload, requirements)).invalid_reason == "amount_too_low"
    assert len(list(shop.spool.entries())) == 1
    # Not for something cheaper either, of which there would be enough left.
    cheap = models(Payment(asked(shop, Price.fixed(1)), Payment.from_json(payload.model_dump(by_alias=True)).voucher))
    assert (await facilitator.verify(*cheap)).invalid_reason == "amount_too_low"
    assert (await facilitator.settle(*cheap)).error_reason == "amount_too_low"


Alter = Callable[[Shop, Buyer, Requirement], Payment]


def voucher(**fields: Any) -> Alter:
    """A voucher with other fields."""
    return lambda shop, buyer, offer: Payment(offer, buyer.next_voucher(offer, **fields))


def accepted(**fields: Any) -> Alter:
    """A payment that accepted something else."""
    return lambda shop, buyer, offer: Payment(replace(offer, **fields), buyer.next_voucher(offer))


REFUSED: dict[str, tuple[str, Alter]] = {
    "another cluster": ("wrong_network", accepted(chain="solana:other")),
    "another program": ("wrong_network", accepted(program=ELSEWHERE)),
    "another network": ("wrong_network", accepted(network=ELSEWHERE)),
    "another token": ("wrong_network", accepted(asset=ELSEWHERE)),
    "another device": ("wrong_device", accepted(device=ELSEWHERE)),
    "a lower price": ("terms_changed", accepted(price=Price.fixed(99), amount=99)),
    "a voucher of another device": ("wrong_device", voucher(device=ELSEWHERE)),
    "a voucher of another network": ("bad_signature", voucher(domain=b"d" * 32)),
    "a voucher by another key": ("bad_signature", voucher(key=Keypair())),
    "a base unit too little": ("amount_too_low", voucher(amount=99)),
    "a unit too few": ("units_too_low", voucher(units=2)),
    "more than the lane holds": ("reserve_too_small", voucher(amount=10_001)),
    "no such lane": ("lane_unknown", voucher(lane_nonce=7)),
    "no such tab": ("lane_unknown", voucher(tab=ELSEWHERE)),
    "expired": ("voucher_expired", voucher(expires_at=1)),
    "another record chain": ("wrong_head", voucher(head=b"h" * 32)),
}


@pytest.mark.parametrize(("code", "pay"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_payment_that_is_no_good_is_neither_verified_nor_settled(
    shop: Shop, buyer: Buyer, code: str, pay: Alter
) -> None:
    offer = asked(shop)
    payload, _ = models(pay(shop, buyer, offer))
    facilitator = WorktabFacilitator(shop.provider, WORK)
    verified = await facilitator.verify(payload, required(offer))
    assert (verified.is_valid, verified.invalid_reason) == (False, code)
    assert verified.invalid_message
    response = await facilitator.settle(payload, required(offer))
    assert (response.success, response.error_reason, response.error_message) == (False, code, verified.invalid_message)
    assert list(shop.spool.entries()) == []


async def test_what_is_no_payment_of_ours_is_unreadable(shop: Shop, buyer: Buyer) -> None:
    payload, requirements = models(Payment(asked(shop), buyer.next_voucher(asked(shop))))
    facilitator = WorktabFacilitator(shop.provider, WORK)
    for changes in ({"payload": {}}, {"payload": {**payload.payload, "more": 1}}, {"x402_version": 1}):
        refused = await facilitator.verify(payload.model_copy(update=changes), requirements)
        assert refused.invalid_reason == "payment_unreadable"
    exact = requirements.model_copy(update={"scheme": "exact"})
    assert (await facilitator.verify(payload, exact)).invalid_reason == "payment_unreadable"
    assert (await facilitator.settle(payload, exact)).error_reason == "payment_unreadable"


async def test_it_may_settle_at_once(shop: Shop, buyer: Buyer, fleet: Fleet) -> None:
    facilitator = WorktabFacilitator(shop.provider, WORK, settler=Settler(fleet.sender, fleet.network))
    offer = asked(shop)
    response = await facilitator.settle(*models(Payment(offer, buyer.next_voucher(offer))))
    newest, *_ = await fleet.chain.history(buyer.tab)
    assert (response.amount, response.transaction, newest.failed) == ("100", str(newest.signature), False)
    assert (await shop.earnings(), await buyer.lane()) == (100, (100, 9_900, 3))
    # A voucher for more than was charged would move more, so it waits.
    buyer.totals = LaneTotals.from_json((response.extra or {})["lane"]).totals
    payload, requirements = models(Payment(offer, buyer.next_voucher(offer)))
    part = await facilitator.settle(payload, requirements.model_copy(update={"amount": "40"}))
    assert (part.success, part.amount, part.transaction, await shop.earnings()) == (True, "40", "", 100)


async def test_a_chain_that_fails_after_the_charge_costs_no_answer(
    shop: Shop, buyer: Buyer, fleet: Fleet, shops: Shops, tmp_path: Path
) -> None:
    other = await Fleet(fleet.chain).start()  # where the lane is not
    facilitator = WorktabFacilitator(shop.provider, WORK, settler=Settler(other.sender, other.network))
    offer = asked(shop)
    response = await facilitator.settle(*models(Payment(offer, buyer.next_voucher(offer))))
    assert (response.success, response.transaction, await shop.earnings()) == (True, "", 0)
    [settlement] = await shop.provider.settle(at_once=True)
    assert (settlement.moved, await shop.earnings()) == (100, 100)


async def test_x402s_client_asks_it_over_http(shop: Shop, fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with (
        serving(facilitator_app(WorktabFacilitator(shop.provider, WORK))) as at,
        HTTPFacilitatorClient(FacilitatorConfig(url=at)) as remote,
    ):
        app = x402_app(shop, facilitator=remote)
        # x402 asks what is supported while it builds the middleware, and waits for it.
        app.middleware_stack = await asyncio.to_thread(app.build_middleware_stack)
        async with serving(app) as url, x402_buying(shop, consumer, tmp_path / "purse") as buyer:
            first = await buyer.http.post(f"{url}/echo", content=b"hello")
            second = await buyer.http.post(f"{url}/count", content=b"seven b")
            assert (settled(first).amount, settled(second).amount) == ("100", "14")
            assert (second.content, buyer.budget.charged) == (b"7 bytes, call 2", 114)
        refused = await remote.verify(*models(Payment.from_header(buyer.paid[0].headers["payment-signature"])))
        assert (refused.is_valid, refused.invalid_reason) == (False, "amount_too_low")


def test_x402s_facilitator_takes_it_as_a_scheme(worktab_chain: Any, tmp_path: Path) -> None:
    with blocking(Fleet(worktab_chain)) as fleet:
        fleet.start()

        async def opened(real: Fleet) -> tuple[Shop, Buyer]:
            shop = await Shop.start(real, tmp_path)
            return shop, await shop.buyer()

        shop, buyer = fleet(opened)
        scheme = WorktabFacilitatorScheme(WorktabFacilitator(shop.provider, WORK), fleet)
        facilitator = x402Facilitator().register([scheme.network], scheme)
        supported = facilitator.get_supported()
        [kind] = supported.kinds
        assert (kind.scheme, kind.network, kind.extra) == (
            "worktab",
            shop.provider.seller.chain,
            scheme.get_extra(scheme.network),
        )
        assert supported.signers == {"solana:*": []}
        offer = asked(shop)
        pair = models(Payment(offer, buyer.next_voucher(offer)))
        assert asyncio.run(facilitator.verify(*pair)).is_valid
        response = asyncio.run(facilitator.settle(*pair))
        assert (response.success, response.amount) == (True, "100")
        assert asyncio.run(facilitator.settle(*pair)).error_reason == "amount_too_low"
        fleet(lambda _: shop.close())


async def test_a_facilitator_of_another_device_is_refused_at_the_start(shop: Shop, fleet: Fleet) -> None:
    server, scheme = x402_server(shop)
    server.initialize()
    kind = SupportedKind(x402_version=2, scheme="worktab", network="solana:x", extra={"device": str(ELSEWHERE)})
    problem = scheme.validate_facilitator_support("solana:x", kind, [])
    assert problem == f"the facilitator takes payments for device {ELSEWHERE}, the route is of {shop.device.device}"


async def test_prices_that_cannot_be_exact_are_refused(shop: Shop) -> None:
    seller = shop.provider.seller
    scheme = WorktabServerScheme(seller, decimals=2)
    for price in ("1.255", "$1", "1 USDC", 1.5, "-1", AssetAmount(amount="1", asset=str(ELSEWHERE))):
        with pytest.raises(InputError):
            scheme.parse_price(price, seller.chain)
    with pytest.raises(InputError, match="cannot be taken exactly"):
        WorktabServerScheme(seller).parse_price("1", seller.chain)


@pytest.mark.parametrize("changes", [{"pay_to": str(ELSEWHERE)}, {"asset": str(ELSEWHERE)}, {"extra": {"rate": "1"}}])
async def test_routes_that_ask_for_something_else_are_refused(shop: Shop, changes: dict[str, Any]) -> None:
    scheme = WorktabServerScheme(shop.provider.seller)
    [kind] = WorktabFacilitator(shop.provider, WORK).get_supported().kinds
    with pytest.raises(InputError, match="something else"):
        scheme.enhance_payment_requirements(required(asked(shop)).model_copy(update=changes), kind, [])


def test_without_the_package_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['x402'] = None\n"
        "import worktab.market.server, worktab.market.buyer.transport\n"
        "from worktab.core.errors import DependencyError\n"
        "try:\n    import worktab.market.x402\n"
        "except DependencyError as error:\n    print(error.code, error.next_step)\n"
    )
    ran = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == 'dependency Install it with Worktab: pip install "worktab[x402]"\n'


def test_importing_it_warns_of_nothing() -> None:
    code = "import worktab.market.x402, x402.http.clients, x402.http.middleware.fastapi"
    ran = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("", "")
