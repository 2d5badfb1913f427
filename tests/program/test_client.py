"""The committed client is what the IDL makes, and reads and writes what a second implementation does."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.pubkey import Pubkey

import worktab.program
from support import plain_layout
from worktab.program.codegen.client import render, stale
from worktab.program.codegen.idl import load
from worktab.program.codegen.text import identifier
from worktab.program.generated import PROGRAM_ID, accounts, errors, events, instructions, types
from worktab.program.next_steps import NEXT_STEPS
from worktab.program.structs import TaggedStruct

PROGRAM = Path(worktab.program.__file__).parent
IDL: dict[str, Any] = json.loads((PROGRAM / "worktab.json").read_text())
TYPES = {item["name"]: item for item in IDL["types"]}
ACCOUNTS = [item["name"] for item in IDL["accounts"]]
EVENTS = [item["name"] for item in IDL["events"]]
INSTRUCTIONS = {item["name"]: item for item in IDL["instructions"]}


def build(name: str, fields: dict[str, Any]) -> Any:
    module = accounts if name in ACCOUNTS else events if name in EVENTS else types
    return getattr(module, name)(**{identifier(field): value for field, value in fields.items()})


def test_generating_again_changes_nothing() -> None:
    assert stale(render(load(PROGRAM / "worktab.json")), PROGRAM / "generated") == []


def test_the_program_id_is_the_one_declared() -> None:
    assert str(PROGRAM_ID) == IDL["address"] == "WTabQ1vSgsr1n9fYZDaPqkbPrFovTkrLZkNzBRPJSPc"


@pytest.mark.parametrize(("name", "prefix"), [(n, "account") for n in ACCOUNTS] + [(n, "event") for n in EVENTS])
def test_discriminators_are_hashes_of_names(name: str, prefix: str) -> None:
    kind: type[TaggedStruct] = getattr(accounts if prefix == "account" else events, name)
    assert hashlib.sha256(f"{prefix}:{name}".encode()).digest()[:8] == kind.DISCRIMINATOR


def test_sizes_of_accounts_are_fixed() -> None:
    assert {name: getattr(accounts, name).SIZE for name in ACCOUNTS} == {
        "Device": 552,
        "Dispute": 224,
        "Epoch": 216,
        "Invoice": 328,
        "Network": 1_808,
        "Page": 8_272,
        "Sla": 216,
        "Tab": 552,
    }


@pytest.mark.parametrize("name", ACCOUNTS + EVENTS)
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_accounts_and_events_agree_with_a_second_implementation(name: str, data: st.DataObject) -> None:
    kind: type[TaggedStruct] = getattr(accounts if name in ACCOUNTS else events, name)
    type_ = {"defined": {"name": name}}
    value = data.draw(plain_layout.values(type_, TYPES))
    encoded = kind.DISCRIMINATOR + plain_layout.encode(type_, value, TYPES)
    decoded = plain_layout.to_client(type_, value, TYPES, build)
    assert kind.decode(encoded) == decoded
    assert decoded.encode() == encoded


@pytest.mark.parametrize("name", ACCOUNTS)
@settings(deadline=None, max_examples=10)
@given(data=st.data())
def test_offsets_point_at_their_fields(name: str, data: st.DataObject) -> None:
    kind = getattr(accounts, name)
    fields = TYPES[name]["type"]["fields"]
    value = data.draw(plain_layout.values({"defined": {"name": name}}, TYPES))
    whole = kind.DISCRIMINATOR + plain_layout.encode({"defined": {"name": name}}, value, TYPES)
    assert [identifier(field["name"]) for field in fields] == list(kind.OFFSETS)
    for field in fields:
        part = plain_layout.encode(field["type"], value[field["name"]], TYPES)
        start = kind.OFFSETS[identifier(field["name"])]
        assert whole[start : start + len(part)] == part


@pytest.mark.parametrize("name", INSTRUCTIONS)
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_instructions_agree_with_a_second_implementation(name: str, data: st.DataObject) -> None:
    idl = INSTRUCTIONS[name]
    drawn = {arg["name"]: data.draw(plain_layout.values(arg["type"], TYPES)) for arg in idl["args"]}
    arguments = {
        identifier(arg["name"]): plain_layout.to_client(arg["type"], drawn[arg["name"]], TYPES, build)
        for arg in idl["args"]
    }
    given_accounts: dict[str, Pubkey] = {}
    expected: list[tuple[Pubkey, bool, bool]] = []
    for number, account in enumerate(idl["accounts"]):
        address, role = Pubkey(bytes([number + 1]) * 32), (account.get("signer", False), account.get("writable", False))
        if account.get("optional") and data.draw(st.booleans()):
            expected.append((PROGRAM_ID, False, False))
        elif "address" in account:
            expected.append((Pubkey.from_string(account["address"]), *role))
        else:
            given_accounts[identifier(account["name"])] = address
            expected.append((address, *role))
    holder = "".join(part.capitalize() for part in name.split("_")) + "Accounts"
    made = getattr(instructions, name)(getattr(instructions, holder)(**given_accounts), **arguments)
    encoded = b"".join(plain_layout.encode(arg["type"], drawn[arg["name"]], TYPES) for arg in idl["args"])
    assert made.data == bytes(idl["discriminator"]) + encoded
    assert [(meta.pubkey, meta.is_signer, meta.is_writable) for meta in made.accounts] == expected
    assert made.program_id == PROGRAM_ID


def test_every_error_has_a_class_and_a_next_step() -> None:
    assert {item["code"]: item["name"] for item in IDL["errors"]} == {
        number: error.__name__ for number, error in errors.ERRORS.items()
    }
    assert set(NEXT_STEPS) == {item["name"] for item in IDL["errors"]}


@pytest.mark.parametrize("item", IDL["errors"], ids=lambda item: item["name"])
def test_an_error_says_what_happened_and_what_to_do(item: dict[str, Any]) -> None:
    error = errors.ERRORS[item["code"]]()
    assert (error.number, error.name) == (item["code"], item["name"])
    assert str(error) == f"{item['msg']}. {NEXT_STEPS[item['name']]}"


def test_error_codes_differ() -> None:
    codes = {error.code for error in errors.ERRORS.values()}
    assert len(codes) == len(errors.ERRORS)
    assert errors.StaleSequence.code == "program.stale_sequence"


@pytest.mark.parametrize("module", [accounts, errors, events, instructions, types])
def test_all_is_complete(module: Any) -> None:
    own = {name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__}
    assert own <= set(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


def test_every_struct_is_a_frozen_dataclass_with_its_fields() -> None:
    for name in TYPES:
        kind = getattr(accounts, name, None) or getattr(events, name, None) or getattr(types, name)
        assert [field.name for field in dataclasses.fields(kind)] == [field for field, _ in kind.FIELDS]
        assert kind.__dataclass_params__.frozen
