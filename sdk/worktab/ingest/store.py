"""What a store of receipts does. SQLite and PostgreSQL do it alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from worktab.ingest.facts import Facts
from worktab.ingest.inputs import Inputs
from worktab.ingest.kept import addresses
from worktab.ingest.rows import Rows

Verdicts = NDArray[np.uint8]
"""A `Verdict` for each row."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a store holds."""

    registered: int
    enrolled: int
    receipts: int
    forks: int
    newest_epoch: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """A part of an epoch's inputs: those of consecutive devices.

    registrations  as in `Inputs`, also of devices without a receipt
    receipts       as in `Inputs`
    forks          `RECEIPT` rows in pairs: two receipts of one device that contradict each other
    after          address of the last device of the page: the next page begins after it
    """

    registrations: Rows
    receipts: Rows
    forks: Rows
    after: bytes

    @property
    def working(self) -> Rows:
        """The registrations of devices with a receipt."""
        there = np.isin(addresses(self.registrations["device"]), addresses(self.receipts["device"]))
        working: Rows = self.registrations[there]
        return working


class ReceiptStore(Protocol):
    """Registrations, enrolments, receipts and forks of one network. Safe to share between threads.

    When a call returns, what it stored is on the disk; when it raises, it may be repeated. Every method raises
    `StorageError` where the disk or the server fails.
    """

    @property
    def facts(self) -> Facts:
        """The network, as of the last time it was read from the chain."""

    def set_facts(self, facts: Facts) -> None:
        """Keep what was read from the chain. Raises `StateError` for another network's."""

    def registrations(self, devices: Rows) -> Rows:
        """`KEPT` rows of these devices (`u1` rows of 32), sorted by (device, index), at most one for a device: the one
        that counts."""

    def kept(self, devices: Rows) -> Rows:
        """All `KEPT` rows of these devices (`u1` rows of 32), sorted by (device, index)."""

    def put(self, receipts: Rows, indices: NDArray[np.uint32], arrived: int, *, strict: bool = True) -> Verdicts:
        """Store checked `RECEIPT` rows with the indices that their contexts name; they came at `arrived`, Unix seconds.

        Receipts that another ingest took are not `strict`: where an older one has a later time, or as many units, the
        one with more jobs is kept all the same, so that two stores agree, whichever they saw first.
        """

    def put_forks(self, pairs: Rows, indices: NDArray[np.uint32]) -> None:
        """Keep `RECEIPT` rows, in pairs that contradict each other, as evidence against their devices. Pairs that do
        not are left out."""

    def put_enrolments(self, rows: Rows) -> Verdicts:
        """Store enrolments as `KEPT` rows: of each device the one with the highest serial stays."""

    def mirror(self, rows: Rows, devices: Rows) -> int:
        """Make the accounts on chain of these devices (`u1` rows of 32) what these `KEPT` rows are: those that are not
        among them are closed. How many changed."""

    def newest(self, device: bytes) -> Rows:
        """The device's newest `RECEIPT` row for the registration that counts; no row without one."""

    def fork(self, device: bytes) -> Rows:
        """The two `RECEIPT` rows that contradict each other of a device that counts no more; none of any other."""

    def pages(
        self, epoch: int, *, after: bytes = b"", size: int = 10_000, arrived_before: int | None = None
    ) -> Iterator[Page]:
        """The inputs of an epoch in parts, from the device after the address given; see `inputs`."""

    def inputs(self, epoch: int, *, arrived_before: int | None = None) -> Inputs:
        """The inputs of an epoch; with `arrived_before` as if no receipt had arrived from then on, in Unix seconds.

        Of an epoch only the newest receipt of a device is kept: one that came in time and was replaced is not there.
        """

    def registered(self) -> Iterator[Rows]:
        """Every `KEPT` row of an account on chain, in parts, sorted by (device, index)."""

    def counts(self) -> Counts:
        """How much there is."""

    def prune(self, epoch: int) -> int:
        """Forget receipts that no inputs of this epoch or a later one have; how many."""

    def close(self) -> None:
        """Release the file or the connections. Closing twice is fine."""
