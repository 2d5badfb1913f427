"""propose_update and apply_update: who announces a change, when it takes effect, and how it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support import changes
from support.builders import unsigned
from support.parties import DELAY, NOBODY
from support.world import World
from worktab.program.generated.events import UpdateProposed
from worktab.program.generated.types import ClassTerms, PendingChange

YEAR = 31_536_000
NOTHING = PendingChange(0, (0,) * 5, bytes(32), 0, 0, bytes(6))
NEW_CLASS = ClassTerms(meter=6, rate=1, max_capacity=1, least_bond=1, budget=1)
OTHER_TERMS = ClassTerms(meter=1, rate=2, max_capacity=3, least_bond=4, budget=5)


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

    assert event == UpdateProposed(network.address, 0, 0, effective_at=0, values=(0,) * 5, key=NOBODY)
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
