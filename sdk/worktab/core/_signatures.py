"""Signature checks as strict as the chain's native programs (PROTOCOL section 2)."""

from __future__ import annotations

from typing import Final

P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of the P-256 group."""

_ED25519_P: Final = 2**255 - 19
_ORDER_8_Y: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER_Y: Final = frozenset({0, 1, _ED25519_P - 1, _ORDER_8_Y, _ED25519_P - _ORDER_8_Y})


def verify_ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a 64-byte Ed25519 signature holds.

    The library accepts small-order keys and R, the native program refuses both; they are refused here too.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if _is_small_order(public) or _is_small_order(signature[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_small_order(point: bytes) -> bool:
    """Whether an encoded point is one of the curve's eight of small order, in any encoding of it."""
    y = int.from_bytes(point, "little") & ((1 << 255) - 1)
    return y % _ED25519_P in _SMALL_ORDER_Y


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
