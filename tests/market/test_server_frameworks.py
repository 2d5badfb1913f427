"""The middleware under FastAPI and Starlette as they are used, and over a socket."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from support.shop import ROUTES, Buyer, Shop, bought_of, terms_of
from worktab.market.pricing import Price
from worktab.market.routes import PricedRoute
from worktab.market.server import PaidWork
from worktab.market.wire import KEY_HEADER


async def test_a_fastapi_application_sells(shop: Shop, buyer: Buyer) -> None:
    app = FastAPI()
    routes = [PricedRoute("/add/{left}/{right}", Price(1_000_000), max_units=1_000, methods=("GET",))]
    app.add_middleware(PaidWork, provider=shop.provider, routes=routes)

    @app.get("/add/{left}/{right}")
    async def add(left: int, right: int, request: Request) -> dict[str, int]:
        request.state.worktab.worked(left + right)
        return {"sum": left + right}

    @app.get("/free")
    async def free(request: Request) -> bool:
        return hasattr(request.state, "worktab")

    async with shop.http(app) as http:
        assert (await http.get("/free")).json() is False
        terms = terms_of(await http.get("/add/2/5"))
        headers = buyer.payment(terms.accepts[0])
        bought = bought_of(await http.get("/add/2/5", headers=headers))
        assert (bought.response.json(), bought.receipt.price) == ({"sum": 7}, 7)
        buyer.totals = bought.receipt.charged
        # A refusal of the application's own is passed on, and nothing charged.
        answer = await http.get("/add/2/x", headers=buyer.payment(terms.accepts[0]))
        assert answer.status_code == 422
        assert shop.spool.state().seq == 1


async def test_a_starlette_application_sells_over_a_socket(shop: Shop, buyer: Buyer) -> None:

    routes = [Route("/count", shop._count, methods=["POST"])]
    app = Starlette(routes=routes, middleware=[Middleware(PaidWork, provider=shop.provider, routes=ROUTES)])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
        serving = asyncio.create_task(server.serve([listening]))
        port: Any = listening.getsockname()[1]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120) as http:
            first = await buyer.buy(http, "/count", b"a" * 7, key="k")
            assert first.receipt.price == 14
            headers = buyer.payment(await buyer.terms(http, "/count", b""))
            again = await http.post("/count", content=b"a" * 7, headers=headers | {KEY_HEADER: "k"})
            assert again.content == first.response.content
            assert bought_of(again).receipt == first.receipt
            assert (await buyer.leave_exact(http)).status_code == 204
            assert (await http.post("/count", content=b"x" * (1 << 20))).status_code == 402
            assert (await http.post("/count", content=b"x" * (1 << 20) + b"x")).status_code == 413
        server.should_exit = True
        await serving
    assert [(each.moved, each.exact) for each in await shop.provider.settle(at_once=True)] == [(14, True)]
    assert await shop.earnings() == 14
