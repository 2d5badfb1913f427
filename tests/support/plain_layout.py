"""A second way from an IDL's types to bytes, by the standard library's `struct` alone: what the client is held to."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from solders.pubkey import Pubkey

FORMATS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i8": "b", "i16": "h", "i32": "i", "i64": "q", "bool": "?"}
Build = Callable[[str, dict[str, Any]], Any]


def encode(type_: Any, value: Any, types: dict[str, Any]) -> bytes:
    """`value` (numbers, bytes, lists, and dicts for structs) as the bytes of an IDL type."""
    match type_:
        case str() if type_ in FORMATS:
            return struct.pack("<" + FORMATS[type_], value)
        case "pubkey":
            return bytes(value)
        case "bytes":
            return struct.pack("<I", len(value)) + bytes(value)
        case {"array": [item, _]}:
            return b"".join(encode(item, each, types) for each in value)
        case {"vec": item}:
            return struct.pack("<I", len(value)) + b"".join(encode(item, each, types) for each in value)
        case {"option": item}:
            return b"\x00" if value is None else b"\x01" + encode(item, value, types)
        case {"defined": {"name": name}}:
            fields = types[name]["type"]["fields"]
            return b"".join(encode(field["type"], value[field["name"]], types) for field in fields)
    raise AssertionError(type_)


def values(type_: Any, types: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Every value of an IDL type, in the form that `encode` takes."""
    match type_:
        case "bool":
            return st.booleans()
        case "pubkey":
            return st.binary(min_size=32, max_size=32)
        case "bytes":
            return st.binary(max_size=40)
        case str():
            bits, low = int(type_[1:]), 0 if type_[0] == "u" else -(1 << int(type_[1:]) - 1)
            return st.integers(low, low + (1 << bits) - 1)
        case {"array": [item, length]}:
            return st.lists(values(item, types), min_size=length, max_size=length)
        case {"vec": item}:
            return st.lists(values(item, types), max_size=4)
        case {"option": item}:
            return st.none() | values(item, types)
        case {"defined": {"name": name}}:
            fields = types[name]["type"]["fields"]
            return st.fixed_dictionaries({field["name"]: values(field["type"], types) for field in fields})
    raise AssertionError(type_)


def to_client(type_: Any, value: Any, types: dict[str, Any], build: Build) -> Any:
    """The same value as the client spells it; `build(name, fields)` makes a struct."""
    match type_:
        case "pubkey":
            return Pubkey(value)
        case {"array": ["u8", _]} | {"vec": "u8"}:
            return bytes(value)
        case {"array": [item, _]} | {"vec": item}:
            return tuple(to_client(item, each, types, build) for each in value)
        case {"option": item}:
            return None if value is None else to_client(item, value, types, build)
        case {"defined": {"name": name}}:
            fields = types[name]["type"]["fields"]
            made = {f["name"]: to_client(f["type"], value[f["name"]], types, build) for f in fields}
            return build(name, made)
    return value
