"""Chains of job records with their salts, as devices keep them: what disputes are about."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from solders.pubkey import Pubkey

from support.parties import Tab
from worktab.core.records import ZERO_HEAD, JobRecord, Meter, next_head, record_hash
from worktab.program.generated.types import DisputedRecord, ShownRecord


@dataclass(frozen=True, slots=True)
class Entry:
    """A record in its chain: its place from 1 on, its salt, and the head before it."""

    seq: int
    salt: bytes
    record: JobRecord
    before: bytes

    @property
    def hash(self) -> bytes:
        """The record's salted hash."""
        return record_hash(self.salt, self.record)

    @property
    def disputed(self) -> DisputedRecord:
        """What `open_dispute` names."""
        return DisputedRecord(self.seq, self.hash, self.before)

    @property
    def shown(self) -> ShownRecord:
        """What `resolve_dispute` is shown."""
        return ShownRecord(self.salt, self.record.encode())


class Records:
    """A device's chain of records from a head on; the same numbers make the same chain."""

    def __init__(self, *, seq: int = 0, head: bytes = ZERO_HEAD, salt: bytes = b"salt") -> None:
        self.entries: list[Entry] = []
        self.head = head
        self._seq, self._salt = seq, salt

    @property
    def seq(self) -> int:
        """Jobs so far."""
        return self._seq + len(self.entries)

    @property
    def units(self) -> int:
        """Work units of these records."""
        return sum(each.record.units for each in self.entries)

    def add(self, tab: Tab | Pubkey | None = None, amount: int = 0, *, units: int = 10, **fields: Any) -> Entry:
        """One more record: of a job that the tab owes `amount` for, or that nobody pays. `fields` replace others."""
        seq = self.seq + 1
        content: dict[str, Any] = {
            "meter": Meter.WASM_FUEL,
            "work_class": 0,
            "meter_version": 1,
            "module": _hash(b"module"),
            "input": _hash(b"input %d" % seq),
            "output": _hash(b"output %d" % seq),
            "units": units,
            "amount": amount,
            "started_ms": 1_800_000_000_000 + seq,
            "finished_ms": 1_800_000_000_500 + seq,
            "tab": _address(tab),
        }
        entry = Entry(seq, _hash(self._salt + b" %d" % seq), JobRecord(**content | fields), self.head)
        self.entries.append(entry)
        self.head = next_head(self.head, entry.hash)
        return entry

    def extend(self, count: int) -> None:
        """So many records more that nobody pays."""
        for _ in range(count):
            self.add()

    def later(self, entry: Entry) -> bytes:
        """The hashes of the records after `entry`, as `open_dispute` takes them."""
        return b"".join(each.hash for each in self.entries if each.seq > entry.seq)


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _address(tab: Tab | Pubkey | None) -> bytes:
    if tab is None:
        return bytes(32)
    return bytes(tab.address if isinstance(tab, Tab) else tab)
