"""What epochs may cost: lamports of fees, bytes on the wire, bytes of state, and compute units."""

from __future__ import annotations

import hashlib

import pytest
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price

from support.epochs import CHALLENGE, PAGE, Payee, Root, Roots
from support.parties import FUNDS
from support.svm import Instructions, Result
from support.world import World
from worktab.chain.protocol import TRANSACTION_SIZE
from worktab.core.addresses import find_epoch, find_page
from worktab.core.merkle import climb, payee_leaf
from worktab.program.generated import PROGRAM_ID

FEE = 5_000
"""Lamports of a signature."""
EPOCH_FEES = 20_000
CLAIM_UNITS = 5_000
COMMIT_UNITS, COMMIT_SIZE = 3_400, 485
VOTE_UNITS, VOTE_SIZE = 800, 348
FINALIZE_UNITS, FINALIZE_SIZE = 1_150, 239
PAGE_UNITS, PAGE_SIZE = 3_600, 276

DEEP = 20
"""Levels of a tree of 1,048,576 payees."""


def with_fees(*instructions: Instructions) -> list[Instructions]:
    """What a sender puts before its instructions on a busy cluster."""
    return [set_compute_unit_limit(1_400_000), set_compute_unit_price(1_000), *instructions]


def deep_claim(roots: Roots, position: int, depth: int = DEEP) -> tuple[Root, list[bytes]]:
    """Makes a root of 2^depth payees final, past every rule, in which `position` has 250 base units.

    Returns a root that holds the payee there for `Roots.claim`, and the siblings. Only the way to the root is made:
    what the other subtrees are made of is nobody's business here.
    """
    payee = Payee(roots.wallet().pubkey(), 250, bytes([9]) * 32)
    siblings = [hashlib.sha256(b"subtree" + bytes([level])).digest() for level in range(depth)]
    leaf = payee_leaf(roots.network.domain, 0, position, payee.payout, payee.reward, payee.devices_root)
    roots.world.patch_network(
        roots.network,
        root=climb(leaf, position, siblings),
        root_count=min(2**depth, 2**32 - 1),
        root_total=1_000,
        root_owed=1_000,
        pool_owed=1_000,
        pool_free=FUNDS - 1_000,
    )
    if roots.world.account(roots.page_address(position // PAGE)) is None:
        roots.must(roots.open_page(position // PAGE))
    return Root(roots.network, 0, (payee,)), siblings


def claim_of(roots: Roots, position: int, depth: int = DEEP) -> tuple[Root, Instructions]:
    """The claim of a position of a deep tree."""
    root, siblings = deep_claim(roots, position, depth)
    page = roots.page_address(position // PAGE)
    return root, roots.claim(root, 0, said=position, siblings=siblings, page=page)


def test_an_epoch_of_three_attestors_takes_four_signatures(world: World, roots: Roots, root: Root) -> None:
    """Everyone pays for its own: commit, two more votes and final, whatever the number of receipts and payees."""
    commitment = root.commitment()
    first, second, third = roots.attestors
    for attestor in roots.attestors:
        world.runtime.airdrop(attestor.pubkey(), 10**9)
    before = [world.lamports(each.pubkey()) for each in (*roots.attestors, world.payer)]

    sent = [world.must(roots.commit(commitment, payer=first.pubkey()), payer=first)]
    sent += [world.must(roots.vote(commitment, attestor), payer=attestor) for attestor in (second, third)]
    world.advance(CHALLENGE)
    sent.append(world.must(roots.finalize(commitment, rent_payer=first.pubkey())))

    assert [each.fee for each in sent] == [FEE] * 4
    after = [world.lamports(each.pubkey()) for each in (*roots.attestors, world.payer)]
    # The rent is back, so that the fees are all that it cost.
    assert [had - has for had, has in zip(before, after, strict=True)] == [FEE] * 4
    assert sum(before) - sum(after) == EPOCH_FEES


@pytest.mark.parametrize("position", [0, 1, PAGE, 2**19, 2**20 - 1, 0b1010_1010_1010_1010_1010])
def test_a_claim_of_a_million_payees_fits_a_transaction_without_a_lookup_table(
    world: World, roots: Roots, position: int
) -> None:
    """With both fee instructions, and a sponsor for payer."""
    root, claim = claim_of(roots, position)

    result = world.send(*with_fees(claim), payer=world.keypair(lamports=10**9))

    assert result.event().amount == 250
    assert result.size <= TRANSACTION_SIZE == 1_232
    assert (roots.balance(root, 0), roots.watermark(position)) == (250, 250)


def test_the_first_claim_of_a_wallet_fits_with_its_page_and_its_account(world: World, roots: Roots) -> None:
    """As far down as a million payees: the page and the token account are made on the way."""
    siblings = deep_claim(roots, 0)[1]
    payee = Payee(world.keypair().pubkey(), 250, bytes([9]) * 32)
    leaf = payee_leaf(roots.network.domain, 0, PAGE, payee.payout, payee.reward, payee.devices_root)
    world.patch_network(roots.network, root=climb(leaf, PAGE, siblings))
    own = Root(roots.network, 0, (payee,))
    page = roots.page_address(1)

    result = world.send(
        roots.network.mint.create_account(payee.payout),
        roots.open_page(1),
        roots.claim(own, 0, said=PAGE, siblings=siblings, page=page),
    )

    assert result.ok, result.logs
    assert result.size <= TRANSACTION_SIZE
    assert (roots.balance(own, 0), roots.watermark(PAGE)) == (250, 250)


def test_a_page_takes_eight_bytes_a_payee(world: World, roots: Roots, root: Root) -> None:
    roots.make_final(root)

    assert len(world.data(roots.page_address(0))) == 80 + 8 * PAGE


# Compute units


def test_commit_vote_and_final(world: World, roots: Roots, root: Root) -> None:
    """With a commitment whose first bump fits: each other one tried costs the runtime's price for an address more."""
    units = next(each for each in range(1_000) if bump_of(roots, root, each) == 255)
    commitment = root.commitment(units=units)

    assert_within(world.send(roots.commit(commitment)), COMMIT_UNITS, COMMIT_SIZE)
    assert_within(world.send(roots.vote(commitment, roots.attestors[2])), VOTE_UNITS, VOTE_SIZE)
    assert_within(world.send(roots.vote(commitment, roots.guardian, 2)), VOTE_UNITS, VOTE_SIZE)
    approved = roots.commit_to(root, 2, units=1_001)
    world.advance(CHALLENGE)
    assert_within(world.send(roots.finalize(approved)), FINALIZE_UNITS, FINALIZE_SIZE)
    assert_within(world.send(roots.finalize(commitment)), FINALIZE_UNITS, FINALIZE_SIZE)


def bump_of(roots: Roots, root: Root, units: int) -> int:
    """The bump of a commitment's address."""
    commitment = root.commitment(units=units)
    return find_epoch(PROGRAM_ID, roots.network.address, 0, commitment.hash())[1]


def test_a_page(world: World, roots: Roots) -> None:
    world.patch_network(roots.network, root_count=2**20)
    number = next(each for each in range(PAGE) if find_page(PROGRAM_ID, roots.network.address, each)[1] == 255)

    assert_within(world.send(roots.open_page(number)), PAGE_UNITS, PAGE_SIZE)


@pytest.mark.parametrize("position", [0, 2**20 - 1, 0b0101_0101_0101_0101_0101])
def test_a_claim_of_a_million_payees(world: World, roots: Roots, position: int) -> None:
    """With its transfer and its event, at every mix of left and right siblings."""
    _, claim = claim_of(roots, position)

    result = world.send(claim)

    assert result.event().amount == 250
    assert result.units <= CLAIM_UNITS


def assert_within(result: Result, units: int, size: int) -> None:
    """The transaction succeeded, and took at most so many compute units and bytes."""
    assert result.ok, result.logs
    assert result.units <= units
    assert result.size <= size
