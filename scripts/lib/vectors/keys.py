"""keys.json"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from vectors.common import P256_ORDER, Json, fixed, p256_private_key, p256_signer
from worktab.core.keys import DeviceKey, Ed25519Signer, KeyKind, low_s
from worktab.core.messages import Message
from worktab.core.native import native_program, signature_instruction_data

ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def vectors() -> Json:
    message = Message.receipt(fixed("context"), 12, 3_450_000, 1_790_000_000, fixed("head")).encode()
    seed, scalar = fixed("ed25519 seed"), fixed("p256 scalar")
    ed25519, p256 = Ed25519Signer(seed), p256_signer("p256 scalar")
    # Deterministic, so that the file does not change from run to run; a signer may use any nonce.
    signature = low_s(p256_private_key("p256 scalar").sign(message, ec.ECDSA(SHA256(), deterministic_signing=True)))
    high_s = signature[:32] + (P256_ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    identity = b"\x01" + bytes(31)
    good = ed25519.sign(message)
    cases = [
        ("an Ed25519 signature", ed25519.public, good, True, seed),
        ("a P-256 signature with the low S", p256.public, signature, True, scalar),
        ("an Ed25519 signature with a bit flipped", ed25519.public, flip(good), False, None),
        ("a P-256 signature with a bit flipped", p256.public, flip(signature), False, None),
        ("the P-256 signature with the high S", p256.public, high_s, False, None),
        ("a small-order Ed25519 key", DeviceKey.ed25519(identity), identity + bytes(32), False, None),
        ("an Ed25519 signature with a small-order R", ed25519.public, small_order_r(seed, message), False, None),
        ("an Ed25519 signature with S not reduced", ed25519.public, unreduced(good), False, None),
        ("a P-256 signature with r zero", p256.public, bytes(32) + signature[32:], False, None),
        ("a P-256 signature with s zero", p256.public, signature[:32] + bytes(32), False, None),
        ("a P-256 key that is not on the curve", off_curve(), signature, False, None),
    ]
    return {
        "description": "Keys, signatures over one message, and the data of the native instruction that checks them. "
        "`secret` is the Ed25519 seed or the P-256 scalar, for test keys only. `key33` is the padded form.",
        "cases": [
            {
                "description": description,
                "kind": key.kind.value,
                **({"secret": secret.hex()} if secret else {}),
                "key33": key.raw33.hex(),
                "message": message.hex(),
                "signature": candidate.hex(),
                "valid": valid,
                "native_program": native_program(key.kind),
                "instruction_data": signature_instruction_data(key, candidate, message).hex(),
            }
            for description, key, candidate, valid, secret in cases
        ],
    }


def flip(signature: bytes) -> bytes:
    return signature[:40] + bytes([signature[40] ^ 1]) + signature[41:]


def unreduced(signature: bytes) -> bytes:
    s = int.from_bytes(signature[32:], "little") + ED25519_ORDER
    return signature[:32] + s.to_bytes(32, "little")


def small_order_r(seed: bytes, message: bytes) -> bytes:
    """What the holder of a key can make that a lax verifier accepts: nonce 0, so R is the identity and S = k a."""
    scalar = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little") & ((1 << 254) - 8) | (1 << 254)
    identity, public = b"\x01" + bytes(31), Ed25519Signer(seed).public.public_bytes
    k = int.from_bytes(hashlib.sha512(identity + public + message).digest(), "little")
    return identity + (k * scalar % ED25519_ORDER).to_bytes(32, "little")


def off_curve() -> DeviceKey:
    """The compressed point with the smallest x above 0 that no point of P-256 has."""
    for x in range(1, 100):
        compressed = b"\x02" + x.to_bytes(32, "big")
        try:
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), compressed)
        except ValueError:
            return DeviceKey(KeyKind.P256, compressed)
    raise AssertionError("every x tried is on the curve")
