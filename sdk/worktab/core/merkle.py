"""Trees over payees and over each payee's devices, and the proofs that a leaf is in one (PROTOCOL section 5, roots).

A tree of `count` leaves has `depth(count)` levels below its root and room for a power of two of them; positions that
nobody holds are 32 zero bytes. Leaves are hashed behind 0x00 and nodes behind 0x01, so neither passes for the other.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import Final

from worktab.core._checks import Bytes32, bytes32, uint
from worktab.core.errors import InputError

EMPTY: Final = bytes(32)
"""What stands at a position that nobody holds, and the root of a tree without leaves."""

HASH_SIZE: Final = 32
_NODE: Final = b"\x01"
_NUMBERS = struct.Struct("<QI")
_DEVICE = struct.Struct("<IQQ")
_REWARD = struct.Struct("<Q")


def payee_leaf(
    domain: Bytes32, epoch: int, position: int, payout: Bytes32, lifetime_reward: int, devices_root: Bytes32
) -> bytes:
    """A payee's 32-byte leaf: `H(0x00 || domain || u64 epoch || u32 position || payout || u64 lifetime_reward ||
    devices_root)`, the reward in base units.

    Raises:
        InputError: an argument is not 32 bytes, or a number is out of range.
    """
    return hashlib.sha256(
        b"\x00"
        + bytes32(domain, "domain")
        + _NUMBERS.pack(uint(epoch, 64, "epoch"), uint(position, 32, "position"))
        + bytes32(payout, "payout")
        + _REWARD.pack(uint(lifetime_reward, 64, "lifetime reward"))
        + bytes32(devices_root, "devices root")
    ).digest()


def device_leaf(index: int, lifetime_units: int, lifetime_reward: int, head: Bytes32) -> bytes:
    """A device's 32-byte leaf in its payee's tree: `H(0x00 || u32 index || u64 lifetime_units || u64 lifetime_reward ||
    head)`, units in work units, the reward in base units.

    Raises:
        InputError: the head is not 32 bytes, or a number is out of range.
    """
    numbers = _DEVICE.pack(
        uint(index, 32, "index"),
        uint(lifetime_units, 64, "lifetime units"),
        uint(lifetime_reward, 64, "lifetime reward"),
    )
    return hashlib.sha256(b"\x00" + numbers + bytes32(head, "head")).digest()


def depth(count: int) -> int:
    """Levels below the root of a tree with `count` positions: `ceil(log2(count))`; 0 for one leaf or none."""
    return max(uint(count, 32, "count") - 1, 0).bit_length()


def node(left: bytes, right: bytes) -> bytes:
    """The 32-byte parent of two nodes: `H(0x01 || left || right)`."""
    return hashlib.sha256(_NODE + left + right).digest()


class Tree:
    """A tree over leaves in the order of their positions; levels are kept, so that proofs cost no hashing.

    Memory: about 64 bytes a leaf.

    Args:
        leaves: the leaves one after the other, 32 bytes each; `EMPTY` at positions that nobody holds.

    Raises:
        InputError: there are none, or the size is no multiple of 32 bytes.
    """

    __slots__ = ("_levels", "count")

    def __init__(self, leaves: bytes) -> None:
        if not leaves or len(leaves) % HASH_SIZE:
            raise InputError(
                "a tree needs whole leaves, and at least one", expected="32 bytes each", got=f"{len(leaves)} bytes"
            )
        self.count = len(leaves) // HASH_SIZE
        self._levels = [leaves]
        level, empty = leaves, EMPTY
        sha256 = hashlib.sha256
        for _ in range(depth(self.count)):
            if len(level) % (2 * HASH_SIZE):
                level += empty
                self._levels[-1] = level
            level = b"".join([sha256(_NODE + level[at : at + 64]).digest() for at in range(0, len(level), 64)])
            empty = node(empty, empty)
            self._levels.append(level)

    @property
    def root(self) -> bytes:
        """The tree's 32-byte root; with one leaf, that leaf."""
        return self._levels[-1]

    @property
    def depth(self) -> int:
        """Levels below the root."""
        return len(self._levels) - 1

    def siblings(self, position: int) -> tuple[bytes, ...]:
        """The proof of the leaf at `position`: 32 bytes for each level, the lowest first.

        Raises:
            InputError: the tree has no such position.
        """
        if not 0 <= position < self.count:
            raise InputError("the tree has no such position", expected=f"0 to {self.count - 1}", got=str(position))
        found = []
        for level in self._levels[:-1]:
            at = (position ^ 1) * HASH_SIZE
            found.append(level[at : at + HASH_SIZE])
            position >>= 1
        return tuple(found)


def climb(leaf: bytes, position: int, siblings: Sequence[bytes]) -> bytes:
    """The root that a leaf at `position` has with these siblings, the lowest first."""
    for sibling in siblings:
        leaf = node(sibling, leaf) if position & 1 else node(leaf, sibling)
        position >>= 1
    return leaf


def proves(root: Bytes32, count: int, leaf: bytes, position: int, siblings: Sequence[bytes]) -> bool:
    """Whether `leaf` stands at `position` of the tree with this root and `count` positions, as the chain decides it."""
    sized = len(siblings) == depth(count) and all(len(sibling) == HASH_SIZE for sibling in siblings)
    return sized and 0 <= position < count and climb(leaf, position, siblings) == bytes32(root, "root")


def proof_argument(siblings: Sequence[bytes]) -> bytes:
    """Siblings as the instruction `claim_root` takes them: 33 bytes each, 0x01 and the hash, the lowest first.

    The prefix is the one that nodes are hashed behind: the program hashes a left sibling as it stands.
    """
    return b"".join(_NODE + bytes32(sibling, "sibling") for sibling in siblings)
