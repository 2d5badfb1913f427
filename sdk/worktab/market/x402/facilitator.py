"""The facilitator of one device: checks vouchers against the chain and charges what they pay for.

`WorktabFacilitator` is what x402's resource server asks, in this process. `WorktabFacilitatorScheme` is the same for
an `x402Facilitator`, whose schemes cannot be awaited. Neither brings a voucher to the chain for every request: the
provider settles many as one (`Provider.run`), unless it is told to settle each at once.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Any, Final

from x402.interfaces import FacilitatorContext
from x402.schemas import (
    Network,
    PaymentPayload,
    PaymentRequirements,
    SettleResponse,
    SupportedKind,
    SupportedResponse,
    VerifyResponse,
)

from worktab.chain.sync import Blocking
from worktab.core.errors import WorktabError
from worktab.core.money import RATE_UNITS
from worktab.core.vouchers import SignedVoucher
from worktab.market.errors import AmountTooLow, TermsChanged
from worktab.market.pricing import Price
from worktab.market.provider.orders import Offer, Order
from worktab.market.provider.provider import Provider
from worktab.market.provider.rows import Answer
from worktab.market.provider.sale import Sale, Work
from worktab.market.terms import SCHEME, X402_VERSION, LaneTotals, Requirement
from worktab.market.wire import CHARGE_HEADER, Charge, Payment
from worktab.market.x402.reading import read
from worktab.roles.settling import Settler

_LOG: Final = logging.getLogger(__name__)
_UNSEEN: Final = bytes(32)
"""Stands for the hash of what this process does not see: the request, and its body."""


class WorktabFacilitator:
    """x402's `FacilitatorClient` for one device; see the module's text.

    A voucher pays for one settlement. What is settled is recorded in the device's spool as a job whose input and
    output nobody here has seen; `ReceiptedWork` records the work itself.

    provider  the device's; whoever opened it closes it, and runs its settling
    work      what those records say
    settler   settles every voucher at once that is exactly for what is charged on its lane; costs a transaction each
    """

    def __init__(self, provider: Provider, work: Work, *, settler: Settler | None = None) -> None:
        self._provider = provider
        self._work = work
        self._settler = settler

    def get_supported(self) -> SupportedResponse:
        """The one kind of payment that is taken: this scheme, on the provider's cluster, for its device."""
        seller = self._provider.seller
        extra = {
            "device": str(seller.device),
            "index": seller.index,
            "program": str(seller.program),
            "network": str(seller.network),
            "asset": str(seller.asset),
        }
        kind = SupportedKind(x402_version=X402_VERSION, scheme=SCHEME, network=seller.chain, extra=extra)
        return SupportedResponse(kinds=[kind])

    async def verify(self, payload: PaymentPayload, requirements: PaymentRequirements) -> VerifyResponse:
        """Whether a payment is good for the requirements; takes nothing. A reason is the code of a Worktab error."""
        try:
            payment, asked = read(Payment, payload), read(Requirement, requirements)
            await self._require_unused(payment.voucher)
            if not await self._is_newest(payment.voucher):
                await self._provider.check(payment, self._offer(asked))
        except WorktabError as error:
            return VerifyResponse(is_valid=False, invalid_reason=error.code, invalid_message=str(error))
        return VerifyResponse(is_valid=True, payer=str(payment.voucher.tab))

    async def settle(self, payload: PaymentPayload, requirements: PaymentRequirements) -> SettleResponse:
        """Charges the requirements' amount, which may be less than was accepted, and keeps the voucher.

        `transaction` is empty until the provider settles; `extra.lane` tells what is charged on the lane. Nothing is
        charged where it fails; the reason is the code of a Worktab error.
        """
        try:
            payment, asked = read(Payment, payload), read(Requirement, requirements)
            amount = await self._charge(payment, asked) if asked.amount else 0
            transaction = await self._settle_at_once(payment.voucher) if amount else ""
            lane = await self._lane(payment.voucher)
        except WorktabError as error:
            return SettleResponse(
                success=False,
                error_reason=error.code,
                error_message=str(error),
                transaction="",
                network=self._provider.seller.chain,
            )
        return SettleResponse(
            success=True,
            payer=str(payment.voucher.tab),
            transaction=transaction,
            network=self._provider.seller.chain,
            amount=str(amount),
            extra={"lane": lane.to_json()},
        )

    async def _charge(self, payment: Payment, asked: Requirement) -> int:
        offer, fresh = self._offer(asked), False

        async def do(sale: Sale) -> Answer:
            nonlocal fresh
            fresh = True
            sale.worked(sale.max_units)
            return Answer(200, (), b"")

        order = Order(_key(payment.voucher), _UNSEEN, _UNSEEN)
        answer = await self._provider.sell(payment, offer, order, do)
        if not fresh:
            raise _used(payment.voucher)
        return Charge.from_header(dict(answer.headers)[CHARGE_HEADER.lower()]).amount

    async def _settle_at_once(self, voucher: SignedVoucher) -> str:
        lane = await self._provider.book.lane(voucher.tab, voucher.lane_nonce)
        if self._settler is None or lane is None or voucher.amount != lane.charged.amount:
            return ""
        try:
            settled = await self._settler.settle(voucher)
        except WorktabError as error:  # the voucher is kept, and the provider settles it later
            _LOG.warning("Lane %d of tab %s was not settled at once: %s", lane.nonce, lane.tab, error)
            return ""
        return str(settled.confirmed.signature) if settled.confirmed else ""

    async def _require_unused(self, voucher: SignedVoucher) -> None:
        held = await self._provider.book.purchase(voucher.tab, _key(voucher))
        if held is not None and held.status is not None:
            raise _used(voucher)

    async def _is_newest(self, voucher: SignedVoucher) -> bool:
        """Whether a request was just sold for this voucher: only who sold it can tell a repeat from another one."""
        lane = await self._provider.book.lane(voucher.tab, voucher.lane_nonce)
        return lane is not None and lane.cap == voucher

    async def _lane(self, voucher: SignedVoucher) -> LaneTotals:
        charged = await self._provider.charged(voucher.tab, voucher.lane_nonce)
        return LaneTotals(voucher.tab, voucher.lane_nonce, charged)

    def _offer(self, asked: Requirement) -> Offer:
        """What to charge. Raises `TermsChanged` for more than the requirements' own price."""
        price, units, amount = asked.price, asked.units, asked.amount
        if amount > price.cost(units):
            raise TermsChanged(
                "The requirements ask for more than their price", expected=f"{price.cost(units)}", got=f"{amount}"
            )
        if amount == price.cost(units):
            return Offer(price, units, self._work)
        if price.rate:
            units = amount * RATE_UNITS // price.rate
        return Offer(price if amount > price.minimum else Price.fixed(amount), units, self._work, asked.units)


class WorktabFacilitatorScheme:
    """A `WorktabFacilitator` for an `x402Facilitator`, whose schemes are not awaited: each call waits for the chain.

        with blocking(device) as background:
            provider = background(lambda device: Provider.open(device, spool, "book", settler=settler))
            scheme = WorktabFacilitatorScheme(WorktabFacilitator(provider, work), background)
            facilitator = x402Facilitator().register([scheme.network], scheme)

    facilitator  whose provider was opened in the background, and is used nowhere else
    background   anything on that event loop
    """

    scheme = SCHEME
    caip_family = "solana:*"

    def __init__(self, facilitator: WorktabFacilitator, background: Blocking[Any]) -> None:
        self._facilitator = facilitator
        self._background = background
        [self._kind] = facilitator.get_supported().kinds

    @property
    def network(self) -> str:
        """The cluster's name."""
        return str(self._kind.network)

    def get_extra(self, network: Network) -> dict[str, Any] | None:
        """What resource servers are told of the device."""
        extra: dict[str, Any] | None = self._kind.extra
        return extra

    def get_signers(self, network: Network) -> list[str]:
        """None: who settles needs no key that a buyer would have to know."""
        return []

    def verify(
        self, payload: PaymentPayload, requirements: PaymentRequirements, context: FacilitatorContext | None = None
    ) -> VerifyResponse:
        """See `WorktabFacilitator.verify`."""
        return self._background(lambda _: self._facilitator.verify(payload, requirements))

    def settle(
        self, payload: PaymentPayload, requirements: PaymentRequirements, context: FacilitatorContext | None = None
    ) -> SettleResponse:
        """See `WorktabFacilitator.settle`."""
        return self._background(lambda _: self._facilitator.settle(payload, requirements))


def _key(voucher: SignedVoucher) -> bytes:
    """What a purchase by x402 is known by: its voucher."""
    return hashlib.sha256(b"x402" + voucher.message.encode() + voucher.signature).digest()


def _used(voucher: SignedVoucher) -> AmountTooLow:
    return AmountTooLow(
        "The voucher has paid for a request already", expected="a new one", got=f"{voucher.amount} once more"
    )
