"""What an attestor commits to for an epoch, and the hash its account's address is made from (PROTOCOL section 5)."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from worktab.core._checks import bytes32, uint

_NUMBERS = struct.Struct("<QQQQQ")


@dataclass(frozen=True, slots=True)
class EpochCommitment:
    """A root over all payees, and what it stands for.

    Attributes:
        epoch: index of the epoch, u64.
        root: 32-byte root of the payees' tree.
        count: highest position of a payee, and one; u32.
        total: sum of all payees' lifetime rewards, base units.
        units: sum of all devices' lifetime units, work units.
        records_checked: records that the committing attestor re-executed for this epoch.
        records_failed: those of them that did not agree.
        check_ms: milliseconds it took.
        data: 32-byte hash of the published leaf data.

    Raises:
        InputError: a field is out of range.
    """

    epoch: int
    root: bytes
    count: int
    total: int
    units: int
    data: bytes
    records_checked: int = 0
    records_failed: int = 0
    check_ms: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", bytes32(self.root, "root"))
        object.__setattr__(self, "data", bytes32(self.data, "data hash"))
        uint(self.count, 32, "count")
        for name in ("epoch", "total", "units", "records_checked", "records_failed", "check_ms"):
            uint(getattr(self, name), 64, name.replace("_", " "))

    def hash(self) -> bytes:
        """H(commitment), 32 bytes: the last seed of the Epoch account's address."""
        numbers = _NUMBERS.pack(self.total, self.units, self.records_checked, self.records_failed, self.check_ms)
        start = struct.pack("<Q", self.epoch) + self.root + struct.pack("<I", self.count)
        return hashlib.sha256(start + numbers + self.data).digest()
