"""The code in docs/x402.md runs, and what it is said to do it does."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from x402.http import FacilitatorConfig, HTTPFacilitatorClient

from support.buyers import buying, open_tab
from support.fleet import Fleet
from support.rigged_shop import serving
from support.shop import Buyer, Shop
from support.x402 import WORK, models
from worktab.market.pricing import Price
from worktab.market.wire import Payment
from worktab.market.x402 import WorktabFacilitator

TEXT = (Path(__file__).parents[2] / "docs" / "x402.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def defined(name: str) -> Any:
    """A function of the text."""
    [block] = [each for each in BLOCKS if f"def {name}(" in each]
    names: dict[str, Any] = {}
    exec(compile(block, f"docs/x402.md: {name}", "exec"), names)
    return names[name]


@pytest.fixture
def app(shop: Shop) -> FastAPI:
    """An application, sold as the text says."""
    app = FastAPI()

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return Response(await request.body())

    defined("sell")(app, shop.provider)
    return app


async def test_the_buyer_buys_from_the_seller(
    shop: Shop, app: FastAPI, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    consumer = await open_tab(fleet)
    async with serving(app) as url:
        assert await defined("buy")(consumer, fleet.mint.address, f"{url}/echo") == b"hello"
    [entry] = shop.spool.entries()
    assert (entry.record.amount, entry.record.units, entry.record.tab) == (100, 1, bytes(consumer.tab_address))
    [settlement] = await shop.provider.settle(at_once=True)
    assert (settlement.moved, await shop.earnings()) == (100, 100)


async def test_our_transport_buys_from_the_seller(shop: Shop, app: FastAPI, fleet: Fleet, tmp_path: Path) -> None:
    async with serving(app) as url, buying(await open_tab(fleet), tmp_path / "purse") as buyer:
        assert (await buyer.http.post(f"{url}/echo", content=b"hello")).content == b"hello"
        assert (buyer.budget.charged, buyer.budget.out) == (100, 0)


async def test_the_facilitator_is_asked_over_http(shop: Shop, buyer: Buyer) -> None:
    offer = shop.provider.seller.requirement(Price.fixed(100), 1)
    pair = models(Payment(offer, buyer.next_voucher(offer)))
    served = defined("facilitator_app")(WorktabFacilitator(shop.provider, WORK))
    async with serving(served) as at, HTTPFacilitatorClient(FacilitatorConfig(url=at)) as remote:
        [kind] = (await asyncio.to_thread(remote.get_supported)).kinds
        assert kind.network == shop.provider.seller.chain
        assert (await remote.verify(*pair)).payer == str(buyer.tab)
        assert (await remote.settle(*pair)).amount == "100"
        assert (await remote.settle(*pair)).error_reason == "amount_too_low"


def test_every_block_is_run() -> None:
    assert re.findall(r"^(?:async )?def (\w+)", "\n".join(BLOCKS), re.MULTILINE) == ["buy", "sell", "facilitator_app"]
