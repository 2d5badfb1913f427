"""Keys: forms, signing, and secrets that stay secret. Signatures of strangers are in the vectors and test_native."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given
from hypothesis import strategies as st
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.small_order import FIELD, SMALL_ORDER_Y
from worktab.core._signatures import P256_ORDER
from worktab.core.errors import InputError, KeyFormatError
from worktab.core.keys import DeviceKey, Ed25519Signer, KeyKind, P256Signer, Signer, low_s

SEED = bytes(range(32))
MESSAGE = b"message"


@pytest.fixture(params=[Ed25519Signer.generate, P256Signer.generate], ids=["Ed25519", "P-256"])
def signer(request: pytest.FixtureRequest) -> Signer:
    made: Signer = request.param()
    return made


def test_a_signature_holds_for_its_key_and_message_only(signer: Signer) -> None:
    signature = signer.sign(MESSAGE)
    assert len(signature) == 64
    assert signer.public.verify(MESSAGE, signature)
    assert not signer.public.verify(b"another message", signature)
    assert not type(signer).generate().public.verify(MESSAGE, signature)  # type: ignore[attr-defined]
    for wrong in (b"", signature[:63], signature + b"\0", bytes(64), b"\xff" * 64):
        assert not signer.public.verify(MESSAGE, wrong)


def test_two_generated_keys_differ(signer: Signer) -> None:
    assert signer.public != type(signer).generate().public  # type: ignore[attr-defined]


@given(st.binary(max_size=200))
def test_ed25519_agrees_with_solders(message: bytes) -> None:
    theirs, ours = Keypair.from_seed(SEED), Ed25519Signer(SEED)
    assert ours.public == DeviceKey.ed25519(bytes(theirs.pubkey()))
    assert ours.sign(message) == bytes(theirs.sign_message(message))


@given(st.binary(max_size=200))
def test_p256_signatures_have_the_low_s(message: bytes) -> None:
    signer = P256Signer(ec.derive_private_key(7, ec.SECP256R1()))
    signature = signer.sign(message)
    assert 0 < int.from_bytes(signature[32:], "big") <= P256_ORDER // 2
    assert signer.public.verify(message, signature)


def test_low_s_takes_either_s() -> None:
    def der(r: int, s: int) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

        return encode_dss_signature(r, s)

    expected = (5).to_bytes(32, "big") + (9).to_bytes(32, "big")
    assert low_s(der(5, 9)) == expected
    assert low_s(der(5, P256_ORDER - 9)) == expected
    for wrong in (b"", b"not DER", der(0, 9), der(5, 0), der(P256_ORDER, 9), der(5, P256_ORDER)):
        with pytest.raises(KeyFormatError, match=r"^not a P-256 signature"):
            low_s(wrong)


def test_small_order_points_are_all_eight() -> None:
    """Points of order 1, 2, 4 and 8: y is 1, -1, 0, and the four points whose double has y = 0."""
    p = FIELD
    d = -121665 * pow(121666, -1, p) % p
    # A point doubles to y = 0 exactly when x^2 = -y^2; on the curve that leaves d y^4 + 2 y^2 - 1 = 0.
    of_order_8 = {y for y in SMALL_ORDER_Y if (d * pow(y, 4, p) + 2 * y * y - 1) % p == 0}
    assert SMALL_ORDER_Y - of_order_8 == {0, 1, p - 1}
    assert len(of_order_8) == 2


def test_forms_of_keys() -> None:
    ed25519, p256 = DeviceKey.ed25519(b"k" * 32), DeviceKey.p256(b"\3" + b"k" * 32)
    assert (ed25519.kind, ed25519.raw33, ed25519.public_bytes) == (KeyKind.ED25519, b"k" * 32 + b"\0", b"k" * 32)
    assert (p256.kind, p256.raw33, p256.public_bytes) == (KeyKind.P256, b"\3" + b"k" * 32, b"\3" + b"k" * 32)
    assert DeviceKey.ed25519(Pubkey(b"k" * 32)) == ed25519


@pytest.mark.parametrize(
    ("kind", "raw33", "said"),
    [
        (0, bytes(33), "key kind is not known; expected 1 (Ed25519) or 2 (P-256); got 0"),
        (3, bytes(33), "key kind is not known; expected 1 (Ed25519) or 2 (P-256); got 3"),
        (KeyKind.ED25519, bytes(32), "key has the wrong form; expected 33 bytes; got 32 bytes"),
        (KeyKind.ED25519, bytes(34), "key has the wrong form; expected 33 bytes; got 34 bytes"),
        (KeyKind.P256, "a" * 33, "key has the wrong form; expected 33 bytes; got str"),
        (KeyKind.ED25519, bytes(32) + b"\1", "an Ed25519 key ends in a zero byte; expected 00; got 01"),
        (KeyKind.P256, b"\4" + bytes(32), "a compressed P-256 key starts with 02 or 03; got 04"),
        (KeyKind.P256, bytes(33), "a compressed P-256 key starts with 02 or 03; got 00"),
    ],
)
def test_other_forms_are_refused(kind: Any, raw33: Any, said: str) -> None:
    with pytest.raises(KeyFormatError) as caught:
        DeviceKey(kind, raw33)
    assert str(caught.value) == said


def test_solana_keypair_files() -> None:
    theirs = Keypair.from_seed(SEED)
    signer = Ed25519Signer.from_json_bytes(theirs.to_json().encode())
    assert signer.public.public_bytes == bytes(theirs.pubkey())
    assert Keypair.from_json(signer.to_json_bytes().decode()) == theirs
    assert Ed25519Signer.from_json_bytes(signer.to_json_bytes()).sign(MESSAGE) == signer.sign(MESSAGE)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"64",
        b"[1, 2, 3]",
        b"\xff\xfe",
        json.dumps([1] * 63).encode(),
        json.dumps([1] * 65).encode(),
        json.dumps([256] * 64).encode(),
        json.dumps([-1] * 64).encode(),
        json.dumps([1.0] * 64).encode(),
        json.dumps(["1"] * 64).encode(),
        b"[" * 100_000,
    ],
)
def test_what_is_not_a_keypair_file(data: bytes) -> None:
    with pytest.raises(KeyFormatError, match=r"^not a Solana keypair file; expected a JSON list of 64 integers"):
        Ed25519Signer.from_json_bytes(data)


def test_a_keypair_file_whose_halves_differ_is_refused() -> None:
    damaged = json.loads(Keypair.from_seed(SEED).to_json())
    damaged[63] ^= 1
    with pytest.raises(KeyFormatError, match="do not belong together"):
        Ed25519Signer.from_json_bytes(json.dumps(damaged).encode())


@pytest.mark.parametrize("size", [31, 33, 64])
def test_a_seed_is_32_bytes(size: int) -> None:
    with pytest.raises(InputError, match=f"^Ed25519 seed has the wrong length; expected 32 bytes; got {size} bytes"):
        Ed25519Signer(bytes(size))


def test_pem_files() -> None:
    signer = P256Signer.generate()
    pem = signer.to_pem()
    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    again = P256Signer.from_pem(pem)
    assert again.public == signer.public
    assert signer.public.verify(MESSAGE, again.sign(MESSAGE))


def pem_of(key: ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def test_what_is_not_a_p256_pem_file() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public_pem = pem_of(key).replace(b"PRIVATE", b"PUBLIC")
    for data in (b"", b"not PEM", pem_of(key, b"password"), public_pem, pem_of(key)[:100]):
        with pytest.raises(KeyFormatError, match=r"^not a P-256 private key; expected an unencrypted PKCS #8 PEM file"):
            P256Signer.from_pem(data)
    with pytest.raises(KeyFormatError, match=r"^the key is on another curve; expected secp256r1 .*; got secp384r1"):
        P256Signer.from_pem(pem_of(ec.generate_private_key(ec.SECP384R1())))


def test_secrets_do_not_show() -> None:
    ed25519, p256 = Ed25519Signer(SEED), P256Signer.generate()
    assert repr(ed25519) == f"Ed25519Signer(public={ed25519.public.public_bytes.hex()})"
    assert repr(p256) == f"P256Signer(public={p256.public.raw33.hex()})"
    loaded = load_pem_private_key(p256.to_pem(), None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    scalar = loaded.private_numbers().private_value
    assert f"{scalar:064x}" not in repr(p256)
    with pytest.raises(KeyFormatError) as caught:
        Ed25519Signer.from_json_bytes(json.dumps([*SEED, *SEED]).encode())
    assert SEED.hex() not in repr(caught.value.as_dict())
    assert str(list(SEED))[1:-1] not in repr(caught.value.as_dict())


def test_importing_the_core_loads_no_heavy_library() -> None:
    modules = ", ".join(
        f"worktab.core.{name}" for name in ("contexts", "keys", "messages", "money", "native", "records")
    )
    code = f"import sys, {modules}; print(sorted({{'cryptography', 'numpy', 'solders'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
