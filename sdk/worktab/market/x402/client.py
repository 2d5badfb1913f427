"""The scheme of a buyer: x402's client pays out of a purse, within a budget."""

from __future__ import annotations

import secrets
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Final

from x402.schemas import PaymentRequired, PaymentRequirements, SettleResponse
from x402.schemas.hooks import PaymentCreationContext, PaymentResponseContext, RecoveredResponseResult

from worktab.core._json import json_decimal
from worktab.core.errors import InputError, StateError
from worktab.core.vouchers import SignedVoucher
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.checking import Market, check_stated
from worktab.market.buyer.errors import AnswerRefused, DeviceDistrusted, LaneDisputed, TermsRefused
from worktab.market.buyer.lane_state import Pending, Place, PurseLane
from worktab.market.buyer.lanes import REQUESTS, Lanes
from worktab.market.buyer.purchases import voucher_for
from worktab.market.buyer.purse import Purse
from worktab.market.buyer.refusals import MENDABLE
from worktab.market.buyer.transport import MOST_UNPROVEN
from worktab.market.terms import SCHEME, LaneTotals, Requirement, Terms, Totals
from worktab.market.x402.reading import read
from worktab.market.x402.turns import Turns
from worktab.roles.consumer import Consumer

_Signed = tuple[PaymentRequirements, SignedVoucher]
_SIGNED: Final[ContextVar[_Signed | None]] = ContextVar("worktab_signed", default=None)

_UNKNOWN: Final = bytes(32)
"""Stands for the hash of a request that x402 does not show."""


class WorktabClientScheme:
    """Pays Worktab's offers for an `x402Client`; one object for one client's budget.

    consumer  whose tab pays: the consumer itself, or a delegate
    purse     where lanes and vouchers are kept; may be shared with other clients and processes
    budget    what may be spent; may be shared with other clients
    requests  a lane is reserved for this many requests at once, as far as the budget allows

    What a seller says is charged is checked against what was accepted. Receipts are not looked at: x402 does not show
    them; `worktab.market.buyer.transport.PayingTransport` does.

    x402's transport raises its `PaymentError`, whose cause is ours: `BudgetExceeded`, `TermsRefused` and
    `DeviceDistrusted` before anything is signed; `AnswerRefused` for a settlement that cannot be; what
    `Consumer.reserve` raises; `StorageError` from the purse.
    """

    scheme = SCHEME

    def __init__(self, consumer: Consumer, purse: Purse, budget: Budget, *, requests: int = REQUESTS) -> None:
        self.budget = budget
        self._consumer = consumer
        self._purse = purse
        self._market = Market(consumer)
        self._lanes = Lanes(consumer, purse, requests=requests)
        self._turns = Turns()
        # x402 awaits these, and not the method that makes the payment: what asks the chain must be done in them.
        self.scheme_hooks = {"on_before_payment_creation": self._prepare, "on_payment_response": self._close}

    def create_payment_payload(self, requirements: PaymentRequirements) -> dict[str, Any]:
        """The voucher that was signed for these requirements just before, as JSON.

        Raises:
            StateError: none was; `x402Client` does so, and `x402ClientSync` cannot.
        """
        signed = _SIGNED.get()
        _SIGNED.set(None)
        if signed is None or signed[0] is not requirements:
            raise StateError(
                "No voucher was signed for these terms",
                next_step="Register the scheme with x402Client; x402ClientSync cannot wait for a chain",
            )
        return signed[1].to_json()

    async def _prepare(self, context: PaymentCreationContext) -> None:
        selected = context.selected_requirements
        offer = read(Requirement, selected)
        if await self._market.offered(Terms(None, (offer,))) is None:
            raise TermsRefused(
                "The seller takes payment on another cluster, program or network",
                device=offer.device,
                expected=f"network {self._consumer.address}",
                got=f"{offer.chain}, network {offer.network}",
            )
        place = await self._market.place(offer.device)
        await self._turns.take(place, offer.timeout)
        try:
            async with self._purse.locks.hold(place.name):
                voucher = await self._sign(place, offer)
        except BaseException:
            self._turns.end(place)
            raise
        assert isinstance(selected, PaymentRequirements)
        _SIGNED.set((selected, voucher))

    async def _sign(self, place: Place, offer: Requirement) -> SignedVoucher:
        reason = self._purse.distrusted(offer.device)
        if reason is not None:
            raise DeviceDistrusted(offer.device, reason)
        await self._market.check(offer)
        known = self._purse.lane(place)
        name = None if known is None else known.name
        self.budget.require(offer.amount, offer.units, offer.price.rate, lane=name)
        lane = await self._lanes.ready(place, offer.index, offer.amount, self.budget)
        if lane.pending is not None:  # nothing is known of its outcome; the device may have charged it
            lane = self._purse.believe(lane, lane.charged)
        voucher = voucher_for(self._consumer.key, lane, offer.amount, offer.units)
        self.budget.hold(lane.name, max(voucher.amount, lane.believable[0]) - lane.charged.amount)
        self._purse.sign(lane, Pending(secrets.token_hex(16), _UNKNOWN, replace(offer, lane=None), voucher))
        return voucher

    async def _close(self, context: PaymentResponseContext) -> RecoveredResponseResult | None:
        voucher = SignedVoucher.from_json(context.payment_payload.payload)
        place = await self._market.place(voucher.device)
        try:
            async with self._purse.locks.hold(place.name):
                lane = self._purse.lane(place)
                settled, required = context.settle_response, context.payment_required
                mendable = isinstance(required, PaymentRequired) and required.error in MENDABLE
                if lane is None or lane.pending is None or lane.pending.voucher != voucher:
                    # Another client of this purse went on from there, and so may this one.
                    return RecoveredResponseResult() if mendable else None
                if settled is not None and settled.success:
                    self._charge(lane, lane.pending, settled)
                    return None
                lane = self._let_go(lane)
                mended = isinstance(required, PaymentRequired) and mendable and await self._mend(lane, required)
                return RecoveredResponseResult() if mended else None
        finally:
            self._turns.end(place)

    def _charge(self, lane: PurseLane, pending: Pending, settled: SettleResponse) -> None:
        try:
            amount = json_decimal(settled.amount, "amount")
            said = LaneTotals.from_json((settled.extra or {}).get("lane"))
        except InputError as error:
            raise self._doubted(lane, "The settlement does not tell what is charged on the lane", str(error)) from error
        offer = pending.requirement
        if (said.tab, said.nonce) != (lane.place.tab, lane.nonce):
            raise self._doubted(lane, "The settlement tells of another lane", f"{said.tab}:{said.nonce}")
        try:
            totals = lane.ours(said.totals)
        except InputError as error:
            raise self._doubted(lane, "The lane's totals do not add up", str(error)) from error
        if amount > offer.amount or not _adds_up(lane, totals, amount, offer.units):
            raise self._doubted(lane, "The lane's totals do not add up", f"{amount}, {totals.amount} in all")
        self.budget.charge(lane.name, totals.amount - lane.charged.amount)
        self._purse.charge(lane, totals)

    def _doubted(self, lane: PurseLane, message: str, got: str) -> AnswerRefused:
        device = lane.place.device
        self._purse.distrust(device, message)
        return AnswerRefused(message, device=device, amount=lane.signed - lane.charged.amount, got=got)

    def _let_go(self, lane: PurseLane) -> PurseLane:
        """After a refusal nothing is pending; what was signed stays out."""
        self.budget.refuse(lane.name)
        return self._purse.refuse(lane)

    async def _mend(self, lane: PurseLane, required: PaymentRequired) -> bool:
        """Whether a refusal may pass now that lane and totals were looked at again."""
        offer = await self._market.offered(read(Terms, required))
        if offer is None or offer.device != lane.place.device:
            return False
        try:
            check_stated(lane, offer)
        except LaneDisputed:
            await self._lanes.dispute(lane)
            return True
        said = lane.charged if offer.lane is None else lane.ours(offer.lane.totals)
        more = said.amount - lane.charged.amount
        if offer.lane is not None and (said.units < lane.charged.units or (more <= 0 and said != lane.charged)):
            lane = self._purse.follow(lane, offer.lane.totals)  # it forgot what it told before, and that stays charged
        elif more > 0:
            if lane.unproven >= MOST_UNPROVEN:
                reason = f"It charged {lane.unproven + 1} requests in a row without an answer to them"
                self._purse.distrust(offer.device, reason)
                raise DeviceDistrusted(offer.device, reason)
            self.budget.charge(lane.name, more)
            lane = self._purse.believe(lane, said)
        await self._lanes.refreshed(lane)
        return True


def _adds_up(lane: PurseLane, totals: Totals, amount: int, units: int) -> bool:
    """Whether totals are those of a lane with one request more, and with earlier ones of unknown outcome at most."""
    before, ceiling = lane.charged, lane.ceiling
    amounts = range(before.amount + amount, max(before.amount, ceiling[0]) + amount + 1)
    return totals.amount in amounts and totals.units in range(before.units, max(before.units, ceiling[1]) + units + 1)
