"""Signed vouchers and batches: what verifies, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.core.contexts import BatchEntry, batch_context
from worktab.core.errors import EncodingError, InputError, VerificationError
from worktab.core.messages import Message
from worktab.core.vouchers import SignedBatch, SignedVoucher

KEY: Final = Keypair()
DOMAIN: Final = b"d" * 32
TAB, DEVICE = Pubkey(b"t" * 32), Pubkey(b"v" * 32)
ENTRIES: Final = (BatchEntry(1, 5, 10, 3), BatchEntry(1, 6, 0, 0), BatchEntry(2, 4, 7, 7))
SMALL_ORDER: Final = bytes([1]) + bytes(31)
"""The neutral point: a key under which a signature of zeros holds for every message, if nobody looks closely."""


def voucher(**changes: Any) -> SignedVoucher:
    fields: dict[str, Any] = {"amount": 120, "units": 90, "seq": 4, "head": b"h" * 32, "expires_at": 50} | changes
    return SignedVoucher.sign(KEY, DOMAIN, TAB, DEVICE, 3, 7, **fields)


def batch(*entries: BatchEntry, expires_at: int = 0) -> SignedBatch:
    return SignedBatch.sign(KEY, DOMAIN, TAB, entries or ENTRIES, expires_at=expires_at)


def test_a_voucher_says_what_was_signed() -> None:
    signed = voucher()
    assert (signed.amount, signed.units, signed.seq, signed.head, signed.expires_at) == (120, 90, 4, b"h" * 32, 50)
    assert (signed.tab, signed.device, signed.index, signed.lane_nonce) == (TAB, DEVICE, 3, 7)
    signed.verify(KEY.pubkey(), DOMAIN)
    assert SignedVoucher.from_json(signed.to_json()) == signed


@pytest.mark.parametrize(
    "changes",
    [{"tab": DEVICE}, {"device": TAB}, {"index": 4}, {"lane_nonce": 8}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_voucher_is_for_one_lane(changes: dict[str, Any]) -> None:
    with pytest.raises(VerificationError, match="signed for something else"):
        replace(voucher(), **changes).verify(KEY.pubkey(), DOMAIN)


def test_a_voucher_is_for_one_network_and_of_one_key() -> None:
    with pytest.raises(VerificationError, match="signed for something else"):
        voucher().verify(KEY.pubkey(), b"e" * 32)
    with pytest.raises(VerificationError, match="not the lane signer's"):
        voucher().verify(Keypair().pubkey(), DOMAIN)


@pytest.mark.parametrize("field", ["amount", "units", "seq", "time"])
def test_no_number_can_be_changed(field: str) -> None:
    signed = voucher()
    changed = replace(signed, message=replace(signed.message, **{field: getattr(signed.message, field) + 1}))
    with pytest.raises(VerificationError, match="not the lane signer's"):
        changed.verify(KEY.pubkey(), DOMAIN)


def test_signatures_are_as_strict_as_the_chains() -> None:
    forged = replace(voucher(), signature=SMALL_ORDER + bytes(32))
    for key in (Pubkey(SMALL_ORDER), KEY.pubkey()):
        with pytest.raises(VerificationError, match="not the lane signer's"):
            forged.verify(key, DOMAIN)


def test_only_a_voucher_is_one() -> None:
    other = Message.receipt(b"c" * 32, 1, 1, 1, b"h" * 32)
    with pytest.raises(InputError, match="expected VOUCHER; got RECEIPT"):
        SignedVoucher(TAB, DEVICE, 0, 0, other, bytes(64))
    with pytest.raises(InputError, match="expected BATCH_VOUCHER; got RECEIPT"):
        SignedBatch(TAB, ENTRIES, other, bytes(64))
    with pytest.raises(InputError, match="signature has the wrong length"):
        replace(voucher(), signature=bytes(63))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tab", "no address"),
        ("tab", 7),
        ("device", ""),
        ("index", "3"),
        ("index", True),
        ("index", 2**32),
        ("lane", -1),
        ("lane", 7.0),
        ("amount", 120),
        ("amount", "0120"),
        ("amount", "-1"),
        ("amount", "1e3"),
        ("amount", "１２"),
        ("units", str(2**64)),
        ("seq", ""),
        ("expires_at", str(2**63)),
        ("head", "zz" * 32),
        ("head", "AB" * 32),
        ("head", "ab" * 31),
        ("context", None),
        ("signature", "ab" * 63),
        ("signature", " " + "ab" * 63 + "a"),
    ],
)
def test_json_has_one_way_to_write_a_value(field: str, value: object) -> None:
    with pytest.raises(EncodingError):
        SignedVoucher.from_json(voucher().to_json() | {field: value})


@pytest.mark.parametrize("value", [None, [], "voucher", {}, {"tab": str(TAB)}])
def test_what_is_no_voucher_is_refused(value: object) -> None:
    for kind in (SignedVoucher, SignedBatch):
        with pytest.raises(EncodingError, match="a JSON object has other fields"):
            kind.from_json(value)
    with pytest.raises(EncodingError, match="a JSON object has other fields"):
        SignedVoucher.from_json(voucher().to_json() | {"more": 1})


def test_a_batch_says_what_was_signed() -> None:
    signed = batch(expires_at=9)
    assert (signed.expires_at, signed.entries) == (9, ENTRIES)
    assert signed.message == Message.batch(batch_context(DOMAIN, TAB, ENTRIES), 9)
    assert signed.entry_bytes == b"".join(entry.encode() for entry in ENTRIES)
    signed.verify(KEY.pubkey(), DOMAIN)
    assert SignedBatch.from_json(signed.to_json()) == signed


def test_a_batch_holds_for_its_entries_alone() -> None:
    signed = batch()
    for changed in (ENTRIES[:2], (*ENTRIES, BatchEntry(9, 9, 9, 9)), (ENTRIES[0], ENTRIES[1], BatchEntry(2, 4, 8, 7))):
        with pytest.raises(VerificationError, match="signed for something else"):
            replace(signed, entries=changed).verify(KEY.pubkey(), DOMAIN)
    for out_of_order in ((), (ENTRIES[1], ENTRIES[0]), (ENTRIES[0], ENTRIES[0])):
        with pytest.raises(VerificationError, match="cannot be those of a batch voucher"):
            replace(signed, entries=out_of_order).verify(KEY.pubkey(), DOMAIN)
    with pytest.raises(VerificationError, match="signed for something else"):
        replace(signed, tab=DEVICE).verify(KEY.pubkey(), DOMAIN)
    with pytest.raises(VerificationError, match="not the lane signer's"):
        signed.verify(Keypair().pubkey(), DOMAIN)


def test_a_batch_needs_entries_that_rise() -> None:
    for entries in ([], [ENTRIES[1], ENTRIES[0]], [ENTRIES[0]] * 2):
        with pytest.raises(InputError, match="batch"):
            SignedBatch.sign(KEY, DOMAIN, TAB, entries)


@pytest.mark.parametrize(
    "entries", [None, {}, [1], [{"index": 1}], [{"index": 1, "lane": 1, "amount": 1, "units": "1"}]]
)
def test_entries_of_another_form_are_refused(entries: object) -> None:
    with pytest.raises(EncodingError):
        SignedBatch.from_json(batch().to_json() | {"entries": entries})
