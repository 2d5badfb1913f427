"""The parts of an Anchor IDL (spec 0.1.0) that the client is made of. What can't be rendered is refused by name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from worktab.core.errors import InputError

IdlType: TypeAlias = str | dict[str, Any]
"""A type as the IDL spells it: `"u64"`, `{"vec": ..}`, `{"array": [.., 4]}`, `{"defined": {"name": ..}}`."""


class IdlError(InputError):
    """The IDL holds something that no client can be generated for."""

    code = "idl"


@dataclass(frozen=True)
class Field:
    """A named value: a field of a struct or an argument of an instruction."""

    name: str
    type: IdlType
    docs: tuple[str, ...]


@dataclass(frozen=True)
class TypeDef:
    """A struct. `zero_copy` where it lies in memory as in an account, so that alignment matters."""

    name: str
    docs: tuple[str, ...]
    fields: tuple[Field, ...]
    zero_copy: bool


@dataclass(frozen=True)
class AccountSpec:
    """An account that an instruction names. `address` is set where only one will do."""

    name: str
    docs: tuple[str, ...]
    writable: bool
    signer: bool
    optional: bool
    address: str | None


@dataclass(frozen=True)
class InstructionSpec:
    """An instruction: its tag, its accounts in order, its arguments in order."""

    name: str
    docs: tuple[str, ...]
    discriminator: bytes
    accounts: tuple[AccountSpec, ...]
    args: tuple[Field, ...]


@dataclass(frozen=True)
class ErrorSpec:
    """An error that the program returns."""

    number: int
    name: str
    message: str


@dataclass(frozen=True)
class Idl:
    """A program's interface. `accounts` and `events` map names in `types` to discriminators."""

    address: str
    instructions: tuple[InstructionSpec, ...]
    accounts: dict[str, bytes]
    events: dict[str, bytes]
    errors: tuple[ErrorSpec, ...]
    types: dict[str, TypeDef]


def load(path: Path) -> Idl:
    """The IDL in a JSON file.

    Raises:
        IdlError: another version of the IDL's format, or something in it that no client can be generated for.
    """
    return parse(json.loads(path.read_text(encoding="utf-8")))


def parse(data: dict[str, Any]) -> Idl:
    """The IDL in parsed JSON; see `load`."""
    spec = data["metadata"]["spec"]
    if spec != "0.1.0":
        raise IdlError("the IDL is of another version", expected="spec 0.1.0", got=spec)
    idl = Idl(
        address=data["address"],
        instructions=tuple(_instruction(item) for item in data["instructions"]),
        accounts=_tags(data.get("accounts", [])),
        events=_tags(data.get("events", [])),
        errors=tuple(ErrorSpec(e["code"], e["name"], e.get("msg", e["name"])) for e in data.get("errors", [])),
        types={item["name"]: _type_def(item) for item in data.get("types", [])},
    )
    _require_distinct("instruction", [item.discriminator for item in idl.instructions])
    _require_distinct("account", list(idl.accounts.values()))
    _require_distinct("event", list(idl.events.values()))
    return idl


def _docs(item: dict[str, Any]) -> tuple[str, ...]:
    return tuple(line.strip() for line in item.get("docs", []))


def _field(item: dict[str, Any]) -> Field:
    return Field(item["name"], item["type"], _docs(item))


def _tags(items: list[dict[str, Any]]) -> dict[str, bytes]:
    return {item["name"]: bytes(item["discriminator"]) for item in items}


def _instruction(item: dict[str, Any]) -> InstructionSpec:
    return InstructionSpec(
        name=item["name"],
        docs=_docs(item),
        discriminator=bytes(item["discriminator"]),
        accounts=tuple(_account(item["name"], account) for account in item["accounts"]),
        args=tuple(_field(arg) for arg in item["args"]),
    )


def _account(instruction: str, item: dict[str, Any]) -> AccountSpec:
    if "accounts" in item:
        raise IdlError(f"{instruction} groups accounts under {item['name']!r}; list them one by one")
    return AccountSpec(
        name=item["name"],
        docs=_docs(item),
        writable=item.get("writable", False),
        signer=item.get("signer", False),
        optional=item.get("optional", False),
        address=item.get("address"),
    )


def _type_def(item: dict[str, Any]) -> TypeDef:
    name, body = item["name"], item["type"]
    if item.get("generics"):
        raise IdlError(f"type {name} is generic")
    zero_copy = item.get("serialization", "borsh") != "borsh"
    if body["kind"] != "struct":
        raise IdlError(f"type {name} is no struct", expected="struct", got=body["kind"])
    fields = body.get("fields", [])
    if any("name" not in field for field in fields):
        raise IdlError(f"the fields of struct {name} have no names")
    return TypeDef(name, _docs(item), tuple(_field(field) for field in fields), zero_copy)


def _require_distinct(what: str, tags: list[bytes]) -> None:
    for tag in tags:
        if sum(other.startswith(tag) for other in tags) != 1:
            raise IdlError(f"the {what} discriminator {tag.hex()} also begins another {what}'s")
