"""What becomes of a receipt or an enrolment. Numbers and names are stable; `worktab.ingest.wire` sends the numbers."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

FIRST_REFUSAL: Final = 16
"""Verdicts from here on are refusals."""


class Verdict(IntEnum):
    """What became of one row. Its code is its name in lower case."""

    STORED = 0
    """On the disk, and the newest of its epoch."""
    DUPLICATE = 1
    """Held already; nothing was changed."""
    OLDER = 2
    """A newer one of its epoch is held; nothing was changed."""

    MALFORMED = 16
    """Not a receipt: another magic, kind or amount, or no job or unit at all."""
    TIME_AHEAD = 17
    """Its time is more than 300 seconds ahead."""
    TIME_TOO_EARLY = 18
    """Its time is before the network's first epoch."""
    DEVICE_UNKNOWN = 19
    """The device has neither an active account on chain nor an enrolment."""
    WRONG_CONTEXT = 20
    """Signed for another network, device or index."""
    BAD_SIGNATURE = 21
    """The signature is not that of the device's key."""
    TIME_BACK = 22
    """Its time is before that of an older receipt."""
    UNITS_NOT_RISING = 23
    """More jobs than an older receipt, and no more units."""
    FORK = 24
    """It contradicts a receipt of the same device: both are kept as evidence, and the device stops counting."""
    DEVICE_FORKED = 25
    """The device signed two histories; it stopped counting."""
    NOT_CONTINUOUS = 26
    """The record hashes do not lead from the newest receipt held to this one."""
    RATE_LIMITED = 27
    """Too many of this device; send it again later."""

    BAD_ENROLMENT = 40
    """The address is not the key's, or a signature does not hold."""
    NOT_ADMITTED = 41
    """The network asks for an admission by its authority or an attestor."""
    CLASS_UNKNOWN = 42
    """The network has no such class."""
    BOND_NEEDED = 43
    """The class asks for a bond, and only a device with an account on chain has one."""
    REGISTERED = 44
    """The device has an account on chain, which counts in place of an enrolment; suspended or retired, nothing does."""
    BAD_PAYOUT = 45
    """It pays to nobody: to the network itself, or to the zero address."""

    @property
    def code(self) -> str:
        """The name that JSON has for it."""
        return self.name.lower()

    @property
    def refused(self) -> bool:
        """Whether nothing was stored and nothing like it is held."""
        return self >= FIRST_REFUSAL
