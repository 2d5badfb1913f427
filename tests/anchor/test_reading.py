"""Accounts and events: what anchorpy reads is what Worktab's own client reads, field by field."""

from __future__ import annotations

import base64

import pytest
from anchorpy import Event, EventParser, NamedInstruction, Program
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from values import as_dicts, assert_same, highest, lowest, structs

from worktab.program.artefacts import program_idl
from worktab.program.generated import PROGRAM_ID, accounts, events, types
from worktab.program.structs import Account, Nested
from worktab.program.structs import Event as OurEvent

ACCOUNTS: dict[str, type[Account]] = {
    each["name"]: getattr(accounts, each["name"]) for each in program_idl()["accounts"]
}
EVENTS: dict[str, type[OurEvent]] = {each["name"]: getattr(events, each["name"]) for each in program_idl()["events"]}
RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check_account(program: Program, held: Account) -> None:
    name = type(held).__name__
    decoded = program.coder.accounts.decode(held.encode())
    assert type(decoded).__name__ == name
    assert_same(decoded, held, name)
    for form in (decoded, held, as_dicts(held)):
        assert program.coder.accounts.build(NamedInstruction(form, name)) == held.encode()


def check_event(program: Program, logged: OurEvent) -> None:
    name = type(logged).__name__
    parsed = program.coder.events.parse(logged.encode())
    assert isinstance(parsed, Event)
    assert parsed.name == name
    assert_same(parsed.data, logged, name)


def test_every_account_and_event_is_there(offline: Program) -> None:
    assert set(offline.account) == set(ACCOUNTS)
    assert set(offline.coder.events.layouts) == set(EVENTS)
    assert {each.__name__ for each in events.EVENTS} == set(EVENTS)


@pytest.mark.parametrize("name", ACCOUNTS)
def test_edges_of_accounts(offline: Program, name: str) -> None:
    check_account(offline, lowest(Nested(ACCOUNTS[name])))
    check_account(offline, highest(Nested(ACCOUNTS[name])))
    assert offline.account[name].size == ACCOUNTS[name].SIZE


@pytest.mark.parametrize("name", ACCOUNTS)
@given(data=st.data())
@RELAXED
def test_any_account(offline: Program, name: str, data: st.DataObject) -> None:
    check_account(offline, data.draw(structs(ACCOUNTS[name])))


@pytest.mark.parametrize("name", EVENTS)
def test_edges_of_events(offline: Program, name: str) -> None:
    check_event(offline, lowest(Nested(EVENTS[name])))
    check_event(offline, highest(Nested(EVENTS[name])))


@pytest.mark.parametrize("name", EVENTS)
@given(data=st.data())
@RELAXED
def test_any_event(offline: Program, name: str, data: st.DataObject) -> None:
    check_event(offline, data.draw(structs(EVENTS[name])))


@pytest.mark.parametrize("name", types.__all__)
def test_types_are_written_as_they_are_read(offline: Program, name: str) -> None:
    held = highest(Nested(getattr(types, name)))
    out = bytearray()
    held.write(out)
    decoded = offline.coder.types.decode(name, bytes(out))
    assert_same(decoded, held, name)
    for form in (decoded, held, as_dicts(held)):
        assert offline.coder.types.encode(name, form) == bytes(out)


def test_events_out_of_logs(offline: Program) -> None:
    ours = [lowest(Nested(EVENTS["Claimed"])), highest(Nested(EVENTS["PauseSet"]))]
    other = "Program data: " + base64.b64encode(ours[0].encode()).decode()
    logs = [
        "Program ComputeBudget111111111111111111111111111111 invoke [1]",
        "Program ComputeBudget111111111111111111111111111111 success",
        f"Program {PROGRAM_ID} invoke [1]",
        "Program data: c2hvcnQ=",
        "Program log: YWxzbyBub3QgYW4gZXZlbnQ=",
        "Program data: " + base64.b64encode(ours[0].encode()).decode(),
        "Program TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA invoke [2]",
        other,
        "Program TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA success",
        "Program data: " + base64.b64encode(ours[1].encode()).decode(),
        f"Program {PROGRAM_ID} consumed 100 of 200000 compute units",
        f"Program {PROGRAM_ID} success",
    ]
    found: list[Event] = []
    EventParser(PROGRAM_ID, offline.coder).parse_logs(logs, found.append)
    assert [event.name for event in found] == ["Claimed", "PauseSet"]
    for event, expected in zip(found, ours, strict=True):
        assert_same(event.data, expected, event.name)
