"""What an epoch is built from."""

from __future__ import annotations

from dataclasses import dataclass

from worktab.ingest.rows import RECEIPT, REGISTRATION, Rows


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Everything that a store knows for one epoch.

    A device has one registration at most: that of its account on chain while it is active, its enrolment while it has
    no account; while that is suspended or retired, none. Its
    receipt is for that registration. Devices whose history forked by the end of the epoch have none.

    Attributes:
        epoch: index of the epoch.
        registrations: `REGISTRATION` rows, sorted by (device, index), of devices with a receipt. `capacity` is the one
            that counts in the epoch.
        receipts: `RECEIPT` rows, sorted by device: of each device the newest with a time before the epoch's end. Their
            signatures were checked when they came in.
    """

    epoch: int
    registrations: Rows
    receipts: Rows

    def __post_init__(self) -> None:
        assert self.registrations.dtype == REGISTRATION
        assert self.receipts.dtype == RECEIPT
