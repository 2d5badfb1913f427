"""The lanes of a tab, as they stand in its data."""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from worktab.program.generated import accounts as state

LANE: Final = Struct("<IIQQQIBBH")
"""A lane in a tab's data, 40 bytes."""


class LaneState(NamedTuple):
    """A lane as its 40 bytes say; `device` is the device's index."""

    device: int
    nonce: int
    paid: int = 0
    reserved: int = 0
    units: int = 0
    close_at: int = 0
    signer: int = 0
    flags: int = 0
    zero: int = 0


def decode_lanes(data: bytes) -> tuple[LaneState, ...]:
    """The lanes in a tab's data."""
    return tuple(LaneState(*fields) for fields in LANE.iter_unpack(data[state.Tab.SIZE :]))
