"""What a commitment commits to, whoever made it and whatever its sample showed."""

from __future__ import annotations

from dataclasses import dataclass

from worktab.core.commitments import EpochCommitment
from worktab.epochs.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Result:
    """An epoch's root, its sums, and the hash of the data that give them.

    All of it: who commits to good data with another root, or to a good root with other data, must not have the good
    result refused for it.
    """

    epoch: int
    root: bytes
    count: int
    total: int
    units: int
    data: bytes

    @classmethod
    def of(cls, made: EpochCommitment | Manifest) -> Result:
        """The result that is committed to, or that published data give."""
        data = made.hash() if isinstance(made, Manifest) else made.data
        return cls(made.epoch, made.root, made.count, made.total, made.units, data)
