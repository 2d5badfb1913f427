"""The IDL in the format of Anchor before 0.30, which anchorpy reads."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from worktab.program.codegen.idl import IdlError, IdlType

_SPEC: Final = "0.1.0"

_RENAMED: Final = {"pubkey": "publicKey"}
_INTEGERS: Final = {f"{sign}{bits}" for sign in "ui" for bits in (8, 16, 32, 64, 128)}
_SIMPLE: Final = _INTEGERS | {"bool", "bytes", "f32", "f64", "publicKey", "string"}


def legacy_idl(idl: Mapping[str, Any]) -> dict[str, Any]:
    """An IDL of spec 0.1.0 in the old format. Names stay as they are, in snake case, which anchorpy uses itself.

    The old format has no room for some facts, and they are left out:

    - the bytes that an instruction begins with, which may be chosen there (here one byte); a reader of the old format
      hashes the instruction's name
    - accounts of which only one address will do, such as the system program
    - that a type lies in memory as it lies in bytes (`repr`, `serialization`); a reader takes it for Borsh, which comes
      to the same for structs without padding, and the program has no others
    - the docs of events and their fields
    - that the fields of a struct have no names: they get `field_0`, `field_1` and so on

    Neither format says that an account signs in one use and not in another, as the proof of a signature does.

    Raises:
        IdlError: another version of the format, or what the old format cannot say: an account or an event that
            does not begin with the hash of its name, an account or an event as a part of something else, generic
            types, accounts in groups, integers of 256 bits.
    """
    spec = idl["metadata"]["spec"]
    if spec != _SPEC:
        raise IdlError("the IDL is of another version", expected=f"spec {_SPEC}", got=spec)
    bodies = {item["name"]: item for item in idl.get("types", [])}
    accounts = [_hashed("account", item) for item in idl.get("accounts", [])]
    events = [_hashed("event", item) for item in idl.get("events", [])]
    convert = _Converter(set(bodies) - set(accounts) - set(events))
    return {
        "version": idl["metadata"]["version"],
        "name": idl["metadata"]["name"],
        "instructions": [convert.instruction(item) for item in idl["instructions"]],
        "accounts": [convert.type_def(bodies[name]) for name in accounts],
        "types": [convert.type_def(item) for name, item in bodies.items() if name in convert.shared],
        "events": [convert.event(bodies[name]) for name in events],
        "errors": [dict(item) for item in idl.get("errors", [])],
        "metadata": {"address": idl["address"]},
    }


def _hashed(kind: str, item: Mapping[str, Any]) -> str:
    """The item's name, which is all that the old format says of how it begins."""
    name: str = item["name"]
    expected = hashlib.sha256(f"{kind}:{name}".encode()).digest()[:8]
    given = bytes(item["discriminator"])
    if given != expected:
        raise IdlError(f"the {kind} {name} does not begin as its name says", expected=expected.hex(), got=given.hex())
    return name


class _Converter:
    """Converts parts of an IDL. `shared` names the types that a part may refer to."""

    def __init__(self, shared: set[str]) -> None:
        self.shared = shared

    def instruction(self, item: Mapping[str, Any]) -> dict[str, Any]:
        name = item["name"]
        return {
            "name": name,
            **_docs(item),
            "accounts": [_account(name, account) for account in item["accounts"]],
            "args": [self._field(name, arg) for arg in item["args"]],
        }

    def event(self, item: Mapping[str, Any]) -> dict[str, Any]:
        fields = self.type_def(item)["type"]["fields"]
        named = [{"name": field["name"], "type": field["type"], "index": False} for field in fields]
        return {"name": item["name"], "fields": named}

    def type_def(self, item: Mapping[str, Any]) -> dict[str, Any]:
        name, body = item["name"], item["type"]
        if item.get("generics"):
            raise IdlError(f"type {name} is generic")
        made: dict[str, Any]
        if body["kind"] == "struct":
            made = {"kind": "struct", "fields": self._named(name, body.get("fields", []))}
        elif body["kind"] == "enum":
            made = {"kind": "enum", "variants": [self._variant(name, variant) for variant in body["variants"]]}
        elif body["kind"] == "type":
            made = {"kind": "alias", "value": self._type(name, body["alias"])}
        else:
            raise IdlError(f"type {name} is of an unknown kind", expected="struct, enum or type", got=body["kind"])
        return {"name": name, **_docs(item), "type": made}

    def _named(self, owner: str, fields: list[Any]) -> list[dict[str, Any]]:
        """Fields of a struct; those without names are numbered."""
        if all(isinstance(field, Mapping) and "name" in field for field in fields):
            return [self._field(owner, field) for field in fields]
        return [{"name": f"field_{index}", "type": self._type(owner, field)} for index, field in enumerate(fields)]

    def _variant(self, owner: str, variant: Mapping[str, Any]) -> dict[str, Any]:
        fields = variant.get("fields", [])
        if not fields:
            return {"name": variant["name"]}
        if isinstance(fields[0], Mapping) and "name" in fields[0]:
            return {"name": variant["name"], "fields": [self._field(owner, field) for field in fields]}
        return {"name": variant["name"], "fields": [self._type(owner, field) for field in fields]}

    def _field(self, owner: str, item: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": item["name"], **_docs(item), "type": self._type(owner, item["type"])}

    def _type(self, owner: str, kind: IdlType) -> IdlType:
        match kind:
            case str() if (simple := _RENAMED.get(kind, kind)) in _SIMPLE:
                return simple
            case {"option": inner}:
                return {"option": self._type(owner, inner)}
            case {"vec": inner}:
                return {"vec": self._type(owner, inner)}
            case {"array": [inner, int() as length]}:
                return {"array": [self._type(owner, inner), length]}
            case {"defined": {"name": str() as name, **rest}} if name in self.shared and not rest.get("generics"):
                return {"defined": name}
        raise IdlError(f"{owner} holds what the old format cannot say", got=str(kind))


def _account(instruction: str, item: Mapping[str, Any]) -> dict[str, Any]:
    if "accounts" in item:
        raise IdlError(f"{instruction} groups accounts under {item['name']!r}; list them one by one")
    return {
        "name": item["name"],
        **_docs(item),
        "isMut": item.get("writable", False),
        "isSigner": item.get("signer", False),
        "isOptional": item.get("optional", False),
    }


def _docs(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"docs": item["docs"]} if item.get("docs") else {}
