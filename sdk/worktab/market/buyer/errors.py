"""Errors of buying over HTTP; their codes are stable. Where a device is to blame, they name it.

What a device's server answers in place of work raises the classes of `worktab.market.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from solders.pubkey import Pubkey

from worktab.core.errors import ConnectionFailed, StateError, VerificationError

if TYPE_CHECKING:
    from worktab.market.buyer.bill import Attempt
    from worktab.market.offers import Delivery


class BudgetExceeded(StateError):
    """Terms ask for more than the caller allows. Nothing was signed."""

    code = "budget_exceeded"


class TermsRefused(VerificationError):
    """A device's terms are not what chain and purse say they must be. Nothing was signed for them.

    device  the address that the terms name; None where they name none
    """

    code = "terms_refused"
    default_next_step = "Buy from another device; this one's server is misconfigured or not to be trusted"

    def __init__(self, message: str, *, device: Pubkey | None, expected: str = "", got: str = "") -> None:
        super().__init__(message, expected=expected, got=got)
        self.device = device


class LaneDisputed(TermsRefused):
    """A device says that more is charged on a lane than the purse can know of: one of the two lost its book, or lies.

    The lane is used no more, and closed.
    """

    code = "lane_disputed"


class AnswerRefused(VerificationError):
    """A paid answer is not borne out by its receipt. The purse signs nothing more for the device.

    device  who answered
    amount  base units that the device can settle all the same: what was signed before, and no more
    """

    code = "answer_refused"
    default_next_step = "Buy from another device; this one is paid no more than what was signed already"

    def __init__(self, message: str, *, device: Pubkey, amount: int, expected: str = "", got: str = "") -> None:
        super().__init__(f"{message} (device {device})", expected=expected, got=got)
        self.device = device
        self.amount = amount


class DeviceDistrusted(StateError):
    """The purse signs nothing more for this device: an earlier answer of it did not check."""

    code = "device_distrusted"
    default_next_step = "Buy from another device, or close the lane to get the rest of its reserve back"

    def __init__(self, device: Pubkey, reason: str) -> None:
        super().__init__(f"Device {device} is not paid any more", got=reason)
        self.device = device


class AnswerLost(ConnectionFailed):
    """A paid request got no whole answer within the retries allowed; the device may have done the work.

    device  who was paid
    key     the request's Idempotency-Key: the same request made again carries it, and is not charged twice
    amount  base units that the device may charge for it
    """

    code = "answer_lost"
    default_next_step = "Make the same request again: it is answered without a second charge; or buy elsewhere"
    _what = "did not answer"

    def __init__(self, device: Pubkey, key: str, amount: int, got: str) -> None:
        super().__init__(f"Device {device} took a voucher and {self._what}", got=got)
        self.device = device
        self.key = key
        self.amount = amount


class AnswerTooLarge(AnswerLost):
    """A paid answer is larger than the client allows, or packed though it may not be; it was not read."""

    code = "answer_too_large"
    default_next_step = (
        "Allow larger answers and make the same request again, without a second charge; or buy elsewhere"
    )
    _what = "gave an answer that is larger than allowed"


class NoDeviceAnswered(ConnectionFailed):
    """No device gave a result. `attempts` tell what each said and may still charge, `unreachable` made no offer."""

    code = "no_device_answered"
    default_next_step = "Name more devices, or try again later"

    def __init__(self, attempts: tuple[Attempt, ...], unreachable: tuple[str, ...], got: str) -> None:
        super().__init__("No device gave a result", got=got)
        self.attempts = attempts
        self.unreachable = unreachable


class NotVerified(StateError):
    """Fewer devices than asked for gave a result to compare. `delivery` is the result, which is paid."""

    code = "not_verified"
    default_next_step = "Name more devices, or do without"

    def __init__(self, delivery: Delivery, *, wanted: int, found: int) -> None:
        super().__init__("Too few devices gave a result to compare", expected=f"{wanted}", got=f"{found}")
        self.delivery = delivery


class ResultsDiffer(VerificationError):
    """Two devices gave different results for the same work. `delivery` is the first result, `devices` who differ."""

    code = "results_differ"
    default_next_step = (
        "Run the work yourself (`worktab challenge --bought --dry-run`): the receipts prove who said what"
    )

    def __init__(self, delivery: Delivery, one: Pubkey, other: Pubkey, what: str) -> None:
        super().__init__(f"Devices {one} and {other} gave different results", got=what)
        self.delivery = delivery
        self.devices = (one, other)
