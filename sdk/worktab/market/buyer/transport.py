"""An httpx transport that pays by itself: 402, check, sign, send, check the receipt.

One round trip for a paid request once a device's terms are known, two before. A request is paid once, however often it
has to be sent: its voucher and its key are stored before they leave, and a repeat carries the same.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final, NoReturn

import httpx

from worktab.core.errors import EncodingError, InputError
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.checking import Market, check_stated, same_offer
from worktab.market.buyer.delivery import (
    ANSWER_LIMIT,
    Delivered,
    Oversized,
    Patience,
    deliver,
    read,
    require_small_headers,
    unread,
)
from worktab.market.buyer.errors import (
    AnswerLost,
    AnswerRefused,
    AnswerTooLarge,
    BudgetExceeded,
    DeviceDistrusted,
    LaneDisputed,
    TermsRefused,
)
from worktab.market.buyer.exact import ExactVouchers
from worktab.market.buyer.lane_state import Pending, PurseLane
from worktab.market.buyer.lanes import REQUESTS, Lanes
from worktab.market.buyer.purchases import (
    EXTENSION,
    UNPAID,
    Bought,
    copied,
    digest,
    input_of,
    is_for,
    paid,
    route,
    voucher_for,
)
from worktab.market.buyer.purse import Purse
from worktab.market.buyer.refusals import MENDABLE, did_nothing, read_terms, refusal_of
from worktab.market.terms import Requirement, Terms
from worktab.market.wire import KEY_HEADER, LANE_HEADER, PAYMENT_HEADER, RECEIPT_HEADER, WorkReceipt, lane_to_header
from worktab.roles.consumer import Consumer

MOST_UNPROVEN: Final = 3
"""How often in a row a device may charge for a request whose answer was lost, before nothing more is signed for it."""

_ROUNDS: Final = 6
_REMEMBERED: Final = 1_000


class PayingTransport(httpx.AsyncBaseTransport):
    """Pays for what another transport is asked 402 for, within a budget.

    transport  sends the requests
    consumer   whose tab pays: the consumer itself, or a delegate
    purse      where lanes and vouchers are kept; may be shared with other clients and processes
    budget     what may be spent; may be shared with other clients
    requests   a lane is reserved for this many requests at once, as far as the budget allows
    patience   how often and how long to try
    limit      bytes that a paid answer, or a 402, may have; answers are asked for unpacked

    The record of a paid answer must name the hash of the request's body as its input's, unless the request's extension
    `worktab.market.buyer.purchases.INPUT` says otherwise.

    Where a device says that less is charged on a lane than it gave receipts for, it lost its book: it is paid on, on
    the same lane. Where it says more than can be, this purse may be an old one: the lane is closed, and another one
    opened, within the budget.

    A 402 that offers no payment in the consumer's network passes untouched, as does every answer that is not 402. One
    request at a time uses a lane; others wait. Repeating a request whose answer was lost, with the same method, URL
    and body or the same Idempotency-Key, asks for the answer that was bought.

    A request raises `BudgetExceeded`, `TermsRefused` and `DeviceDistrusted` before anything is signed for it;
    `worktab.market.errors.PaymentRefused` where the device takes no payment; `AnswerRefused` for an answer that its
    receipt does not bear out, `AnswerTooLarge`, and `AnswerLost` for none; what `Consumer.reserve` raises, the
    program's refusals as they are; `StorageError` from the purse; and httpx's own errors while nothing has been paid.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        *,
        consumer: Consumer,
        purse: Purse,
        budget: Budget,
        requests: int = REQUESTS,
        patience: Patience | None = None,
        limit: int = ANSWER_LIMIT,
    ) -> None:
        self.budget = budget
        self._limit = limit
        self._transport = transport
        self._consumer = consumer
        self._purse = purse
        self._patience = patience or Patience()
        self._market = Market(consumer)
        self._lanes = Lanes(consumer, purse, requests=requests, patience=self._patience)
        self._exact = ExactVouchers(transport, consumer.key, purse)
        self._terms: dict[tuple[object, ...], Requirement] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and pay for it where that is asked and within the budget."""
        await request.aread()
        if PAYMENT_HEADER in request.headers or UNPAID in request.extensions:
            return await self._transport.handle_async_request(request)
        known = self._terms.get(route(request))
        if known is not None:
            try:
                response = await self._buy(request, known, fresh=False)
            except (BudgetExceeded, TermsRefused):
                response = None  # nothing was signed, and the terms may be others by now, or for this request
            if response is not None:
                return response
            self._terms.pop(route(request), None)
        response, offer = await self._ask(request)
        if offer is not None:
            response = await self._buy(request, offer, fresh=True) or response
        return response

    async def aclose(self) -> None:
        """Leave each device the exact voucher for what it is owed, so that it settles no more; then close."""
        try:
            await self._exact.finish()
        finally:
            await self._transport.aclose()

    async def _ask(
        self, request: httpx.Request, lane: PurseLane | None = None
    ) -> tuple[httpx.Response, Requirement | None]:
        """The answer to a request without payment, and the offer in it that this consumer can take up, if any."""
        named = {} if lane is None else {LANE_HEADER: lane_to_header(lane.place.tab, lane.nonce)}
        response = await self._transport.handle_async_request(copied(request, named))
        try:
            if response.status_code == httpx.codes.PAYMENT_REQUIRED:
                require_small_headers(response)
            found = read_terms(response)
        except Oversized as error:
            await response.aclose()
            raise TermsRefused("The seller's terms are too large", device=None, got=str(error)) from error
        if found is None:
            return response, None
        terms, alone = found
        offer = await self._market.offered(terms)
        if offer is not None:
            try:
                return await read(response, self._limit), offer
            except Oversized as error:
                raise TermsRefused("The seller's terms are too large", device=offer.device, got=str(error)) from error
        if terms.accepts and alone:
            await response.aclose()
            raise TermsRefused(
                "The seller takes payment on another cluster, program or network only",
                device=terms.accepts[0].device,
                expected=f"network {self._consumer.address}",
                got=f"{terms.accepts[0].chain}, network {terms.accepts[0].network}",
            )
        return response, None

    async def _buy(self, request: httpx.Request, offer: Requirement, *, fresh: bool) -> httpx.Response | None:
        """The bought answer; None where terms remembered from before (not `fresh`) hold no more."""
        await self._check(offer)
        place = await self._market.place(offer.device)
        async with self._purse.locks.hold(place.name):
            lane = self._purse.lane(place)
            again = lane.pending if lane is not None and lane.pending and is_for(lane.pending, request) else None
            if lane is not None and lane.pending is not None and again is None:
                response, asked = await self._ask(request, lane)
                if asked is None:
                    return response
                if asked.device != offer.device:
                    return None
                try:
                    lane = await self._reconcile(lane, asked)
                except LaneDisputed:
                    await self._leave(lane)
                    lane, disputed = None, True
                offer = asked
            key = request.headers.get(KEY_HEADER) or secrets.token_hex(16)
            refused: Terms | None = None
            disputed = False
            for attempt in range(_ROUNDS):
                self.budget.require(
                    offer.amount, offer.units, offer.price.rate, lane=None if lane is None else lane.name
                )
                if lane is not None and again is not None:
                    pending = again
                    self.budget.hold(pending.key, pending.voucher.amount - lane.charged.amount, lane=lane.name)
                else:
                    await self._check(offer)
                    lane = await self._lanes.ready(place, offer.index, offer.amount, self.budget)
                    lane, pending = self._sign(request, lane, offer, key)
                sent = await deliver(self._transport, paid(request, pending), self._patience, self._limit)
                if again is not None:
                    sent = replace(sent, unsure=True)
                found = None if sent.response is None else read_terms(sent.response)
                if found is None:
                    return await self._close(request, lane, pending, sent, repeated=again is not None)
                lane, refused = self._let_go(lane, pending, sent.unsure), found[0]
                if not fresh:
                    return None
                try:
                    offer = await self._mend(lane, offer, refused, attempt, strict=again is None)
                except LaneDisputed:
                    if disputed:
                        raise
                    await self._leave(lane)
                    lane, disputed = None, True
                again = None
            assert refused is not None
            raise refusal_of(refused, offer.device)

    async def _check(self, offer: Requirement) -> None:
        """Everything that must hold before a signature."""
        reason = self._purse.distrusted(offer.device)
        if reason is not None:
            raise DeviceDistrusted(offer.device, reason)
        await self._market.check(offer)

    async def _leave(self, lane: PurseLane) -> None:
        """Leave a lane that is in dispute. What is signed on it stays out."""
        if lane.pending is not None:
            self.budget.refuse(lane.pending.key)
        await self._lanes.dispute(lane)

    def _sign(self, request: httpx.Request, lane: PurseLane, offer: Requirement, key: str) -> tuple[PurseLane, Pending]:
        voucher = voucher_for(self._consumer.key, lane, offer.amount, offer.units)
        accepted = offer if offer.lane is None else replace(offer, lane=None)
        pending = Pending(key, digest(request), accepted, voucher)
        self.budget.hold(key, offer.amount, lane=lane.name)
        try:
            return self._purse.sign(lane, pending), pending
        except BaseException:
            self.budget.release(key)
            raise

    async def _close(
        self, request: httpx.Request, lane: PurseLane, pending: Pending, sent: Delivered, *, repeated: bool = False
    ) -> httpx.Response:
        """What becomes of a request that was sent and not refused."""
        response, device = sent.response, lane.place.device
        if response is None:
            if not sent.unsure:
                self._let_go(lane, pending, False, left=False)
                assert sent.failure is not None
                raise sent.failure
            out = pending.voucher.amount - lane.charged.amount
            lost = AnswerTooLarge if isinstance(sent.failure, Oversized) else AnswerLost
            raise lost(device, pending.key, out, str(sent.failure or "no answer")) from sent.failure
        if RECEIPT_HEADER in response.headers:
            bought = await self._proven(request, lane, pending, response, sent, repeated)
            response.extensions[EXTENSION] = bought
            self._remember(request, pending.requirement)
            await self._exact.count(lane.place, request.url)
        elif response.is_success:
            self._distrust(AnswerRefused("The answer has no receipt", device=device, amount=_out(lane)))
        elif did_nothing(response):
            self._let_go(lane, pending, sent.unsure)
        return unread(response)

    async def _proven(
        self,
        request: httpx.Request,
        lane: PurseLane,
        pending: Pending,
        response: httpx.Response,
        sent: Delivered,
        repeated: bool,
    ) -> Bought:
        """Check an answer and take in what it cost."""
        try:
            receipt = WorkReceipt.from_header(response.headers[RECEIPT_HEADER])
            charged = lane.ours(receipt.charged)
            # Under a key of the caller's own the device may hand out again what is charged, and was given up, before.
            old = KEY_HEADER in request.headers and charged.amount <= lane.charged.amount
            await self._market.check_answer(
                lane, pending.requirement, receipt, response.content, input=input_of(request), old=old
            )
        except AnswerRefused as error:
            self._distrust(error)
        except (EncodingError, InputError) as error:
            device = lane.place.device
            self._distrust(
                AnswerRefused("The receipt is unreadable", device=device, amount=_out(lane), got=error.message)
            )
        if old:
            self._let_go(lane, pending, False)
        else:
            self._purse.charge(lane, charged)
            self.budget.charge(pending.key, charged.amount - lane.charged.amount)
        return Bought(pending.requirement, receipt, pending.key, sent.sendings, repeated or old)

    def _remember(self, request: httpx.Request, offer: Requirement) -> None:
        self._terms[route(request)] = offer
        if len(self._terms) > _REMEMBERED:
            self._terms.pop(next(iter(self._terms)))

    def _distrust(self, error: AnswerRefused) -> NoReturn:
        self._purse.distrust(error.device, error.message)
        raise error

    def _let_go(self, lane: PurseLane, pending: Pending, unsure: bool, *, left: bool = True) -> PurseLane:
        """After a refusal nothing is pending, unless an earlier sending of the same request was lost.

        left  whether the voucher left: then the device can settle it, whatever it says
        """
        if unsure:
            return lane
        if left:
            self.budget.refuse(pending.key)
        else:
            self.budget.release(pending.key)
        return self._purse.refuse(lane)

    async def _mend(
        self, lane: PurseLane, offer: Requirement, terms: Terms, attempt: int, *, strict: bool
    ) -> Requirement:
        """After a refusal, the offer to go on with once lane and totals were looked at again; or raises the refusal."""
        again = await self._market.offered(terms)
        if again is None or again.device != offer.device or (strict and not same_offer(again, offer)):
            raise TermsRefused("The device changed its terms after they were accepted", device=offer.device)
        lane = await self._reconcile(lane, again)
        if terms.error not in MENDABLE:
            raise refusal_of(terms, offer.device)
        await self._patience.pause(attempt)
        await self._lanes.refreshed(lane)
        return again

    async def _reconcile(self, lane: PurseLane, offer: Requirement) -> PurseLane:
        """Take in what the device says is charged, as far as requests without an answer account for it."""
        check_stated(lane, offer)
        pending, charged = lane.pending, lane.charged
        if offer.lane is None:
            if pending is not None and await self._lanes.refreshed(lane) is not None:
                raise TermsRefused("The terms do not tell what is charged on the lane", device=offer.device)
            return lane
        said = lane.ours(offer.lane.totals)
        more = said.amount - charged.amount
        if more > 0 and lane.unproven >= MOST_UNPROVEN:
            reason = f"It charged {lane.unproven + 1} requests in a row without an answer to them"
            self._purse.distrust(offer.device, reason)
            raise DeviceDistrusted(offer.device, reason)
        if pending is not None:
            self.budget.refuse(pending.key)
        if more < 0 or said.units < charged.units:  # it forgot charges that it gave receipts for; they stay charged
            return self._purse.follow(lane, offer.lane.totals)
        if said == charged:
            return lane if pending is None else self._purse.believe(lane, said)
        if not more:
            return self._purse.follow(lane, offer.lane.totals)
        self.budget.charge(lane.name, more)
        return self._purse.believe(lane, said)


def _out(lane: PurseLane) -> int:
    return lane.signed - lane.charged.amount
