"""An ASGI middleware that sells the routes of an application, for Starlette, FastAPI and any other.

    app.add_middleware(PaidWork, provider=provider, routes=[PricedRoute("/digits", Price(2_000), max_units=5_000_000)])

A request to a priced route without a good payment is answered 402 with the terms, and one by a method that no route to
its path sells, HEAD and OPTIONS among them, 405: nothing of a priced path is free. With a good payment the application
is called; what it did it says in one of four ways:

    a fixed price          the route names the units
    any application        it sets the header `WORKTAB-UNITS` on its answer, which is taken off again
    Starlette, FastAPI     `request.state.worktab.worked(units)`
    WASM jobs              `request.state.worktab.recorded(run_wasm_job(.., job_id=sale.job_id, tab=bytes(sale.tab),
                           amount=sale.price.cost, fuel_limit=sale.max_units))`, and it answers with the output

The answer is kept to be handed out again, so it is gathered whole before any of it is sent: a streaming application
works, but its buyer sees nothing before the end, and an answer above `answer_limit` is refused and not charged. An
answer that is no success is passed on and not charged, and so is the application's failure.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worktab.core.errors import InputError, StorageError
from worktab.core.vouchers import SignedVoucher
from worktab.market.errors import (
    BodyTooLarge,
    MarketError,
    Overloaded,
    PaymentRefused,
    PaymentRequired,
    PaymentUnreadable,
    WorkNotRecorded,
)
from worktab.market.provider.orders import Offer, order_of
from worktab.market.provider.provider import Provider
from worktab.market.provider.rows import Answer
from worktab.market.provider.sale import Sale
from worktab.market.routes import PricedRequest, PricedRoute, require_executable
from worktab.market.terms import Resource, Terms
from worktab.market.wire import (
    KEY_HEADER,
    LANE_HEADER,
    MAX_KEY,
    PAYMENT_HEADER,
    PAYMENT_REQUIRED_HEADER,
    VOUCHER_PATH,
    Payment,
    dump,
    encode,
    lane_from_header,
    load,
)

UNITS_HEADER: Final = "WORKTAB-UNITS"
"""Set by an application on its answer: how many work units it took. Buyers do not see it."""

_LOG: Final = logging.getLogger(__name__)
_VOUCHER_LIMIT: Final = 4_096
_RECEIVED_AT_ONCE: Final = 64
_RECEIVING_SECONDS: Final = 30.0
_JSON: Final = ("content-type", "application/json")


class PaidWork:
    """The middleware; see the module's text.

    app           what does the work
    provider      checks and remembers the payments; whoever opened it closes it, and runs its settling
    routes        what is sold; the first that matches counts, and a path that matches none is free
    body_limit    largest body of a request in bytes
    answer_limit  largest body of an answer in bytes
    """

    def __init__(
        self,
        app: ASGIApp,
        provider: Provider,
        routes: Sequence[PricedRoute],
        *,
        body_limit: int = 1 << 20,
        answer_limit: int = 8 << 20,
    ) -> None:
        """Raises `InputError` for a route by another meter where the device's records can be disputed."""
        if provider.seller.disputable:
            require_executable(routes)
        self._app, self._provider, self._routes = app, provider, tuple(routes)
        self._body_limit, self._answer_limit = body_limit, answer_limit
        self._receiving = asyncio.Semaphore(_RECEIVED_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, paths = scope["method"], _paths(scope)
        sold = [each for each in self._routes if any(map(each.leads_to, paths))]
        route = next((each for each in sold if method in each.methods), None)
        keeping = method == "POST" and VOUCHER_PATH in paths
        if route is None and not keeping:
            if sold:
                methods = ", ".join(sorted({each for route in sold for each in route.methods}))
                await _send_answer(send, Answer(405, (("allow", methods),), b""))
            else:
                await self._app(scope, receive, send)
            return
        try:
            request = await self._receive(scope, receive, _VOUCHER_LIMIT if keeping else self._body_limit)
            if route is None:
                answer = await self._keep_exact(request)
            else:
                answer = await self._sell(scope, receive, route, request)
        except ClientDisconnect:
            return
        except InputError as error:
            answer = _error_answer(400, error.as_dict())
        except MarketError as error:
            answer = _refusal(error)
        except StorageError as error:
            _LOG.error("The book or the spool failed: %s", error)
            answer = _refusal(Overloaded("The device cannot take work now"))
        await _send_answer(send, answer)

    async def _receive(self, scope: Scope, receive: Receive, limit: int) -> PricedRequest:
        """A whole request. Anyone can send one before any payment is looked at, so only so many at once, and not for
        long."""
        if self._receiving.locked():
            raise Overloaded("Too many requests are being received")
        try:
            async with self._receiving, asyncio.timeout(_RECEIVING_SECONDS):
                return await _read_request(scope, receive, limit)
        except TimeoutError:
            raise Overloaded("The request took too long", expected=f"{_RECEIVING_SECONDS:.0f} seconds") from None

    async def _keep_exact(self, request: PricedRequest) -> Answer:
        await self._provider.keep_exact(SignedVoucher.from_json(load(request.body)))
        return Answer(204, (), b"")

    async def _sell(self, scope: Scope, receive: Receive, route: PricedRoute, request: PricedRequest) -> Answer:
        offer = route.offer(request)
        payment: Payment | None = None
        try:
            payment = _payment(request)
            order = order_of(_key(request), payment.voucher, request.method, request.target, request.body)

            async def do(sale: Sale) -> Answer:
                return await self._call(scope, receive, route, request, sale)

            return await self._provider.sell(payment, offer, order, do)
        except PaymentRefused as refusal:
            return await self._terms(scope, route, request, offer, payment, refusal)

    async def _terms(
        self,
        scope: Scope,
        route: PricedRoute,
        request: PricedRequest,
        offer: Offer,
        payment: Payment | None,
        refusal: PaymentRefused,
    ) -> Answer:
        """A 402 with what to pay, and what is charged on the lane that the buyer named."""
        named = request.headers.get(LANE_HEADER.lower())
        lane = lane_from_header(named) if named else None
        if payment is not None:
            lane = (payment.voucher.tab, payment.voucher.lane_nonce)
        terms = Terms(
            Resource(_url(scope, request), route.description, route.mime_type),
            (await self._provider.requirement(offer, lane),),
            refusal.code,
            {key: fact for key, fact in refusal.as_dict().items() if fact},
        ).to_json()
        return Answer(402, (_JSON, (PAYMENT_REQUIRED_HEADER.lower(), encode(terms))), dump(terms))

    async def _call(
        self, scope: Scope, receive: Receive, route: PricedRoute, request: PricedRequest, sale: Sale
    ) -> Answer:
        """What the application answers, whole; what it did is in `sale`."""
        if route.units is not None:
            sale.worked(route.units)
        told = False

        async def receive_again() -> Message:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": request.body, "more_body": False}

        gathered = _Gathered(self._answer_limit)
        state = {**scope.get("state", {}), "worktab": sale}
        await self._app({**scope, "state": state}, receive_again, gathered.send)
        return gathered.answer(sale)


class _Gathered:
    """The messages of an answer, put together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._status: int | None = None
        self._headers: list[tuple[str, str]] = []
        self._body = bytearray()

    async def send(self, message: Message) -> None:
        """What the application is given to send with."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = _headers(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if len(self._body) > self._limit:
                raise WorkNotRecorded("The answer is too large", expected=f"at most {self._limit} bytes")

    def answer(self, sale: Sale) -> Answer:
        """The whole answer; the units in its headers go to `sale`. Raises `WorkNotRecorded` where there is none."""
        if self._status is None:
            raise WorkNotRecorded("The application sent no answer")
        units = [value for name, value in self._headers if name == UNITS_HEADER.lower()]
        if units:
            if not units[-1].isascii() or not units[-1].isdecimal():
                raise WorkNotRecorded("The application's units are no number", got=ascii(units[-1]))
            sale.worked(int(units[-1]))
        headers = tuple((name, value) for name, value in self._headers if name != UNITS_HEADER.lower())
        return Answer(self._status, headers, bytes(self._body))


def _paths(scope: Scope) -> list[str]:
    """A request's path, and as the application's own routes see it where it is mounted below another path."""
    path, root = scope["path"], scope.get("root_path", "")
    return [path, path.removeprefix(root)] if root and path.startswith(root + "/") else [path]


async def _read_request(scope: Scope, receive: Receive, limit: int) -> PricedRequest:
    headers = dict(_headers(scope["headers"]))
    too_large = BodyTooLarge("The request's body is too large", expected=f"at most {limit} bytes")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > limit:
        raise too_large
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > limit:
            raise too_large
        more = message.get("more_body", False)
    return PricedRequest(scope["method"], scope["path"], scope["query_string"], headers, bytes(body))


def _payment(request: PricedRequest) -> Payment:
    """The payment of a request. Raises `PaymentRequired`, `PaymentUnreadable`."""
    header = request.headers.get(PAYMENT_HEADER.lower())
    if header is None:
        raise PaymentRequired("This is paid work")
    try:
        return Payment.from_header(header)
    except InputError as error:
        raise PaymentUnreadable(error.message, expected=error.expected, got=error.got) from error


def _key(request: PricedRequest) -> str | None:
    """A request's idempotency key. Raises `InputError` for one that is none."""
    key = request.headers.get(KEY_HEADER.lower())
    if key is not None and not (1 <= len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        raise InputError(
            "the idempotency key has the wrong form",
            expected=f"1 to {MAX_KEY} printable ASCII characters",
            got=f"{len(key)} characters",
        )
    return key


def _url(scope: Scope, request: PricedRequest) -> str:
    host = request.headers.get("host", "")
    query = "?" + request.query.decode("latin-1") if request.query else ""
    return f"{scope.get('scheme', 'http')}://{host}{request.path}{query}"


def _headers(raw: Any) -> list[tuple[str, str]]:
    return [(bytes(name).decode("latin-1").lower(), bytes(value).decode("latin-1")) for name, value in raw]


def _refusal(error: MarketError) -> Answer:
    retry = (("retry-after", str(error.retry_after)),) if isinstance(error, Overloaded) else ()
    return _error_answer(error.status, error.as_dict(), *retry)


def _error_answer(status: int, facts: dict[str, str], *headers: tuple[str, str]) -> Answer:
    error = {key: fact for key, fact in facts.items() if fact}
    return Answer(status, (_JSON, *headers), dump({"error": error}))


async def _send_answer(send: Send, answer: Answer) -> None:
    headers = list(answer.headers)
    if answer.status != 204 and not any(name == "content-length" for name, _ in headers):
        headers.append(("content-length", str(len(answer.body))))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body})
