"""Signature checks as strict as the chain's native programs (PROTOCOL section 2)."""

from __future__ import annotations

from typing import Final

P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of the P-256 group."""


def verify_ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a 64-byte Ed25519 signature holds: by the rule of the native program, which refuses what many libraries
    accept, such as keys and R of small order."""
    from solders.pubkey import Pubkey
    from solders.signature import Signature

    return Signature.from_bytes(signature).verify(Pubkey(public), message)


def verify_p256(compressed: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a 64-byte P-256 signature (r and s, big-endian, low S) over the message's SHA-256 holds."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (0 < r < P256_ORDER and 0 < s <= P256_ORDER // 2):
        return False
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), compressed)
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
