"""finalize_epoch: what makes a root final, what it may add, and what becomes of the others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.builders import read_only
from support.epochs import CHALLENGE, Root, Roots, roots_of
from support.parties import CLASS, EPOCH, FUNDS
from support.world import World
from worktab.core.addresses import SYSTEM_PROGRAM_ID
from worktab.program.generated.events import EpochClosed, EpochFinalized

U64 = 2**64 - 1
RENT = 2_394_240
BUDGET = 1_000_000


def test_a_root_becomes_final_and_is_owed(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root, 2, units=77, records_checked=10, records_failed=1, check_ms=500)
    before, lamports, vault = roots.read_network(), world.lamports(world.payer.pubkey()), roots.vault()
    world.advance(CHALLENGE)

    result = world.send(roots.finalize(commitment))

    assert result.event() == EpochFinalized(
        network=roots.network.address,
        epoch=roots.address(commitment),
        index=0,
        root=root.tree.root,
        count=5,
        increase=1_500,
    )
    assert roots.read_network() == replace(
        before,
        root=root.tree.root,
        root_data=commitment.data,
        root_epoch=0,
        root_count=5,
        root_total=1_500,
        root_units=77,
        root_owed=1_500,
        pool_free=FUNDS - 1_500,
        pool_owed=1_500,
        total_rewards=1_500,
        records_checked=10,
        records_failed=1,
        check_ms=500,
    )
    assert roots.gone(commitment)
    assert world.lamports(world.payer.pubkey()) == lamports + RENT - result.fee
    assert roots.vault() == vault == FUNDS


def test_a_second_root_owes_only_what_it_adds(world: World, roots: Roots, root: Root) -> None:
    roots.make_final(root, records_checked=10, records_failed=1, check_ms=500)
    world.next_epoch(roots.network)
    later = roots.raised(root, 1, 1, 0, 0, 0, 9, 30)

    event = roots.make_final(later, records_checked=5, records_failed=2, check_ms=50).event()

    assert (event.index, event.count, event.increase) == (1, 6, 40)
    held = roots.read_network()
    assert (held.root, held.root_epoch, held.root_count, held.root_total) == (later.tree.root, 1, 6, 1_540)
    assert (held.root_owed, held.pool_owed, held.pool_free) == (1_540, 1_540, FUNDS - 1_540)
    assert (held.total_rewards, held.root_units) == (1_540, 770)
    assert (held.records_checked, held.records_failed, held.check_ms) == (15, 3, 550)


def test_a_root_that_adds_nothing_may_become_final(world: World, roots: Roots, root: Root) -> None:
    roots.make_final(root)
    before = roots.read_network()
    world.next_epoch(roots.network)
    later = roots.root(1, root.payees)

    assert roots.make_final(later).event().increase == 0

    assert roots.read_network() == replace(
        before, root=later.tree.root, root_data=later.commitment().data, root_epoch=1
    )


def test_anyone_makes_it_final_and_the_rent_goes_to_who_paid(world: World, roots: Roots, root: Root) -> None:
    sponsor, stranger = world.keypair(lamports=10**9), world.keypair(lamports=10**9)
    commitment = root.commitment()
    world.must(roots.commit(commitment, payer=sponsor.pubkey()), payer=sponsor)
    world.must(roots.vote(commitment, roots.attestors[1]))
    world.advance(CHALLENGE)
    held = world.lamports(sponsor.pubkey())

    for wrong in (stranger.pubkey(), world.payer.pubkey()):
        refused = world.send(roots.finalize(commitment, rent_payer=wrong), payer=stranger)
        assert refused.error_name == "AddressMismatch"
    assert world.send(roots.finalize(commitment, rent_payer=sponsor.pubkey()), payer=stranger).ok

    assert world.lamports(sponsor.pubkey()) == held + RENT


def test_lamports_sent_to_a_commitment_go_with_its_rent(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root)
    world.runtime.airdrop(roots.address(commitment), 10**6)
    world.advance(CHALLENGE)
    before = world.lamports(world.payer.pubkey())

    result = world.must(roots.finalize(commitment))

    assert world.lamports(world.payer.pubkey()) == before + RENT + 10**6 - result.fee


def test_a_final_root_is_final_once(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root)
    world.advance(CHALLENGE)
    world.must(roots.finalize(commitment))
    before = roots.read_network()

    assert world.send(roots.finalize(commitment)).error_name == "AccountDataTooSmall"
    assert world.send(roots.commit(commitment)).error_name == "EpochCovered"
    assert world.send(roots.vote(commitment, roots.attestors[2])).error_name == "AccountDataTooSmall"

    assert roots.read_network() == before


def test_final_twice_in_one_transaction_is_refused(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root)
    world.advance(CHALLENGE)

    result = world.send(roots.finalize(commitment), roots.finalize(commitment))

    assert (result.error_name, result.instruction) == ("AccountDataTooSmall", 1)
    assert roots.read_network().root_count == 0


def test_statistics_stop_at_their_largest_value(world: World, roots: Roots, root: Root) -> None:
    world.patch_network(
        roots.network, records_checked=U64 - 1, records_failed=U64, check_ms=U64 - 2, total_rewards=U64 - 1
    )

    roots.make_final(root, records_checked=2, records_failed=U64, check_ms=3, units=U64)

    held = roots.read_network()
    assert (held.records_checked, held.records_failed, held.check_ms) == (U64, U64, U64)
    assert (held.total_rewards, held.root_units) == (U64, U64)


# Votes and delay


def test_the_challenge_delay_counts_to_the_second(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root)
    before = roots.read_network()

    for wait in (0, CHALLENGE - 1):
        world.advance(wait)
        assert world.send(roots.finalize(commitment)).error_name == "ChallengeOpen"
    assert roots.read_network() == before

    world.advance(1)
    assert world.send(roots.finalize(commitment)).ok


def test_the_challenge_delay_runs_from_the_threshold_not_from_the_commit(
    world: World, roots: Roots, root: Root
) -> None:
    commitment = roots.commit_to(root, 1)
    world.advance(10 * CHALLENGE)
    assert world.send(roots.finalize(commitment)).error_name == "BelowThreshold"
    world.must(roots.vote(commitment, roots.attestors[1]))

    world.advance(CHALLENGE - 1)
    assert world.send(roots.finalize(commitment)).error_name == "ChallengeOpen"
    world.advance(1)
    assert world.send(roots.finalize(commitment)).ok


def test_without_a_delay_all_is_done_in_one_transaction(world: World) -> None:
    roots = roots_of(world, challenge_delay=0)
    root = roots.root(0, roots.payees(5))
    commitment = root.commitment()

    result = world.send(
        roots.commit(commitment), roots.vote(commitment, roots.attestors[1]), roots.finalize(commitment)
    )

    assert result.ok
    assert (roots.read_network().root, roots.gone(commitment)) == (root.tree.root, True)


def test_one_attestor_is_enough_where_one_must_agree(world: World) -> None:
    roots = roots_of(world, attestors=1, threshold=1)
    commitment = roots.commit_to(roots.root(0, roots.payees(5)), 1)

    world.advance(CHALLENGE - 1)
    assert world.send(roots.finalize(commitment)).error_name == "ChallengeOpen"
    world.advance(1)
    assert world.send(roots.finalize(commitment)).event().increase == 5


@pytest.mark.parametrize(("attestors", "threshold"), [(2, 2), (3, 3), (16, 9), (16, 16)])
def test_one_approval_below_the_threshold_is_not_enough(world: World, attestors: int, threshold: int) -> None:
    roots = roots_of(world, attestors=attestors, threshold=threshold)
    commitment = roots.commit_to(roots.root(0, roots.payees(5)), threshold - 1)
    world.advance(CHALLENGE)
    assert world.send(roots.finalize(commitment)).error_name == "BelowThreshold"

    assert world.send(roots.vote(commitment, roots.attestors[threshold - 1])).event().approvals == threshold
    world.advance(CHALLENGE)
    assert world.send(roots.finalize(commitment)).ok


def test_a_pause_stops_what_would_become_final(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root)
    world.advance(CHALLENGE)
    world.must(world.pause(roots.network, 16, signer=roots.guardian))
    before = roots.read_network()
    assert world.send(roots.finalize(commitment)).error_name == "Paused"
    assert roots.read_network() == before

    world.must(world.pause(roots.network, 31 - 16))
    assert world.send(roots.finalize(commitment)).ok


# Rivals


def test_of_two_that_are_approved_the_first_final_one_wins(world: World, roots: Roots, root: Root) -> None:
    rival = roots.root(0, roots.payees(9, 9, 9, 9, 9))
    first, second = roots.commit_to(root, 2), roots.commit_to(rival, 3)
    world.advance(CHALLENGE)
    world.must(roots.finalize(second))
    before, lamports = roots.read_network(), world.lamports(world.payer.pubkey())
    assert (before.root, before.root_owed) == (rival.tree.root, 45)

    result = world.send(roots.finalize(first))

    assert result.event() == EpochClosed(network=roots.network.address, epoch=roots.address(first), index=0)
    assert roots.read_network() == before
    assert roots.gone(first)
    assert world.lamports(world.payer.pubkey()) == lamports + RENT - result.fee


def test_an_outdated_commitment_closes_whatever_was_said_of_it(world: World, roots: Roots, root: Root) -> None:
    """Without votes, vetoed, in the challenge delay, and while everything is paused."""
    bare, vetoed = roots.commit_to(root, 1, units=1), roots.commit_to(root, 3, units=2)
    world.must(roots.veto(vetoed))
    roots.make_final(root)
    late = root.commitment(units=3)
    assert world.send(roots.commit(late)).error_name == "EpochCovered"
    world.must(world.pause(roots.network, 31))
    before = roots.read_network()

    for commitment in (bare, vetoed):
        assert world.send(roots.finalize(commitment)).event().index == 0
        assert roots.gone(commitment)
    assert roots.read_network() == before


def test_a_missed_epoch_is_outdated_by_a_later_one(world: World, roots: Roots, root: Root) -> None:
    missed = roots.commit_to(root, 3)
    world.advance(2 * EPOCH)
    later = roots.root(2, roots.payees(1, 2, 3, 4, 5))

    assert roots.make_final(later).event().index == 2

    world.must(roots.vote(missed, roots.attestors[2]))
    assert world.send(roots.finalize(missed)).event() == EpochClosed(roots.network.address, roots.address(missed), 0)
    assert roots.read_network().root == later.tree.root


def test_an_outdated_commitment_still_pays_its_rent_to_nobody_else(world: World, roots: Roots, root: Root) -> None:
    sponsor = world.keypair(lamports=10**9)
    rival = root.commitment(units=1)
    world.must(roots.commit(rival, payer=sponsor.pubkey()), payer=sponsor)
    roots.make_final(root)
    held = world.lamports(sponsor.pubkey())

    assert world.send(roots.finalize(rival)).error_name == "AddressMismatch"
    assert world.send(roots.finalize(rival, rent_payer=sponsor.pubkey())).ok

    assert world.lamports(sponsor.pubkey()) == held + RENT


def test_a_vetoed_commitment_stays_until_its_epoch_is_covered(world: World, roots: Roots, root: Root) -> None:
    """Were it closed before, it could be committed to again."""
    vetoed = roots.commit_to(root, 3)
    world.must(roots.veto(vetoed))
    world.advance(100 * EPOCH)
    assert world.send(roots.finalize(vetoed)).error_name == "CommitmentVetoed"

    roots.make_final(root, units=1)

    assert world.send(roots.finalize(vetoed), roots.commit(vetoed)).error_name == "EpochCovered"
    assert world.send(roots.finalize(vetoed)).ok


def test_what_fell_behind_while_it_waited_is_refused(world: World, roots: Roots, root: Root) -> None:
    """Both were above the newest final root when they were committed to."""
    world.next_epoch(roots.network)
    fewer = roots.commit_to(roots.root(1, root.payees[:4]), 2)
    less = roots.commit_to(roots.root(1, root.payees), 2, total=1_499)
    same = roots.commit_to(roots.root(1, root.payees), 2)
    roots.make_final(root)

    for commitment in (fewer, less):
        assert world.send(roots.finalize(commitment)).error_name == "InvalidCommitment"
    assert world.send(roots.finalize(same)).event().increase == 0
    for commitment in (fewer, less):
        assert isinstance(world.send(roots.finalize(commitment)).event(), EpochClosed)


# How much a root may add


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_the_first_root_may_add_a_budget_for_every_epoch(world: World, roots: Roots, epochs: int) -> None:
    world.advance((epochs - 1) * EPOCH)
    payees = roots.payees(0)
    limit = epochs * BUDGET
    over = roots.commit_to(roots.root(epochs - 1, (replace(payees[0], reward=limit + 1),)))
    world.advance(CHALLENGE)
    assert world.send(roots.finalize(over)).error_name == "BudgetExceeded"
    assert roots.read_network().root_owed == 0

    assert roots.make_final(roots.root(epochs - 1, (replace(payees[0], reward=limit),))).event().increase == limit


@pytest.mark.parametrize("epochs", [1, 4])
def test_a_later_root_may_add_a_budget_for_every_epoch_since(world: World, roots: Roots, epochs: int) -> None:
    """What the root before left of its epochs' budgets is not carried over."""
    payees = roots.payees(10)
    roots.make_final(roots.root(0, payees))
    world.advance(epochs * EPOCH)
    limit = 10 + epochs * BUDGET
    over = roots.commit_to(roots.root(epochs, (replace(payees[0], reward=limit + 1),)))
    world.advance(CHALLENGE)
    assert world.send(roots.finalize(over)).error_name == "BudgetExceeded"

    exact = roots.root(epochs, (replace(payees[0], reward=limit),))
    assert roots.make_final(exact).event().increase == epochs * BUDGET
    assert roots.read_network().root_owed == limit


def test_the_budgets_of_all_classes_count_and_those_of_unused_ones_do_not(world: World) -> None:
    classes = (replace(CLASS, budget=100), replace(CLASS, meter=3, budget=20), replace(CLASS, budget=0))
    roots = roots_of(world, classes=classes)
    world.patch_class(roots.network, 7, budget=1_000)
    payees = roots.payees(0)
    over = roots.commit_to(roots.root(0, (replace(payees[0], reward=121),)))
    world.advance(CHALLENGE)
    assert world.send(roots.finalize(over)).error_name == "BudgetExceeded"

    assert roots.make_final(roots.root(0, (replace(payees[0], reward=120),))).event().increase == 120


def test_budgets_beyond_all_amounts_are_no_limit_but_the_pool_is(world: World) -> None:
    roots = roots_of(world, classes=(replace(CLASS, budget=U64),) * 8, fund=5_000)
    payees = roots.payees(0)
    world.advance(10**6 * EPOCH)
    over = roots.commit_to(roots.root(10**6, (replace(payees[0], reward=U64),)), 2, units=0)
    world.advance(CHALLENGE)

    assert world.send(roots.finalize(over)).error_name == "PoolTooSmall"


def test_a_root_may_take_the_whole_pool_and_not_one_base_unit_more(world: World) -> None:
    roots = roots_of(world, fund=5_000)
    payees = roots.payees(0)
    over = roots.commit_to(roots.root(0, (replace(payees[0], reward=5_001),)))
    world.advance(CHALLENGE)
    before = roots.read_network()
    assert world.send(roots.finalize(over)).error_name == "PoolTooSmall"
    assert roots.read_network() == before

    assert roots.make_final(roots.root(0, (replace(payees[0], reward=5_000),))).event().increase == 5_000

    held = roots.read_network()
    assert (held.pool_free, held.pool_owed, held.root_owed) == (0, 5_000, 5_000)


def test_a_pool_that_was_too_small_is_funded_and_the_root_becomes_final(world: World) -> None:
    roots = roots_of(world, fund=5_000)
    commitment = roots.commit_to(roots.root(0, roots.payees(5_001)))
    world.advance(CHALLENGE)
    assert world.send(roots.finalize(commitment)).error_name == "PoolTooSmall"

    world.must(world.fund(roots.network, 1))

    assert world.send(roots.finalize(commitment)).event().increase == 5_001
    assert roots.read_network().pool_free == 0


def test_a_budget_that_was_too_small_is_made_up_by_a_later_epoch(world: World, roots: Roots) -> None:
    """Nothing of lifetime totals is lost to a root that could not become final."""
    payees = roots.payees(BUDGET + 1)
    early = roots.commit_to(roots.root(0, payees))
    world.advance(CHALLENGE)
    assert world.send(roots.finalize(early)).error_name == "BudgetExceeded"
    world.next_epoch(roots.network)

    assert roots.make_final(roots.root(1, payees)).event().increase == BUDGET + 1


# Accounts


def test_a_commitment_of_another_network_is_refused(world: World, roots: Roots, root: Root) -> None:
    keys = tuple(each.pubkey() for each in roots.attestors)
    twin = world.network(reward_path=2, attestors=keys, threshold=2)
    commitment = roots.commit_to(root)
    world.advance(CHALLENGE)

    mixed = roots.finalize(commitment, network=twin.address)

    assert world.send(mixed).error_name == "WrongNetwork"
    assert world.read_network(twin).root_count == 0
    assert world.send(roots.finalize(commitment)).ok


def test_forged_accounts_are_refused(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root)
    world.advance(CHALLENGE)
    copy, twin = world.keypair().pubkey(), world.keypair().pubkey()
    world.set_account(copy, world.data(roots.address(commitment)), SYSTEM_PROGRAM_ID)
    world.set_account(twin, world.data(roots.network.address), SYSTEM_PROGRAM_ID)

    assert world.send(roots.finalize(commitment, epoch=copy)).error_name == "IllegalOwner"
    assert world.send(roots.finalize(commitment, network=twin)).error_name == "IllegalOwner"
    # What can't be written can't be made final.
    finalize = roots.finalize(commitment)
    assert world.send(read_only(finalize, roots.network.address)).error_name == "ReadonlyDataModified"
    assert world.send(read_only(finalize, roots.address(commitment))).error_name == "ReadonlyLamportChange"
    assert world.send(roots.finalize(commitment)).ok
