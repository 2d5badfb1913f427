"""Checks at the edge of the core: 32-byte values and integer ranges."""

from __future__ import annotations

from typing import SupportsBytes, TypeAlias

from worktab.core.errors import InputError

Bytes32: TypeAlias = bytes | SupportsBytes
"""A 32-byte address or hash: `bytes`, or any object with `__bytes__` (a solders `Pubkey` or `Hash`)."""


def sized(value: Bytes32, size: int, name: str) -> bytes:
    """`value` as exactly `size` bytes.

    Integers, text and lists are refused: `bytes(32)` would quietly make 32 zero bytes of the number 32.

    Raises:
        InputError: `value` is not bytes-like in that sense, or has another length.
    """
    # As isinstance(value, SupportsBytes) tells, which takes ten times as long as a hash.
    if not hasattr(value, "__bytes__"):
        raise InputError(
            f"{name} is not bytes",
            expected=f"{size} bytes, or an object with __bytes__",
            got=type(value).__name__,
            next_step="Decode text first: Pubkey.from_string(..) for base58, bytes.fromhex(..) for hex",
        )
    data = bytes(value)
    if len(data) != size:
        raise InputError(f"{name} has the wrong length", expected=f"{size} bytes", got=f"{len(data)} bytes")
    return data


def bytes32(value: Bytes32, name: str) -> bytes:
    """`value` as exactly 32 bytes; see `sized`."""
    return sized(value, 32, name)


def uint(value: int, bits: int, name: str) -> int:
    """`value`, checked to be an integer of `bits` bits, unsigned.

    Raises:
        InputError: not an integer (a bool or a float is not one), negative, or too large.
    """
    if type(value) is not int and (isinstance(value, bool) or not isinstance(value, int)):
        raise InputError(f"{name} is not an integer", expected="int", got=type(value).__name__)
    if not 0 <= value < 1 << bits:
        raise InputError(f"{name} is out of range", expected=f"0 to 2^{bits} - 1", got=str(value))
    return int(value)


def u32(value: int, name: str) -> bytes:
    """Four bytes, little-endian; see `uint`."""
    return uint(value, 32, name).to_bytes(4, "little")


def u64(value: int, name: str) -> bytes:
    """Eight bytes, little-endian; see `uint`."""
    return uint(value, 64, name).to_bytes(8, "little")
