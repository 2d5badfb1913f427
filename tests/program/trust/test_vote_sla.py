"""vote_sla: who decides a contested SLA, how many must agree, and until when."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.keypair import Keypair

from support import changes
from support.builders import read_only, unsigned
from support.parties import Lane
from support.trust import Sla
from support.trust_scenes import CHALLENGE, Court, TrustWorld, court_of
from worktab.program.generated.events import SlaVoted
from worktab.program.generated.types import Ballot, Change

NONE, CONTESTED, UPHELD, DISMISSED = range(4)


def contested(court: Court, lane: Lane | None = None) -> Sla:
    """An SLA that nothing was delivered on, contested at its deadline."""
    world = court.world
    sla = world.sla(lane or court.lane(court.device()), 500, 2_000)
    world.now = sla.deadline
    court.must(world.contest_sla(sla))
    return sla


@pytest.fixture
def sla(court: Court, lane: Lane) -> Sla:
    """A contested SLA, its deadline now."""
    return contested(court, lane)


def ballot(world: TrustWorld, sla: Sla) -> tuple[int, int, int]:
    """Bits for and against the penalty, and what stands."""
    held = world.read_sla(sla)
    return held.votes.yes, held.votes.no, held.contested


def test_a_vote_is_one_bit(world: TrustWorld, court: Court, sla: Sla) -> None:
    before = world.read_sla(sla)

    event = world.send(world.vote_sla(sla, court.attestors[2], True)).event()

    assert event == SlaVoted(sla.address, court.attestors[2].pubkey(), upheld=True, yes=1, no=0)
    assert world.read_sla(sla) == replace(before, votes=Ballot(0, 0b100, 0))


@pytest.mark.parametrize(("upheld", "stands"), [(True, UPHELD), (False, DISMISSED)])
@pytest.mark.parametrize(("attestors", "threshold"), [(1, 1), (2, 2), (3, 2), (3, 3), (16, 9), (16, 16)])
def test_enough_attestors_decide_for_good(
    world: TrustWorld, attestors: int, threshold: int, upheld: bool, stands: int
) -> None:
    court = court_of(world, attestors=attestors, threshold=threshold)
    sla = contested(court)
    against = attestors - threshold
    voters = court.attestors[::-1]
    for voter in voters[:against]:
        court.must(world.vote_sla(sla, voter, not upheld))
    for voter in voters[against:-1]:
        court.must(world.vote_sla(sla, voter, upheld))
    assert world.read_sla(sla).contested == CONTESTED

    event = court.must(world.vote_sla(sla, voters[-1], upheld)).event()

    counts = (threshold, against) if upheld else (against, threshold)
    assert (event.yes, event.no) == counts
    assert world.read_sla(sla).contested == stands
    for again in (True, False, None):
        assert world.send(world.vote_sla(sla, voters[-1], again)).error_name == "NotContested"


def test_a_vote_is_changed_and_withdrawn(world: TrustWorld, court: Court, sla: Sla) -> None:
    first = court.attestors[0]
    for vote, bits in ((True, (1, 0)), (False, (0, 1)), (None, (0, 0)), (None, (0, 0)), (True, (1, 0)), (True, (1, 0))):
        event = world.send(world.vote_sla(sla, first, vote)).event()
        assert (event.upheld, event.yes, event.no) == (vote, *bits)
        assert ballot(world, sla) == (*bits, CONTESTED)


def test_one_attestor_is_not_enough_of_three_however_often_it_votes(world: TrustWorld, court: Court, sla: Sla) -> None:
    for _ in range(3):
        assert world.send(world.vote_sla(sla, court.attestors[0], True)).ok

    assert ballot(world, sla) == (1, 0, CONTESTED)


@pytest.mark.parametrize(("after", "error"), [(2 * CHALLENGE - 1, ""), (2 * CHALLENGE, "VotingOver")])
def test_the_time_to_decide_ends(world: TrustWorld, court: Court, sla: Sla, after: int, error: str) -> None:
    world.advance(after)

    assert world.send(world.vote_sla(sla, court.attestors[0], True)).error_name == error


def test_one_that_nobody_contests_is_not_voted_on(world: TrustWorld, court: Court, lane: Lane) -> None:
    sla = world.sla(lane, 500, 2_000)
    for now in (world.now, sla.deadline, sla.deadline + CHALLENGE):
        world.now = now
        assert world.send(world.vote_sla(sla, court.attestors[0], True)).error_name == "NotContested"


def test_only_attestors_vote(world: TrustWorld, court: Court, sla: Sla) -> None:
    lane = sla.lane
    for key in (lane.device.owner, lane.tab.consumer, court.network.authority, world.payer):
        assert world.send(world.vote_sla(sla, key, False)).error_name == "NotAttestor"
    missing = unsigned(world.vote_sla(sla, court.attestors[0], True), court.attestors[0].pubkey())
    assert world.send(missing).error == "MissingRequiredSignature"
    assert ballot(world, sla) == (0, 0, CONTESTED)


def test_another_networks_attestors_do_not_vote(world: TrustWorld, court: Court, sla: Sla) -> None:
    other = court_of(world)

    assert world.send(world.vote_sla(sla, other.attestors[0], True)).error_name == "NotAttestor"
    vote = world.vote_sla(sla, other.attestors[0], True, network=other.network.address)
    assert world.send(vote).error_name == "WrongNetwork"
    vote = world.vote_sla(sla, court.attestors[0], True, network=other.network.address)
    assert world.send(vote).error_name == "WrongNetwork"


def change(court: Court, *proposed: Change) -> None:
    """Changes of attestors, in force."""
    for each in proposed:
        court.must(court.world.propose(court.network, each))


def test_votes_of_attestors_that_changed_are_void(world: TrustWorld, court: Court, sla: Sla) -> None:
    first, second, third = court.attestors
    court.must(world.vote_sla(sla, first, True))
    change(court, changes.remove_attestor(third.pubkey()))

    event = world.send(world.vote_sla(sla, second, True)).event()

    assert (event.yes, event.no) == (1, 0)
    assert world.read_sla(sla).votes == Ballot(attestor_version=1, yes=0b10, no=0)
    assert world.send(world.vote_sla(sla, third, True)).error_name == "NotAttestor"
    assert world.send(world.vote_sla(sla, first, True)).event().yes == 2
    assert ballot(world, sla)[2] == UPHELD


def test_what_was_decided_stands_whoever_the_attestors_are_then(world: TrustWorld, court: Court, sla: Sla) -> None:
    court.decide(sla, True)
    change(court, *(changes.remove_attestor(each.pubkey()) for each in court.attestors))

    assert world.send(world.enforce_sla(sla)).event().penalty == 100


def test_a_lower_threshold_than_at_the_opening_does_not_decide(world: TrustWorld) -> None:
    court = court_of(world, attestors=3, threshold=3, parameter_delay=0)
    sla = contested(court)
    court.must(world.propose(court.network, changes.threshold(2)), world.apply(court.network))
    for attestor in court.attestors[:2]:
        court.must(world.vote_sla(sla, attestor, True))
    assert ballot(world, sla)[2] == CONTESTED

    court.must(world.vote_sla(sla, court.attestors[2], True))

    assert ballot(world, sla)[2] == UPHELD


def test_a_higher_one_counts(world: TrustWorld) -> None:
    court = court_of(world, attestors=3, threshold=2, parameter_delay=0)
    sla = contested(court)
    court.must(world.propose(court.network, changes.threshold(3)), world.apply(court.network))
    for attestor in court.attestors[:2]:
        court.must(world.vote_sla(sla, attestor, True))
    assert ballot(world, sla)[2] == CONTESTED

    court.must(world.vote_sla(sla, court.attestors[2], True))

    assert ballot(world, sla)[2] == UPHELD


def test_where_no_attestors_are_left_it_stays_undecided(world: TrustWorld, court: Court, sla: Sla) -> None:
    court.must(world.vote_sla(sla, court.attestors[0], True))
    change(court, *(changes.remove_attestor(each.pubkey()) for each in court.attestors))
    world.now = sla.deadline + 2 * CHALLENGE

    assert world.send(world.enforce_sla(sla)).event().outcome == 2


def test_the_sla_must_be_writable(world: TrustWorld, court: Court, sla: Sla) -> None:
    vote = read_only(world.vote_sla(sla, court.attestors[0], True), sla.address)

    assert not world.send(vote).ok

    assert ballot(world, sla) == (0, 0, CONTESTED)


def test_nothing_pauses_it(world: TrustWorld, court: Court, sla: Sla) -> None:
    assert world.send(world.pause(court.network, 31)).ok

    assert world.send(world.vote_sla(sla, court.attestors[0], True)).ok


def test_a_device_that_attests_for_itself_is_one_of_many(world: TrustWorld) -> None:
    """Nothing forbids an attestor to own a device: its vote is one among those that must agree."""
    court = court_of(world)
    owner: Keypair = court.attestors[0]
    sla = contested(court, court.lane(court.device(owner=owner)))

    court.must(world.vote_sla(sla, owner, False))

    assert ballot(world, sla) == (0, 1, CONTESTED)
