"""The scheme of a seller: x402's resource server asks for a device's work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from x402.http.types import HTTPTransportContext, PaymentOption
from x402.interfaces import PaymentFlowConfig, SchemePaymentRequiredContext
from x402.payment_flow import AUTHORIZATION_PAYMENT_FLOW, SDK_DEFAULT_ASSET_TRANSFER_METHOD
from x402.schemas import AssetAmount, Network, PaymentRequirements, Price, SettleResponse, SupportedKind
from x402.schemas.hooks import SettleContext, SkipSettleResult

from worktab.core.errors import InputError
from worktab.core.money import parse_amount
from worktab.market import pricing
from worktab.market.provider.provider import Provider
from worktab.market.provider.seller import Seller
from worktab.market.terms import MAX_TIMEOUT_SECONDS, SCHEME, LaneTotals
from worktab.market.wire import LANE_HEADER, PAYMENT_HEADER, RECEIPT_HEADER, Payment, WorkReceipt, lane_from_header
from worktab.market.x402.reading import read


class WorktabServerScheme:
    """Asks for the work of one device; `register(seller.chain, ..)` it with an `x402ResourceServer`.

    seller    who is paid
    decimals  of the network's token; None takes no prices in tokens
    provider  the device's own, where it is in this process: terms then tell a buyer what is charged on its lane, so
              that the two agree again after a lost answer
    """

    scheme = SCHEME
    default_asset_transfer_method = SDK_DEFAULT_ASSET_TRANSFER_METHOD
    payment_flows: Final[Mapping[str, PaymentFlowConfig]] = {
        SDK_DEFAULT_ASSET_TRANSFER_METHOD: AUTHORIZATION_PAYMENT_FLOW
    }
    dynamic_extra_fields = ("lane",)

    def __init__(self, seller: Seller, *, decimals: int | None = None, provider: Provider | None = None) -> None:
        self._seller = seller
        self._decimals = decimals
        self._provider = provider

    def option(self, price: pricing.Price, units: int = 1, *, timeout: int = MAX_TIMEOUT_SECONDS) -> PaymentOption:
        """What a route of x402's asks for: at most `units` work units at this price.

        timeout  the longest a request may take, in seconds

        Raises `InputError` where that costs more than the largest u64.
        """
        asked = self._seller.requirement(price, units).to_json()
        return PaymentOption(
            scheme=SCHEME,
            pay_to=asked["payTo"],
            price=AssetAmount(amount=asked["amount"], asset=asked["asset"]),
            network=asked["network"],
            max_timeout_seconds=timeout,
            extra={name: asked["extra"][name] for name in ("units", "rate", "minimum")},
        )

    def parse_price(self, price: Price, network: Network) -> AssetAmount:
        """A price in base units as it is, or one in whole tokens: `"1.25"`, or a whole number.

        Raises:
            InputError: another token, a price in dollars, a float, finer than a base unit, or decimals are not known.
        """
        if isinstance(price, dict):
            price = AssetAmount.model_validate(price)
        if isinstance(price, AssetAmount):
            if price.asset != str(self._seller.asset):
                raise InputError(
                    "the price is in another token", expected=str(self._seller.asset), got=str(price.asset)
                )
            return price
        if self._decimals is None or isinstance(price, float):
            raise InputError(
                "the price cannot be taken exactly",
                expected="base units, or text such as 1.25 and the token's decimals",
                got=repr(price),
                next_step="Use option(Price.fixed(base_units)), or give WorktabServerScheme the decimals",
            )
        return AssetAmount(amount=str(parse_amount(str(price), self._decimals)), asset=str(self._seller.asset))

    def enhance_payment_requirements(
        self, requirements: PaymentRequirements, supported_kind: SupportedKind, extensions: list[str]
    ) -> PaymentRequirements:
        """The requirements with what a buyer must know of network, device and price.

        Raises:
            InputError: they pay somebody else, or their amount is not their price's.
        """
        told, amount = requirements.extra, int(requirements.amount)
        rate = int(told.get("rate", 0))
        price = pricing.Price(rate, int(told.get("minimum", 0 if rate else amount)))
        asked = self._seller.requirement(price, int(told.get("units", 1))).to_json()
        ours = (asked["payTo"], asked["asset"], asked["amount"])
        theirs = (requirements.pay_to, requirements.asset, requirements.amount)
        if ours != theirs:
            raise InputError("the route asks for something else", expected=" ".join(ours), got=" ".join(theirs))
        return requirements.model_copy(update={"extra": asked["extra"]})

    def validate_facilitator_support(
        self, network: Network, supported_kind: SupportedKind, facilitator_extensions: list[str]
    ) -> str | None:
        """What is wrong with a facilitator: it is another device's. None where nothing is."""
        device = (supported_kind.extra or {}).get("device")
        if device != str(self._seller.device):
            return f"the facilitator takes payments for device {device}, the route is of {self._seller.device}"
        return None

    async def enrich_payment_required_response(
        self, context: SchemePaymentRequiredContext
    ) -> list[PaymentRequirements] | None:
        """The terms with what is charged on the lane that the request names, or tries to pay from."""
        lane = await self._lane(context.transport_context)
        if lane is None:
            return None
        return [
            each.model_copy(update={"extra": each.extra | {"lane": lane.to_json()}})
            if (each.scheme, each.network) == (SCHEME, self._seller.chain)
            else each
            for each in context.requirements
        ]

    def before_settle(self, context: SettleContext) -> SkipSettleResult | None:
        """Leaves out the facilitator where the answer bears a receipt: its work is charged already."""
        transport = context.transport_context
        told = transport.response_headers if isinstance(transport, HTTPTransportContext) else None
        header = next((value for name, value in (told or {}).items() if name.lower() == RECEIPT_HEADER.lower()), None)
        if header is None:
            return None
        payment, receipt = read(Payment, context.payment_payload), WorkReceipt.from_header(header)
        voucher = payment.voucher
        lane = LaneTotals(voucher.tab, voucher.lane_nonce, receipt.charged)
        return SkipSettleResult(
            SettleResponse(
                success=True,
                payer=str(voucher.tab),
                transaction="",
                network=self._seller.chain,
                amount=str(receipt.price),
                extra={"lane": lane.to_json()},
            )
        )

    async def _lane(self, transport: object) -> LaneTotals | None:
        if self._provider is None or not isinstance(transport, HTTPTransportContext):
            return None
        get = transport.request.adapter.get_header
        payment, named = get(PAYMENT_HEADER), get(LANE_HEADER)
        try:
            if payment is not None:
                voucher = Payment.from_header(payment).voucher
                tab, nonce = voucher.tab, voucher.lane_nonce
            elif named is not None:
                tab, nonce = lane_from_header(named)
            else:
                return None
        except InputError:
            return None  # it is refused for what it is
        return LaneTotals(tab, nonce, await self._provider.charged(tab, nonce))
