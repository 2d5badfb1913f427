"""What an invoice's payer agrees to, and what a consumer says who does not (PROTOCOL section 5)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final, Self

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from worktab.core._checks import Bytes32, bytes32, sized, u64, uint
from worktab.core._json import json_address, json_fields, json_hex
from worktab.core.errors import EncodingError, InputError, VerificationError
from worktab.core.keys import SIGNATURE_SIZE

MOST_REASON: Final = 1_000
"""Longest reason of a dispute, in characters."""

_DISPUTE: Final = ("invoice", "terms", "consumer", "reason", "signature")


def invoice_terms(
    domain: Bytes32,
    invoice: Bytes32,
    consumer: Bytes32,
    amount: int,
    units: int,
    due: int,
    created_slot: int,
    head: Bytes32,
    memo: Bytes32,
) -> bytes:
    """The 32-byte hash of all that an invoice asks for; a payment names it.

    `H("worktab/invoice" || domain || invoice || consumer || u64 amount || u64 units || u64 due || u64 created_slot ||
    head || memo)`. The invoice's address stands for device and number.

    Args:
        domain: the network's domain.
        invoice: the Invoice's address.
        consumer: who is asked to pay.
        amount: base units, u64.
        units: work units the amount is for, u64.
        due: Unix seconds below 2^63; 0 for no date.
        created_slot: the slot in which the invoice was made, u64.
        head: the device's 32-byte chain head after the newest job; zero for none.
        memo: 32-byte hash of the text (`memo_hash`); zero for none.

    Raises:
        InputError: an argument has the wrong length or range.
    """
    return hashlib.sha256(
        b"worktab/invoice"
        + bytes32(domain, "domain")
        + bytes32(invoice, "invoice")
        + bytes32(consumer, "consumer")
        + u64(amount, "amount")
        + u64(units, "units")
        + u64(uint(due, 63, "due"), "due")
        + u64(created_slot, "created slot")
        + bytes32(head, "head")
        + bytes32(memo, "memo")
    ).digest()


def memo_hash(text: str) -> bytes:
    """The 32 bytes that go on chain for an invoice's text: SHA-256 of its UTF-8, zero for an empty one.

    Raises:
        InputError: the text cannot be written in UTF-8.
    """
    return hashlib.sha256(_utf8(text, "memo")).digest() if text else bytes(32)


@dataclass(frozen=True, slots=True)
class SignedDispute:
    """A consumer's signed word to an issuer that it does not accept an invoice, and why. It stays off the chain.

    The signature is over `H("worktab/invoice-dispute" || domain || invoice || terms || consumer || reason)`, so it
    says something of one invoice with one set of terms on one cluster.

    Attributes:
        invoice: the Invoice's address.
        terms: 32-byte hash of the terms that are not accepted (`invoice_terms`).
        consumer: who was asked to pay, and signs.
        reason: a text for the issuer, 1 to 1,000 characters.
        signature: 64 bytes, Ed25519.

    Raises:
        InputError: a field has the wrong length.
    """

    invoice: Pubkey
    terms: bytes
    consumer: Pubkey
    reason: str
    signature: bytes

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", bytes32(self.terms, "terms"))
        object.__setattr__(self, "signature", sized(self.signature, SIGNATURE_SIZE, "signature"))
        if not 0 < len(self.reason) <= MOST_REASON:
            raise InputError(
                "The reason has the wrong length",
                expected=f"1 to {MOST_REASON} characters",
                got=f"{len(self.reason)} characters",
            )

    @classmethod
    def sign(cls, key: Keypair, domain: Bytes32, invoice: Pubkey, terms: bytes, reason: str) -> Self:
        """A dispute signed by the consumer's key.

        Raises:
            InputError: a field has the wrong length.
        """
        consumer = key.pubkey()
        said = _dispute_hash(domain, invoice, terms, consumer, reason)
        return cls(invoice, terms, consumer, reason, bytes(key.sign_message(said)))

    def verify(self, domain: Bytes32) -> None:
        """Check that `consumer` signed this. That it is the invoice's consumer, and `terms` its terms, is for the
        caller to compare.

        Raises:
            VerificationError: the signature does not hold.
        """
        said = _dispute_hash(domain, self.invoice, self.terms, self.consumer, self.reason)
        if not Signature(self.signature).verify(self.consumer, said):
            raise VerificationError("The signature is not the consumer's", expected=f"one by {self.consumer}")

    def to_json(self) -> dict[str, Any]:
        """The dispute as a JSON object: addresses in base58, bytes in hex."""
        return {
            "invoice": str(self.invoice),
            "terms": self.terms.hex(),
            "consumer": str(self.consumer),
            "reason": self.reason,
            "signature": self.signature.hex(),
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """The dispute in a JSON object; the exact inverse of `to_json`, and nothing else is accepted.

        Raises:
            EncodingError: it is something else.
        """
        invoice, terms, consumer, reason, signature = json_fields(value, _DISPUTE)
        if not isinstance(reason, str) or not 0 < len(reason) <= MOST_REASON:
            raise EncodingError("reason is no text", expected=f"1 to {MOST_REASON} characters", got=ascii(reason)[:100])
        return cls(
            json_address(invoice, "invoice"),
            json_hex(terms, 32, "terms"),
            json_address(consumer, "consumer"),
            reason,
            json_hex(signature, SIGNATURE_SIZE, "signature"),
        )


def _dispute_hash(domain: Bytes32, invoice: Bytes32, terms: Bytes32, consumer: Bytes32, reason: str) -> bytes:
    return hashlib.sha256(
        b"worktab/invoice-dispute"
        + bytes32(domain, "domain")
        + bytes32(invoice, "invoice")
        + bytes32(terms, "terms")
        + bytes32(consumer, "consumer")
        + _utf8(reason, "reason")
    ).digest()


def _utf8(text: str, name: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"The {name} cannot be written in UTF-8", got=str(error)) from error
