"""Errors by number: the program's own, those of Anchor, and numbers nobody here knows."""

from __future__ import annotations

import pytest

from worktab.core.errors import ChainError, WorktabError
from worktab.program.errors import FrameworkError, UnknownProgramError, error_from_number
from worktab.program.generated import errors
from worktab.program.program_error import ProgramError


@pytest.mark.parametrize("number", sorted(errors.ERRORS))
def test_every_number_of_the_program(number: int) -> None:
    error = error_from_number(number)
    assert type(error) is errors.ERRORS[number]
    assert error.number == number
    assert isinstance(error, ProgramError | ChainError | WorktabError)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (2000, "ConstraintMut"),
        (2001, "ConstraintHasOne"),
        (2012, "ConstraintAddress"),
        (2040, "ConstraintDuplicateMutableAccount"),
        (2506, "RequireGteViolated"),
        (4103, "CapacityOverflow"),
    ],
)
def test_numbers_of_the_framework(number: int, name: str) -> None:
    error = error_from_number(number)
    assert type(error) is FrameworkError
    assert (error.code, error.number, error.name) == ("program.framework", number, name)
    assert error.next_step == "Check the accounts of the instruction against its documentation"


@pytest.mark.parametrize("number", [0, 1, 1999, 5999, 6999, 2**32 - 1])
def test_other_numbers(number: int) -> None:
    error = error_from_number(number)
    assert type(error) is UnknownProgramError
    assert (error.code, error.number, error.got) == ("program.unknown", number, f"error {number}")


def test_facts_for_machines() -> None:
    assert errors.Paused(got="flags 3").as_dict() == {
        "code": "program.paused",
        "message": "The network has paused this kind of new work",
        "expected": "",
        "got": "flags 3",
        "next_step": "Wait until the authority resumes it; claims and withdrawals work all the while",
        "number": "6002",
        "name": "Paused",
    }


def test_a_message_and_a_next_step_of_ones_own() -> None:
    error = errors.Paused("Submitting is paused", next_step="Try tomorrow")
    assert str(error) == "Submitting is paused. Try tomorrow"
