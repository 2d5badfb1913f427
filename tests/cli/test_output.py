"""Results in both spellings."""

from __future__ import annotations

import io
import json
import re
import sys
from enum import Enum
from typing import Any

import pytest

from worktab.cli.output import Amount, CpuTime, Name, Noted, Rows, Usage, When, emit, to_json, tracked, warn, working
from worktab.cli.parsing import pause_flags
from worktab.core.errors import InputError
from worktab.roles.device import SubmitOutcome
from worktab.roles.terms import Pause, RewardPath

BOTH: list[tuple[Any, Any, str]] = [
    (0, 0, "0"),
    (2**53 - 1, 2**53 - 1, "9,007,199,254,740,991"),
    (2**53, "9007199254740992", "9,007,199,254,740,992"),
    (-(2**53), "-9007199254740992", "-9,007,199,254,740,992"),
    (True, True, "yes"),
    (False, False, "no"),
    (None, None, "-"),
    (0.5, 0.5, "0.500"),
    ("[bold]text[/]", "[bold]text[/]", "[bold]text[/]"),
    (b"\x00\xff", "00ff", "00ff"),
    ([], [], "-"),
    ((1, "a"), [1, "a"], "1, a"),
    (Amount(1_250_000, 6), 1_250_000, "1.25"),
    (Amount(-5, 2), -5, "-0.05"),
    (Amount(2**64 - 1, 0), str(2**64 - 1), str(2**64 - 1)),
    (When(1_800_000_000), 1_800_000_000, "2027-01-15 08:00:00 UTC"),
    (When(0), 0, "never"),
    (When(2**62), str(2**62), str(2**62)),
    (Usage(133, 1_800, 738), {"units": 133, "capacity": 1_800, "bps": 738}, "133 of 1,800 (7.38 %)"),
    (Usage(2**64 - 1, 1, 5), {"units": str(2**64 - 1), "capacity": 1, "bps": 5}, f"{2**64 - 1:,} of 1 (0.05 %)"),
    (CpuTime(1_234_567_890), 1_234_567_890, "1,234.6 ms"),
    (Name(1_234_567), 1_234_567, "1234567"),
    (Noted(Amount(5, 1), "no word of it"), 5, "0.5  no word of it"),
    (RewardPath.ROOTS, "roots", "roots"),
    (Pause.SUBMIT | Pause.REGISTER, ["register", "submit"], "register, submit"),
    (Pause.NONE, [], "-"),
    (SubmitOutcome.ALREADY_RECORDED, "already_recorded", "already_recorded"),
]


@pytest.mark.parametrize(("value", "plain", "text"), BOTH, ids=[repr(each[0]) for each in BOTH])
def test_values_have_two_spellings(value: Any, plain: Any, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    emit({"some_value": value}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"some_value": plain}
    emit({"some_value": value}, as_json=False)
    assert capsys.readouterr().out == f"some value  {text}\n"


def test_keys_of_cpu_times_lose_their_unit(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"work_cpu_ns": CpuTime(1_500_000)}, as_json=False)
    assert capsys.readouterr().out == "work cpu  1.5 ms\n"


def test_tables_and_sections(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"name": "a" * 90, "count": number, "hidden": 1} for number in (5, 12_345, 1)]
    facts = {
        "inner": {"deep": {"x": 1}, "y": 2},
        "table": Rows(rows, ("name", "count"), most=2),
        "empty": Rows([], ()),
        "z": 3,
    }
    emit(facts, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "z  3",
        "",
        "inner",
        "  y  2",
        "",
        "  deep",
        "    x  1",
        "",
        "table",
        " name" + " " * 86 + "   count",
        " " + "a" * 90 + "       5",
        " " + "a" * 90 + "  12,345",
        "  and 1 more",
        "",
        "empty",
        "  none",
    ]
    assert json.loads(to_json(facts))["table"] == rows


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_addresses_are_folded_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    emit({"network": "N" * 44, "rows": Rows([{"device": "D" * 44}], ("device",))}, as_json=False)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    assert (shown.count("N"), shown.count("D")) == (44, 44)
    assert max(map(len, shown.splitlines())) <= 40


def test_progress_is_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for stream, shown in ((io.StringIO(), False), (Terminal(), True)):
        monkeypatch.setattr(sys, "stderr", stream)
        with working("Reading"), tracked(range(3), 3, "Counting") as items:
            assert list(items) == [0, 1, 2]
        assert ("Counting" in stream.getvalue()) is shown


def test_warnings_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    warn("careful")
    assert capsys.readouterr() == ("", "warning: careful\n")


def test_kinds_of_pause_are_those_of_the_program() -> None:
    for name, flag in Pause.__members__.items():
        assert pause_flags([name.lower()]) == flag
    assert pause_flags(["register", "register", "commit"]) == Pause.REGISTER | Pause.COMMIT
    with pytest.raises(InputError):
        pause_flags(["regist"])


def test_flags_are_enums_before_they_are_numbers() -> None:
    class Odd(int, Enum):
        ONE = 1

    assert json.loads(to_json({"odd": Odd.ONE})) == {"odd": "one"}
