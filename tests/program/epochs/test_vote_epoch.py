"""vote_epoch: approvals, withdrawals and vetoes, and whose they may be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.keypair import Keypair

from support.builders import unsigned
from support.epochs import APPROVE, CHALLENGE, VETO, WITHDRAW, Root, Roots, roots_of
from support.invoices import state_of
from support.parties import NOBODY
from support.world import World
from worktab.core.addresses import SYSTEM_PROGRAM_ID
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.events import EpochVoted

U32 = 2**32 - 1


def test_a_vote_is_counted_and_its_checks_are_said(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root, 1)
    before, network = roots.read(commitment), world.data(roots.network.address)
    world.advance(5)

    result = world.send(roots.vote(commitment, roots.attestors[2], checked=U32, failed=2, ms=9_999))

    assert result.event() == EpochVoted(
        epoch=roots.address(commitment),
        voter=roots.attestors[2].pubkey(),
        vote=APPROVE,
        approvals=2,
        records_checked=U32,
        records_failed=2,
        check_ms=9_999,
    )
    assert roots.read(commitment) == replace(before, approvals=0b101, approved_at=world.now)
    assert world.data(roots.network.address) == network


def test_an_attestor_that_votes_twice_counts_once(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root, 1)

    for _ in range(2):
        assert world.send(roots.vote(commitment, roots.attestors[0])).event().approvals == 1
    assert (roots.read(commitment).approvals, roots.read(commitment).approved_at) == (0b001, 0)

    assert world.send(roots.vote(commitment, roots.attestors[1])).event().approvals == 2
    approved_at = world.now
    world.advance(10)
    assert world.send(roots.vote(commitment, roots.attestors[1])).event().approvals == 2
    assert (roots.read(commitment).approvals, roots.read(commitment).approved_at) == (0b011, approved_at)


def test_the_delay_runs_from_the_vote_that_reaches_the_threshold(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root, 1)
    world.advance(10)
    world.must(roots.vote(commitment, roots.attestors[1]))
    reached = world.now
    world.advance(10)
    world.must(roots.vote(commitment, roots.attestors[2]))
    assert roots.read(commitment).approved_at == reached

    # One of three may leave without harm; the one after it is missed.
    world.must(roots.withdraw(commitment, roots.attestors[0]))
    assert roots.read(commitment).approved_at == reached
    assert world.send(roots.withdraw(commitment, roots.attestors[1])).event().approvals == 1
    assert roots.read(commitment).approved_at == 0

    world.advance(10)
    world.must(roots.vote(commitment, roots.attestors[0]))
    assert (roots.read(commitment).approvals, roots.read(commitment).approved_at) == (0b101, world.now)


def test_a_withdrawn_vote_no_longer_counts(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root, 2)
    world.advance(CHALLENGE)

    event = world.send(roots.withdraw(commitment, roots.attestors[0])).event()

    assert (event.vote, event.approvals, event.voter) == (WITHDRAW, 1, roots.attestors[0].pubkey())
    assert world.send(roots.finalize(commitment)).error_name == "BelowThreshold"


def test_a_vote_given_again_waits_the_whole_delay_again(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root, 2)
    world.advance(CHALLENGE)
    world.must(roots.withdraw(commitment, roots.attestors[0]))
    world.must(roots.vote(commitment, roots.attestors[0]))

    world.advance(CHALLENGE - 1)
    assert world.send(roots.finalize(commitment)).error_name == "ChallengeOpen"
    world.advance(1)
    assert world.send(roots.finalize(commitment)).ok


def test_withdrawing_what_was_not_given_changes_nothing(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root, 2)
    kept = roots.read(commitment)

    assert world.send(roots.withdraw(commitment, roots.attestors[2])).event().approvals == 2
    assert roots.read(commitment) == kept


def test_only_attestors_vote(world: World, roots: Roots, root: Root) -> None:
    commitment, others = roots.commit_to(root, 1), roots_of(world)
    kept = state_of(world, roots.address(commitment))
    strangers: list[Keypair] = [roots.network.authority, roots.guardian, world.keypair(), others.attestors[0]]

    for voter in strangers:
        for vote in (WITHDRAW, APPROVE):
            assert world.send(roots.vote(commitment, voter, vote)).error_name == "NotAttestor"
    not_signed = unsigned(roots.vote(commitment, roots.attestors[1]), roots.attestors[1].pubkey())
    assert world.send(not_signed).error == "MissingRequiredSignature"

    assert state_of(world, roots.address(commitment)) == kept


@pytest.mark.parametrize("vote", [3, 4, 255])
def test_other_votes_are_refused(world: World, roots: Roots, root: Root, vote: int) -> None:
    commitment = roots.commit_to(root, 1)

    for voter in (roots.attestors[1], roots.guardian):
        assert world.send(roots.vote(commitment, voter, vote)).error_name == "InvalidParameter"


def test_an_attestor_approves_rivals_at_its_own_choice(world: World, roots: Roots, root: Root) -> None:
    first, second = roots.commit_to(root, 1), roots.commit_to(root, 1, units=1)

    world.must(roots.vote(first, roots.attestors[1]), roots.vote(second, roots.attestors[2]))

    assert (roots.read(first).approvals, roots.read(second).approvals) == (0b011, 0b101)


@pytest.mark.parametrize("flags", [8, 16, 31])
def test_nothing_pauses_a_vote(world: World, roots: Roots, root: Root, flags: int) -> None:
    commitment = roots.commit_to(root, 1)
    world.must(world.pause(roots.network, flags))

    assert world.send(roots.vote(commitment, roots.attestors[1])).event().approvals == 2
    assert world.send(roots.withdraw(commitment, roots.attestors[1])).event().approvals == 1
    assert world.send(roots.veto(commitment)).ok


# Vetoes


def test_the_guardian_vetoes(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root, 2)
    before = roots.read(commitment)

    event = world.send(roots.vote(commitment, roots.guardian, VETO, checked=10, failed=10, ms=7)).event()

    assert event == EpochVoted(roots.address(commitment), roots.guardian.pubkey(), VETO, 2, 10, 10, 7)
    assert roots.read(commitment) == replace(before, vetoed=1)
    world.advance(CHALLENGE)
    assert world.send(roots.finalize(commitment)).error_name == "CommitmentVetoed"


def test_a_veto_in_the_last_second_before_it_is_final_counts(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root, 3)
    world.advance(CHALLENGE - 1)
    assert world.send(roots.finalize(commitment)).error_name == "ChallengeOpen"
    before = roots.read_network()

    world.must(roots.veto(commitment))

    world.advance(1)
    assert world.send(roots.finalize(commitment)).error_name == "CommitmentVetoed"
    assert roots.read_network() == before


def test_a_veto_after_the_delay_counts_while_nobody_made_it_final(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root, 2)
    world.advance(100 * CHALLENGE)

    result = world.send(roots.veto(commitment), roots.finalize(commitment))
    assert (result.error_name, result.instruction) == ("CommitmentVetoed", 1)
    result = world.send(roots.finalize(commitment), roots.veto(commitment))
    assert (result.error_name, result.instruction) == ("AccountDataTooSmall", 1)


def test_only_the_guardian_vetoes(world: World, roots: Roots, root: Root) -> None:
    commitment, others = roots.commit_to(root, 2), roots_of(world)
    strangers = [roots.network.authority, roots.attestors[0], world.keypair(), others.guardian]

    for voter in strangers:
        assert world.send(roots.veto(commitment, voter)).error_name == "Unauthorized"
    not_signed = unsigned(roots.veto(commitment), roots.guardian.pubkey())
    assert world.send(not_signed).error == "MissingRequiredSignature"

    assert roots.read(commitment).vetoed == 0


def test_without_a_guardian_nobody_vetoes(world: World) -> None:
    """Its place holds zeros, the system program's address, which nobody signs for."""
    roots = roots_of(world, guarded=False)
    commitment = roots.commit_to(roots.root(0, roots.payees(1)))
    assert roots.read_network().guardian == NOBODY == SYSTEM_PROGRAM_ID

    veto = unsigned(roots.vote(commitment, roots.attestors[0], VETO, voter=NOBODY), NOBODY)
    assert world.send(veto).error == "MissingRequiredSignature"
    for voter in (roots.network.authority, *roots.attestors):
        assert world.send(roots.veto(commitment, voter)).error_name == "Unauthorized"


def test_a_guardian_who_is_an_attestor_votes_and_vetoes(world: World) -> None:
    both = world.keypair()
    network = world.network(reward_path=2, attestors=(both.pubkey(),), threshold=1, guardian=both.pubkey())
    roots = Roots(world, network, [both], both)
    world.next_epoch(network)
    commitment = roots.commit_to(roots.root(0, roots.payees(1)), 1)

    assert world.send(roots.withdraw(commitment, both)).event().approvals == 0
    assert world.send(roots.veto(commitment)).event().approvals == 0
    assert world.send(roots.vote(commitment, both)).error_name == "CommitmentVetoed"


def test_what_is_vetoed_stays_vetoed(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root, 2)
    world.must(roots.veto(commitment))
    kept = roots.read(commitment)

    for voter in roots.attestors:
        for vote in (WITHDRAW, APPROVE):
            assert world.send(roots.vote(commitment, voter, vote)).error_name == "CommitmentVetoed"
        assert world.send(roots.commit(commitment, voter)).error == "Custom(0)"
    assert world.send(roots.veto(commitment)).event().vote == VETO

    assert roots.read(commitment) == kept
    world.advance(10 * CHALLENGE)
    assert world.send(roots.finalize(commitment)).error_name == "CommitmentVetoed"


def test_another_commitment_of_the_epoch_is_not_touched_by_a_veto(world: World, roots: Roots, root: Root) -> None:
    vetoed, other = roots.commit_to(root, 2), roots.commit_to(root, 2, units=1)
    world.must(roots.veto(vetoed))
    world.advance(CHALLENGE)

    assert world.send(roots.finalize(other)).ok


def test_a_guardian_of_yesterday_vetoes_nothing(world: World, roots: Roots, root: Root) -> None:
    commitment, heir = roots.commit_to(root, 2), world.keypair()
    world.patch_network(roots.network, guardian=heir.pubkey())

    assert world.send(roots.veto(commitment)).error_name == "Unauthorized"
    assert world.send(roots.veto(commitment, heir)).ok


# Accounts


def test_a_commitment_of_another_network_is_refused(world: World, roots: Roots, root: Root) -> None:
    """Of one with the same attestors and the same guardian."""
    keys = tuple(each.pubkey() for each in roots.attestors)
    twin = Roots(
        world,
        world.network(reward_path=2, attestors=keys, threshold=2, guardian=roots.guardian.pubkey()),
        roots.attestors,
        roots.guardian,
    )
    commitment = roots.commit_to(root, 1)
    kept = state_of(world, roots.address(commitment))

    for voter, vote in ((roots.attestors[1], APPROVE), (roots.attestors[0], WITHDRAW), (roots.guardian, VETO)):
        mixed = roots.vote(commitment, voter, vote, network=twin.network.address)
        assert world.send(mixed).error_name == "WrongNetwork"
    assert state_of(world, roots.address(commitment)) == kept


def test_what_is_no_commitment_is_refused(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root, 1)
    voter = roots.attestors[1]
    copy, cut, other = (world.keypair().pubkey() for _ in range(3))
    data = world.data(roots.address(commitment))
    world.set_account(copy, data, SYSTEM_PROGRAM_ID)
    world.set_account(cut, data[:-1], PROGRAM_ID)
    world.set_account(other, bytes(8) + data[8:], PROGRAM_ID)

    for address, error in (
        (copy, "IllegalOwner"),
        (cut, "AccountDataTooSmall"),
        (other, "InvalidAccountData"),
        (roots.network.address, "ConstraintDuplicateMutableAccount"),
        (roots.address(root.commitment(units=1)), "AccountDataTooSmall"),
    ):
        assert world.send(roots.vote(commitment, voter, epoch=address)).error_name == error
