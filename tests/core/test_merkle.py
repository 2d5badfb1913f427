"""Trees over payees: every position is proven, and nothing else is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from worktab.core.errors import InputError
from worktab.core.merkle import EMPTY, Tree, climb, depth, device_leaf, node, payee_leaf, proof_argument, proves

HASH = st.binary(min_size=32, max_size=32)
LEAVES = st.lists(HASH | st.just(EMPTY), min_size=1, max_size=40)
A, B, C, D, E = (bytes([byte]) * 32 for byte in b"abcde")


def slow_root(leaves: list[bytes], levels: int) -> bytes:
    """The root of a tree with `levels` levels below it, by its definition."""
    if not levels:
        return leaves[0] if leaves else EMPTY
    half = 2 ** (levels - 1)
    left, right = slow_root(leaves[:half], levels - 1), slow_root(leaves[half:], levels - 1)
    return hashlib.sha256(b"\1" + left + right).digest()


def tree(*leaves: bytes) -> Tree:
    return Tree(b"".join(leaves))


@given(LEAVES)
def test_a_root_is_what_its_definition_says(leaves: list[bytes]) -> None:
    made = tree(*leaves)
    assert made.count == len(leaves)
    assert made.depth == depth(len(leaves)) == (len(leaves) - 1).bit_length()
    assert made.root == slow_root(leaves, made.depth)


@given(LEAVES)
def test_every_position_is_proven_at_its_place_only(leaves: list[bytes]) -> None:
    made = tree(*leaves)
    for position, leaf in enumerate(leaves):
        siblings = made.siblings(position)
        assert len(siblings) == made.depth
        assert climb(leaf, position, siblings) == made.root
        for other in range(2 * len(leaves) + 2):
            if other == position or (other < len(leaves) and leaves[other] == leaf):
                continue
            assert not proves(made.root, made.count, leaf, other, siblings)
        assert proves(made.root, made.count, leaf, position, siblings)


@given(LEAVES, st.data())
def test_a_proof_with_any_bit_changed_proves_nothing(leaves: list[bytes], data: st.DataObject) -> None:
    made = tree(*leaves)
    position = data.draw(st.integers(0, len(leaves) - 1))
    parts = [made.root, leaves[position], *made.siblings(position)]
    part = data.draw(st.integers(0, len(parts) - 1))
    bit = data.draw(st.integers(0, 255))
    parts[part] = (int.from_bytes(parts[part], "big") ^ 1 << bit).to_bytes(32, "big")
    root, leaf, *siblings = parts
    assert not proves(root, made.count, leaf, position, siblings)


def test_trees_by_hand() -> None:
    assert tree(A).root == A
    assert tree(A, B).root == node(A, B) == hashlib.sha256(b"\1" + A + B).digest()
    assert tree(A, B, C).root == node(node(A, B), node(C, EMPTY))
    assert tree(A, B, C, D).root == node(node(A, B), node(C, D))
    empty = node(EMPTY, EMPTY)
    assert tree(A, B, C, D, E).root == node(node(node(A, B), node(C, D)), node(node(E, EMPTY), empty))
    assert tree(EMPTY, EMPTY, A).siblings(2) == (EMPTY, empty)


def test_an_odd_level_is_filled_and_never_doubled() -> None:
    """A tree that repeats its last leaf would have the same root with the leaf twice."""
    assert tree(A, B, C).root != tree(A, B, C, C).root
    assert tree(A, B, C).root == tree(A, B, C, EMPTY).root
    made = tree(A, B, C)
    assert not proves(made.root, made.count, C, 3, made.siblings(2))


def test_the_count_is_part_of_a_proof() -> None:
    made = tree(A, B, C)
    siblings = made.siblings(2)
    assert [proves(made.root, count, C, 2, siblings) for count in range(7)] == [
        False,  # no position
        False,
        False,  # a level less
        True,
        True,  # as deep
        False,  # a level more
        False,
    ]


def test_a_node_is_no_leaf_and_a_leaf_no_node() -> None:
    made = tree(A, B, C, D)
    assert not proves(made.root, made.count, node(A, B), 0, (node(C, D),))
    # A leaf is hashed behind another prefix, so that the same bytes make another hash.
    domain, payout, devices_root = A, B, C
    leaf = payee_leaf(domain, 1, 2, payout, 3, devices_root)
    fields = domain + (1).to_bytes(8, "little") + (2).to_bytes(4, "little") + payout + (3).to_bytes(8, "little")
    assert leaf == hashlib.sha256(b"\0" + fields + devices_root).digest()
    assert leaf != hashlib.sha256(b"\1" + fields + devices_root).digest()


def test_a_devices_leaf_by_hand() -> None:
    fields = (1).to_bytes(4, "little") + (2).to_bytes(8, "little") + (3).to_bytes(8, "little") + A
    assert device_leaf(1, 2, 3, A) == hashlib.sha256(b"\0" + fields).digest()


def test_every_field_of_a_leaf_counts() -> None:
    payee: dict[str, Any] = {
        "domain": A,
        "epoch": 1,
        "position": 2,
        "payout": B,
        "lifetime_reward": 3,
        "devices_root": C,
    }
    device: dict[str, Any] = {"index": 1, "lifetime_units": 2, "lifetime_reward": 3, "head": A}
    for made, fields in ((payee_leaf, payee), (device_leaf, device)):
        for name, value in fields.items():
            assert made(**(fields | {name: D if isinstance(value, bytes) else value + 9})) != made(**fields), name
    assert payee_leaf(**payee) == payee_leaf(**(payee | {"payout": Pubkey(B)}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("domain", bytes(31)),
        ("epoch", 2**64),
        ("epoch", -1),
        ("position", 2**32),
        ("payout", bytes(33)),
        ("lifetime_reward", 2**64),
        ("lifetime_reward", 1.0),
        ("devices_root", b""),
    ],
)
def test_a_payee_leaf_takes_only_what_fits(name: str, value: Any) -> None:
    fields: dict[str, Any] = {
        "domain": A,
        "epoch": 1,
        "position": 2,
        "payout": B,
        "lifetime_reward": 3,
        "devices_root": C,
    }
    with pytest.raises(InputError):
        payee_leaf(**(fields | {name: value}))


@pytest.mark.parametrize(
    ("name", "value"), [("index", 2**32), ("lifetime_units", 2**64), ("lifetime_reward", True), ("head", bytes(31))]
)
def test_a_device_leaf_takes_only_what_fits(name: str, value: Any) -> None:
    fields: dict[str, Any] = {"index": 1, "lifetime_units": 2, "lifetime_reward": 3, "head": A}
    with pytest.raises(InputError):
        device_leaf(**(fields | {name: value}))


@pytest.mark.parametrize("leaves", [b"", bytes(31), bytes(33)])
def test_a_tree_needs_whole_leaves(leaves: bytes) -> None:
    with pytest.raises(InputError, match="whole leaves"):
        Tree(leaves)


@pytest.mark.parametrize("position", [-1, 3])
def test_a_tree_proves_only_positions_that_it_has(position: int) -> None:
    with pytest.raises(InputError, match="no such position"):
        tree(A, B, C).siblings(position)


def test_depths() -> None:
    assert [depth(count) for count in (0, 1, 2, 3, 4, 5, 1_024, 1_025, 2**20, 2**32 - 1)] == [
        *(0, 0, 1, 2, 2, 3),
        *(10, 11, 20, 32),
    ]
    with pytest.raises(InputError):
        depth(2**32)


def test_the_argument_of_a_proof() -> None:
    assert proof_argument(()) == b""
    assert proof_argument((A, B)) == b"\1" + A + b"\1" + B
    with pytest.raises(InputError):
        proof_argument((A, bytes(31)))


def test_siblings_of_another_size_prove_nothing() -> None:
    made = tree(A, B)
    assert proves(made.root, 2, A, 0, (B,))
    assert not proves(made.root, 2, A, 0, (B[:31],))
    assert not proves(made.root, 2, A, -2, (B,))
    with pytest.raises(InputError):
        proves(made.root[:31], 2, A, 0, (B,))


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        (lambda: payee_leaf(A[1:], 1, 2, B, 3, C), "domain has the wrong length; expected 32 bytes; got 31 bytes"),
        (lambda: payee_leaf(A, -1, 2, B, 3, C), "epoch is out of range; expected 0 to 2^64 - 1; got -1"),
        (lambda: payee_leaf(A, 1, -2, B, 3, C), "position is out of range; expected 0 to 2^32 - 1; got -2"),
        (lambda: payee_leaf(A, 1, 2, B[1:], 3, C), "payout has the wrong length; expected 32 bytes; got 31 bytes"),
        (lambda: payee_leaf(A, 1, 2, B, -3, C), "lifetime reward is out of range; expected 0 to 2^64 - 1; got -3"),
        (
            lambda: payee_leaf(A, 1, 2, B, 3, C[1:]),
            "devices root has the wrong length; expected 32 bytes; got 31 bytes",
        ),
        (lambda: device_leaf(-1, 2, 3, A), "index is out of range; expected 0 to 2^32 - 1; got -1"),
        (lambda: device_leaf(1, -2, 3, A), "lifetime units is out of range; expected 0 to 2^64 - 1; got -2"),
        (lambda: device_leaf(1, 2, -3, A), "lifetime reward is out of range; expected 0 to 2^64 - 1; got -3"),
        (lambda: device_leaf(1, 2, 3, A[1:]), "head has the wrong length; expected 32 bytes; got 31 bytes"),
        (lambda: depth(-1), "count is out of range; expected 0 to 2^32 - 1; got -1"),
        (lambda: Tree(A[1:]), "a tree needs whole leaves, and at least one; expected 32 bytes each; got 31 bytes"),
        (lambda: tree(A, B, C).siblings(3), "the tree has no such position; expected 0 to 2; got 3"),
        (lambda: proves(A[1:], 1, B, 0, ()), "root has the wrong length; expected 32 bytes; got 31 bytes"),
        (lambda: proof_argument((A[1:],)), "sibling has the wrong length; expected 32 bytes; got 31 bytes"),
    ],
    ids=range(15),
)
def test_refusals_say_what_is_wrong(call: Callable[[], object], refusal: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == refusal
