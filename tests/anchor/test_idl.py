"""The IDL in the old format: what becomes of each part, and what is refused."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

import pytest
from anchorpy_core.idl import Idl
from pyheck import snake

from worktab.anchor.coding import Coder
from worktab.anchor.idl import legacy_idl
from worktab.core.errors import InputError
from worktab.program.artefacts import program_idl
from worktab.program.codegen.idl import IdlError


def tag(kind: str, name: str) -> list[int]:
    return list(hashlib.sha256(f"{kind}:{name}".encode()).digest()[:8])


def small(**changes: Any) -> dict[str, Any]:
    """An IDL with one of everything; `changes` replace its parts."""
    idl = {
        "address": "11111111111111111111111111111111",
        "metadata": {"name": "small", "version": "1.2.3", "spec": "0.1.0"},
        "instructions": [
            {
                "name": "do_it",
                "docs": ["Does it."],
                "discriminator": [7],
                "accounts": [
                    {"name": "payer", "writable": True, "signer": True, "docs": ["Pays."]},
                    {"name": "witness", "signer": True, "optional": True},
                    {"name": "system_program", "address": "11111111111111111111111111111111"},
                ],
                "args": [{"name": "how", "type": {"defined": {"name": "How"}}}],
            }
        ],
        "accounts": [{"name": "Thing", "discriminator": tag("account", "Thing")}],
        "events": [{"name": "Done", "discriminator": tag("event", "Done")}],
        "errors": [{"code": 6000, "name": "No", "msg": "It can't be done"}, {"code": 6001, "name": "Never"}],
        "types": [
            {
                "name": "Thing",
                "serialization": "bytemuck",
                "repr": {"kind": "c"},
                "type": {
                    "kind": "struct",
                    "fields": [
                        {"name": "owner", "type": "pubkey"},
                        {"name": "pairs", "type": {"array": [{"defined": {"name": "Pair"}}, 2]}},
                        {"name": "total", "type": "u128", "docs": ["Of all."]},
                    ],
                },
            },
            {
                "name": "Done",
                "docs": ["It is done."],
                "type": {"kind": "struct", "fields": [{"name": "by", "type": "pubkey", "docs": ["Who did it."]}]},
            },
            {"name": "Pair", "type": {"kind": "struct", "fields": ["u8", {"vec": "pubkey"}]}},
            {"name": "Nothing", "type": {"kind": "struct"}},
            {"name": "Amount", "type": {"kind": "type", "alias": {"option": "i128"}}},
            {
                "name": "How",
                "docs": ["Ways."],
                "type": {
                    "kind": "enum",
                    "variants": [
                        {"name": "Plain"},
                        {"name": "Named", "fields": [{"name": "amount", "type": {"defined": {"name": "Amount"}}}]},
                        {"name": "Bare", "fields": ["bool", {"array": ["u16", 3]}]},
                    ],
                },
            },
        ],
    }
    return {**idl, **changes}


def with_group() -> dict[str, Any]:
    idl = small()
    idl["instructions"][0]["accounts"] = [{"name": "group", "accounts": []}]
    return idl


def with_type(idl_type: Any) -> dict[str, Any]:
    idl = small()
    idl["types"][0]["type"]["fields"][0]["type"] = idl_type
    return idl


def test_each_part() -> None:
    assert legacy_idl(small()) == {
        "version": "1.2.3",
        "name": "small",
        "instructions": [
            {
                "name": "do_it",
                "docs": ["Does it."],
                "accounts": [
                    {"name": "payer", "docs": ["Pays."], "isMut": True, "isSigner": True, "isOptional": False},
                    {"name": "witness", "isMut": False, "isSigner": True, "isOptional": True},
                    {"name": "system_program", "isMut": False, "isSigner": False, "isOptional": False},
                ],
                "args": [{"name": "how", "type": {"defined": "How"}}],
            }
        ],
        "accounts": [
            {
                "name": "Thing",
                "type": {
                    "kind": "struct",
                    "fields": [
                        {"name": "owner", "type": "publicKey"},
                        {"name": "pairs", "type": {"array": [{"defined": "Pair"}, 2]}},
                        {"name": "total", "docs": ["Of all."], "type": "u128"},
                    ],
                },
            }
        ],
        "types": [
            {
                "name": "Pair",
                "type": {
                    "kind": "struct",
                    "fields": [
                        {"name": "field_0", "type": "u8"},
                        {"name": "field_1", "type": {"vec": "publicKey"}},
                    ],
                },
            },
            {"name": "Nothing", "type": {"kind": "struct", "fields": []}},
            {"name": "Amount", "type": {"kind": "alias", "value": {"option": "i128"}}},
            {
                "name": "How",
                "docs": ["Ways."],
                "type": {
                    "kind": "enum",
                    "variants": [
                        {"name": "Plain"},
                        {"name": "Named", "fields": [{"name": "amount", "type": {"defined": "Amount"}}]},
                        {"name": "Bare", "fields": ["bool", {"array": ["u16", 3]}]},
                    ],
                },
            },
        ],
        "events": [{"name": "Done", "fields": [{"name": "by", "type": "publicKey", "index": False}]}],
        "errors": [{"code": 6000, "name": "No", "msg": "It can't be done"}, {"code": 6001, "name": "Never"}],
        "metadata": {"address": "11111111111111111111111111111111"},
    }


def test_anchorpy_reads_and_writes_by_it() -> None:
    coder = Coder(Idl.from_json(json.dumps(legacy_idl(small()))), {"do_it": b"\x07"})
    how = coder.instruction.ix_layout["do_it"].how
    variants = how.enum
    assert coder.instruction.encode("do_it", {"how": variants.Plain()}) == bytes([7, 0])
    assert coder.instruction.encode("do_it", {"how": variants.Named(amount=-2)}) == bytes([7, 1, 1, 254]) + b"\xff" * 15
    bare = variants.Bare((True, [1, 2, 3]))
    assert coder.instruction.encode("do_it", {"how": bare}) == bytes([7, 2, 1, 1, 0, 2, 0, 3, 0])
    data = (
        bytes(tag("account", "Thing")) + b"\x01" * 32 + bytes([5, 0, 0, 0, 0]) * 2 + (1 << 127).to_bytes(16, "little")
    )
    thing = coder.accounts.decode(data)
    assert [pair.field_0 for pair in thing.pairs] == [5, 5]
    assert thing.total == 1 << 127


def test_the_idl_given_is_left_alone() -> None:
    idl = small()
    before = copy.deepcopy(idl)
    legacy_idl(idl)
    assert idl == before


def test_names_are_those_of_the_program() -> None:
    old, new = legacy_idl(program_idl()), program_idl()
    parsed = Idl.from_json(json.dumps(old))
    assert [each.name for each in parsed.instructions] == [each["name"] for each in new["instructions"]]
    for mine, theirs in zip(new["instructions"], parsed.instructions, strict=True):
        assert [each["name"] for each in mine["accounts"]] == [each.name for each in theirs.accounts]
        assert [each["name"] for each in mine["args"]] == [each.name for each in theirs.args]
        for name in [mine["name"], *(each["name"] for each in mine["accounts"] + mine["args"])]:
            assert snake(name) == name
    for each in new["types"]:
        for field in each["type"]["fields"]:
            assert snake(field["name"]) == field["name"]
    assert parsed.errors is not None
    assert [(each.code, each.name, each.msg) for each in parsed.errors] == [
        (each["code"], each["name"], each["msg"]) for each in new["errors"]
    ]


@pytest.mark.parametrize(
    "idl",
    [
        small(metadata={"name": "small", "version": "1", "spec": "0.2.0"}),
        small(accounts=[{"name": "Thing", "discriminator": [1] * 8}]),
        small(events=[{"name": "Done", "discriminator": tag("account", "Done")}]),
        small(types=[*small()["types"], {"name": "G", "generics": [{"kind": "type", "name": "T"}], "type": {}}]),
        small(types=[*small()["types"], {"name": "U", "type": {"kind": "union"}}]),
        small(
            instructions=[{"name": "x", "discriminator": [1], "args": [], "accounts": [{"name": "g", "accounts": []}]}]
        ),
        with_type("u256"),
        with_type({"coption": "u8"}),
        with_type({"generic": "T"}),
        with_type({"array": ["u8", {"generic": "N"}]}),
        with_type({"defined": {"name": "Pair", "generics": [{"kind": "type", "type": "u8"}]}}),
        with_type({"defined": {"name": "Done"}}),
        with_type({"defined": {"name": "Missing"}}),
    ],
)
def test_what_cannot_be_said_is_refused(idl: dict[str, Any]) -> None:
    with pytest.raises(IdlError) as caught:
        legacy_idl(idl)
    assert isinstance(caught.value, InputError)
    assert caught.value.code == "idl"


def test_discriminators_of_one_length() -> None:
    idl = Idl.from_json(json.dumps(legacy_idl(program_idl())))
    names = [each.name for each in idl.instructions]
    with pytest.raises(IdlError, match="differ in length"):
        Coder(idl, dict.fromkeys(names[1:], b"\x01") | {names[0]: b"\x01\x02"})
