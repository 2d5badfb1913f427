"""What a device's server answers in place of work, as errors."""

from __future__ import annotations

import json
from typing import Final

import httpx
from solders.pubkey import Pubkey

from worktab.core.errors import EncodingError, InputError
from worktab.market.errors import (
    AmountTooLow,
    LaneEnding,
    LaneUnknown,
    MarketError,
    PaymentRefused,
    ReserveTooSmall,
    ResponseGone,
    UnitsTooHigh,
    UnitsTooLow,
    WrongHead,
    error_class,
)
from worktab.market.terms import Terms
from worktab.market.wire import PAYMENT_REQUIRED_HEADER, decode

MENDABLE: Final = frozenset(
    each.code for each in (AmountTooLow, UnitsTooLow, UnitsTooHigh, WrongHead, LaneUnknown, LaneEnding, ReserveTooSmall)
)
"""Codes of refusals that may pass once lane and totals are looked at again."""


def read_terms(response: httpx.Response) -> tuple[Terms, bool] | None:
    """The terms of a 402, and whether no other way to pay stands beside ours; None for any other answer."""
    header = response.headers.get(PAYMENT_REQUIRED_HEADER)
    if response.status_code != httpx.codes.PAYMENT_REQUIRED or header is None:
        return None
    try:
        value = decode(header)
        terms = Terms.from_json(value)
    except (EncodingError, InputError):
        return None
    return terms, len(terms.accepts) == len(value["accepts"])


def refusal_of(terms: Terms, device: Pubkey) -> MarketError:
    """The error that terms tell of, for a payment to this device."""
    refused = error_class(terms.error) or PaymentRefused
    said = terms.detail.get("message") or terms.error or "no reason given"
    return refused(
        f"Device {device} refused the payment: {said}",
        expected=terms.detail.get("expected", ""),
        got=terms.detail.get("got", ""),
    )


def did_nothing(response: httpx.Response) -> bool:
    """Whether an answer without a receipt says that nothing was charged: the device can be held to that.

    An unexplained failure of a server says nothing; nor does an answer that was bought and delivered before.
    """
    if response.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
        return response.status_code != ResponseGone.status
    try:
        code = json.loads(response.content)["error"]["code"]
    except (ValueError, TypeError, LookupError):
        return False
    return isinstance(code, str) and error_class(code) is not None
