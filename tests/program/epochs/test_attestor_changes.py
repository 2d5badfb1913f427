"""Changes of attestors: announced, removed at once, and void votes after each of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support import changes
from support.epochs import CHALLENGE, Root, Roots, roots_of
from support.parties import DELAY, NOBODY
from support.svm import Result
from support.world import World
from worktab.program.generated.events import UpdateApplied, UpdateProposed
from worktab.program.generated.types import Change, PendingChange

NOTHING = PendingChange(0, (0,) * 5, bytes(32), 0, 0, bytes(6))


def change(roots: Roots, what: Change) -> Result:
    """Proposes a change that waits, waits, and applies it."""
    roots.must(roots.world.propose(roots.network, what))
    roots.world.advance(DELAY)
    return roots.must(roots.world.apply(roots.network))


def attestors_of(roots: Roots) -> tuple[list[Pubkey], int, int]:
    """The network's attestors, their threshold and their version."""
    held = roots.read_network()
    assert set(held.attestors[held.attestor_count :]) <= {NOBODY}
    return list(held.attestors[: held.attestor_count]), held.threshold, held.attestor_version


# Adding


def test_an_attestor_is_added_after_the_delay(world: World, roots: Roots) -> None:
    new, before = world.keypair().pubkey(), roots.read_network()
    keys = [each.pubkey() for each in roots.attestors]
    due = world.now + DELAY

    event = world.send(world.propose(roots.network, changes.add_attestor(new, 3))).event()

    assert event == UpdateProposed(roots.network.address, 8, 0, due, (3, 0, 0, 0, 0), new)
    pending = PendingChange(due, (3, 0, 0, 0, 0), bytes(new), 8, 0, bytes(6))
    assert roots.read_network() == replace(before, pending=pending)
    world.advance(DELAY - 1)
    assert world.send(world.apply(roots.network)).error_name == "NotDue"
    assert attestors_of(roots) == (keys, 2, 0)

    world.advance(1)
    assert world.send(world.apply(roots.network)).event() == UpdateApplied(roots.network.address, 8, 0)
    assert attestors_of(roots) == ([*keys, new], 3, 1)
    assert roots.read_network().pending == NOTHING


def test_an_attestor_votes_from_the_second_it_is_added(world: World, roots: Roots, root: Root) -> None:
    new = world.keypair()
    commitment = roots.commit_to(root, 1)
    world.must(world.propose(roots.network, changes.add_attestor(new.pubkey(), 3)))
    world.advance(DELAY)
    assert world.send(roots.vote(commitment, new)).error_name == "NotAttestor"
    world.must(world.apply(roots.network))

    assert world.send(roots.vote(commitment, new)).event().approvals == 1
    assert roots.read(commitment).approvals == 0b1000


def test_a_network_without_attestors_gets_its_first(world: World) -> None:
    roots, first = roots_of(world, attestors=0, threshold=0), world.keypair()
    root = roots.root(0, roots.payees(1))
    change(roots, changes.add_attestor(first.pubkey(), 1))

    roots.attestors.append(first)
    assert roots.make_final(root, votes=1).event().increase == 1


@pytest.mark.parametrize(
    ("attestors", "threshold", "what", "error"),
    [
        (3, 2, "again", "InvalidParameter"),
        (3, 2, "nobody", "InvalidParameter"),
        (16, 9, "new", "InvalidParameter"),
        (3, 0, "new", "InvalidParameter"),
        (3, 2, "new", "InvalidParameter"),
        (3, 5, "new", "InvalidParameter"),
        (3, 256 + 3, "new", "InvalidParameter"),
    ],
    ids=["again", "nobody", "a 17th", "no threshold", "only half", "more than all", "3 in a byte"],
)
def test_attestors_that_can_not_be_added(world: World, attestors: int, threshold: int, what: str, error: str) -> None:
    roots = roots_of(world, attestors=attestors, threshold=attestors // 2 + 1)
    key = {"again": roots.attestors[1].pubkey(), "nobody": NOBODY, "new": world.keypair().pubkey()}[what]
    before = world.data(roots.network.address)
    number = 3 if what in ("again", "nobody") else threshold

    assert world.send(world.propose(roots.network, changes.add_attestor(key, number))).error_name == error
    assert world.data(roots.network.address) == before


def test_an_addition_that_became_inapplicable_is_refused_when_due(world: World, roots: Roots) -> None:
    new = world.keypair().pubkey()
    world.must(world.propose(roots.network, changes.add_attestor(new, 4)))
    world.must(world.propose(roots.network, changes.remove_attestor(roots.attestors[0].pubkey())))
    world.advance(DELAY)

    # Three attestors are left with it, of whom four can't agree.
    assert world.send(world.apply(roots.network)).error_name == "InvalidParameter"
    assert attestors_of(roots)[1:] == (2, 1)


# Removing


def test_an_attestor_is_removed_at_once(world: World, roots: Roots) -> None:
    keys = [each.pubkey() for each in roots.attestors]
    before = roots.read_network()

    event = world.send(world.propose(roots.network, changes.remove_attestor(keys[1]))).event()

    assert event == UpdateProposed(roots.network.address, 9, 0, 0, (0,) * 5, keys[1])
    left = (keys[0], keys[2], *(NOBODY,) * 14)
    assert roots.read_network() == replace(before, attestors=left, attestor_count=2, attestor_version=1)


def test_a_removal_leaves_what_is_pending(world: World, roots: Roots) -> None:
    """Else it could be used to put off a change that was announced."""
    world.must(world.propose(roots.network, changes.fees(7, 0)))
    pending = roots.read_network().pending

    world.must(world.propose(roots.network, changes.remove_attestor(roots.attestors[0].pubkey())))

    assert roots.read_network().pending == pending
    world.advance(DELAY)
    assert world.send(world.apply(roots.network)).ok
    assert roots.read_network().fee_bps == 7


@pytest.mark.parametrize(
    ("attestors", "threshold", "thresholds"),
    [(3, 2, [2, 1, 0]), (3, 3, [2, 1, 0]), (5, 3, [3, 3, 2, 1, 0]), (5, 5, [4, 3, 2, 1, 0])],
)
def test_the_threshold_stays_or_falls_to_those_left(
    world: World, attestors: int, threshold: int, thresholds: list[int]
) -> None:
    roots = roots_of(world, attestors=attestors, threshold=threshold)

    for version, expected in enumerate(thresholds, 1):
        gone = roots.attestors.pop(0).pubkey()
        world.must(world.propose(roots.network, changes.remove_attestor(gone)))
        assert attestors_of(roots) == ([each.pubkey() for each in roots.attestors], expected, version)


def test_an_attestor_that_was_removed_does_nothing_more(world: World, roots: Roots, root: Root) -> None:
    gone = roots.attestors[1]
    commitment = roots.commit_to(root, 2)
    world.must(world.propose(roots.network, changes.remove_attestor(gone.pubkey())))

    assert world.send(roots.vote(commitment, gone)).error_name == "NotAttestor"
    assert world.send(roots.withdraw(commitment, gone)).error_name == "NotAttestor"
    assert world.send(roots.commit(root.commitment(units=1), gone)).error_name == "NotAttestor"


def test_who_is_none_can_not_be_removed(world: World, roots: Roots) -> None:
    before = world.data(roots.network.address)

    for key in (world.keypair().pubkey(), NOBODY, roots.guardian.pubkey()):
        assert world.send(world.propose(roots.network, changes.remove_attestor(key))).error_name == "NotAttestor"
    assert world.data(roots.network.address) == before


def test_an_attestor_is_removed_once(world: World, roots: Roots) -> None:
    removal = world.propose(roots.network, changes.remove_attestor(roots.attestors[0].pubkey()))
    world.must(removal)

    assert world.send(removal).error_name == "NotAttestor"
    assert roots.read_network().attestor_version == 1


# Threshold


def test_a_threshold_waits_and_takes_effect(world: World, roots: Roots) -> None:
    keys = [each.pubkey() for each in roots.attestors]

    assert change(roots, changes.threshold(3)).event() == UpdateApplied(roots.network.address, 10, 0)
    assert attestors_of(roots) == (keys, 3, 1)
    change(roots, changes.threshold(2))
    assert attestors_of(roots) == (keys, 2, 2)


@pytest.mark.parametrize("number", [0, 1, 4, 256 + 2, 2**64 - 1])
def test_a_threshold_of_half_or_more_than_all_is_refused(world: World, roots: Roots, number: int) -> None:
    assert world.send(world.propose(roots.network, changes.threshold(number))).error_name == "InvalidParameter"


REFUSED = {
    "a second value with an attestor": changes.change(8, 2, 1, key=Pubkey([7] * 32)),
    "a class with an attestor": changes.change(8, 2, class_=1, key=Pubkey([7] * 32)),
    "a key with a threshold": changes.change(10, 3, key=Pubkey([7] * 32)),
    "a second value with a threshold": changes.change(10, 3, 1),
    "a class with a threshold": changes.change(10, 3, class_=1),
}


@pytest.mark.parametrize("what", REFUSED.values(), ids=REFUSED)
def test_values_that_a_change_does_not_read_are_refused(world: World, roots: Roots, what: Change) -> None:
    assert world.send(world.propose(roots.network, what)).error_name == "InvalidParameter"


def test_values_that_a_removal_does_not_read_are_refused(world: World, roots: Roots) -> None:
    key = roots.attestors[0].pubkey()

    for what in (changes.change(9, 1, key=key), changes.change(9, class_=1, key=key)):
        assert world.send(world.propose(roots.network, what)).error_name == "InvalidParameter"
    assert roots.read_network().attestor_version == 0


def test_only_the_authority_changes_attestors(world: World, roots: Roots) -> None:
    key = roots.attestors[2].pubkey()

    for what in (changes.add_attestor(Pubkey([7] * 32), 3), changes.remove_attestor(key), changes.threshold(3)):
        for signer in (roots.attestors[0], roots.guardian, world.keypair()):
            assert world.send(world.propose(roots.network, what, signer=signer)).error_name == "Unauthorized"
    assert attestors_of(roots)[1:] == (2, 0)


# Votes of before


def remove_one(roots: Roots) -> None:
    gone = roots.attestors.pop().pubkey()
    roots.must(roots.world.propose(roots.network, changes.remove_attestor(gone)))


def add_one(roots: Roots) -> None:
    new = roots.world.keypair()
    change(roots, changes.add_attestor(new.pubkey(), 3))
    roots.attestors.append(new)


def set_threshold(roots: Roots) -> None:
    change(roots, changes.threshold(3))


def set_the_same_threshold(roots: Roots) -> None:
    change(roots, changes.threshold(2))


CHANGES = [remove_one, add_one, set_threshold, set_the_same_threshold]


@pytest.mark.parametrize("make", CHANGES, ids=lambda each: each.__name__.replace("_", " "))
def test_a_change_between_vote_and_final_voids_the_votes(world: World, roots: Roots, root: Root, make: object) -> None:
    """Also where everyone who voted is still there, and the delay has long passed."""
    commitment = roots.commit_to(root, 3)
    world.advance(10 * CHALLENGE)
    assert callable(make)
    make(roots)
    kept = roots.read(commitment)
    assert world.send(roots.finalize(commitment)).error_name == "BelowThreshold"
    assert roots.read(commitment) == kept

    # The first vote starts a new count, and the threshold a new delay.
    threshold = roots.read_network().threshold
    for number, attestor in enumerate(roots.attestors[:threshold], 1):
        assert world.send(roots.vote(commitment, attestor)).event().approvals == number
    held = roots.read(commitment)
    assert (held.attestor_version, held.approved_at) == (1, world.now)
    world.advance(CHALLENGE - 1)
    assert world.send(roots.finalize(commitment)).error_name == "ChallengeOpen"
    world.advance(1)
    assert world.send(roots.finalize(commitment)).ok


def test_a_withdrawal_after_a_change_leaves_nothing_of_before(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root, 3)
    remove_one(roots)

    assert world.send(roots.withdraw(commitment, roots.attestors[0])).event().approvals == 0

    held = roots.read(commitment)
    assert (held.approvals, held.approved_at, held.attestor_version) == (0, 0, 1)


def test_all_attestors_replaced_between_vote_and_final(world: World, roots: Roots, root: Root) -> None:
    """The old ones' three approvals are worth nothing, though three new ones hold the same places."""
    commitment, old = roots.commit_to(root, 3), list(roots.attestors)
    new: list[Keypair] = [world.keypair() for _ in old]
    for each in old[:2]:
        world.must(world.propose(roots.network, changes.remove_attestor(each.pubkey())))
    change(roots, changes.add_attestor(new[0].pubkey(), 2))
    world.must(world.propose(roots.network, changes.remove_attestor(old[2].pubkey())))
    change(roots, changes.add_attestor(new[1].pubkey(), 2))
    change(roots, changes.add_attestor(new[2].pubkey(), 2))
    assert attestors_of(roots) == ([each.pubkey() for each in new], 2, 6)
    assert world.send(roots.finalize(commitment)).error_name == "BelowThreshold"
    for each in old:
        assert world.send(roots.vote(commitment, each)).error_name == "NotAttestor"

    assert world.send(roots.vote(commitment, new[0])).event().approvals == 1
    world.advance(CHALLENGE)
    assert world.send(roots.finalize(commitment)).error_name == "BelowThreshold"
    world.must(roots.vote(commitment, new[2]))
    world.advance(CHALLENGE)
    assert world.send(roots.finalize(commitment)).ok


def test_a_commitment_of_after_a_change_counts_from_it(world: World, roots: Roots, root: Root) -> None:
    remove_one(roots)
    commitment = roots.commit_to(root, 1)

    assert (roots.read(commitment).attestor_version, roots.read(commitment).approvals) == (1, 1)


def test_a_veto_outlives_every_change(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root, 3)
    world.must(roots.veto(commitment))
    remove_one(roots)

    assert world.send(roots.vote(commitment, roots.attestors[0])).error_name == "CommitmentVetoed"
    assert world.send(roots.finalize(commitment)).error_name == "CommitmentVetoed"


def test_without_attestors_nothing_becomes_final(world: World, roots: Roots, root: Root) -> None:
    """Zero of zero is no agreement."""
    commitment = roots.commit_to(root, 3)
    world.advance(CHALLENGE)
    for attestor in roots.attestors:
        world.must(world.propose(roots.network, changes.remove_attestor(attestor.pubkey())))

    assert world.send(roots.finalize(commitment)).error_name == "BelowThreshold"
    assert roots.read_network().root_count == 0


def test_another_challenge_delay_counts_from_the_same_approval(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root, 2)
    change(roots, changes.delays(DELAY, 3_600, 2 * DELAY, 2 * DELAY))
    # Longer, and counted from the same second.
    assert world.send(roots.finalize(commitment)).error_name == "ChallengeOpen"
    world.advance(DELAY - 1)
    assert world.send(roots.finalize(commitment)).error_name == "ChallengeOpen"
    world.advance(1)
    assert world.send(roots.finalize(commitment)).ok
