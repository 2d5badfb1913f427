"""Where a signed transaction is remembered before it is sent, so that a crash never leaves its fate unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Outcome = Literal["confirmed", "failed", "expired"]
"""How a sent transaction ended: it landed and succeeded, landed and failed, or is proven never to land."""


@dataclass(frozen=True, slots=True)
class SentTransaction:
    """A signed transaction that may have reached the chain.

    label                    the caller's own name for it, not unique, may be empty
    signature                the transaction's first signature in base58, which names it on the chain
    last_valid_block_height  the last block height at which the chain still accepts it
    raw                      the signed transaction as it goes over the wire, at most 1,232 bytes
    """

    label: str
    signature: str
    last_valid_block_height: int
    raw: bytes


class Journal(Protocol):
    """What a sender needs to survive a restart.

    An implementation that outlives the process must have made its write durable when the call returns, and raises
    `StorageError` when it cannot. The calls are synchronous: they are short, and their order is their meaning.
    """

    def put(self, label: str, signature: str, last_valid_block_height: int, raw: bytes) -> None:
        """Remember a signed transaction; called before its first byte is sent. A repeat changes nothing."""
        ...

    def settle(self, signature: str, outcome: Outcome) -> None:
        """Record how a transaction ended; called once that is certain. A repeat changes nothing."""
        ...

    def unsettled(self) -> list[SentTransaction]:
        """The transactions put and not settled, oldest first."""
        ...


class MemoryJournal:
    """A journal that lasts as long as the process: for tests, scripts and reads-mostly tools."""

    def __init__(self) -> None:
        self._sent: dict[str, SentTransaction] = {}
        self._outcomes: dict[str, Outcome] = {}

    def put(self, label: str, signature: str, last_valid_block_height: int, raw: bytes) -> None:
        """See `Journal.put`."""
        self._sent.setdefault(signature, SentTransaction(label, signature, last_valid_block_height, raw))

    def settle(self, signature: str, outcome: Outcome) -> None:
        """See `Journal.settle`."""
        self._outcomes.setdefault(signature, outcome)

    def unsettled(self) -> list[SentTransaction]:
        """See `Journal.unsettled`."""
        return [sent for signature, sent in self._sent.items() if signature not in self._outcomes]

    def outcome(self, signature: str) -> Outcome | None:
        """How the transaction ended, or None while that is open or the signature is unknown."""
        return self._outcomes.get(signature)
