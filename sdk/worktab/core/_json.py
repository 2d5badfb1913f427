"""Values of JSON objects that strangers send: exact keys, one way to write each value, and one kind of error."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from solders.pubkey import Pubkey

from worktab.core.errors import EncodingError

_LONGEST_ADDRESS = 44
_DECIMAL = re.compile("0|[1-9][0-9]{0,19}", re.ASCII)


def json_fields(value: object, names: Sequence[str]) -> list[Any]:
    """The values of a JSON object that has these keys and no others, in the order of `names`.

    Raises:
        EncodingError: it is something else. So in every function here.
    """
    if not isinstance(value, dict) or value.keys() != set(names):
        got = ", ".join(map(ascii, value))[:100] if isinstance(value, dict) else type(value).__name__
        raise EncodingError("a JSON object has other fields", expected=", ".join(names), got=got)
    return [value[name] for name in names]


def json_decimal(value: object, name: str) -> int:
    """A u64 written as a string of decimal digits: not every reader of JSON numbers keeps all of 64 bits."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value) and int(value) < 1 << 64:
        return int(value)
    raise EncodingError(
        f"{name} is no amount", expected="a string of decimal digits, below 2^64", got=ascii(value)[:100]
    )


def json_u32(value: object, name: str) -> int:
    """A u32 written as a JSON number."""
    if type(value) is int and 0 <= value < 1 << 32:
        return value
    raise EncodingError(f"{name} is out of range", expected="an integer from 0 to 2^32 - 1", got=ascii(value)[:100])


def json_hex(value: object, size: int, name: str) -> bytes:
    """Bytes written in lower-case hex."""
    try:
        data = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        data = b""
    if len(data) != size or data.hex() != value:
        raise EncodingError(f"{name} is not hex", expected=f"{size} bytes, lower case", got=ascii(value)[:200])
    return data


def json_address(value: object, name: str) -> Pubkey:
    """An address written in base58."""
    address = _address(value) if isinstance(value, str) and len(value) <= _LONGEST_ADDRESS else None
    if address is None:
        raise EncodingError(f"{name} is no address", expected="32 bytes in base58", got=ascii(value)[:100])
    return address


@lru_cache(maxsize=1024)
def _address(text: str) -> Pubkey | None:
    """The address that a text is, None for none. The same few are read in every request."""
    try:
        address = Pubkey.from_string(text)
    except ValueError:
        return None
    return address if str(address) == text else None
