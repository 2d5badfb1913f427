"""What the vectors share: fixed bytes, the largest integers, keys for tests."""

from __future__ import annotations

import hashlib
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec

from worktab.core.keys import P256Signer

U32_MAX, U64_MAX, I64_MAX = 2**32 - 1, 2**64 - 1, 2**63 - 1
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

Json: TypeAlias = dict[str, Any]


def fixed(label: str) -> bytes:
    """32 bytes that look random and never change."""
    return hashlib.sha256(b"worktab vector: " + label.encode()).digest()


def p256_private_key(label: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(fixed(label), "big"), ec.SECP256R1())


def p256_signer(label: str) -> P256Signer:
    return P256Signer(p256_private_key(label))
