"""Every account of every instruction, attacked in every way that its kind allows: refused, or harmless for a reason."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from support.adversarial_allowances import ALLOWED
from support.adversarial_cases import Case, Mutation, cases
from support.adversarial_effects import Effect, require
from support.adversarial_mutations import Attacker
from support.adversarial_oracle import Theatre
from support.adversarial_refusals import REFUSALS
from support.adversarial_scenes import stage_of
from support.adversarial_summary import PROPERTY

_HARMLESS = (Mutation.EXTRA, Mutation.DATA)
"""What may go unread, as long as the call then does to the byte what it does without."""


@cache
def attacked(scene: str) -> tuple[Theatre, Attacker]:
    """A scene and who attacks it, once in each process: every attack is undone."""
    stage = stage_of(scene)
    return Theatre(stage), Attacker(stage)


@pytest.mark.parametrize("case", cases(), ids=str)
def test_an_attack_is_refused_and_changes_nothing(case: Case, record_property: Callable[[str, object], None]) -> None:
    record_property(PROPERTY, str(case.mutation))
    theatre, attacker = attacked(case.scene)
    attempt = attacker.attempt(case)
    valid = theatre.valid(attempt)

    outcome = theatre.play(attempt)

    allowance = ALLOWED.get(case)
    if allowance is not None:
        assert outcome.result.ok, f"allowed, but refused: {outcome.result.error_name}"
        require(allowance.effect, attempt, valid.changes, outcome.changes)
    elif outcome.result.ok and case.mutation in _HARMLESS:
        require(Effect.SAME, attempt, valid.changes, outcome.changes)
    else:
        assert outcome.result.error_name in REFUSALS[case.mutation], outcome.result.logs
        assert not outcome.changes
