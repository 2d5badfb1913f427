"""Reading JSON objects from strangers: exact keys, exact types, and one kind of error."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from worktab.core.errors import EncodingError


def parse_object(data: bytes, keys: Sequence[str]) -> dict[str, Any]:
    """The JSON object in `data`, which has these keys and no others.

    Raises:
        EncodingError: it is something else.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise EncodingError("this is not JSON", got=f"{len(data)} bytes") from error
    return as_object(value, keys)


def as_object(value: object, keys: Sequence[str]) -> dict[str, Any]:
    """`value`, checked to be an object with these keys and no others.

    Raises:
        EncodingError: it is something else.
    """
    if not isinstance(value, dict) or set(value) != set(keys):
        got = ", ".join(map(ascii, sorted(value)))[:100] if isinstance(value, dict) else type(value).__name__
        raise EncodingError("a JSON object has other fields", expected=", ".join(keys), got=got)
    return value


def as_uint(value: object) -> int:
    """`value`, checked to be an integer from 0 to 2^64 - 1.

    Raises:
        EncodingError: it is something else.
    """
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise EncodingError(
            "a number is out of range", expected="an integer from 0 to 2^64 - 1", got=ascii(value)[:100]
        )
    return value


def as_bytes(value: object, size: int) -> bytes:
    """The `size` bytes written in lower-case hex in `value`.

    Raises:
        EncodingError: it is something else.
    """
    try:
        data = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        data = b""
    if len(data) != size or data.hex() != value:
        raise EncodingError(
            "a value is not bytes in hex", expected=f"{2 * size} lower-case hex digits", got=ascii(value)[:100]
        )
    return data
