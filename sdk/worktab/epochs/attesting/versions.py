"""Registrations on chain as they were: what changes after an epoch's end must not speak against its root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from worktab.ingest.facts import Facts
from worktab.ingest.kept import ACTIVE, KEPT, addresses, rows_in
from worktab.ingest.rows import Rows

K = TypeVar("K")
V = TypeVar("V")

MOST: Final = 100_000
"""Devices of which replaced registrations are kept; the oldest go first."""

_MOST_OF_ONE: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class _Version:
    """A `KEPT` row, and when it was replaced, Unix seconds."""

    row: Rows
    until: int


class Versions:
    """Registrations that a store mirrored before the chain had them otherwise, and when devices got their first."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, int], list[_Version]] = {}
        self._since: dict[bytes, int] = {}

    def note(self, before: Rows, after: Rows, now: int) -> None:
        """Keep those of the `KEPT` rows `before` that `after` has otherwise, or not at all. `now` in Unix seconds."""
        before = before[before["row"]["enrolled"] == 0]
        here = addresses(before["row"]["device"])
        new = after["row"]["device"][~np.isin(addresses(after["row"]["device"]), here)]
        for device in new:
            _keep(self._since, device.tobytes(), now)
        for row in before[(before["active"] == ACTIVE) & ~np.isin(_whole(before), _whole(after))]:
            key = row["row"]["device"].tobytes(), int(row["row"]["index"])
            _keep(self._known, key, [*self._known.get(key, ()), _Version(row, now)][-_MOST_OF_ONE:])

    def registered_since(self, device: bytes, end: int) -> bool:
        """Whether a device had no account on chain before `end`, Unix seconds, as far as is known."""
        return self._since.get(device, -1) >= end

    def at(self, device: bytes, index: int, facts: Facts, epoch: int) -> Rows:
        """`REGISTRATION` rows that were in force at an epoch's end or later, with the capacities of the epoch."""
        end = facts.created_at + (epoch + 1) * facts.epoch_length
        found = [each.row for each in self._known.get((device, index), ()) if each.until >= end]
        return rows_in(np.array(found, KEPT), facts, epoch)


def _keep(known: dict[K, V], key: K, value: V) -> None:
    known.pop(key, None)
    known[key] = value
    if len(known) > MOST:
        del known[next(iter(known))]


def _whole(rows: Rows) -> Rows:
    """Rows as strings of bytes, which can be looked for."""
    return np.ascontiguousarray(rows).view(f"S{KEPT.itemsize}").reshape(-1)
