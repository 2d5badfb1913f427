"""Leaves and roots of many devices and payees at once (PROTOCOL section 5, roots).

The same bytes as `core.merkle` makes one by one; what is hashed is laid out with numpy, so that a million leaves take
the time of a million hashes.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np

from worktab.core.merkle import EMPTY, HASH_SIZE, depth, node
from worktab.ingest.rows import Rows

_PAYEE_LEAF: Final = np.dtype(
    [
        ("tag", "u1"),
        ("domain", "u1", (32,)),
        ("epoch", "<u8"),
        ("position", "<u4"),
        ("payout", "u1", (32,)),
        ("reward", "<u8"),
        ("devices_root", "u1", (32,)),
    ]
)
_DEVICE_LEAF: Final = np.dtype(
    [("tag", "u1"), ("index", "<u4"), ("units", "<u8"), ("reward", "<u8"), ("head", "u1", (32,))]
)
_NODE: Final = np.dtype([("tag", "u1"), ("children", "u1", (64,))])


def payee_leaves(domain: bytes, epoch: int, payees: Rows, first: int = 0) -> bytes:
    """The leaves of `PAYEE` rows from the position `first` on, 32 bytes each."""
    rows = np.zeros(len(payees), _PAYEE_LEAF)
    rows["domain"] = np.frombuffer(domain, "u1")
    rows["epoch"] = epoch
    rows["position"] = np.arange(first, first + len(payees))
    for name in ("payout", "reward", "devices_root"):
        rows[name] = payees[name]
    return _hashed(rows)


def device_leaves(devices: Rows) -> bytes:
    """The leaves of `DEVICE` rows in their order, 32 bytes each."""
    rows = np.zeros(len(devices), _DEVICE_LEAF)
    for name in ("index", "units", "reward", "head"):
        rows[name] = devices[name]
    return _hashed(rows)


def device_roots(devices: Rows, first: Rows, counts: Rows) -> Rows:
    """The roots of payees' trees, as rows of 32 bytes.

    All trees are climbed together, level by level; a tree that has come to its root stays behind.

    Args:
        devices: `DEVICE` rows; those of one payee follow each other.
        first: where each payee's begin.
        counts: how many each payee has, at least 1.
    """
    leaves = np.frombuffer(device_leaves(devices), "u1").reshape(-1, HASH_SIZE)
    roots = leaves[first.astype(np.int64)] if len(first) else np.zeros((0, HASH_SIZE), "u1")
    trees = np.flatnonzero(counts > 1)
    starts, sizes = first[trees].astype(np.int64), counts[trees].astype(np.int64)
    level, empty = leaves, EMPTY
    for _ in range(depth(int(sizes.max(initial=1)))):
        pairs = (sizes + 1) // 2
        begins = np.cumsum(pairs) - pairs
        padded = np.empty((2 * int(pairs.sum()), HASH_SIZE), "u1")
        within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        padded[np.repeat(2 * begins, sizes) + within] = level[np.repeat(starts, sizes) + within]
        odd = np.flatnonzero(sizes % 2)
        padded[2 * begins[odd] + sizes[odd]] = np.frombuffer(empty, "u1")
        rows = np.empty(len(padded) // 2, _NODE)
        rows["tag"] = 1
        rows["children"] = padded.reshape(-1, 2 * HASH_SIZE)
        level, empty = np.frombuffer(_hashed(rows), "u1").reshape(-1, HASH_SIZE), node(empty, empty)
        done = pairs == 1
        roots[trees[done]] = level[begins[done]]
        trees, starts, sizes = trees[~done], begins[~done], pairs[~done]
    return roots


def _hashed(rows: Rows) -> bytes:
    """SHA-256 of every row, one after the other."""
    size, data, sha256 = rows.dtype.itemsize, memoryview(rows.tobytes()), hashlib.sha256
    return b"".join([sha256(data[at : at + size]).digest() for at in range(0, len(data), size)])
