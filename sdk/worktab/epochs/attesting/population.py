"""What an epoch pays for: of every device that it counts, the jobs and units since it was counted last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from solders.pubkey import Pubkey

from worktab.epochs.attesting.records import Drawn
from worktab.epochs.attesting.sampling import draw
from worktab.epochs.data import EpochData
from worktab.epochs.layout import DEVICE
from worktab.epochs.sums import total
from worktab.ingest.rows import Rows
from worktab.program.generated.accounts import Network
from worktab.work.history import ChainState

NONE: Final = -1
"""Stands for no row."""


@dataclass(frozen=True, eq=False)
class Population:
    """The devices that an epoch counts, and where each stood before.

    Attributes:
        devices: `DEVICE` rows, as they are counted now.
        payouts: the wallet that each is counted for, as `u1` rows of 32.
        before: `DEVICE` rows where their histories stood; zeros where `known` is false.
        known: whether there is such a row.
        units: new units of each.
    """

    devices: Rows
    payouts: Rows
    before: Rows
    known: NDArray[np.bool_]
    units: NDArray[np.uint64]

    NOBODY: ClassVar[Population]

    @classmethod
    def of(cls, data: EpochData, previous: EpochData | None) -> Population:
        """The devices that `data`, built on `previous`, count receipts of."""
        devices = data.devices[data.devices["last_epoch"] == data.epoch]
        payouts = data.payees["payout"][devices["position"]]
        before = np.zeros(len(devices), DEVICE)
        known = np.zeros(len(devices), bool)
        units: NDArray[np.uint64] = devices["units"].copy()
        if previous is not None:
            at = newest(previous.devices, devices)
            known = at != NONE
            before[known] = previous.devices[at[known]]
            at = newest(previous.devices, devices, "position")
            units[at != NONE] -= previous.devices["units"][at[at != NONE]]
        return cls(devices, payouts, before, known, units)

    @cached_property
    def start(self) -> NDArray[np.uint64]:
        """The units of its receipts from which on each is paid."""
        start: NDArray[np.uint64] = self.devices["chain_units"] - self.units
        return start

    @property
    def records(self) -> int:
        """New records of all devices."""
        return total(self.devices["seq"] - np.minimum(self.before["seq"], self.devices["seq"]))

    @property
    def total_units(self) -> int:
        """New units of all devices."""
        return total(self.units)

    def draw(self, seed: bytes, count: int, network: Network) -> list[Drawn]:
        """`count` records, as `worktab.epochs.attesting.sampling.draw` draws them."""
        chosen = draw(seed, self.units, self.before["seq"], self.devices["seq"], count)
        return [self._drawn(place, records, network) for place, records in sorted(chosen.items())]

    def _drawn(self, place: int, records: frozenset[int], network: Network) -> Drawn:
        row, before = self.devices[place], self.before[place]
        return Drawn(
            Pubkey(row["device"].tobytes()),
            _state(before) if self.known[place] else None,
            int(self.start[place]),
            _state(row),
            records,
            network.classes[int(row["class"])].meter if row["class"] < len(network.classes) else 0,
        )


Population.NOBODY = Population(
    np.zeros(0, DEVICE), np.zeros((0, 32), "u1"), np.zeros(0, DEVICE), np.zeros(0, bool), np.zeros(0, np.uint64)
)


def newest(rows: Rows, wanted: Rows, *names: str) -> NDArray[np.intp]:
    """Of each wanted row the place of the one of the same device, index and other columns that has the most jobs."""
    found = np.full(len(wanted), NONE)
    held, asked = _keys(rows, names), _keys(wanted, names)
    # By eight bytes of the address first: numbers sort ten times as fast as strings. The whole decides.
    short, looked_for = held["address"][:, 0], asked["address"][:, 0]
    order = np.lexsort((rows["seq"], short)) if len(rows) else np.zeros(0, np.intp)
    sorted_ = short[order]
    turn = np.argsort(looked_for, kind="stable")
    first = np.searchsorted(sorted_, looked_for[turn])
    end = np.searchsorted(sorted_, looked_for[turn], side="right")
    # Nearly always there is one; a device has several under several payees, and short ones may be made to collide.
    single = np.flatnonzero(end - first == 1)
    places = order[first[single]]
    same = held[places] == asked[turn[single]]
    found[turn[single[same]]] = places[same]
    for at in np.flatnonzero(end - first > 1).tolist():
        key = asked[turn[at]]
        alike = [place for place in order[first[at] : end[at]].tolist() if held[place] == key]
        found[turn[at]] = alike[-1] if alike else NONE
    return found


def _keys(rows: Rows, names: Sequence[str]) -> Rows:
    """What tells a device, its index and other columns, as one row each."""
    keys = np.zeros(len(rows), [("address", "<u8", (4,)), *((name, "<u4") for name in ("index", *names))])
    keys["address"] = np.ascontiguousarray(rows["device"]).view("<u8").reshape(-1, 4)
    for name in ("index", *names):
        keys[name] = rows[name]
    return keys


def _state(row: Rows) -> ChainState:
    return ChainState(int(row["seq"]), int(row["chain_units"]), row["head"].tobytes())
