"""Values of the program's types as Worktab's own client takes them, and the same as anchorpy does."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from solders.pubkey import Pubkey

from worktab.program.codec import (
    ADDRESS,
    BOOL,
    BYTES,
    Address,
    Array,
    Boolean,
    Codec,
    FixedBytes,
    Integer,
    Option,
    VarBytes,
    Vec,
)
from worktab.program.generated import types
from worktab.program.structs import Nested, Struct

LONGEST = 8
"""Most items of a generated list."""


def codec_of(idl_type: Any) -> Codec[Any]:
    """How Worktab's own client writes a type of the IDL."""
    match idl_type:
        case "bool":
            return BOOL
        case "pubkey":
            return ADDRESS
        case "bytes":
            return BYTES
        case str():
            return Integer(int(idl_type[1:]), signed=idl_type[0] == "i")
        case {"array": ["u8", length]}:
            return FixedBytes(length)
        case {"array": [item, length]}:
            return Array(codec_of(item), length)
        case {"option": item}:
            return Option(codec_of(item))
        case {"vec": item}:
            return Vec(codec_of(item))
        case {"defined": {"name": name}}:
            return Nested(getattr(types, name))
    raise AssertionError(f"no codec for {idl_type}")


def values(codec: Codec[Any]) -> SearchStrategy[Any]:
    """Any value that Worktab's own client can write with `codec`."""
    match codec:
        case Integer():
            return st.integers(lowest(codec), highest(codec))
        case Boolean():
            return st.booleans()
        case Address():
            return st.binary(min_size=32, max_size=32).map(Pubkey)
        case FixedBytes(length=length):
            return st.binary(min_size=length, max_size=length)
        case VarBytes():
            return st.binary(max_size=LONGEST)
        case Array(item=item, length=length):
            return st.lists(values(item), min_size=length, max_size=length).map(tuple)
        case Vec(item=item):
            return st.lists(values(item), max_size=LONGEST).map(tuple)
        case Option(item=item):
            return st.none() | values(item)
        case Nested(struct=struct):
            return structs(struct)
    raise AssertionError(f"no values for {codec}")


def structs(struct: type[Struct]) -> SearchStrategy[Any]:
    """Any value of a struct."""
    return st.fixed_dictionaries({name: values(codec) for name, codec in struct.FIELDS}).map(
        lambda fields: struct(**fields)
    )


def lowest(codec: Codec[Any]) -> Any:
    """The least value: zeros, nothing, and empty lists; the lowest of signed integers."""
    match codec:
        case Integer(bits=bits, signed=signed):
            return -(1 << (bits - 1)) if signed else 0
        case Boolean():
            return False
        case Address():
            return Pubkey.default()
        case FixedBytes(length=length):
            return bytes(length)
        case VarBytes():
            return b""
        case Array(item=item, length=length):
            return (lowest(item),) * length
        case Vec():
            return ()
        case Option():
            return None
        case Nested(struct=struct):
            return struct(**{name: lowest(field) for name, field in struct.FIELDS})
    raise AssertionError(f"no value for {codec}")


def highest(codec: Codec[Any]) -> Any:
    """The largest value: the highest integers, all bits set, and every option and list filled."""
    match codec:
        case Integer(bits=bits, signed=signed):
            return (1 << (bits - signed)) - 1
        case Boolean():
            return True
        case Address():
            return Pubkey(b"\xff" * 32)
        case FixedBytes(length=length):
            return b"\xff" * length
        case VarBytes():
            return b"\xff" * LONGEST
        case Array(item=item, length=length):
            return (highest(item),) * length
        case Vec(item=item):
            return (highest(item),) * LONGEST
        case Option(item=item):
            return highest(item)
        case Nested(struct=struct):
            return struct(**{name: highest(field) for name, field in struct.FIELDS})
    raise AssertionError(f"no value for {codec}")


def as_dicts(value: Any) -> Any:
    """A value as users of anchorpy write it by hand: dicts for structs, lists of numbers for bytes."""
    if isinstance(value, Struct):
        return {name.removesuffix("_"): as_dicts(getattr(value, name)) for name, _ in value.FIELDS}
    if isinstance(value, bytes | tuple):
        return [as_dicts(item) for item in value]
    return value


def as_anchor_types(value: Any, made: Mapping[str, type]) -> Any:
    """A value with structs of `program.type`."""
    if isinstance(value, Struct):
        fields = {name: as_anchor_types(getattr(value, name), made) for name, _ in value.FIELDS}
        return made[type(value).__name__](**fields)
    if isinstance(value, tuple):
        return [as_anchor_types(item, made) for item in value]
    return value


def assert_same(theirs: Any, ours: Any, path: str) -> None:
    """What anchorpy read is what Worktab's own client read, field by field."""
    if isinstance(ours, Struct):
        names = [name for name, _ in ours.FIELDS]
        assert [field.name for field in dataclasses.fields(theirs)] == names, path
        for name in names:
            assert_same(getattr(theirs, name), getattr(ours, name), f"{path}.{name}")
    elif isinstance(ours, bytes):
        assert bytes(theirs) == ours, path
    elif isinstance(ours, tuple):
        assert len(theirs) == len(ours), path
        for index, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            assert_same(one, other, f"{path}[{index}]")
    else:
        assert type(theirs) is type(ours), path
        assert theirs == ours, path
