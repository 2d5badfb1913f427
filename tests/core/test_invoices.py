"""What an invoice's hash covers, and signed disputes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.core.errors import EncodingError, InputError, VerificationError
from worktab.core.invoices import SignedDispute, invoice_terms, memo_hash

TERMS: Final[dict[str, Any]] = {
    "domain": b"d" * 32,
    "invoice": b"i" * 32,
    "consumer": b"c" * 32,
    "amount": 7,
    "units": 8,
    "due": 9,
    "created_slot": 10,
    "head": b"h" * 32,
    "memo": b"m" * 32,
}
KEY: Final = Keypair()
INVOICE: Final = Pubkey(b"i" * 32)


@pytest.mark.parametrize("field", TERMS)
def test_the_hash_covers_every_term(field: str) -> None:
    value = TERMS[field]
    other = TERMS | {field: value + 1 if isinstance(value, int) else b"x" * 32}
    assert invoice_terms(**other) != invoice_terms(**TERMS)


@pytest.mark.parametrize("field", ["amount", "units", "due", "created_slot"])
def test_ranges_of_terms(field: str) -> None:
    bits = 63 if field == "due" else 64
    invoice_terms(**TERMS | {field: 2**bits - 1})
    for value in (-1, 2**bits):
        with pytest.raises(InputError, match="is out of range"):
            invoice_terms(**TERMS | {field: value})


def test_a_memo_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(InputError, match=r"^The memo cannot be written in UTF-8"):
        memo_hash("\ud800")


def dispute(reason: str = "We never bought this") -> SignedDispute:
    return SignedDispute.sign(KEY, b"d" * 32, INVOICE, b"t" * 32, reason)


def test_a_dispute_is_the_consumers_word() -> None:
    signed = dispute()
    assert (signed.invoice, signed.terms, signed.consumer) == (INVOICE, b"t" * 32, KEY.pubkey())
    signed.verify(b"d" * 32)
    assert SignedDispute.from_json(signed.to_json()) == signed


@pytest.mark.parametrize(
    "changes",
    [
        {"invoice": Pubkey(b"j" * 32)},
        {"terms": b"u" * 32},
        {"consumer": Keypair().pubkey()},
        {"reason": "We bought this"},
        {"signature": bytes(64)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_nothing_of_a_dispute_can_be_changed(changes: dict[str, Any]) -> None:
    with pytest.raises(VerificationError, match="not the consumer's"):
        replace(dispute(), **changes).verify(b"d" * 32)


def test_a_dispute_is_for_one_cluster() -> None:
    with pytest.raises(VerificationError, match="not the consumer's"):
        dispute().verify(b"e" * 32)


def test_a_dispute_gives_a_reason_of_bounded_length() -> None:
    assert len(dispute("x" * 1_000).reason) == 1_000
    for reason in ("", "x" * 1_001):
        with pytest.raises(InputError, match="The reason has the wrong length"):
            dispute(reason)
        with pytest.raises(EncodingError, match="reason is no text"):
            SignedDispute.from_json(dispute().to_json() | {"reason": reason})


@pytest.mark.parametrize(
    ("field", "value"), [("invoice", "x"), ("terms", "ab"), ("consumer", None), ("reason", 3), ("signature", "")]
)
def test_what_is_no_dispute_is_refused(field: str, value: object) -> None:
    with pytest.raises(EncodingError):
        SignedDispute.from_json(dispute().to_json() | {field: value})
