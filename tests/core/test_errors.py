"""Errors: one line for people, facts for programs."""

from __future__ import annotations

from worktab.core import errors
from worktab.core.errors import ConnectionFailed, InputError, WorktabError


def classes(base: type[WorktabError]) -> list[type[WorktabError]]:
    return [base, *(found for sub in base.__subclasses__() for found in classes(sub))]


def test_the_line_says_what_was_expected_what_came_and_what_to_do() -> None:
    error = InputError("seq is wrong", expected="5", got="4", next_step="Read the device again")
    assert str(error) == "seq is wrong; expected 5; got 4. Read the device again"
    assert str(InputError("seq is wrong")) == "seq is wrong"
    assert error.as_dict() == {
        "code": "input",
        "message": "seq is wrong",
        "expected": "5",
        "got": "4",
        "next_step": "Read the device again",
    }


def test_a_class_may_bring_its_next_step() -> None:
    assert ConnectionFailed("no answer").next_step.startswith("Check the RPC address")
    assert ConnectionFailed("no answer", next_step="Wait").next_step == "Wait"


def test_codes_are_stable_and_each_class_has_its_own() -> None:
    ours = {found.__name__: found.code for found in classes(WorktabError) if found.__module__ == errors.__name__}
    assert ours == {
        "WorktabError": "worktab",
        "InputError": "input",
        "EncodingError": "encoding",
        "KeyFormatError": "key_format",
        "DependencyError": "dependency",
        "StateError": "state",
        "StorageError": "storage",
        "JobError": "job",
        "VerificationError": "verification",
        "ChainError": "chain",
        "ConnectionFailed": "connection",
        "SimulationFailed": "simulation",
        "TransactionFailed": "transaction_failed",
        "TransactionExpired": "transaction_expired",
    }


def test_the_drawing_names_every_class() -> None:
    assert errors.__doc__ is not None
    for found in classes(WorktabError):
        if found.__module__ == errors.__name__:
            assert found.__name__ in errors.__doc__
