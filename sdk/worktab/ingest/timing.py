"""When in an epoch a device submits, so that the epoch's work is counted in it and not all devices come at once.

Of a device's receipts the newest with a time before an epoch's end counts for it. What is done after that one counts in
the next epoch and is not lost. So a device submits near the end: at a moment of its own, which follows from its
address, within the last part of the epoch but for a margin in which a first try may fail.
"""

from __future__ import annotations

from typing import Final

from worktab.core._checks import Bytes32, bytes32
from worktab.core.money import epoch_index

_PART: Final = 12
"""The moments are spread over a twelfth of the epoch: over five minutes of an hour."""

_MARGIN: Final = 60
"""Seconds between the last moment and the epoch's end, where a sixtieth of the epoch is no less."""


def submission_at(device: Bytes32, created_at: int, epoch_length: int, now: int) -> int:
    """The first moment after `now` at which a device submits for the epoch that it is in, Unix seconds.

    Args:
        device: its 32-byte address.
        created_at: when the network's first epoch began, Unix seconds.
        epoch_length: of an epoch, in seconds.
        now: the time that its receipts carry, Unix seconds.
    """
    spread, margin = max(1, epoch_length // _PART), min(_MARGIN, epoch_length // 60)
    own = int.from_bytes(bytes32(device, "device")[:8], "little") % spread
    epoch = epoch_index(max(now, created_at), created_at, epoch_length)
    moment = created_at + (epoch + 1) * epoch_length - margin - spread + own
    return moment if moment > now else moment + epoch_length
