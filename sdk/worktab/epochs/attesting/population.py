"""What an epoch pays for: of every device that it counts, the jobs and units since it was counted last."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from solders.pubkey import Pubkey

from worktab.epochs.attesting.records import Drawn
from worktab.epochs.attesting.sampling import draw
from worktab.epochs.data import DEVICE, EpochData
from worktab.epochs.sums import total
from worktab.ingest.rows import Rows
from worktab.program.generated.accounts import Network
from worktab.work.history import ChainState

_KEY_SIZE = 36


@dataclass(frozen=True, eq=False)
class Population:
    """The devices that an epoch counts, and where each stood before.

    Attributes:
        devices: `DEVICE` rows, as they are counted now.
        before: `DEVICE` rows, as they were counted last; zeros where `known` is false.
        known: whether there is such a row.
    """

    devices: Rows
    before: Rows
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, data: EpochData, previous: EpochData | None) -> Population:
        """The devices that `data` counts receipts of."""
        devices = data.devices[data.devices["last_epoch"] == data.epoch]
        before = np.zeros(len(devices), DEVICE)
        known = np.zeros(len(devices), bool)
        if previous is not None and len(previous.devices) and len(devices):
            rows = previous.devices
            keys = _keys(rows)
            # The last of each device: it may have been counted under several payees.
            order = np.lexsort((rows["seq"], keys))
            keys = keys[order]
            at = np.searchsorted(keys, _keys(devices), side="right") - 1
            known = (at >= 0) & (keys[np.maximum(at, 0)] == _keys(devices))
            before[known] = rows[order[at[known]]]
        return cls(devices, before, known)

    @cached_property
    def units(self) -> NDArray[np.uint64]:
        """New units of each device."""
        floor = np.where(self.known, self.before["chain_units"], self.devices["baseline"])
        now: NDArray[np.uint64] = self.devices["chain_units"]
        return np.where(now > floor, now - np.minimum(floor, now), np.uint64(0))

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
            int(row["baseline"]),
            _state(row),
            records,
            network.classes[int(row["class"])].meter if row["class"] < len(network.classes) else 0,
        )


def _keys(rows: Rows) -> NDArray[np.bytes_]:
    """Address and index of each row, as strings that compare as those do."""
    joined = np.zeros((len(rows), _KEY_SIZE), "u1")
    joined[:, :32] = rows["device"]
    joined[:, 32:] = np.ascontiguousarray(rows["index"]).astype(">u4").view("u1").reshape(-1, 4)
    return joined.view(f"S{_KEY_SIZE}").reshape(-1)


def _state(row: Rows) -> ChainState:
    return ChainState(int(row["seq"]), int(row["chain_units"]), row["head"].tobytes())
