"""Errors of feeds; their codes are stable."""

from __future__ import annotations

from typing import ClassVar

from solders.signature import Signature

from worktab.core.errors import ChainError


class CursorLost(ChainError):
    """The node does not show the transaction after which the feed is to go on, so what came since cannot be told.

    It pruned it, or it is of another cluster, or its ledger was reset, or the transaction does not name the address.
    `cursor` is the signature.
    """

    code: ClassVar[str] = "cursor_lost"
    default_next_step: ClassVar[str] = (
        "Use a node that keeps a longer history, or start over from the oldest transaction kept and from the accounts"
    )

    def __init__(self, message: str, *, cursor: Signature, expected: str = "", got: str = "") -> None:
        super().__init__(message, expected=expected, got=got)
        self.cursor = cursor


class NodeBehind(CursorLost):
    """The node has not yet reached the slot of the transaction after which the feed is to go on."""

    default_next_step: ClassVar[str] = "Try again when the node has caught up; if its ledger was reset, start over"


class TransactionMissing(ChainError):
    """The node lists a transaction and does not show it. `signature` names it."""

    code: ClassVar[str] = "transaction_missing"
    default_next_step: ClassVar[str] = (
        "Use a node that keeps transactions; to go on without this one, start a feed from its signature"
    )

    def __init__(self, message: str, *, signature: Signature, got: str = "") -> None:
        super().__init__(message, got=got)
        self.signature = signature
