"""A seller of work over real HTTP that speaks the wire format and lies where a test tells it to."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import uvicorn
from solders.pubkey import Pubkey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from support.fleet import Fleet
from worktab.core.contexts import receipt_context
from worktab.core.messages import Message
from worktab.core.records import ZERO_HEAD, JobRecord, Meter, next_head, record_hash
from worktab.core.vouchers import SignedVoucher
from worktab.market import wire
from worktab.market.errors import AmountTooLow, BadSignature, LaneUnknown, PaymentRefused, ReserveTooSmall, UnitsTooLow
from worktab.market.offers import OFFER_PATH, Offer
from worktab.market.pricing import Price
from worktab.market.terms import NOTHING, LaneTotals, Requirement, Resource, Terms, Totals, chain_name
from worktab.market.wire import Payment, WorkReceipt
from worktab.roles.device import Device


class CutOff(Response):
    """A response that breaks off after half of its body, and with it the connection."""

    def __init__(self, whole: Response) -> None:
        super().__init__(whole.body, whole.status_code, dict(whole.headers))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send a part and say no more."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        body = bytes(self.body)
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})


@dataclass
class RiggedShop:
    """One device's shop. It works: the answer to a request is its body in capitals, `units` of work each.

    price, units, most  what it asks, what a request really takes, and the most it may take
    offers              alters the terms
    lies                alters the receipt
    cuts                whether the answer to a paid request of this number, counted from 1, breaks off
    refuses             what a paid request of this number is answered in place of work
    vouchers, exact     what was paid with, and what was left
    calls               (method, path, whether paid) of every request
    """

    fleet: Fleet
    device: Device
    index: int
    chain: str
    price: Price = field(default_factory=lambda: Price(2_000_000, 1))
    units: int = 3
    most: int = 5
    offers: Callable[[Requirement], Requirement] = lambda offer: offer
    lies: Callable[[WorkReceipt], WorkReceipt] = lambda receipt: receipt
    refuses: Callable[[int], PaymentRefused | Response | None] = lambda number: None
    cuts: Callable[[int], bool] = lambda number: False
    body: Callable[[bytes], bytes] = bytes.upper
    modules: tuple[bytes, ...] | None = None
    url: str = ""
    seq: int = 0
    head: bytes = ZERO_HEAD
    worked: int = 0
    paid: int = 0
    vouchers: list[SignedVoucher] = field(default_factory=list)
    exact: list[SignedVoucher] = field(default_factory=list)
    calls: list[tuple[str, str, bool]] = field(default_factory=list)
    lanes: dict[tuple[Pubkey, int], Totals] = field(default_factory=dict)
    answers: dict[str, Response] = field(default_factory=dict)

    @classmethod
    async def open(cls, fleet: Fleet, *, device: Device | None = None, **terms: Any) -> RiggedShop:
        """The shop of a device, a new one by default."""
        device = device or await fleet.device()
        index = (await fleet.read(device.device)).index
        return cls(fleet, device, index, chain_name(await fleet.chain.genesis_hash()), **terms)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[RiggedShop]:
        """Listen on a free port until the block ends."""
        async with serving(self.app) as url:
            self.url = url
            yield self

    @property
    def app(self) -> Starlette:
        """The shop as an application."""
        return Starlette(
            routes=[
                Route("/work", self._work, methods=["GET", "POST"]),
                Route("/free", lambda request: Response(b"free")),
                Route(OFFER_PATH, self._advertise),
                Route(wire.VOUCHER_PATH, self._leave, methods=["POST"]),
            ],
        )

    def offer(self, lane: LaneTotals | None = None) -> Requirement:
        """What is asked for a request."""
        return self.offers(
            Requirement(
                chain=self.chain,
                amount=self.price.cost(self.most),
                asset=self.fleet.mint.address,
                device=self.device.device,
                program=self.device.program_id,
                network=self.fleet.network,
                index=self.index,
                units=self.most,
                price=self.price,
                lane=lane,
            )
        )

    def charged(self, tab: Pubkey, nonce: int) -> Totals:
        """What is charged on a lane."""
        return self.lanes.get((tab, nonce), NOTHING)

    async def _work(self, request: Request) -> Response:
        header = request.headers.get(wire.PAYMENT_HEADER)
        self.calls.append((request.method, request.url.path, header is not None))
        if header is None:
            asked = request.headers.get(wire.LANE_HEADER)
            named = None if asked is None else wire.lane_from_header(asked)
            return self._ask(
                PaymentRefused("Pay first"), None if named is None else LaneTotals(*named, self.charged(*named))
            )
        payment, key = Payment.from_header(header), request.headers[wire.KEY_HEADER]
        self.vouchers.append(payment.voucher)
        self.paid += 1
        number = self.paid
        voucher = payment.voucher
        lane = LaneTotals(voucher.tab, voucher.lane_nonce, self.charged(voucher.tab, voucher.lane_nonce))
        if key not in self.answers:
            refused = self.refuses(number)
            if isinstance(refused, Response):
                return refused
            try:
                if refused is not None:
                    raise refused
                await self._check(payment)
            except PaymentRefused as error:
                return self._ask(error, lane)
            self.answers[key] = self._answer(voucher, await request.body())
        answer = self.answers[key]
        return CutOff(answer) if self.cuts(number) else answer

    def _ask(self, error: PaymentRefused, lane: LaneTotals | None) -> Response:
        terms = Terms(Resource(f"{self.url}/work"), (self.offer(lane),), error.code, error.as_dict())
        return JSONResponse(terms.to_json(), 402, headers={wire.PAYMENT_REQUIRED_HEADER: wire.encode(terms.to_json())})

    async def _check(self, payment: Payment) -> None:
        voucher, [view] = payment.voucher, await self.device.reader.find_tabs([payment.voucher.tab])
        if view is None or not view.has_lane(voucher.lane_nonce):
            raise LaneUnknown("no lane")
        lane = view.lane(voucher.lane_nonce)
        try:
            voucher.verify(view.signer_of(lane), view.tab.domain)
        except Exception as error:
            raise BadSignature(str(error)) from error
        charged = self.charged(voucher.tab, voucher.lane_nonce)
        if voucher.amount < charged.amount + self.price.cost(self.most):
            raise AmountTooLow("too low")
        if voucher.units < charged.units + self.most:
            raise UnitsTooLow("too few")
        if voucher.amount > lane.most:
            raise ReserveTooSmall("too small")

    def _answer(self, voucher: SignedVoucher, body: bytes) -> Response:
        output = self.body(body)
        price = self.price.cost(self.units)
        record = JobRecord(
            Meter.WASM_FUEL, 0, 1, bytes(32), hashlib.sha256(body).digest(), hashlib.sha256(output).digest(),
            self.units, price, 1, 2, bytes(voucher.tab),
        )  # fmt: skip
        salt, previous = hashlib.sha256(b"%d" % self.seq).digest(), self.head
        self.seq, self.head, self.worked = (
            self.seq + 1,
            next_head(previous, record_hash(salt, record)),
            self.worked + self.units,
        )
        before = self.charged(voucher.tab, voucher.lane_nonce)
        after = Totals(before.amount + price, before.units + self.units, self.seq, self.head)
        self.lanes[voucher.tab, voucher.lane_nonce] = after
        receipt = self.lies(self.receipt(after, record, salt, previous))
        return Response(output, headers={wire.RECEIPT_HEADER: receipt.to_header()})

    def receipt(self, charged: Totals, record: JobRecord, salt: bytes, previous: bytes) -> WorkReceipt:
        """A receipt signed by the device."""
        context = receipt_context(self.domain, self.device.device, self.index)
        message = Message.receipt(context, charged.seq, self.worked, 1_000, charged.head)
        return WorkReceipt(
            self.device.device, self.index, charged, record.amount, record.units, record, salt, previous, message,
            self.device.signer.sign(message.encode()),
        )  # fmt: skip

    @property
    def domain(self) -> bytes:
        """The network's domain, known once the chain was read."""
        domain = self.device.reader._domain
        assert domain is not None
        return domain

    def advert(self) -> Offer:
        """What it says that it sells."""
        return Offer(
            self.url, self.device.device, self.fleet.network, 0, Meter.WASM_FUEL, 1, self.price, self.most, self.modules
        )

    async def _advertise(self, request: Request) -> Response:
        return JSONResponse(self.advert().to_json())

    async def _leave(self, request: Request) -> Response:
        voucher = SignedVoucher.from_json(await request.json())
        self.exact.append(voucher)
        return Response(status_code=204)


def resigned(shop: RiggedShop, receipt: WorkReceipt, **changes: Any) -> WorkReceipt:
    """A receipt with other fields, signed by the shop's device over what it then says."""
    changed = replace(receipt, **changes)
    message = replace(changed.receipt, seq=changed.charged.seq, head=changed.charged.head)
    return replace(changed, receipt=message, signature=shop.device.signer.sign(message.encode()))


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """An ASGI application on a free port of the loopback address until the block ends; gives its URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http="h11", ws="none", lifespan="off", log_config=None, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    task = asyncio.ensure_future(server.serve([listening]))
    try:
        while not server.started:
            await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()
