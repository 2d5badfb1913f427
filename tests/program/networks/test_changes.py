"""propose_update and apply_update: every kind of change, what it does, and its limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.pubkey import Pubkey

from support import changes
from support.parties import CLASS, DELAY, NOBODY
from support.svm import START
from support.world import World
from worktab.program.generated.events import UpdateApplied, UpdateProposed
from worktab.program.generated.types import Change, Class, ClassTerms, PendingChange

U64 = 2**64 - 1
YEAR = 31_536_000
GUARDIAN = Pubkey([7] * 32)
NOTHING = PendingChange(0, (0,) * 5, bytes(32), 0, 0, bytes(6))
NEW_CLASS = ClassTerms(meter=6, rate=U64, max_capacity=2**48, least_bond=U64, budget=U64)
OTHER_TERMS = ClassTerms(meter=1, rate=2, max_capacity=3, least_bond=4, budget=5)


def as_class(terms: ClassTerms) -> Class:
    values = (terms.rate, terms.max_capacity, terms.least_bond, terms.budget)
    return Class(*values, 0, 0, 0, 0, 0, terms.meter, bytes(3))


UNUSED = Class(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, bytes(3))

ACCEPTED: dict[str, tuple[Change, dict[str, Any]]] = {
    "terms of a class": (
        changes.class_terms(0, OTHER_TERMS),
        {"classes": (as_class(OTHER_TERMS), *(UNUSED,) * 7)},
    ),
    "a new class in the last slot": (
        changes.class_terms(7, NEW_CLASS),
        {"classes": (as_class(CLASS), *(UNUSED,) * 6, as_class(NEW_CLASS))},
    ),
    "a class that pays nothing": (
        changes.class_terms(0, ClassTerms(1, 0, 0, 0, 0)),
        {"classes": (as_class(ClassTerms(1, 0, 0, 0, 0)), *(UNUSED,) * 7)},
    ),
    "fee": (changes.fees(3_000, 0), {"fee_bps": 3_000, "burn_bps": 0}),
    "burn": (changes.fees(0, 3_000), {"fee_bps": 0, "burn_bps": 3_000}),
    "fee and burn": (changes.fees(2_999, 1), {"fee_bps": 2_999, "burn_bps": 1}),
    "shortest delays": (
        changes.delays(0, 3_600, 0, 0),
        {"parameter_delay": 0, "lane_close_delay": 3_600, "challenge_delay": 0, "unbonding_delay": 0},
    ),
    "longest delays": (
        changes.delays(YEAR, YEAR, YEAR, YEAR),
        {"parameter_delay": YEAR, "lane_close_delay": YEAR, "challenge_delay": YEAR, "unbonding_delay": YEAR},
    ),
    "four delays in their order": (
        changes.delays(1, 3_602, 3, 4),
        {"parameter_delay": 1, "lane_close_delay": 3_602, "challenge_delay": 3, "unbonding_delay": 4},
    ),
    "admission by hand": (changes.admission(1), {"admission": 1}),
    "admission of all": (changes.admission(0), {"admission": 0}),
    "another guardian": (changes.guardian(GUARDIAN), {"guardian": GUARDIAN}),
    "no guardian": (changes.guardian(NOBODY), {"guardian": NOBODY}),
}

REFUSED: dict[str, tuple[Change, str]] = {
    "meter 0": (changes.class_terms(1, replace(NEW_CLASS, meter=0)), "InvalidParameter"),
    "meter 7": (changes.class_terms(1, replace(NEW_CLASS, meter=7)), "InvalidParameter"),
    "meter 257, which is 1 in a byte": (changes.change(1, 257, 1, 1, 1, 1), "InvalidParameter"),
    "capacity over the largest": (
        changes.class_terms(1, replace(NEW_CLASS, max_capacity=2**48 + 1)),
        "InvalidParameter",
    ),
    "another meter": (changes.class_terms(0, NEW_CLASS), "MeterFixed"),
    "class 8": (changes.class_terms(8, NEW_CLASS), "UnknownClass"),
    "class 255": (changes.class_terms(255, NEW_CLASS), "UnknownClass"),
    "fee over 30 percent": (changes.fees(3_001, 0), "InvalidParameter"),
    "burn over 30 percent": (changes.fees(0, 3_001), "InvalidParameter"),
    "together over 30 percent": (changes.fees(3_000, 1), "InvalidParameter"),
    "a fee of 65,536, which is 0 in its field": (changes.fees(65_536, 0), "InvalidParameter"),
    "a burn of 65,536, which is 0 in its field": (changes.fees(0, 65_536), "InvalidParameter"),
    "parameter delay over a year": (changes.delays(YEAR + 1, 3_600, 0, 0), "InvalidParameter"),
    "lane close under an hour": (changes.delays(0, 3_599, 0, 0), "InvalidParameter"),
    "lane close over a year": (changes.delays(0, YEAR + 1, 0, 0), "InvalidParameter"),
    "challenge over a year": (changes.delays(0, 3_600, YEAR + 1, YEAR + 1), "InvalidParameter"),
    "unbonding over a year": (changes.delays(0, 3_600, 0, YEAR + 1), "InvalidParameter"),
    "unbonding below challenge": (changes.delays(0, 3_600, 2, 1), "InvalidParameter"),
    "a delay of 2^32, which is 0 in its field": (changes.delays(2**32, 3_600, 0, 0), "InvalidParameter"),
    "admission 2": (changes.admission(2), "InvalidParameter"),
    "admission 256, which is 0 in a byte": (changes.admission(256), "InvalidParameter"),
    "kind 7": (changes.change(7), "InvalidParameter"),
    "kind 255": (changes.change(255), "InvalidParameter"),
    "a key in a class change": (replace(changes.class_terms(0, CLASS), key=GUARDIAN), "InvalidParameter"),
    "a key with fees": (replace(changes.fees(1, 1), key=GUARDIAN), "InvalidParameter"),
    "a third value with fees": (changes.change(2, 1, 1, 1), "InvalidParameter"),
    "a class with fees": (replace(changes.fees(1, 1), class_=1), "InvalidParameter"),
    "a fifth value with delays": (changes.change(3, 0, 3_600, 0, 0, 1), "InvalidParameter"),
    "a key with delays": (replace(changes.delays(0, 3_600, 0, 0), key=GUARDIAN), "InvalidParameter"),
    "a second value with admission": (changes.change(4, 1, 1), "InvalidParameter"),
    "a key with admission": (replace(changes.admission(1), key=GUARDIAN), "InvalidParameter"),
    "a value with a guardian": (changes.change(5, 1, key=GUARDIAN), "InvalidParameter"),
    "a class with a guardian": (changes.change(5, class_=1, key=GUARDIAN), "InvalidParameter"),
    "a value with an authority": (changes.change(6, 0, 0, 0, 0, 1, key=GUARDIAN), "InvalidParameter"),
    "a class with an authority": (changes.change(6, class_=1, key=GUARDIAN), "InvalidParameter"),
    "a value with a cancel": (changes.change(0, 1), "InvalidParameter"),
    "a key with a cancel": (changes.change(0, key=GUARDIAN), "InvalidParameter"),
    "a class with a cancel": (changes.change(0, class_=1), "InvalidParameter"),
}


@pytest.mark.parametrize(("change", "effect"), ACCEPTED.values(), ids=ACCEPTED)
def test_a_change_waits_and_then_takes_effect(world: World, change: Change, effect: dict[str, Any]) -> None:
    network = world.network(admission=0 if change.values[0] else 1, guardian=Pubkey([8] * 32))
    before = world.read_network(network)
    due = START + 1_000 + DELAY
    world.advance(1_000)

    event = world.send(world.propose(network, change)).event()

    assert event == UpdateProposed(network.address, change.kind, change.class_, due, change.values, change.key)
    pending = PendingChange(due, change.values, bytes(change.key), change.kind, change.class_, bytes(6))
    assert world.read_network(network) == replace(before, pending=pending)

    world.now = due
    event = world.send(world.apply(network)).event()

    assert event == UpdateApplied(network.address, change.kind, change.class_)
    assert world.read_network(network) == replace(before, **effect)


@pytest.mark.parametrize(("change", "error"), REFUSED.values(), ids=REFUSED)
def test_a_change_that_could_not_be_applied_is_refused_at_once(world: World, change: Change, error: str) -> None:
    network = world.network()
    before = world.data(network.address)

    assert world.send(world.propose(network, change)).error_name == error
    assert world.data(network.address) == before


def test_fees_beyond_their_field_are_refused(world: World) -> None:
    network = world.network()

    assert world.send(world.propose(network, changes.fees(65_535, 1))).error_name == "Overflow"
