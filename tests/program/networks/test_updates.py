"""propose_update and apply_update: every kind of change, its limits, its delay, and its end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.pubkey import Pubkey

from support import changes
from support.builders import unsigned
from support.parties import CLASS, DELAY, NOBODY
from support.svm import START
from support.world import World
from worktab.program.generated.events import UpdateApplied, UpdateProposed
from worktab.program.generated.types import Change, Class, ClassTerms, PendingChange

U64 = 2**64 - 1
YEAR = 31_536_000
GUARDIAN = Pubkey([7] * 32)
NOTHING = PendingChange(0, (0,) * 5, bytes(32), 0, 0, bytes(6))
NEW_CLASS = ClassTerms(meter=6, rate=U64, max_capacity=U64, least_bond=U64, budget=U64)
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

    assert event == UpdateProposed(network.address, change.kind, change.class_, effective_at=due)
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


def test_only_the_authority_proposes(world: World) -> None:
    guardian, attestor, stranger = world.keypair(), world.keypair(), world.keypair()
    network = world.network(guardian=guardian.pubkey(), attestors=(attestor.pubkey(),), threshold=1)

    for signer in (guardian, attestor, stranger):
        for change in (changes.fees(1, 1), changes.CANCEL, changes.authority(signer.pubkey())):
            assert world.send(world.propose(network, change, signer=signer)).error_name == "Unauthorized"
    unsigned_change = unsigned(world.propose(network, changes.fees(1, 1)), network.authority.pubkey())
    assert world.send(unsigned_change).error == "MissingRequiredSignature"


def test_another_networks_authority_proposes_nothing(world: World) -> None:
    network, other = world.network(), world.network()

    assert world.send(world.propose(network, changes.fees(1, 1), signer=other.authority)).error_name == "Unauthorized"


@pytest.mark.parametrize("delay", [0, 1, DELAY, YEAR])
def test_a_change_is_applied_at_its_date_and_not_a_second_before(world: World, delay: int) -> None:
    network = world.network(parameter_delay=delay)
    assert world.send(world.propose(network, changes.fees(7, 0))).ok

    world.advance(delay - 1)
    assert world.send(world.apply(network)).error_name == "NotDue"
    assert world.read_network(network).fee_bps == 0

    world.advance(1)
    assert world.send(world.apply(network)).ok
    assert world.read_network(network).fee_bps == 7


def test_a_change_may_be_applied_long_after_its_date(world: World) -> None:
    network = world.network()
    assert world.send(world.propose(network, changes.fees(7, 0))).ok

    world.advance(DELAY + 10 * YEAR)

    assert world.send(world.apply(network)).ok


def test_a_change_is_applied_once(world: World) -> None:
    network = world.network(parameter_delay=0)
    assert world.send(world.propose(network, changes.fees(7, 0))).ok
    assert world.send(world.apply(network)).ok

    assert world.send(world.apply(network)).error_name == "NothingPending"


def test_nothing_is_pending_at_first(world: World) -> None:
    network = world.network()

    assert world.send(world.apply(network)).error_name == "NothingPending"


def test_a_new_proposal_takes_the_place_of_the_old_and_waits_anew(world: World) -> None:
    network = world.network()
    assert world.send(world.propose(network, changes.fees(7, 0))).ok
    world.advance(DELAY - 1)
    assert world.send(world.propose(network, changes.fees(7, 0))).event().effective_at == world.now + DELAY

    world.advance(1)
    assert world.send(world.apply(network)).error_name == "NotDue"
    world.advance(DELAY - 2)
    assert world.send(world.apply(network)).error_name == "NotDue"

    assert world.send(world.propose(network, changes.admission(1))).ok
    world.advance(DELAY)
    assert world.send(world.apply(network)).ok
    after = world.read_network(network)
    assert (after.fee_bps, after.admission, after.pending) == (0, 1, NOTHING)


def test_a_refused_proposal_leaves_the_pending_one(world: World) -> None:
    network = world.network()
    assert world.send(world.propose(network, changes.fees(7, 0))).ok
    world.advance(DELAY)

    assert not world.send(world.propose(network, changes.fees(3_001, 0))).ok

    assert world.send(world.apply(network)).ok
    assert world.read_network(network).fee_bps == 7


def test_a_pending_change_can_be_withdrawn(world: World) -> None:
    network = world.network()
    before = world.read_network(network)
    assert world.send(world.propose(network, changes.fees(7, 0))).ok
    world.advance(DELAY)

    event = world.send(world.propose(network, changes.CANCEL)).event()

    assert event == UpdateProposed(network.address, kind=0, class_=0, effective_at=0)
    assert world.read_network(network) == before
    assert world.send(world.apply(network)).error_name == "NothingPending"


def test_withdrawing_nothing_changes_nothing(world: World) -> None:
    network = world.network()
    before = world.data(network.address)

    assert world.send(world.propose(network, changes.CANCEL)).ok
    assert world.data(network.address) == before


def test_a_change_waits_by_the_delay_of_the_day_it_was_proposed(world: World) -> None:
    network = world.network()
    assert world.send(world.propose(network, changes.delays(10, 3_600, 0, 0))).ok
    world.advance(DELAY)
    assert world.send(world.apply(network)).ok

    assert world.send(world.propose(network, changes.fees(7, 0))).event().effective_at == world.now + 10


def test_a_change_that_became_inapplicable_is_refused_and_stays(world: World) -> None:
    network = world.network()
    assert world.send(world.propose(network, changes.class_terms(1, NEW_CLASS))).ok
    world.advance(DELAY)
    world.patch_class(network, 1, meter=2)
    before = world.data(network.address)

    assert world.send(world.apply(network)).error_name == "MeterFixed"
    assert world.data(network.address) == before

    assert world.send(world.propose(network, changes.CANCEL)).ok
    assert world.read_network(network).pending == NOTHING


def test_new_terms_leave_what_a_class_counts(world: World) -> None:
    network = world.network(parameter_delay=0)
    device = world.device(network, capacity=1_000)
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 100)).ok
    before = world.read_network(network).classes[0]
    assert (before.spent, before.total_capacity, before.devices, before.epoch) == (100, 1_000, 1, 1)

    assert world.send(world.propose(network, changes.class_terms(0, OTHER_TERMS))).ok
    assert world.send(world.apply(network)).ok

    assert world.read_network(network).classes[0] == replace(before, rate=2, max_capacity=3, least_bond=4, budget=5)


def test_a_proposal_and_its_application_in_one_transaction_need_the_delay_to_be_zero(world: World) -> None:
    slow, fast = world.network(parameter_delay=1), world.network(parameter_delay=0)

    assert world.send(world.propose(slow, changes.fees(7, 0)), world.apply(slow)).error_name == "NotDue"
    assert world.send(world.propose(fast, changes.fees(7, 0)), world.apply(fast)).ok
    assert (world.read_network(slow).fee_bps, world.read_network(fast).fee_bps) == (0, 7)


def test_a_clock_beyond_its_range_is_refused(world: World) -> None:
    network = world.network()
    world.now = 2**63 - 1

    assert world.send(world.propose(network, changes.fees(7, 0))).error_name == "Overflow"
