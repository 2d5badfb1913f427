"""Which records are run again: drawn in proportion to the work they are paid for, by a seed that nobody chose."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import defaultdict
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from worktab.core._checks import Bytes32, bytes32
from worktab.core.errors import InputError

_TRIES: Final = 64  # draws for each record wanted, before a sample stays smaller than asked for


class Dice:
    """Numbers that follow from a 32-byte seed: the same for everyone, and no number is likelier than another."""

    def __init__(self, seed: Bytes32) -> None:
        self._seed = bytes32(seed, "seed")
        self._number = 0

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1, which is 1 to 2^128. Raises `InputError` for another limit."""
        if not 1 <= limit <= 1 << 128:
            raise InputError("the limit is out of range", expected="1 to 2^128", got=str(limit))
        # What is left above the last whole multiple would make small numbers likelier.
        whole = (1 << 256) // limit * limit
        while True:
            digest = hashlib.sha256(self._seed + self._number.to_bytes(8, "little")).digest()
            self._number += 1
            value = int.from_bytes(digest, "little")
            if value < whole:
                return value % limit


def draw(
    seed: Bytes32, units: NDArray[np.uint64], first: NDArray[np.uint64], last: NDArray[np.uint64], count: int
) -> dict[int, frozenset[int]]:
    """`count` different records: of the device at each place drawn, the job numbers.

    A device is drawn in proportion to its new units, then one of its new records, each as likely as the others. All
    of them, where there are no more than `count`.

    Args:
        seed: 32 bytes; see `worktab.epochs.attesting.slots.seed`.
        units: each device's new units; one without any is never drawn.
        first: the number of the job before each device's first new one.
        last: the number of its newest job.
        count: how many, 0 or more.

    Raises:
        InputError: the arrays do not fit together, or the count is negative.
    """
    if not len(units) == len(first) == len(last) or count < 0:
        raise InputError("a sample needs as many devices as job numbers, and a count of 0 or more")
    places = np.flatnonzero((units > 0) & (last > first))
    new = (last[places] - first[places]).astype(object)
    if not len(places) or not count:
        return {}
    if sum(new) <= count:
        return {int(at): frozenset(range(int(first[at]) + 1, int(last[at]) + 1)) for at in places}
    return _drawn(Dice(seed), places, units[places], first, new, count)


def _drawn(
    dice: Dice,
    places: NDArray[np.intp],
    units: NDArray[np.uint64],
    first: NDArray[np.uint64],
    new: NDArray[np.object_],
    count: int,
) -> dict[int, frozenset[int]]:
    # In Python's integers: where many devices claim the most, the sum is beyond 2^64.
    upto = list(accumulate(units.tolist()))
    total = upto[-1]
    found: defaultdict[int, set[int]] = defaultdict(set)
    size = 0
    for _ in range(count * _TRIES):
        at = bisect_right(upto, dice.below(total))
        place = int(places[at])
        record = int(first[place]) + 1 + dice.below(int(new[at]))
        size += record not in found[place]
        found[place].add(record)
        if size == count:
            break
    return {place: frozenset(records) for place, records in found.items()}
