"""What is asked for, and what was ordered."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from worktab.core.vouchers import SignedVoucher
from worktab.market.errors import TermsChanged, WrongDevice, WrongNetwork
from worktab.market.pricing import Price
from worktab.market.provider.sale import Work
from worktab.market.provider.seller import Seller
from worktab.market.terms import Requirement


@dataclass(frozen=True, slots=True)
class Offer:
    """What is asked for a request.

    Attributes:
        price: what its work costs.
        max_units: the most work units it may take.
        work: what its record says.
        asked_units: the work units that the terms asked the voucher to add, where those were more.
    """

    price: Price
    max_units: int
    work: Work
    asked_units: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """A request to be paid: the 32-byte hashes that stand for its key, for all of it, and for its body."""

    key: bytes
    request: bytes
    input: bytes


def order_of(key: str | None, voucher: SignedVoucher, method: str, target: bytes, body: bytes) -> Order:
    """The order that a request is.

    Args:
        key: its idempotency key; without one it is known by its voucher and all of it.
        voucher: what came with it.
        method: of HTTP.
        target: path and query as they were sent.
        body: all of it.
    """
    input_hash = hashlib.sha256(body).digest()
    request = hashlib.sha256(b"\0".join((b"worktab/request", method.encode(), target, input_hash))).digest()
    unnamed = b"voucher" + voucher.message.encode() + voucher.signature + request
    name = unnamed if key is None else b"key" + key.encode()
    return Order(hashlib.sha256(name).digest(), request, input_hash)


def require_accepted(accepted: Requirement, seller: Seller, offer: Offer) -> None:
    """Refuses a payment that was meant for another seller, or for less than is asked now. Raises `PaymentRefused`."""
    most = offer.price.cost(offer.max_units)
    meant = (accepted.chain, accepted.program, accepted.network, accepted.asset)
    ours = (seller.chain, seller.program, seller.network, seller.asset)
    if meant != ours:
        raise WrongNetwork(
            "The payment is for another network",
            expected=" ".join(map(str, ours)),
            got=" ".join(map(str, meant)),
        )
    if (accepted.device, accepted.index) != (seller.device, seller.index):
        raise WrongDevice("The payment is for another device", expected=str(seller.device), got=f"{accepted.device}")
    price = accepted.price
    if accepted.amount < most or price.rate < offer.price.rate or price.minimum < offer.price.minimum:
        raise TermsChanged(
            "The price is higher than what was accepted",
            expected=f"{most} at {offer.price.rate} from {offer.price.minimum}",
            got=f"{accepted.amount} at {price.rate} from {price.minimum}",
        )
