"""A device that sells over HTTP on the chain under test, and a plain buyer that signs what the terms ask for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

import httpx
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from support.fleet import Fleet
from support.jobs import increment
from worktab.core.records import Meter
from worktab.core.vouchers import SignedVoucher
from worktab.market.pricing import Price
from worktab.market.provider.provider import Limits, Provider
from worktab.market.provider.reserves import LowReserve
from worktab.market.provider.settling import SettlePolicy
from worktab.market.routes import PricedRoute
from worktab.market.server import PaidWork
from worktab.market.terms import NOTHING, Requirement, Terms, Totals
from worktab.market.wire import (
    CHARGE_HEADER,
    KEY_HEADER,
    PAYMENT_HEADER,
    PAYMENT_REQUIRED_HEADER,
    RECEIPT_HEADER,
    Charge,
    Payment,
    WorkReceipt,
    decode,
)
from worktab.roles.consumer import Consumer
from worktab.roles.device import Device
from worktab.roles.owner import Owner
from worktab.roles.settling import Settler
from worktab.work.blobs import BlobStore
from worktab.work.spool import Spool
from worktab.work.wasm import WasmRuntime
from worktab.work.worker import run_wasm_job

RESERVE: Final = 10_000
"""Base units on a new lane."""

METERED: Final = PricedRoute(
    "/count", Price(2_000_000, minimum=10), 50, meter=Meter.CPU_MS, description="Counts", mime_type="text/plain"
)
"""Two base units for each unit, ten at least, at most 50 units."""

ROUTES: Final[Sequence[PricedRoute]] = (
    PricedRoute.fixed("/echo", 100, units=3),
    METERED,
    PricedRoute("/header", Price(1_000_000), 50),
    PricedRoute("/wasm", Price(1_000_000), 200),
    PricedRoute.fixed("/broken", 100),
    PricedRoute.fixed("/refusing", 100),
    PricedRoute.fixed("/stream", 100),
    PricedRoute("/silent", Price(1_000_000), 50),
    PricedRoute("/sized", Price(1_000_000), lambda request: 2 * len(request.body)),
)


@dataclass
class Shop:
    """A device with its spool and book in `folder`; `open` and `close` may be repeated, as after a restart."""

    fleet: Fleet
    device: Device
    owner: Owner
    folder: Path
    policy: SettlePolicy = field(default_factory=SettlePolicy)
    limits: Limits = field(default_factory=Limits)
    max_age: float = 300.0
    calls: list[str] = field(default_factory=list)
    low: list[LowReserve] = field(default_factory=list)
    provider: Provider = field(init=False)
    spool: Spool = field(init=False)

    @classmethod
    async def start(cls, fleet: Fleet, folder: Path, **options: Any) -> Self:
        """Register a device and open its shop."""
        owner = fleet.owner()
        shop = cls(fleet, await fleet.device(owner=owner), owner, folder, **options)
        await shop.open()
        return shop

    async def open(self) -> None:
        """Open spool and book."""
        self.spool = Spool.open(self.folder / "spool", device=self.device.device)
        settler = Settler(self.fleet.sender, self.fleet.network)
        self.provider = await Provider.open(
            self.device,
            self.spool,
            self.folder / "book",
            settler=settler,
            policy=self.policy,
            limits=self.limits,
            on_low=self.low.append,
            max_age=self.max_age,
        )

    async def close(self) -> None:
        """Close both."""
        await self.provider.close()
        self.spool.close()

    async def reopen(self) -> None:
        """As after a restart."""
        await self.close()
        await self.open()

    def app(self) -> PaidWork:
        """The application, behind the middleware."""
        routes = [Route(f"/{name}", getattr(self, f"_{name}"), methods=["POST"]) for name in _ENDPOINTS]
        return PaidWork(Starlette(routes=routes), self.provider, ROUTES, body_limit=1_000, answer_limit=2_000)

    def http(self, app: Any = None) -> httpx.AsyncClient:
        """A client of the application without a socket."""
        transport = httpx.ASGITransport(app or self.app(), raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://shop")

    async def buyer(self, reserve: int = RESERVE, *, key: Keypair | None = None) -> Buyer:
        """A consumer with a tab and a lane for this device."""
        consumer = Consumer(self.fleet.sender, self.fleet.network, key or Keypair())
        await self.fleet.mint.give(consumer.key.pubkey(), 10 * reserve)
        await consumer.open()
        await consumer.deposit(10 * reserve)
        reservation = await consumer.reserve(self.device.device, reserve)
        return Buyer(self, consumer, reservation.nonce)

    async def earnings(self) -> int:
        """Base units that the device has earned and not claimed."""
        return (await self.fleet.read(self.device.device)).earnings_owed

    async def _echo(self, request: Request) -> Response:
        self.calls.append("echo")
        return Response(await request.body(), media_type="text/plain")

    async def _count(self, request: Request) -> Response:
        self.calls.append("count")
        body = await request.body()
        request.state.worktab.worked(len(body))
        return Response(f"{len(body)} bytes, call {len(self.calls)}")

    async def _header(self, request: Request) -> Response:
        return Response(b"done", headers={"WORKTAB-UNITS": (await request.body()).decode()})

    async def _wasm(self, request: Request) -> Response:
        self.calls.append("wasm")
        sale, blobs = request.state.worktab, BlobStore(self.folder / "blobs")
        entry = run_wasm_job(
            WasmRuntime(),
            self.spool,
            blobs,
            increment(),
            await request.body(),
            fuel_limit=sale.max_units,
            amount=sale.price.cost,
            tab=sale.tab,
            job_id=sale.job_id,
        )
        sale.recorded(entry)
        return Response(blobs.get(entry.record.output))

    async def _broken(self, request: Request) -> Response:
        raise RuntimeError("broken")

    async def _refusing(self, request: Request) -> Response:
        return Response(b"no such digit", status_code=422)

    async def _stream(self, request: Request) -> Response:
        pieces = int(await request.body())

        async def stream() -> Any:
            for _ in range(pieces):
                yield b"x" * 100

        return StreamingResponse(stream())

    async def _silent(self, request: Request) -> Response:
        return Response(b"?")

    async def _sized(self, request: Request) -> Response:
        request.state.worktab.worked(len(await request.body()))
        return Response(b"sized")


_ENDPOINTS = ("echo", "count", "header", "wasm", "broken", "refusing", "stream", "silent", "sized")


@dataclass
class Bought:
    """An answer that was paid for, taken apart."""

    response: httpx.Response
    charge: Charge
    receipt: WorkReceipt


@dataclass
class Buyer:
    """Pays what the terms ask for, from one lane, and keeps its totals."""

    shop: Shop
    consumer: Consumer
    nonce: int
    totals: Totals = NOTHING

    @property
    def tab(self) -> Pubkey:
        return self.consumer.tab_address

    def voucher(self, amount: int, units: int, **fields: Any) -> SignedVoucher:
        """A voucher for these totals, tied to the newest job known."""
        seller = self.shop.provider.seller
        given: dict[str, Any] = {
            "key": self.consumer.key,
            "domain": seller.domain,
            "tab": self.tab,
            "device": seller.device,
            "index": seller.index,
            "lane_nonce": self.nonce,
            "amount": amount,
            "units": units,
            "seq": self.totals.seq,
            "head": self.totals.head,
            **fields,
        }
        return SignedVoucher.sign(**given)

    def next_voucher(self, requirement: Requirement, **fields: Any) -> SignedVoucher:
        """The voucher for one more request."""
        asked = {"amount": self.totals.amount + requirement.amount, "units": self.totals.units + requirement.units}
        return self.voucher(**(asked | fields))

    def payment(self, requirement: Requirement, **fields: Any) -> dict[str, str]:
        """The header that pays for one more request."""
        return {PAYMENT_HEADER: Payment(requirement, self.next_voucher(requirement, **fields)).to_header()}

    async def terms(self, http: httpx.AsyncClient, path: str, body: bytes, **headers: str) -> Requirement:
        """What is asked for a request."""
        return terms_of(await http.post(path, content=body, headers=headers)).accepts[0]

    async def buy(
        self, http: httpx.AsyncClient, path: str, body: bytes, *, key: str | None = None, **fields: Any
    ) -> Bought:
        """Buy, and take the new totals from the receipt."""
        headers = self.payment(await self.terms(http, path, body), **fields)
        if key is not None:
            headers[KEY_HEADER] = key
        bought = bought_of(await http.post(path, content=body, headers=headers))
        self.totals = bought.receipt.charged
        return bought

    async def leave_exact(self, http: httpx.AsyncClient, **fields: Any) -> httpx.Response:
        """Leave the voucher for exactly what is charged."""
        voucher = self.voucher(**({"amount": self.totals.amount, "units": self.totals.units} | fields))
        return await http.post("/.well-known/worktab/voucher", content=json.dumps(voucher.to_json()))

    async def lane(self) -> tuple[int, int, int]:
        """Paid, reserved and units of the lane on the chain."""
        lane = (await self.consumer.tab()).lane(self.nonce)
        return lane.paid, lane.reserved, lane.units

    def on_lane(self, nonce: int) -> Buyer:
        """The same buyer on another lane."""
        return replace(self, nonce=nonce, totals=NOTHING)


def terms_of(response: httpx.Response) -> Terms:
    """The terms of a 402, which header and body must agree on."""
    assert response.status_code == 402, response.text
    assert decode(response.headers[PAYMENT_REQUIRED_HEADER]) == response.json()
    return Terms.from_json(response.json())


def bought_of(response: httpx.Response) -> Bought:
    """The answer to a paid request."""
    assert response.status_code == 200, response.text
    charge = Charge.from_header(response.headers[CHARGE_HEADER])
    return Bought(response, charge, WorkReceipt.from_header(response.headers[RECEIPT_HEADER]))


def error_of(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    if response.status_code == 402 and PAYMENT_REQUIRED_HEADER in response.headers:
        return 402, terms_of(response).error
    return response.status_code, response.json()["error"]["code"]


class Shops(AsyncExitStack):
    """Opens shops and closes them."""

    async def start(self, fleet: Fleet, folder: Path, **options: Any) -> Shop:
        """See `Shop.start`."""
        shop = await Shop.start(fleet, folder, **options)
        self.push_async_callback(shop.close)
        return shop
