"""Devices without an account: what is signed, what verifies, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.core.addresses import find_device
from worktab.core.contexts import domain, receipt_context
from worktab.core.enrolments import (
    FIRST_ENROLLED_INDEX,
    Enrolment,
    SignedEnrolment,
    enrolled_index,
    enrolment_context,
)
from worktab.core.errors import EncodingError, InputError, KeyFormatError, VerificationError
from worktab.core.keys import Ed25519Signer, P256Signer, Signer

PROGRAM, NETWORK = b"p" * 32, b"n" * 32
DOMAIN: Final = domain(b"g" * 32, PROGRAM, NETWORK)
HERE: Final[dict[str, Any]] = {"domain": DOMAIN, "program_id": PROGRAM, "network": NETWORK}
OWNER, ADMISSION = Keypair.from_seed(bytes([1] * 32)), Keypair.from_seed(bytes([2] * 32))
KEY: Final = Ed25519Signer.generate()
P256: Final = P256Signer(ec.generate_private_key(ec.SECP256R1()))
TERMS: Final = Enrolment(KEY.public, OWNER.pubkey(), Pubkey(b"w" * 32), 3, 5)


def signed(*, key: Signer = KEY, admission: Keypair | None = None, **changes: Any) -> SignedEnrolment:
    terms = replace(TERMS, key=key.public, **changes)
    return SignedEnrolment.sign(terms, **HERE, owner=OWNER, key=key, admission=admission)


def with_field(made: SignedEnrolment, name: str, value: Any) -> SignedEnrolment:
    fields: dict[str, Any] = {name: value}
    return replace(made, **fields)


@pytest.mark.parametrize("key", [KEY, P256], ids=["ed25519", "p256"])
@pytest.mark.parametrize("admission", [None, ADMISSION], ids=["open", "admitted"])
def test_what_was_signed_verifies_and_survives_json(key: Signer, admission: Keypair | None) -> None:
    made = signed(key=key, admission=admission)
    made.verify(**HERE)
    assert made.device == find_device(PROGRAM, NETWORK, key.public)[0]
    assert made.admission == (admission.pubkey() if admission else None)
    again = SignedEnrolment.from_json(made.to_json())
    assert again == made
    again.verify(**HERE)


def test_receipts_are_bound_to_an_index_that_follows_from_the_address() -> None:
    device = bytes(signed().device)
    index = enrolled_index(device)
    assert index >= FIRST_ENROLLED_INDEX == 2**31
    assert TERMS.receipt_context(DOMAIN, device) == receipt_context(DOMAIN, device, index)


@given(st.binary(min_size=32, max_size=32))
def test_no_enrolled_index_is_one_that_the_chain_gives_out(device: bytes) -> None:
    assert 2**31 <= enrolled_index(device) < 2**32


@pytest.mark.parametrize("field", ["key", "owner", "payout", "class_", "serial"])
def test_both_signatures_cover_every_term(field: str) -> None:
    made = signed()
    other = {"key": P256.public, "owner": ADMISSION.pubkey(), "payout": Pubkey(b"x" * 32), "class_": 4, "serial": 6}
    changed = replace(made, enrolment=replace(TERMS, **{field: other[field]}))  # type: ignore[arg-type]
    with pytest.raises(VerificationError):
        changed.verify(**HERE)
    # Nor does it hold with the address that belongs to the changed terms.
    moved = replace(changed, device=changed.enrolment.device(PROGRAM, NETWORK))
    with pytest.raises(VerificationError, match="the owner's signature"):
        moved.verify(**HERE)


def test_each_signature_is_checked() -> None:
    made, other = signed(admission=ADMISSION), signed(serial=6, admission=ADMISSION)
    for field, named in (
        ("owner_signature", "the owner's signature"),
        ("key_signature", "the device key's signature"),
        ("admission_signature", "the admission's signature"),
    ):
        with pytest.raises(VerificationError, match=named):
            with_field(made, field, getattr(other, field)).verify(**HERE)
        for size in (0, 63, 65):
            with pytest.raises(InputError, match="has the wrong length"):
                with_field(made, field, bytes(size))
    with pytest.raises(InputError, match="admission signature has the wrong length"):
        replace(made, admission=None)
    with pytest.raises(VerificationError, match="the admission's signature"):
        replace(made, admission=OWNER.pubkey()).verify(**HERE)


def test_an_enrolment_is_for_one_network_of_one_program_on_one_cluster() -> None:
    made = signed()
    for changes, named in (
        ({"domain": b"d" * 32}, "the owner's signature"),
        ({"network": b"m" * 32}, "another device than its key's"),
        ({"program_id": b"q" * 32}, "another device than its key's"),
    ):
        with pytest.raises(VerificationError, match=named):
            made.verify(**(HERE | changes))


def test_an_enrolment_of_another_device_is_refused() -> None:
    with pytest.raises(VerificationError, match="another device") as caught:
        replace(signed(), device=Pubkey(b"z" * 32)).verify(**HERE)
    assert caught.value.expected == str(TERMS.device(PROGRAM, NETWORK))


def test_secrets_and_signatures_are_not_shown() -> None:
    made = signed()
    assert made.owner_signature.hex() not in repr(made)
    assert str(made.owner_signature) not in repr(made)


def test_the_context_takes_only_what_fits() -> None:
    context = {"domain": DOMAIN, "device": bytes(32), "key": KEY.public, "owner": bytes(32), "payout": bytes(32)}
    assert len(enrolment_context(**context, class_=255)) == 32  # type: ignore[arg-type]
    with pytest.raises(InputError):
        enrolment_context(**context, class_=256)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        enrolment_context(**(context | {"owner": bytes(31)}), class_=0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"key_kind": 0}, InputError),
        ({"key_kind": 3}, InputError),
        ({"key_kind": "1"}, EncodingError),
        ({"key": "00"}, EncodingError),
        ({"key_kind": 2}, KeyFormatError),
        ({"class": 256}, InputError),
        ({"class": -1}, EncodingError),
        ({"serial": 5}, EncodingError),
        ({"serial": "05"}, EncodingError),
        ({"owner": "me"}, EncodingError),
        ({"owner_signature": "00"}, EncodingError),
        ({"key_signature": "zz"}, EncodingError),
        ({"more": 1}, EncodingError),
        ({"admission": str(ADMISSION.pubkey())}, EncodingError),
        ({"admission_signature": "00" * 64}, EncodingError),
    ],
    ids=str,
)
def test_json_of_another_form_is_refused(changes: dict[str, Any], error: type[Exception]) -> None:
    good = signed().to_json()
    assert SignedEnrolment.from_json(good).to_json() == good
    with pytest.raises(error):
        SignedEnrolment.from_json(good | changes)


@pytest.mark.parametrize("missing", ["device", "key", "owner", "serial", "owner_signature"])
def test_json_with_a_part_missing_is_refused(missing: str) -> None:
    facts = signed().to_json()
    del facts[missing]
    with pytest.raises(EncodingError):
        SignedEnrolment.from_json(facts)


@pytest.mark.parametrize("value", [None, [], "enrolment", 7])
def test_what_is_no_json_object_is_refused(value: object) -> None:
    with pytest.raises(EncodingError):
        SignedEnrolment.from_json(value)
