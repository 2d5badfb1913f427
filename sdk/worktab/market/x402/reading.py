"""x402's models as Worktab's values."""

from __future__ import annotations

from typing import TypeVar

from x402.schemas.base import BaseX402Model

from worktab.core.errors import InputError
from worktab.market.errors import PaymentUnreadable
from worktab.market.terms import Requirement, Terms
from worktab.market.wire import Payment

_Value = TypeVar("_Value", Requirement, Terms, Payment)


def read(kind: type[_Value], model: BaseX402Model) -> _Value:
    """A requirement, terms or a payment out of the model that x402 made of the same JSON.

    Raises:
        PaymentUnreadable: it is not of this scheme, or not what the scheme says it must be.
    """
    try:
        return kind.from_json(model.model_dump(mode="json", by_alias=True))
    except InputError as error:
        raise PaymentUnreadable(error.message, expected=error.expected, got=error.got) from error
