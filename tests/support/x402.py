"""The official x402 package as buyer and as seller of a shop's work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from fastapi import FastAPI, Request, Response
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse
from starlette.routing import Route
from x402 import x402Client, x402ResourceServer
from x402.http.clients import x402_httpx_transport
from x402.http.middleware.fastapi import PaymentMiddlewareASGI, set_settlement_overrides
from x402.http.types import RouteConfig
from x402.http.utils import decode_payment_response_header
from x402.schemas import PaymentPayload, PaymentRequirements, SettleResponse

from support.buyers import Road
from support.rigged_shop import RiggedShop
from support.shop import METERED, Shop
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.purse import Purse
from worktab.market.pricing import Price
from worktab.market.provider.sale import Work
from worktab.market.routes import PricedRoute
from worktab.market.terms import Requirement
from worktab.market.wire import CHARGE_HEADER, Payment
from worktab.market.x402 import ReceiptedWork, WorktabClientScheme, WorktabFacilitator, WorktabServerScheme
from worktab.roles.consumer import Consumer

WORK: Final = Work(b"m" * 32)
RECEIPTED: Final = (PricedRoute.fixed("/echo", 100, units=3), METERED)


@dataclass
class X402Buyer:
    """x402's own httpx client, paying by our scheme."""

    consumer: Consumer
    purse: Purse
    budget: Budget
    road: Road
    client: x402Client
    http: httpx.AsyncClient

    @property
    def paid(self) -> list[httpx.Request]:
        """The requests that went out with a payment."""
        return [each for each in self.road.sent if "PAYMENT-SIGNATURE" in each.headers]


@asynccontextmanager
async def x402_buying(
    shop: Shop | RiggedShop,
    consumer: Consumer,
    path: Path,
    budget: Budget | None = None,
    *,
    network: str = "solana:*",
    **options: Any,
) -> AsyncIterator[X402Buyer]:
    """A buyer with a purse at `path`; `options` are those of `WorktabClientScheme`."""
    mint, budget, road = shop.fleet.mint.address, budget or Budget(1_000), Road()
    with Purse.open(path) as purse:
        client = x402Client().register(
            network, WorktabClientScheme(consumer, purse, budget, **{"requests": 4} | options)
        )
        client.set_spend_controls({"allowed_assets": [{"network": "solana:*", "asset": str(mint)}]})
        async with httpx.AsyncClient(transport=x402_httpx_transport(client, road), timeout=120) as http:
            yield X402Buyer(consumer, purse, budget, road, client, http)


def x402_server(shop: Shop, facilitator: Any = None) -> tuple[x402ResourceServer, WorktabServerScheme]:
    """x402's resource server for a shop's device; by default with our facilitator in this process."""
    scheme = WorktabServerScheme(shop.provider.seller, decimals=2, provider=shop.provider)
    server = x402ResourceServer(facilitator or WorktabFacilitator(shop.provider, WORK))
    return server.register(shop.provider.seller.chain, scheme), scheme


def x402_app(shop: Shop, *, receipts: bool = False, facilitator: Any = None) -> FastAPI:
    """An application behind x402's FastAPI middleware, with receipts or without."""
    server, scheme = x402_server(shop, facilitator)
    app = FastAPI()

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        shop.calls.append("echo")
        return Response(await request.body())

    @app.post("/count")
    async def count(request: Request) -> Response:
        shop.calls.append("count")
        body = await request.body()
        answer = Response(f"{len(body)} bytes, call {len(shop.calls)}")
        if receipts:
            request.state.worktab.worked(len(body))
        else:
            set_settlement_overrides(answer, {"amount": str(METERED.price.cost(len(body)))})
        return answer

    @app.post("/broken")
    async def broken() -> Response:
        return Response(status_code=503)

    if receipts:
        app.add_middleware(ReceiptedWork, provider=shop.provider, routes=RECEIPTED)
    routes = {
        "POST /echo": RouteConfig(accepts=scheme.option(Price.fixed(100), 3)),
        "POST /count": RouteConfig(accepts=scheme.option(METERED.price, 50)),
        "POST /broken": RouteConfig(accepts=scheme.option(Price.fixed(100))),
    }
    app.add_middleware(PaymentMiddlewareASGI, routes=routes, server=server)
    return app


def facilitator_app(facilitator: WorktabFacilitator) -> Starlette:
    """A facilitator behind HTTP, as x402's own client asks it."""

    async def asked(request: StarletteRequest) -> tuple[PaymentPayload, PaymentRequirements]:
        value = await request.json()
        return (
            PaymentPayload.model_validate(value["paymentPayload"]),
            PaymentRequirements.model_validate(value["paymentRequirements"]),
        )

    async def supported(request: StarletteRequest) -> JSONResponse:
        return JSONResponse(facilitator.get_supported().model_dump(by_alias=True))

    async def verify(request: StarletteRequest) -> JSONResponse:
        return JSONResponse((await facilitator.verify(*await asked(request))).model_dump(by_alias=True))

    async def settle(request: StarletteRequest) -> JSONResponse:
        return JSONResponse((await facilitator.settle(*await asked(request))).model_dump(by_alias=True))

    return Starlette(
        routes=[
            Route("/supported", supported),
            Route("/verify", verify, methods=["POST"]),
            Route("/settle", settle, methods=["POST"]),
        ]
    )


def settled(response: httpx.Response) -> SettleResponse:
    """What x402 reads in an answer of what was charged."""
    assert response.status_code == 200, response.text
    return decode_payment_response_header(response.headers[CHARGE_HEADER])


def models(payment: Payment) -> tuple[PaymentPayload, PaymentRequirements]:
    """A payment as x402 has it, with the requirements that it accepts."""
    return PaymentPayload.model_validate(payment.to_json()), required(payment.accepted)


def required(requirement: Requirement) -> PaymentRequirements:
    """A requirement as x402 has it."""
    return PaymentRequirements.model_validate(requirement.to_json())
