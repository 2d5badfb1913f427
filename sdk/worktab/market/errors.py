"""Why a payment is refused.

Every refusal has a code that both sides know: the server answers with it, the client raises the same class again.

    PaymentRefused            402: pay otherwise, the terms beside it tell how
    ├── PaymentRequired       nothing was paid
    ├── PaymentUnreadable     the payment header is not what it should be
    ├── TermsChanged          paid for other terms than those on offer
    ├── WrongNetwork          for another cluster, program or network
    ├── WrongDevice           for another device
    ├── BadSignature          not signed by the lane's signer, or for another lane
    ├── PaymentExpired        the voucher ends too soon to be settled
    ├── LaneUnknown           no such tab or lane on the chain, or the lane of another device
    ├── LaneEnding            the lane may end before the voucher is settled
    ├── ReserveTooSmall       the lane cannot pay so much
    ├── AmountTooLow          not enough for what is charged and this request
    ├── AmountTooHigh         an exact voucher for more than is charged
    ├── UnitsTooLow           fewer work units than are charged and this request may take
    ├── UnitsTooHigh          more work units than these, and than the chain has counted
    └── WrongHead             another record chain than the device's
    KeyReused                 409: the idempotency key stands for another request
    ResponseGone              410: bought long ago, and no longer kept
    BodyTooLarge              413: the request is larger than what is taken
    Overloaded                503: too much to do; try again later
    WorkNotRecorded           500: the application did not say what it did; nothing was charged
"""

from __future__ import annotations

from typing import ClassVar

from worktab.core.errors import StateError


class MarketError(StateError):
    """Base of what a server answers a buyer instead of work. `status` is the HTTP status that goes with it."""

    code = "market"
    status: ClassVar[int] = 500


class PaymentRefused(MarketError):
    """The payment does not do; nothing was worked and nothing charged."""

    code = "payment_refused"
    status = 402


class PaymentRequired(PaymentRefused):
    """The request came without a payment."""

    code = "payment_required"
    default_next_step = "Send it again with a voucher for these terms"


class PaymentUnreadable(PaymentRefused):
    """The payment header does not have the form of a payment."""

    code = "payment_unreadable"


class TermsChanged(PaymentRefused):
    """The payment accepts other terms than those on offer."""

    code = "terms_changed"
    default_next_step = "Look at the terms beside this and decide again"


class WrongNetwork(PaymentRefused):
    """The payment is for another cluster, program or network."""

    code = "wrong_network"


class WrongDevice(PaymentRefused):
    """The voucher is for another device."""

    code = "wrong_device"


class BadSignature(PaymentRefused):
    """The voucher is not signed by the lane's signer for this lane."""

    code = "bad_signature"


class PaymentExpired(PaymentRefused):
    """The voucher expires before it would be settled."""

    code = "voucher_expired"
    default_next_step = "Sign one that lives longer, or for ever"


class LaneUnknown(PaymentRefused):
    """The chain shows no such tab or lane, or the lane is another device's."""

    code = "lane_unknown"
    default_next_step = "Reserve a lane for this device, and wait until the chain has confirmed it"


class LaneEnding(PaymentRefused):
    """The lane is closing and may end before the voucher is settled."""

    code = "lane_closing"
    default_next_step = "Reserve a new lane"


class ReserveTooSmall(PaymentRefused):
    """The lane has not set so much aside."""

    code = "reserve_too_small"
    default_next_step = "Add to the lane's reserve"


class AmountTooLow(PaymentRefused):
    """The voucher is below what is charged on the lane and what this request can cost."""

    code = "amount_too_low"
    default_next_step = "Start from the lane's totals in the terms"


class AmountTooHigh(PaymentRefused):
    """A voucher that is to be exact is for more than is charged."""

    code = "amount_too_high"
    default_next_step = "Sign for the lane's charged totals"


class UnitsTooLow(PaymentRefused):
    """The voucher names fewer work units than are charged on the lane and this request may take."""

    code = "units_too_low"
    default_next_step = "Start from the lane's totals in the terms"


class UnitsTooHigh(PaymentRefused):
    """The voucher names more work units than are charged on the lane, this request may take, and the chain counts."""

    code = "units_too_high"
    default_next_step = "Start from the lane's totals in the terms"


class WrongHead(PaymentRefused):
    """The voucher is tied to another record chain than this device's."""

    code = "wrong_head"
    default_next_step = "Start from the lane's totals in the terms"


class KeyReused(MarketError):
    """The idempotency key was used for another request, or with another lane."""

    code = "key_reused"
    status = 409
    default_next_step = "Give every request a key of its own"


class ResponseGone(MarketError):
    """The answer was bought and delivered long ago, and is no longer kept. It is not charged again."""

    code = "response_gone"
    status = 410
    default_next_step = "Buy it again under a new key"


class BodyTooLarge(MarketError):
    """The request's body is larger than what is taken."""

    code = "body_too_large"
    status = 413


class Overloaded(MarketError):
    """There is too much to do at the moment. `retry_after` is in seconds."""

    code = "overloaded"
    status = 503
    default_next_step = "Try again later, or with another device"
    retry_after: ClassVar[int] = 1


class WorkNotRecorded(MarketError):
    """The application's answer does not go with a record of its work; nothing was charged."""

    code = "work_not_recorded"


_CLASSES: dict[str, type[MarketError]] = {
    each.code: each
    for each in (
        PaymentRequired,
        PaymentUnreadable,
        TermsChanged,
        WrongNetwork,
        WrongDevice,
        BadSignature,
        PaymentExpired,
        LaneUnknown,
        LaneEnding,
        ReserveTooSmall,
        AmountTooLow,
        AmountTooHigh,
        UnitsTooLow,
        UnitsTooHigh,
        WrongHead,
        KeyReused,
        ResponseGone,
        BodyTooLarge,
        Overloaded,
        WorkNotRecorded,
    )
}


def error_class(code: str) -> type[MarketError] | None:
    """The class of an answer's error code; None for one that this release does not know."""
    return _CLASSES.get(code)
