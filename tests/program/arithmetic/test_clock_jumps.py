"""A clock that jumps between any two instructions and comes back: it delays by name, and pays nobody anything else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.edges_life import TIME_BEGINS, TIME_ENDS, Life
from support.edges_steps import ABSENT, STEPS, TYPED, Step, do, straight
from support.svm import START
from support.world import World

HOUR = 3_600
UNDECIDED = 3
BACK: dict[str, Callable[[int], int]] = {
    "a second": lambda now: now - 1,
    "an hour": lambda now: now - HOUR,
    "to zero": lambda now: 0,
    "before time": lambda now: TIME_BEGINS,
}
FORWARD: dict[str, Callable[[int], int]] = {
    "an hour": lambda now: now + HOUR,
    "past 32 bits": lambda now: (1 << 32) + 5,
    "to the end": lambda now: TIME_ENDS,
}


@pytest.mark.parametrize("at", STEPS, ids=lambda step: step.name)
def test_a_step_at_an_earlier_time_waits_or_is_what_it_always_is(at: Step) -> None:
    """Refused, if at all, by the error that its date is worth, and done once the clock is back. Pay is the same."""
    for name, jump in BACK.items():
        if at.name == "accuse" and name != "a second":
            continue  # Its votes have an end: see below.
        life = Life(World())
        for step in STEPS:
            life.wait(step.wait)
            if step is at:
                clock = jump(life.now)
                result = do(life, step, clock)
                assert result.error_name == at.refusal(life, clock), result.logs
                if result.ok:
                    continue
            assert do(life, step).error_name == ""
        assert life.paid() == straight()


@pytest.mark.parametrize("jump", BACK)
def test_with_a_clock_behind_at_every_step_pay_is_the_same(jump: str) -> None:
    life = Life(World())
    refused = 0
    for step in STEPS:
        life.wait(step.wait)
        clock = BACK[jump](life.now)
        result = do(life, step, clock)
        assert result.error_name == step.refusal(life, clock), (step.name, result.logs)
        if not result.ok:
            refused += 1
            assert do(life, step).error_name == ""
    assert life.paid() == straight()
    assert (refused == 0) == (jump == "a second")


def test_a_dispute_by_a_clock_far_behind_is_over_when_the_clock_is_back() -> None:
    """Attestors have no time to vote: it ends undecided, a tenth of the deposit to the bond and the rest back."""
    for jump in ("an hour", "to zero", "before time"):
        life = Life(World())
        for step in STEPS:
            life.wait(step.wait)
            result = do(life, step, BACK[jump](life.now) if step.name == "accuse" else None)
            if step.name == "find":
                assert result.error_name == "VotingOver"
            elif step.name == "resolve":
                event = result.event()
                assert (event.verdict, event.to_bond, event.deposit_back) == (UNDECIDED, 10, 90)
            else:
                assert result.error_name == ""
        assert life.paid() == straight()


@pytest.mark.parametrize("at", STEPS, ids=lambda step: step.name)
def test_a_step_at_a_later_time_gains_nobody_anything(at: Step) -> None:
    """What it announces is due later, and what waited for time may have come to its end: less is paid, never more."""
    for jump in FORWARD.values():
        life = Life(World())
        for step in STEPS:
            life.wait(step.wait)
            if step is at:
                clock = jump(life.now)
                result = do(life, step, clock)
                assert result.error_name == at.refusal(life, clock), result.logs
            else:
                result = do(life, step)
                assert result.error_name in TYPED, (step.name, result.logs)
        paid = life.paid()
        wanted = straight()
        assert {name for name in paid if name != "vault" and paid[name] > wanted[name]} == set()
        burnt = sum(wanted.values()) - sum(paid.values())
        assert burnt in {0, -11}, "what was not claimed was not burnt"


def test_slots_go_on_while_time_stands_still() -> None:
    """Nothing that waits for time is moved by slots, and what slots are for goes on."""
    life = Life(World())
    errors = {}
    for step in STEPS:
        life.desk.next_slot(1_000)
        assert life.world.now == START
        if error := do(life, step).error_name:
            errors[step.name] = error
    assert errors == {
        "receipt": "RewardLimited",
        "enforce": "SlaRunning",
        "accuse": "InvalidProof",
        "find": ABSENT,
        "resolve": ABSENT,
        "apply fees": "NotDue",
        "take bond": "BondNotDue",
        "close lane": "LaneHeld",
        "end lane": "LaneHeld",
        "apply roots": "NotDue",
        "commit": "WrongRewardPath",
        "finalize": ABSENT,
        "open page": "WrongPage",
        "claim root": "NotInRoot",
        "take pool": "NotDue",
    }
    assert life.paid() == straight() | {"pool": 0, "bond": 0, "payout": 407, "payee": 0, "vault": 1_010_060}


def test_slots_do_not_change_what_time_decides() -> None:
    life = Life(World())
    for step in STEPS:
        life.wait(step.wait)
        life.desk.next_slot(100_000)
        assert do(life, step).error_name == ""
    assert life.paid() == straight()
