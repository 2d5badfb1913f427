"""Instruction data of the native signature programs (PROTOCOL section 2).

A signature reaches the Worktab program by way of the native Ed25519 or secp256r1 program, in the instruction
immediately before the one that uses it. Exactly one layout is accepted, the one made here: a 16-byte header, then
key, signature and message, and nothing else.
"""

from __future__ import annotations

import struct
from typing import Final

from worktab.core.errors import EncodingError, KeyFormatError
from worktab.core.keys import SIGNATURE_SIZE, DeviceKey, KeyKind
from worktab.core.messages import MESSAGE_SIZE

ED25519_PROGRAM: Final = "Ed25519SigVerify111111111111111111111111111"
"""Address of the native Ed25519 program, base58."""

SECP256R1_PROGRAM: Final = "Secp256r1SigVerify1111111111111111111111111"
"""Address of the native secp256r1 (P-256) program, base58."""

_HEADER = struct.Struct("<BBHHHHHHH")
_THIS_INSTRUCTION = 0xFFFF


def native_program(kind: KeyKind) -> str:
    """Base58 address of the native program that checks signatures of keys of `kind`."""
    return ED25519_PROGRAM if kind is KeyKind.ED25519 else SECP256R1_PROGRAM


def signature_instruction_data(key: DeviceKey, signature: bytes, message: bytes) -> bytes:
    """The data of the native instruction that checks one signature over one message (PROTOCOL section 2).

    216 bytes for an Ed25519 key, 217 for P-256. The signature itself is not checked here.

    Args:
        key: the signer's public key; decides which native program the data is for (`native_program(key.kind)`).
        signature: 64 bytes, P-256 with the low S.
        message: the 104 signed bytes.

    Raises:
        KeyFormatError: the signature is not 64 bytes.
        EncodingError: the message is not 104 bytes.
    """
    if len(signature) != SIGNATURE_SIZE:
        raise KeyFormatError(
            "signature has the wrong length", expected=f"{SIGNATURE_SIZE} bytes", got=f"{len(signature)} bytes"
        )
    if len(message) != MESSAGE_SIZE:
        raise EncodingError(
            "message has the wrong length", expected=f"{MESSAGE_SIZE} bytes", got=f"{len(message)} bytes"
        )
    public = key.public_bytes
    key_at = _HEADER.size
    signature_at = key_at + len(public)
    message_at = signature_at + SIGNATURE_SIZE
    header = _HEADER.pack(
        1,
        0,
        signature_at,
        _THIS_INSTRUCTION,
        key_at,
        _THIS_INSTRUCTION,
        message_at,
        MESSAGE_SIZE,
        _THIS_INSTRUCTION,
    )
    return header + public + signature + message
