"""Work that x402's middleware sells, recorded and answered with the device's receipt.

x402's middleware checks a payment before the application and charges it after, and knows nothing of the work. With
this between the two, a payment by this scheme is handled as `PaidWork` does: charged by what the work took, answered
once however often it is asked for, and the answer bears the receipt that `PayingTransport` looks for.

    app.add_middleware(ReceiptedWork, provider=provider, routes=routes)                # first: inside
    app.add_middleware(PaymentMiddlewareASGI, routes=x402_routes, server=server)       # then: outside
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from x402.schemas import PaymentPayload

from worktab.market.provider.provider import Provider
from worktab.market.routes import PricedRoute
from worktab.market.server import PaidWork
from worktab.market.terms import SCHEME
from worktab.market.wire import CHARGE_HEADER, VOUCHER_PATH


class ReceiptedWork:
    """The middleware; see the module's text.

    app       what does the work
    provider  checks and remembers the payments; whoever opened it closes it, and runs its settling
    routes    what is sold, at the prices that x402's routes ask for by this scheme
    limits    `body_limit` and `answer_limit` of `PaidWork`
    """

    def __init__(self, app: ASGIApp, provider: Provider, routes: Sequence[PricedRoute], **limits: int) -> None:
        self._app = app
        self._paid = PaidWork(app, provider, routes, **limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request. Payments by other schemes go to the application, which x402 charges."""
        payload = scope.get("state", {}).get("payment_payload")
        ours = isinstance(payload, PaymentPayload) and payload.get_scheme() == SCHEME
        if ours or scope.get("path") == VOUCHER_PATH:
            await self._paid(scope, receive, _without_charge(send))
        else:
            await self._app(scope, receive, send)


def _without_charge(send: Send) -> Send:
    """Takes off the charge: x402 tells it, from the receipt."""
    name = CHARGE_HEADER.lower().encode()

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [each for each in message.get("headers", ()) if each[0].lower() != name]
            message = {**message, "headers": headers}
        await send(message)

    return sending
