"""vote_dispute: what attestors find, until when, and whose votes count."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support import changes
from support.builders import read_only, unsigned
from support.parties import Device, Tab
from support.trust import AGREES, DIFFERS, GUILTY, NOT_GUILTY, REPEATED, WITHDRAWN, WITHHELD, Dispute
from support.trust_scenes import CHALLENGE, Court, TrustWorld, court_of
from worktab.program.generated.events import DisputeVoted
from worktab.program.generated.types import Ballot


def opened(court: Court) -> Dispute:
    """A dispute about a new device's first record."""
    tab = court.world.tab(court.network, 1_000)
    return court.world.dispute(court.device(), tab, court.paid_record(tab))


@pytest.fixture
def dispute(world: TrustWorld, court: Court, device: Device, tab: Tab) -> Dispute:
    """An open dispute."""
    return world.dispute(device, tab, court.paid_record(tab))


def ballot(world: TrustWorld, dispute: Dispute) -> tuple[int, int]:
    """Bits for and against the device's guilt."""
    votes = world.read_dispute(dispute).votes
    return votes.yes, votes.no


def resolve_error(world: TrustWorld, dispute: Dispute) -> str:
    """Why the dispute, with its record shown, can't end now; empty where it ended."""
    return world.send(world.resolve_dispute(dispute, shown=dispute.entry)).error_name


@pytest.mark.parametrize(
    ("finding", "bits"),
    [(AGREES, (0, 2)), (DIFFERS, (2, 0)), (WITHHELD, (2, 0)), (REPEATED, (2, 0)), (WITHDRAWN, (0, 0))],
)
def test_a_finding_is_one_bit(
    world: TrustWorld, court: Court, dispute: Dispute, finding: int, bits: tuple[int, int]
) -> None:
    world.advance(CHALLENGE // 2)
    before = world.read_dispute(dispute)

    event = world.send(world.vote_dispute(dispute, court.attestors[1], finding)).event()

    guilty, not_guilty = (each // 2 for each in bits)
    assert event == DisputeVoted(
        dispute.address, court.attestors[1].pubkey(), finding, guilty=guilty, not_guilty=not_guilty
    )
    assert world.read_dispute(dispute) == replace(before, votes=Ballot(0, *bits))


@pytest.mark.parametrize("finding", [5, 6, 255])
def test_there_is_nothing_else_to_find(world: TrustWorld, court: Court, dispute: Dispute, finding: int) -> None:
    assert world.send(world.vote_dispute(dispute, court.attestors[0], finding)).error_name == "InvalidParameter"


@pytest.mark.parametrize(
    ("challenge", "after", "error"),
    [
        (600, 0, "TooSoon"),
        (600, 299, "TooSoon"),
        (600, 300, ""),
        (600, 599, ""),
        (600, 600, "VotingOver"),
        (601, 299, "TooSoon"),
        (601, 300, ""),
        (1, 0, ""),
        (2, 0, "TooSoon"),
        (2, 1, ""),
    ],
)
def test_withholding_counts_from_half_time_on(world: TrustWorld, challenge: int, after: int, error: str) -> None:
    court = court_of(world, challenge_delay=challenge)
    dispute = opened(court)
    world.advance(after)

    assert world.send(world.vote_dispute(dispute, court.attestors[0], WITHHELD)).error_name == error


@pytest.mark.parametrize("finding", [WITHDRAWN, AGREES, DIFFERS, REPEATED])
def test_other_findings_count_from_the_opening_to_the_deadline(
    world: TrustWorld, court: Court, dispute: Dispute, finding: int
) -> None:
    vote = world.vote_dispute(dispute, court.attestors[0], finding)
    assert world.send(vote).ok
    world.advance(CHALLENGE - 1)
    assert world.send(vote).ok
    world.advance(1)

    assert world.send(vote).error_name == "VotingOver"


def test_a_clock_that_stepped_back_is_no_half_time(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    world.advance(-CHALLENGE)

    assert world.send(world.vote_dispute(dispute, court.attestors[0], WITHHELD)).error_name == "TooSoon"
    assert world.send(world.vote_dispute(dispute, court.attestors[0], AGREES)).ok


def test_a_vote_is_changed_and_withdrawn(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    first = court.attestors[0]
    for finding, bits in (
        (DIFFERS, (1, 0)),
        (AGREES, (0, 1)),
        (WITHDRAWN, (0, 0)),
        (WITHDRAWN, (0, 0)),
        (REPEATED, (1, 0)),
        (DIFFERS, (1, 0)),
    ):
        event = world.send(world.vote_dispute(dispute, first, finding)).event()
        assert (event.guilty, event.not_guilty) == bits
        assert ballot(world, dispute) == bits


@pytest.mark.parametrize(("finding", "verdict"), [(AGREES, NOT_GUILTY), (DIFFERS, GUILTY)])
@pytest.mark.parametrize(("attestors", "threshold"), [(1, 1), (2, 2), (3, 2), (3, 3), (16, 9), (16, 16)])
def test_enough_attestors_end_it(world: TrustWorld, attestors: int, threshold: int, finding: int, verdict: int) -> None:
    court = court_of(world, attestors=attestors, threshold=threshold)
    dispute, against = opened(court), attestors - threshold
    other = DIFFERS if finding == AGREES else AGREES
    voters = court.attestors[::-1]
    for voter in voters[:against]:
        court.must(world.vote_dispute(dispute, voter, other))
    for voter in voters[against:-1]:
        court.must(world.vote_dispute(dispute, voter, finding))
    assert resolve_error(world, dispute) == "DisputeUndecided"

    event = court.must(world.vote_dispute(dispute, voters[-1], finding)).event()

    counts = (against, threshold) if finding == AGREES else (threshold, against)
    assert (event.guilty, event.not_guilty) == counts
    shown = dispute.entry
    assert world.send(world.resolve_dispute(dispute, shown=shown)).event().verdict == verdict


def test_different_reasons_add_up(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    world.advance(CHALLENGE // 2)
    court.must(world.vote_dispute(dispute, court.attestors[0], WITHHELD))
    court.must(world.vote_dispute(dispute, court.attestors[1], REPEATED))

    assert resolve_error(world, dispute) == ""


def test_what_enough_agreed_on_stands(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    court.must(world.vote_dispute(dispute, court.attestors[0], DIFFERS))
    assert world.read_dispute(dispute).found == 0
    court.must(world.vote_dispute(dispute, court.attestors[1], DIFFERS))
    assert world.read_dispute(dispute).found == GUILTY
    for finding in (AGREES, WITHDRAWN, DIFFERS):
        for attestor in court.attestors:
            assert world.send(world.vote_dispute(dispute, attestor, finding)).error_name == "VotingOver"

    assert ballot(world, dispute) == (0b11, 0)
    assert resolve_error(world, dispute) == ""


def test_after_the_deadline_what_was_voted_stands(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    court.vote(dispute, DIFFERS)
    world.advance(10 * CHALLENGE)
    assert world.send(world.vote_dispute(dispute, court.attestors[0], AGREES)).error_name == "VotingOver"

    assert world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event().verdict == GUILTY


def test_only_attestors_vote(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    for key in (dispute.device.owner, dispute.tab.consumer, court.network.authority, world.payer):
        assert world.send(world.vote_dispute(dispute, key, AGREES)).error_name == "NotAttestor"
    missing = unsigned(world.vote_dispute(dispute, court.attestors[0], AGREES), court.attestors[0].pubkey())
    assert world.send(missing).error == "MissingRequiredSignature"
    assert ballot(world, dispute) == (0, 0)


def test_another_networks_attestors_do_not_vote(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    other = court_of(world)
    for attestor in (other.attestors[0], court.attestors[0]):
        vote = world.vote_dispute(dispute, attestor, AGREES, network=other.network.address)
        assert world.send(vote).error_name == "WrongNetwork"

    assert ballot(world, dispute) == (0, 0)


# Attestors that change


def test_votes_of_attestors_that_changed_are_void(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    court.vote(dispute, DIFFERS, 1)
    court.must(world.propose(court.network, changes.remove_attestor(court.attestors[2].pubkey())))

    event = world.send(world.vote_dispute(dispute, court.attestors[1], DIFFERS)).event()

    assert (event.guilty, event.not_guilty) == (1, 0)
    assert world.read_dispute(dispute).votes == Ballot(attestor_version=1, yes=2, no=0)
    assert resolve_error(world, dispute) == "DisputeUndecided"
    court.must(world.vote_dispute(dispute, court.attestors[0], DIFFERS))
    assert resolve_error(world, dispute) == ""


def test_a_withdrawal_after_a_change_voids_the_others(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    court.vote(dispute, DIFFERS, 1)
    court.must(world.propose(court.network, changes.remove_attestor(court.attestors[2].pubkey())))

    event = world.send(world.vote_dispute(dispute, court.attestors[1], WITHDRAWN)).event()

    assert (event.guilty, event.not_guilty) == (0, 0)
    assert world.read_dispute(dispute).votes == Ballot(attestor_version=1, yes=0, no=0)


def test_a_vote_of_the_same_attestor_at_another_place_is_not_counted_twice(
    world: TrustWorld, court: Court, dispute: Dispute
) -> None:
    """The attestors after one that is removed move up a place."""
    third = court.attestors[2]
    court.must(world.vote_dispute(dispute, third, DIFFERS))
    court.must(world.propose(court.network, changes.remove_attestor(court.attestors[0].pubkey())))

    event = world.send(world.vote_dispute(dispute, third, DIFFERS)).event()

    assert event.guilty == 1
    assert ballot(world, dispute) == (0b10, 0)


@pytest.mark.parametrize("removed", [1, 3])
@pytest.mark.parametrize("after", [0, CHALLENGE])
def test_what_was_decided_stands_whoever_the_attestors_are_then(
    world: TrustWorld, court: Court, dispute: Dispute, removed: int, after: int
) -> None:
    court.vote(dispute, DIFFERS)
    world.advance(after)
    for attestor in court.attestors[3 - removed :]:
        court.must(world.propose(court.network, changes.remove_attestor(attestor.pubkey())))

    assert world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event().verdict == GUILTY


def test_fewer_attestors_than_had_to_agree_never_decide(world: TrustWorld) -> None:
    """An authority with one attestor on its side can't remove the others and decide alone."""
    court = court_of(world, attestors=5, threshold=3)
    dispute = opened(court)
    for attestor in court.attestors[1:]:
        court.must(world.propose(court.network, changes.remove_attestor(attestor.pubkey())))
    assert world.read_network(court.network).threshold == 1

    court.must(world.vote_dispute(dispute, court.attestors[0], DIFFERS))

    assert world.read_dispute(dispute).found == 0
    assert resolve_error(world, dispute) == "DisputeUndecided"
    world.advance(CHALLENGE)
    assert world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event().verdict == 3


def test_a_higher_threshold_than_at_the_opening_counts(world: TrustWorld) -> None:
    court = court_of(world, attestors=3, threshold=2, parameter_delay=0)
    dispute = opened(court)
    court.must(world.propose(court.network, changes.threshold(3)), world.apply(court.network))
    court.vote(dispute, DIFFERS, 2)
    assert resolve_error(world, dispute) == "DisputeUndecided"

    court.must(world.vote_dispute(dispute, court.attestors[2], DIFFERS))

    assert resolve_error(world, dispute) == ""


def test_where_no_attestors_are_left_it_is_undecided(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    court.vote(dispute, DIFFERS, 1)
    for attestor in court.attestors:
        court.must(world.propose(court.network, changes.remove_attestor(attestor.pubkey())))
    assert resolve_error(world, dispute) == "DisputeUndecided"
    world.advance(CHALLENGE)

    assert world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event().verdict == 3


# Disputes that ended


@pytest.mark.parametrize("finding", [AGREES, DIFFERS])
def test_one_that_ended_takes_no_votes(world: TrustWorld, court: Court, dispute: Dispute, finding: int) -> None:
    court.vote(dispute, finding)
    assert resolve_error(world, dispute) == ""

    result = world.send(world.vote_dispute(dispute, court.attestors[2], AGREES))

    assert not result.ok
    if finding == DIFFERS:
        assert result.error_name == "DisputeOver"


def test_nothing_pauses_it(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    assert world.send(world.pause(court.network, 31)).ok

    assert world.send(world.vote_dispute(dispute, court.attestors[0], AGREES)).ok


def test_the_dispute_must_be_writable(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    vote = read_only(world.vote_dispute(dispute, court.attestors[0], AGREES), dispute.address)

    assert not world.send(vote).ok

    assert ballot(world, dispute) == (0, 0)
