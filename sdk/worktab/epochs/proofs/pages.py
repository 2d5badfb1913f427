"""Pages of payees and of their devices as bytes: what a client needs to make every proof of 1,024 positions itself.

A page of payees is a header, the rows of `worktab.epochs.data.PAYEE`, and the hashes from the page's own root up to the
tree's. A page of devices is a header and the rows of `worktab.epochs.data.DEVICE` of those payees. Nothing in either is
believed: `PayeePage.read` and `PayeePage.devices` check all of it against a root.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
from solders.pubkey import Pubkey

from worktab.core.merkle import EMPTY, HASH_SIZE, Tree, climb
from worktab.epochs.layout import DEVICE, PAYEE
from worktab.epochs.leaves import device_leaves, payee_leaves
from worktab.epochs.proofs.errors import ProofRefused
from worktab.epochs.proofs.root import PAGE, Root
from worktab.ingest.rows import Rows
from worktab.roles.roots import RootProof

_PAYEES: Final = b"WTP1"
_DEVICES: Final = b"WTD1"
_HEADER: Final = struct.Struct("<4sIQII")
PAYEE_PAGE_LIMIT: Final = _HEADER.size + PAGE * PAYEE.itemsize + 32 * HASH_SIZE
"""Bytes that a page of payees has at most."""


def payee_page(root: Root, number: int, rows: Rows, upper: tuple[bytes, ...]) -> bytes:
    """The bytes of a page: the rows of its positions, and the hashes beside the way from its own root to the tree's."""
    header = _HEADER.pack(_PAYEES, number, root.epoch, root.count, len(rows))
    return header + rows.tobytes() + b"".join(upper)


def device_page(root: Root, number: int, rows: Rows) -> bytes:
    """The bytes of a page: the device rows of its payees, by position, index and device."""
    return _HEADER.pack(_DEVICES, number, root.epoch, root.count, len(rows)) + rows.tobytes()


def devices_tree(rows: Rows) -> Tree:
    """The tree over a payee's devices, one row at least."""
    return Tree(device_leaves(rows))


@dataclass(frozen=True)
class PayeePage:
    """A page of payees that is proven to be part of a root.

    root    the root
    number  the page's
    rows    of `worktab.epochs.data.PAYEE`, for the positions from `first` on
    """

    root: Root
    number: int
    rows: Rows
    _tree: Tree
    _upper: tuple[bytes, ...]

    @classmethod
    def read(cls, data: bytes, root: Root, number: int) -> Self:
        """The page in `data`. Raises `ProofRefused` where that is not this page of this root."""
        count = root.rows(number)
        rows, rest = _rows(data, _PAYEES, root, number, PAYEE)
        upper = tuple(rest[at : at + HASH_SIZE] for at in range(0, len(rest), HASH_SIZE))
        if len(rows) != count or len(rest) != (root.depth - root.page_depth) * HASH_SIZE:
            raise ProofRefused(
                f"Page {number} has not got the size that the root asks for",
                expected=f"{count} rows and {root.depth - root.page_depth} hashes",
                got=f"{len(rows)} rows and {len(rest)} bytes",
            )
        leaves = payee_leaves(root.domain, root.epoch, rows, number * PAGE)
        if root.count > PAGE:
            leaves += EMPTY * (PAGE - count)
        tree = Tree(leaves)
        if climb(tree.root, number, upper) != root.root:
            raise ProofRefused(f"Page {number} is not part of the final root of epoch {root.epoch}")
        return cls(root, number, rows, tree, upper)

    @property
    def first(self) -> int:
        """The position of its first row."""
        return self.number * PAGE

    def proof(self, position: int) -> RootProof:
        """The proof of a position on this page. Raises `InputError` for another page's."""
        at = position - self.first
        siblings = self._tree.siblings(at) + self._upper
        row = self.rows[at]
        return RootProof(
            position, Pubkey(row["payout"].tobytes()), int(row["reward"]), row["devices_root"].tobytes(), siblings
        )

    @cached_property
    def _device_starts(self) -> list[int]:
        return [0, *np.cumsum(self.rows["devices"], dtype="u8").tolist()]

    def devices(self, data: bytes, position: int) -> Rows:
        """The device rows of one payee in the bytes of this page's devices.

        Index, units, reward and head are proven by the root; the other fields are what the source says.

        Raises `ProofRefused` where they are not those of the payee's devices root.
        """
        rows, rest = _rows(data, _DEVICES, self.root, self.number, DEVICE)
        starts = self._device_starts
        if rest or len(rows) != starts[-1]:
            raise ProofRefused(
                f"The devices of page {self.number} are not complete", expected=f"{starts[-1]}", got=f"{len(rows)}"
            )
        at = position - self.first
        mine = rows[starts[at] : starts[at + 1]]
        stated = self.rows[at]["devices_root"].tobytes()
        if (devices_tree(mine).root if len(mine) else EMPTY) != stated:
            raise ProofRefused(f"The devices of position {position} are not those that its leaf names")
        return mine


def _rows(data: bytes, magic: bytes, root: Root, number: int, kind: np.dtype[np.void]) -> tuple[Rows, bytes]:
    """The rows behind a header, and what follows them. Raises `ProofRefused`."""
    if len(data) < _HEADER.size:
        raise ProofRefused(f"Page {number} is cut off", got=f"{len(data)} bytes")
    told = _HEADER.unpack_from(data)
    expected = (magic, number, root.epoch, root.count)
    if told[:4] != expected:
        raise ProofRefused(
            "This is another page, or one of another epoch",
            expected="page {1} of epoch {2} with {3} positions".format(*expected),
            got="page {1} of epoch {2} with {3} positions".format(*told),
        )
    end = _HEADER.size + told[4] * kind.itemsize
    if len(data) < end:
        raise ProofRefused(f"Page {number} is cut off", expected=f"{end} bytes", got=f"{len(data)} bytes")
    return np.frombuffer(data, kind, told[4], _HEADER.size), data[end:]
