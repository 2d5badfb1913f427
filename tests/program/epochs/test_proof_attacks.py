"""claim_root: proofs of what is not in the newest final root, each in its own disguise. None moves anything."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.instruction import Instruction

from support.epochs import PAGE, Payee, Root, Roots, roots_of
from support.invoices import state_of
from support.parties import FUNDS
from support.world import World
from worktab.core.merkle import EMPTY, Tree, depth, node, payee_leaf, proof_argument

U32 = 2**32 - 1


@pytest.fixture
def final(roots: Roots, root: Root) -> Root:
    """The root of five payees, final, with its page open."""
    roots.make_final(root)
    return root


def assert_refused(roots: Roots, claim: Instruction, error: str = "NotInRoot") -> None:
    """The claim fails, and network, page, vault and payout account are what they were."""
    world, watched = roots.world, [meta.pubkey for meta in claim.accounts]
    before = state_of(world, *watched)

    result = world.send(claim)

    assert (result.error_name, result.instruction) == (error, 0), result.logs
    assert state_of(world, *watched) == before


def assert_untouched(roots: Roots, root: Root) -> None:
    """Nothing was paid, and everybody's right claim is still paid in full."""
    assert roots.vault() == FUNDS
    for position, payee in enumerate(root.payees):
        if payee:
            assert roots.world.send(roots.claim(root, position)).event().amount == payee.reward


# Leaves that are none


def test_a_node_is_no_leaf(roots: Roots, final: Root) -> None:
    """The proof of a node is a level short; with the level made up, the node is hashed as a leaf, not as it stands."""
    left, right = final.leaf(0), final.leaf(1)
    upper = final.tree.siblings(0)[1:]

    assert_refused(roots, roots.claim(final, 0, siblings=upper))
    # 64 bytes of a node as the last fields of a leaf: lifetime reward and devices root among them.
    disguised = replace(final.payee(0), reward=int.from_bytes(right[:8], "little"), devices_root=right)
    fake = Root(final.network, 0, (disguised, *final.payees[1:]))
    assert_refused(roots, roots.claim(fake, 0, siblings=(left, *upper)))
    assert_refused(roots, roots.claim(fake, 0, siblings=final.tree.siblings(0)))
    assert_untouched(roots, final)


def test_a_leaf_is_no_node(roots: Roots, final: Root) -> None:
    """A tree of a payee's own, hung below a leaf of the real one, is a level too deep."""
    own = Payee(final.payee(4).payout, 10**6)
    mine = payee_leaf(roots.network.domain, 0, 4, own.payout, own.reward, own.devices_root)
    fake = Root(final.network, 0, (*final.payees[:4], own))

    for siblings in (
        (EMPTY, *final.tree.siblings(4)),
        (final.leaf(4), *final.tree.siblings(4)),
        (final.leaf(4), *final.tree.siblings(4)[1:]),
        (mine, *final.tree.siblings(4)[1:]),
    ):
        assert_refused(roots, roots.claim(fake, 4, siblings=siblings))
    assert_untouched(roots, final)


def test_leaves_and_nodes_are_hashed_behind_different_prefixes(roots: Roots, final: Root) -> None:
    """A root over leaves hashed as nodes, or nodes as leaves, proves nothing."""
    claim = roots.claim(final, 0)
    world = roots.world
    payee = final.payee(0)
    wrong_leaf = node(roots.network.domain, payee.devices_root)
    for leaves in (wrong_leaf + final.leaf(1), final.leaf(0)[:31] + b"\0" + final.leaf(1)):
        world.patch_network(roots.network, root=Tree(leaves * 4).root)
        assert_refused(roots, claim)
    world.patch_network(roots.network, root=final.tree.root)
    assert_untouched(roots, final)


def test_the_root_itself_is_no_proof(roots: Roots, final: Root) -> None:
    for siblings in ((), (final.tree.root,) * 3, (EMPTY,) * 3, (final.leaf(2),) * 3):
        assert_refused(roots, roots.claim(final, 2, siblings=siblings))
    assert_untouched(roots, final)


def test_an_empty_position_belongs_to_nobody(world: World, roots: Roots) -> None:
    first, second = roots.payees(10, 20)
    root = roots.root(0, [first, None, second])
    roots.make_final(root)

    for thief in (Payee(roots.wallet().pubkey(), 0), Payee(roots.wallet().pubkey(), 5), replace(first, reward=30)):
        fake = Root(root.network, 0, (first, thief, second))
        assert_refused(roots, roots.claim(fake, 1, siblings=root.tree.siblings(1)))


# Odd levels


@pytest.mark.parametrize("count", [3, 5, 6, 7, 9])
def test_an_odd_level_is_filled_with_zeros_and_not_with_its_last_leaf(roots: Roots, count: int) -> None:
    """Doubled last leaves would give their payee a second position."""
    root = roots.root(0, roots.payees(*[10] * count))
    roots.make_final(root)
    last = count - 1

    for beyond in range(count, 2 ** depth(count)):
        claim = roots.claim(root, last, said=beyond)
        assert_refused(roots, claim)
        assert_refused(roots, roots.claim(root, last, said=beyond, siblings=(root.leaf(last), *claim_tail(root, last))))
    doubled = (root.leaf(last), *claim_tail(root, last))
    if last % 2 == 0:
        assert_refused(roots, roots.claim(root, last, siblings=doubled))
    assert_untouched(roots, root)


def claim_tail(root: Root, position: int) -> tuple[bytes, ...]:
    """The siblings of a position, without the lowest."""
    return root.tree.siblings(position)[1:]


# A leaf that is another's, of another place, time or network


def test_a_foreign_position_is_refused(roots: Roots, final: Root) -> None:
    for position in range(5):
        for said in range(5):
            if said != position:
                assert_refused(roots, roots.claim(final, position, said=said))
                own = final.tree.siblings(said)
                assert_refused(roots, roots.claim(final, position, said=said, siblings=own))
    assert_untouched(roots, final)


@pytest.mark.parametrize("said", [5, 6, 7, 8, 13, PAGE, PAGE + 2, 2**31, U32])
def test_a_position_beyond_the_count_is_refused(roots: Roots, final: Root, said: int) -> None:
    """Also one with the low bits of a payee's, whose way to the root is the same."""
    for position in range(5):
        assert_refused(roots, roots.claim(final, position, said=said))
    assert_untouched(roots, final)


def test_a_leaf_of_another_epoch_is_refused(world: World, roots: Roots, root: Root) -> None:
    world.next_epoch(roots.network)
    later = roots.root(1, root.payees)
    roots.make_final(root)

    # Payees, positions, rewards, page and depth are the same. No claim names an epoch: it is the final root's.
    for position in range(5):
        assert_refused(roots, roots.claim(later, position))
    assert_untouched(roots, root)


def test_a_proof_against_an_older_root_is_refused(world: World, roots: Roots, final: Root) -> None:
    world.next_epoch(roots.network)
    later = roots.raised(final, 1, 1, 1, 1, 1, 1)
    roots.make_final(later)

    for position in range(5):
        assert_refused(roots, roots.claim(final, position))
        # Neither half of an old proof fits: not its leaf, not its siblings.
        assert_refused(roots, roots.claim(final, position, siblings=later.tree.siblings(position)))
        assert_refused(roots, roots.claim(later, position, siblings=final.tree.siblings(position)))
    assert_untouched(roots, later)


def test_a_leaf_of_another_network_is_refused(world: World, roots: Roots, final: Root) -> None:
    """The same payees, epoch, mint and root number; only the domain differs."""
    other = roots_of(world)
    twin = other.root(0, final.payees)
    other.make_final(twin)

    assert_refused(roots, roots.claim(twin, 2))
    assert_refused(other, other.claim(final, 2))
    assert_untouched(roots, final)
    assert world.send(other.claim(twin, 2)).event().amount == 300


def test_a_proof_of_another_networks_root_is_refused_here(world: World, roots: Roots, final: Root) -> None:
    other = roots_of(world)
    rich = other.root(0, [replace(each, reward=10**6 // 5) for each in final.payees if each])
    other.make_final(rich)
    as_ours = Root(roots.network, 0, rich.payees)

    for root in (rich, as_ours):
        assert_refused(roots, roots.claim(root, 2))
    assert_untouched(roots, final)


def test_another_owners_leaf_is_not_paid_to_me(world: World, roots: Roots, final: Root) -> None:
    thief = roots.wallet().pubkey()

    for position in range(5):
        assert_refused(roots, roots.claim(final, position, payout=thief))
    # Not even to another account than the wallet's associated one.
    account = roots.network.mint.account_of(thief)
    assert_refused(roots, roots.claim(final, 2, payout_account=account), "WrongPayoutAccount")
    bump = roots.network.mint.bump_of(thief)
    assert_refused(roots, roots.claim(final, 2, payout_account=account, bump=bump), "WrongPayoutAccount")
    assert_untouched(roots, final)


def test_a_duplicated_leaf_is_good_at_its_own_position_only(world: World, roots: Roots) -> None:
    """An attestor puts a payee's leaf into the tree twice: hashed with its position, it is none at the other place."""
    honest = roots.root(0, roots.payees(10, 20, 30, 40))
    leaves = [honest.leaf(at) for at in range(4)]
    leaves[3] = leaves[2]
    tree = Tree(b"".join(leaves))
    roots.make_final(honest, root=tree.root)

    assert_refused(roots, roots.claim(honest, 2, said=3, siblings=tree.siblings(3)))
    assert_refused(roots, roots.claim(honest, 3, siblings=tree.siblings(3)))
    assert world.send(roots.claim(honest, 2, siblings=tree.siblings(2))).event().amount == 30
    assert world.send(roots.claim(honest, 2, siblings=tree.siblings(2))).event().amount == 0
    assert_refused(roots, roots.claim(honest, 2, said=3, siblings=tree.siblings(3)))
    assert roots.read_network().root_owed == 70


@pytest.mark.parametrize("field", ["reward", "less", "devices_root", "payout"])
def test_every_field_of_the_leaf_is_bound(roots: Roots, final: Root, field: str) -> None:
    tampered = {
        "reward": roots.claim(final, 2, reward=301),
        "less": roots.claim(final, 2, reward=299),
        "devices_root": roots.claim(final, 2, devices_root=bytes([3]) * 32),
        "payout": roots.claim(final, 2, payout=final.payee(3).payout),
    }[field]

    assert_refused(roots, tampered)
    assert_untouched(roots, final)


# Depth and form of the proof


@pytest.mark.parametrize("count", [1, 2, 4, 5, 8])
def test_a_proof_of_another_depth_is_refused(roots: Roots, count: int) -> None:
    root = roots.root(0, roots.payees(*range(1, count + 1)))
    roots.make_final(root)

    for position in range(count):
        siblings = root.tree.siblings(position)
        wrong = [(*siblings, EMPTY), (EMPTY, *siblings), (*siblings, root.tree.root), (*siblings, *siblings)]
        if siblings:
            wrong += [siblings[1:], siblings[:-1], ()]
        for proof in wrong:
            if len(proof) != len(siblings):
                assert_refused(roots, roots.claim(root, position, siblings=proof))
    assert_untouched(roots, root)


def test_the_depth_is_that_of_the_count_and_not_of_the_tree(world: World, roots: Roots) -> None:
    """An attestor commits to a count that its tree does not have: the proofs that fit the count are what counts."""
    root = roots.root(0, roots.payees(10, 20, 30, 40))
    roots.make_final(root, count=5)
    claim = roots.claim(root, 0)

    assert_refused(roots, claim)
    world.patch_network(roots.network, root_count=3)
    assert_refused(roots, roots.claim(root, 3))
    assert world.send(claim).event().amount == 10


@pytest.mark.parametrize("prefix", [0, 2, 255])
def test_another_prefix_than_one_is_refused(roots: Roots, final: Root, prefix: int) -> None:
    for position in (1, 2):
        proof = proof_argument(final.tree.siblings(position))
        for level in range(3):
            at = 33 * level
            edited = proof[:at] + bytes([prefix]) + proof[at + 1 :]
            assert_refused(roots, roots.claim(final, position, siblings=edited))
    assert_untouched(roots, final)


def test_bytes_that_are_no_whole_siblings_are_refused(roots: Roots, final: Root) -> None:
    proof = proof_argument(final.tree.siblings(2))

    for siblings in (proof + b"\0", proof + bytes(32), proof[:-1], proof[1:], proof[:-32], proof + b"\1" * 33):
        assert_refused(roots, roots.claim(final, 2, siblings=siblings))
    assert_untouched(roots, final)


def test_siblings_without_their_prefix_are_refused(roots: Roots, final: Root) -> None:
    plain = b"".join(final.tree.siblings(2))
    assert len(plain) == 96

    assert_refused(roots, roots.claim(final, 2, siblings=plain))


def test_every_sibling_is_bound(roots: Roots, final: Root) -> None:
    siblings = final.tree.siblings(2)
    swapped = (siblings[1], siblings[0], siblings[2])

    assert_refused(roots, roots.claim(final, 2, siblings=swapped))
    assert_refused(roots, roots.claim(final, 2, siblings=siblings[::-1]))
    for level in range(3):
        edited = [*siblings]
        edited[level] = bytes([edited[level][0] ^ 1]) + edited[level][1:]
        assert_refused(roots, roots.claim(final, 2, siblings=edited))
    assert_untouched(roots, final)


def test_a_proof_cut_short_on_the_wire_is_refused(roots: Roots, final: Root) -> None:
    claim = roots.claim(final, 2)

    for cut in (1, 33, 99, 103):
        shorter = Instruction(claim.program_id, bytes(claim.data)[:-cut], claim.accounts)
        assert_refused(roots, shorter, "InvalidInstructionData")
    assert_untouched(roots, final)


def test_before_the_first_root_nothing_is_in_it(world: World, roots: Roots, root: Root) -> None:
    world.patch_network(roots.network, root_count=1)
    roots.must(roots.open_page(0))
    world.patch_network(roots.network, root_count=0)

    for siblings in (root.tree.siblings(0), ()):
        assert_refused(roots, roots.claim(root, 0, siblings=siblings))
