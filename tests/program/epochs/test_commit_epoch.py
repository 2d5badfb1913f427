"""commit_epoch: what an attestor commits to, and which commitments are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from support.builders import unsigned
from support.epochs import Root, Roots, roots_of
from support.invoices import state_of
from support.parties import EPOCH, Network
from support.world import World
from worktab.core.addresses import find_epoch
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.accounts import Epoch
from worktab.program.generated.events import EpochCommitted

U64 = 2**64 - 1
RENT = 2_394_240
"""Lamports that an Epoch account of 216 bytes must hold."""
IN_USE = "Custom(0)"
"""The system program's own refusal to create an account that exists."""


def test_a_commitment_is_recorded_and_approved_by_who_made_it(world: World, roots: Roots, root: Root) -> None:
    commitment = root.commitment(units=77, records_checked=5, records_failed=1, check_ms=1_234)
    before, lamports = world.data(roots.network.address), world.lamports(world.payer.pubkey())

    result = world.send(roots.commit(commitment))

    address, bump = find_epoch(PROGRAM_ID, roots.network.address, 0, commitment.hash())
    assert result.event() == EpochCommitted(
        network=roots.network.address,
        epoch=address,
        attestor=roots.attestors[0].pubkey(),
        index=0,
        root=root.tree.root,
        count=5,
        total=1_500,
        units=77,
        records_checked=5,
        records_failed=1,
        check_ms=1_234,
        data=commitment.data,
    )
    assert roots.read(commitment) == Epoch(
        network=roots.network.address,
        rent_payer=world.payer.pubkey(),
        root=root.tree.root,
        data=commitment.data,
        index=0,
        total=1_500,
        units=77,
        records_checked=5,
        records_failed=1,
        check_ms=1_234,
        committed_slot=world.slot,
        approved_at=0,
        attestor_version=0,
        count=5,
        approvals=0b001,
        vetoed=0,
        bump=bump,
        version=1,
        reserved=bytes(3),
    )
    assert world.data(roots.network.address) == before
    assert world.lamports(address) == RENT
    assert world.lamports(world.payer.pubkey()) == lamports - RENT - result.fee


@pytest.mark.parametrize("place", [0, 1, 2])
def test_each_attestor_may_commit_and_has_a_bit_of_its_own(world: World, roots: Roots, root: Root, place: int) -> None:
    commitment = root.commitment()

    assert world.send(roots.commit(commitment, roots.attestors[place])).ok

    assert roots.read(commitment).approvals == 1 << place


def test_the_last_of_sixteen_attestors_commits(world: World) -> None:
    roots = roots_of(world, attestors=16, threshold=9)
    commitment = roots.root(0, roots.payees(1)).commitment()

    assert world.send(roots.commit(commitment, roots.attestors[15])).ok

    assert roots.read(commitment).approvals == 1 << 15


def test_with_a_threshold_of_one_the_commitment_is_approved_at_once(world: World) -> None:
    roots = roots_of(world, attestors=1, threshold=1)
    commitment = roots.root(0, roots.payees(1)).commitment()

    assert world.send(roots.commit(commitment)).ok

    assert (roots.read(commitment).approvals, roots.read(commitment).approved_at) == (1, world.now)


def test_the_slot_of_the_commit_is_kept(world: World, roots: Roots, root: Root) -> None:
    now = world.now
    world.slot = 123_456
    world.now = now
    commitment = root.commitment()

    assert world.send(roots.commit(commitment)).ok

    assert roots.read(commitment).committed_slot == 123_456


def test_the_payer_may_be_the_attestor_or_a_stranger(world: World, roots: Roots, root: Root) -> None:
    stranger, attestor = world.keypair(lamports=10**9), roots.attestors[0]
    world.runtime.airdrop(attestor.pubkey(), 10**9)
    first, second = root.commitment(), root.commitment(units=1)

    assert world.send(roots.commit(first, payer=stranger.pubkey()), payer=stranger).ok
    assert world.send(roots.commit(second, attestor, payer=attestor.pubkey()), payer=attestor).ok

    assert roots.read(first).rent_payer == stranger.pubkey()
    assert roots.read(second).rent_payer == attestor.pubkey()


def test_one_root_may_be_committed_to_with_other_data_beside_it(world: World, roots: Roots, root: Root) -> None:
    honest = root.commitment()
    variants = [
        honest,
        replace(honest, root=bytes(32)),
        replace(honest, count=6),
        replace(honest, total=1_501),
        replace(honest, units=1),
        replace(honest, records_checked=1),
        replace(honest, records_failed=1),
        replace(honest, check_ms=1),
        replace(honest, data=bytes(32)),
    ]

    for commitment in variants:
        assert world.send(roots.commit(commitment)).ok

    assert len({roots.address(each) for each in variants}) == len(variants)
    assert [roots.read(each).total for each in variants[2:5]] == [1_500, 1_501, 1_500]


def test_a_repeated_commitment_is_refused(world: World, roots: Roots, root: Root) -> None:
    commitment = roots.commit_to(root, 2)
    kept = state_of(world, roots.address(commitment), roots.network.address)

    for attestor in (roots.attestors[0], roots.attestors[2]):
        assert world.send(roots.commit(commitment, attestor)).error == IN_USE

    assert state_of(world, roots.address(commitment), roots.network.address) == kept


# Who, and when


def test_only_attestors_commit(world: World, roots: Roots, root: Root) -> None:
    commitment = root.commitment()
    others = roots_of(world)

    for signer in (roots.network.authority, roots.guardian, world.keypair(), world.payer, others.attestors[0]):
        assert world.send(roots.commit(commitment, signer)).error_name == "NotAttestor"
    not_signed = unsigned(roots.commit(commitment), roots.attestors[0].pubkey())
    assert world.send(not_signed).error == "MissingRequiredSignature"

    assert roots.gone(commitment)


def test_a_network_without_attestors_takes_no_commitment(world: World) -> None:
    roots = roots_of(world, attestors=0, threshold=0)
    commitment = roots.root(0, roots.payees(1)).commitment()

    for signer in (roots.network.authority, roots.guardian):
        assert world.send(roots.commit(commitment, signer)).error_name == "NotAttestor"


def test_a_network_on_the_path_of_receipts_takes_no_commitment(world: World) -> None:
    roots = roots_of(world, reward_path=1)
    commitment = roots.root(0, roots.payees(1)).commitment()

    assert world.send(roots.commit(commitment)).error_name == "WrongRewardPath"


def test_an_epoch_can_be_committed_to_from_the_second_it_is_over(world: World, roots: Roots) -> None:
    commitment = roots.root(1, roots.payees(1)).commitment()
    world.next_epoch(roots.network, before=1)
    assert world.send(roots.commit(commitment)).error_name == "EpochNotOver"

    world.advance(1)
    assert world.send(roots.commit(commitment)).ok


@pytest.mark.parametrize("ahead", [1, 2, 1_000, U64])
def test_an_epoch_that_is_not_over_is_refused(world: World, roots: Roots, ahead: int) -> None:
    payees = roots.payees(1)

    commitment = roots.root(min(ahead, U64), payees).commitment()

    assert world.send(roots.commit(commitment)).error_name == "EpochNotOver"


def test_a_paused_network_takes_no_commitment(world: World, roots: Roots, root: Root) -> None:
    commitment = root.commitment()
    world.must(roots.world.pause(roots.network, 8, signer=roots.guardian))
    assert world.send(roots.commit(commitment)).error_name == "Paused"

    world.must(roots.world.pause(roots.network, 31 - 8))
    assert world.send(roots.commit(commitment)).ok


# What


def test_a_count_of_zero_is_refused(world: World, roots: Roots, root: Root) -> None:
    assert world.send(roots.commit(root.commitment(count=0))).error_name == "InvalidCommitment"
    assert world.send(roots.commit(root.commitment(count=0, total=0))).error_name == "InvalidCommitment"


def test_a_root_of_one_payee_who_earned_nothing_is_fine(world: World, roots: Roots) -> None:
    assert world.send(roots.commit(roots.root(0, roots.payees(0)).commitment())).ok


def test_covered_epochs_are_refused(world: World, roots: Roots, root: Root) -> None:
    world.advance(3 * EPOCH)
    roots.make_final(roots.root(2, root.payees))

    for epoch in (0, 1, 2):
        commitment = roots.root(epoch, root.payees).commitment(units=1)
        assert world.send(roots.commit(commitment)).error_name == "EpochCovered"
    assert world.send(roots.commit(roots.root(3, root.payees).commitment())).ok


def test_counts_and_totals_that_fall_are_refused(world: World, roots: Roots, root: Root) -> None:
    roots.make_final(root)
    world.next_epoch(roots.network)
    later = roots.root(1, root.payees).commitment()

    assert world.send(roots.commit(replace(later, count=4))).error_name == "InvalidCommitment"
    assert world.send(roots.commit(replace(later, total=1_499))).error_name == "InvalidCommitment"
    assert world.send(roots.commit(replace(later, count=4, total=2_000))).error_name == "InvalidCommitment"
    assert world.send(roots.commit(later)).ok


# Accounts


def test_another_address_for_the_commitment_is_refused(world: World, roots: Roots, root: Root) -> None:
    """Such as that of another commitment, which would be judged by what it says."""
    commitment, other = root.commitment(), root.commitment(units=1)
    wrong: list[Pubkey] = [roots.address(other), world.keypair().pubkey()]
    wrong.append(find_epoch(PROGRAM_ID, roots.network.address, 1, commitment.hash())[0])
    wrong.append(find_epoch(PROGRAM_ID, roots_of(world).network.address, 0, commitment.hash())[0])

    for address in wrong:
        assert world.send(roots.commit(commitment, epoch=address)).error_name == "InvalidSeeds"
        assert world.account(address) is None


def test_a_commitment_is_one_networks(world: World, network: Network, roots: Roots, root: Root) -> None:
    """An attestor of both networks commits in each by itself."""
    other = world.network(reward_path=2, attestors=(roots.attestors[0].pubkey(),), threshold=1)
    elsewhere = Roots(world, other, roots.attestors[:1])
    commitment = roots.commit_to(root, 1)

    assert roots.address(commitment) != elsewhere.address(commitment)
    assert world.account(elsewhere.address(commitment)) is None
    mixed = roots.commit(root.commitment(units=1), network=other.address)
    assert world.send(mixed).error_name == "InvalidSeeds"
