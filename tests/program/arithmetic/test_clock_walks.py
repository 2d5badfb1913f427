"""Clocks that show anything at any step: sixty lives, the same in every run."""

from __future__ import annotations

from random import Random

import pytest

from support.edges_life import TIME_BEGINS, TIME_ENDS, Life
from support.edges_steps import STEPS, TYPED, do, straight
from support.world import World

FIXED = (0, -1, TIME_BEGINS, (1 << 32) - 1, 1 << 32, TIME_ENDS - 7_000, TIME_ENDS)
JUMPS = (-86_400, -3_600, -1, 0, 0, 0, 0, 1, 3_600, 86_400)


@pytest.mark.parametrize("seed", range(60))
def test_a_clock_that_shows_anything_is_answered_by_name_and_gains_nobody_anything(seed: int) -> None:
    """The ledger is checked after every step."""
    random, life = Random(seed), Life(World())
    for step in STEPS:
        life.wait(step.wait)
        clock = random.choice((*FIXED, *(life.now + jump for jump in JUMPS), random.randrange(TIME_BEGINS, TIME_ENDS)))
        result = do(life, step, clock)
        assert result.error_name in TYPED, (step.name, clock, result.logs)
    paid, wanted = life.paid(), straight()
    assert {name for name in paid if name != "vault" and paid[name] > wanted[name]} == set()
