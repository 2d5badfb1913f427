"""Finding addresses among many: in memory, and in sorted files of a fixed size.

An exported index is cut into shards of 4,096 entries in the order of the payouts' bytes, and a directory that holds the
first payout of each: finding one takes the directory and one shard.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from worktab.epochs.proofs.errors import ProofRefused
from worktab.ingest.rows import Rows

SHARD: Final = 4_096
"""Entries of a shard; the last one may have fewer."""

ENTRY: Final = np.dtype([("payout", "u1", (32,)), ("position", "<u4")])
"""An entry of the exported index, 36 bytes."""

SHARD_LIMIT: Final = SHARD * ENTRY.itemsize
"""Bytes that a shard has at most."""

DIRECTORY_LIMIT: Final = 32 << 20
"""Bytes that a directory has at most: enough for the shards of every position there can be."""

_KEY: Final = 32


class AddressIndex:
    """Rows by address, 12 bytes a row: sorted by the first eight bytes, the rest compared."""

    def __init__(self, addresses: NDArray[np.uint8]) -> None:
        """Takes the addresses, 32 bytes each, in the order of the rows; keeps a view of them."""
        self._addresses = addresses
        keys = _words(addresses, 1)[0]
        self._order = np.argsort(keys, kind="stable").astype("<u4")
        self._keys = keys[self._order]

    def find(self, address: bytes) -> list[int]:
        """The rows with this address, in their order."""
        key = np.uint64(int.from_bytes(address[:8], "big"))
        low, high = np.searchsorted(self._keys, key, "left"), np.searchsorted(self._keys, key, "right")
        return [row for row in self._order[low:high].tolist() if self._addresses[row].tobytes() == address]


def index_files(payees: Rows) -> tuple[bytes, Iterator[bytes]]:
    """The directory, and the shards one after the other."""
    entries = np.empty(len(payees), ENTRY)
    order = np.lexsort(_words(payees["payout"], 4)[::-1])
    entries["payout"] = payees["payout"][order]
    entries["position"] = order
    shards = (entries[at : at + SHARD].tobytes() for at in range(0, len(entries), SHARD))
    return entries["payout"][::SHARD].tobytes(), shards


def shard_of(directory: bytes, payout: bytes) -> int | None:
    """The number of the shard that has a payout, if any has."""
    count = len(directory) // _KEY
    at = bisect_right(range(count), payout, key=lambda number: directory[number * _KEY : (number + 1) * _KEY])
    return at - 1 if at else None


def find_in_shard(shard: bytes, payout: bytes) -> int | None:
    """The position of a payout in a shard; None where it is not in it. Raises `ProofRefused` for no shard."""
    if len(shard) % ENTRY.itemsize:
        raise ProofRefused("A shard of the index is cut off", got=f"{len(shard)} bytes")
    size, count = ENTRY.itemsize, len(shard) // ENTRY.itemsize
    at = bisect_right(range(count), payout, key=lambda row: shard[row * size : row * size + _KEY]) - 1
    if at < 0 or shard[at * size : at * size + _KEY] != payout:
        return None
    return int.from_bytes(shard[at * size + _KEY : (at + 1) * size], "little")


def _words(addresses: NDArray[np.uint8], count: int) -> list[NDArray[np.uint64]]:
    """The first words of each address, most significant first, as numbers that compare as the bytes do."""
    words = np.ascontiguousarray(addresses[:, : 8 * count]).view(">u8")
    return [words[:, number].astype("u8") for number in range(count)]
