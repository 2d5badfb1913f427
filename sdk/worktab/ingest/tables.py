"""What a store needs of SQL: tables within a transaction, and what runs transactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

import numpy as np

from worktab.ingest.merging import Fork, Receipt, Registered
from worktab.ingest.rows import Rows
from worktab.ingest.store import Counts

T = TypeVar("T")

BODY: Final = 168
"""Bytes of a receipt without its device."""

STORED: Final = np.dtype([("device", "u1", (32,)), ("idx", "<u4"), ("body", "u1", (BODY,))])
"""A receipt as a range of a store is read."""

FORKED: Final = np.dtype([("device", "u1", (32,)), ("idx", "<u4"), ("first", "u1", (BODY,)), ("second", "u1", (BODY,))])
"""A fork as a range of a store is read."""


class Tables(Protocol):
    """The tables within one transaction. Devices are 32 bytes; lists are sorted, so that transactions never wait for
    each other in a circle."""

    def meta(self, name: str) -> bytes | None:
        """A value by its name."""

    def set_meta(self, name: str, value: bytes) -> None:
        """Keep a value under a name."""

    def registrations(self, devices: Sequence[bytes]) -> Rows:
        """`KEPT` rows of these devices."""

    def write_registrations(self, kept: Rows) -> None:
        """Put `KEPT` rows in the place of those of the same device and index."""

    def lock(self, registered: Sequence[Registered]) -> None:
        """Let no other transaction write receipts of these before this one ends."""

    def held(self, registered: Sequence[Registered]) -> dict[Registered, dict[int, Receipt]]:
        """The receipts of these, by epoch."""

    def forks(self, registered: Sequence[Registered]) -> dict[Registered, Fork]:
        """The forks among these."""

    def write(self, receipts: Sequence[tuple[Registered, Receipt]]) -> None:
        """Put receipts in the place of those of the same epoch."""

    def write_forks(self, forks: Sequence[tuple[Registered, Fork]]) -> None:
        """Put forks in the place of those of the same device and index."""

    def registrations_after(self, after: bytes, most: int) -> Rows:
        """The first so many `KEPT` rows of devices after an address, sorted by (device, index)."""

    def newest_between(self, after: bytes, last: bytes, epoch: int, before: int) -> Rows:
        """`STORED` rows of devices after one address and up to another: the newest of each (device, index) up to an
        epoch that arrived before a time."""

    def forks_between(self, after: bytes, last: bytes, epoch: int) -> Rows:
        """`FORKED` rows of devices after one address and up to another, up to an epoch."""

    def counts(self) -> Counts:
        """How much there is."""

    def prune(self, epoch: int) -> int:
        """See `ReceiptStore.prune`."""


class Backend(Protocol):
    """Runs transactions."""

    def write(self, work: Callable[[Tables], T]) -> T:
        """What `work` returns, once all it wrote is on the disk. It may run several times, and only the last counts.

        Raises `StorageError` where the disk or the server fails.
        """

    def read(self, work: Callable[[Tables], T]) -> T:
        """What `work` reads, as of one moment. Raises `StorageError`."""

    def close(self) -> None:
        """Release the file or the connections."""
