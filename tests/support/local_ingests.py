"""Ingests in this process, with a real store and real checks, whose clock and road the test moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from solders.pubkey import Pubkey

from support.fleet import Fleet
from worktab.core.enrolments import SignedEnrolment
from worktab.core.errors import ConnectionFailed
from worktab.ingest.base import Store
from worktab.ingest.checking import check
from worktab.ingest.enrolling import check_enrolment
from worktab.ingest.errors import NoSuchDevice
from worktab.ingest.facts import Facts
from worktab.ingest.kept import from_chain, from_enrolment
from worktab.ingest.rows import RECEIPT
from worktab.ingest.sqlite import SqliteStore
from worktab.ingest.verdicts import Verdict


async def local_ingest(fleet: Fleet, path: Path, url: str = "http://ingest") -> LocalIngest:
    """An ingest that has read the fleet's chain."""
    made = LocalIngest(path, Facts.of(fleet.network, await fleet.operator.network()), await fleet.clock.now(), url)
    rows = from_chain(await fleet.operator.devices())
    made.store.mirror(rows, rows["row"]["device"])
    return made


@dataclass(frozen=True)
class Shown:
    """What an ingest shows of a device."""

    receipt: bytes | None
    time: int


@dataclass
class LocalIngest:
    """An ingest as a submitter sees it.

    away      answers nothing
    deaf      stores what is posted, and its answer is lost
    ahead     seconds by which its clock is off
    posted    how often receipts were posted
    """

    path: Path
    facts: Facts
    now: int
    url: str = "http://ingest"
    away: bool = False
    deaf: bool = False
    ahead: int = 0
    posted: int = 0
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.store = SqliteStore(self.path)
        self.store.set_facts(self.facts)

    def close(self) -> None:
        self.store.close()

    def lose(self) -> None:
        """Lose all data."""
        self.store.close()
        for each in self.path.parent.glob(self.path.name + "*"):
            each.unlink()
        self.__post_init__()

    def held(self, device: Pubkey) -> list[tuple[int, int]]:
        """Jobs and units of the newest receipt of a device; nothing without one."""
        rows = self.store.newest(bytes(device))
        message = rows["message"].tobytes()
        return (
            [(int.from_bytes(message[40:48], "little"), int.from_bytes(message[48:56], "little"))] if rows.size else []
        )

    async def newest(self, device: Pubkey) -> Shown:
        self._road()
        if not len(self.store.registrations(np.frombuffer(bytes(device), "u1").reshape(1, 32))):
            raise NoSuchDevice(f"no device {device}")
        rows = self.store.newest(bytes(device))
        return Shown(rows.tobytes() if len(rows) else None, self.now + self.ahead)

    async def submit(self, receipts: Sequence[bytes]) -> list[Verdict]:
        self._road()
        self.posted += len(receipts)
        rows = np.frombuffer(b"".join(receipts), RECEIPT)
        checked = check(rows, self.store.registrations(rows["device"]), self.facts, self.now + self.ahead)
        verdicts = checked.verdicts.copy()
        verdicts[checked.passed] = self.store.put(
            rows[checked.passed], checked.indices[checked.passed], self.now + self.ahead
        )
        if self.deaf:
            raise ConnectionFailed("the answer was lost")
        return [Verdict(each) for each in verdicts.tolist()]

    async def enrol(self, enrolment: SignedEnrolment) -> Verdict:
        self._road()
        devices = np.frombuffer(bytes(enrolment.device), "u1").reshape(1, 32)
        verdict = check_enrolment(enrolment, self.facts, self.store.kept(devices))
        if verdict.refused:
            return verdict
        row = from_enrolment(enrolment)
        return Verdict(int(self.store.put_enrolments(row)[0]))

    def _road(self) -> None:
        if self.away:
            raise ConnectionFailed("nobody answers")
