"""Renders types, accounts and events: dataclasses with the codecs of their fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from graphlib import TopologicalSorter

from worktab.program.codegen.idl import Field, Idl, IdlError, TypeDef
from worktab.program.codegen.imports import import_lines
from worktab.program.codegen.text import attribute, docstring, identifier, module
from worktab.program.codegen.types import Types

_RESERVED = {"read", "write", "decode", "encode", "packed_size"}


def render_types(idl: Idl, types: Types) -> str:
    """The module of types that instructions, accounts and events have in common."""
    own = [name for name in idl.types if name not in idl.accounts and name not in idl.events]
    needs = {name: _needed(idl.types[name], types) for name in own}
    blocks = []
    for name in TopologicalSorter({name: sorted(needs[name]) for name in own}).static_order():
        blocks.append("\n" + _dataclass(idl.types[name], types, "Struct", []))
    return module("Types that instructions, accounts and events share.", import_lines(blocks), own, blocks)


def render_accounts(idl: Idl, types: Types) -> str:
    """The module of accounts, with their sizes and the offsets of their fields."""
    blocks = [_account(idl.types[name], tag, types) for name, tag in idl.accounts.items()]
    shared = _shared((idl.types[name] for name in idl.accounts), types)
    return module("Accounts of the program (PROTOCOL section 4).", import_lines(blocks, shared), idl.accounts, blocks)


def render_events(idl: Idl, types: Types) -> str:
    """The module of events, and the list of them all."""
    blocks = []
    for name, tag in idl.events.items():
        constants = [f'DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("{tag.hex()}")']
        blocks.append("\n" + _dataclass(idl.types[name], types, "Event", constants))
    listed = "".join(f"    {name},\n" for name in idl.events)
    blocks.append(f'\nEVENTS: Final[tuple[type[Event], ...]] = (\n{listed})\n"""Every event of the program."""')
    shared = _shared((idl.types[name] for name in idl.events), types)
    names = [*idl.events, "EVENTS"]
    return module("Events of the program (PROTOCOL section 6).", import_lines(blocks, shared), names, blocks)


def _account(definition: TypeDef, tag: bytes, types: Types) -> str:
    if not definition.zero_copy:
        raise IdlError(f"account {definition.name} is not zero-copy")
    offsets, size, _ = types.layout(definition)
    constants = [
        f'DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("{tag.hex()}")',
        f"SIZE: ClassVar[int] = {len(tag) + size}",
        "OFFSETS: ClassVar[dict[str, int]] = {",
        *(f'    "{identifier(name)}": {len(tag) + offset},' for name, offset in offsets.items()),
        "}",
    ]
    return "\n" + _dataclass(definition, types, "Account", constants)


def _dataclass(definition: TypeDef, types: Types, base: str, constants: Sequence[str]) -> str:
    if definition.zero_copy:
        types.layout(definition)
    lines = ["@dataclass(frozen=True, slots=True)", f"class {definition.name}({base}):"]
    lines += [docstring(definition.docs, _title(definition.name)), ""]
    lines += [f"    {line}" for line in constants]
    lines += ["    FIELDS: ClassVar[Fields] = ("]
    lines += [
        f'        ("{_field_name(definition, field)}", {types.codec(field.type)}),' for field in definition.fields
    ]
    lines += ["    )", ""]
    for field in definition.fields:
        lines += attribute(f"{identifier(field.name)}: {types.annotation(field.type)}", field.docs)
    return "\n".join(lines).rstrip()


def _field_name(definition: TypeDef, field: Field) -> str:
    if field.name in _RESERVED:
        raise IdlError(f"field {definition.name}.{field.name} has the name of a method")
    return identifier(field.name)


def _title(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return words[0] + words[1:].lower() + "."


def _needed(definition: TypeDef, types: Types) -> set[str]:
    return set().union(*(types.names(field.type) for field in definition.fields))


def _shared(definitions: Iterable[TypeDef], types: Types) -> set[str]:
    return set().union(*(_needed(definition, types) for definition in definitions))
