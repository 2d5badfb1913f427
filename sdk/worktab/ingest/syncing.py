"""Pulling what another ingest holds, so that attestors build from the same.

Nothing is taken on trust: registrations on chain come from the chain alone, and enrolments, receipts and evidence count
only with signatures that hold.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from worktab.core.enrolments import FIRST_ENROLLED_INDEX
from worktab.core.errors import InputError, VerificationError
from worktab.ingest.checking import check
from worktab.ingest.client import IngestClient
from worktab.ingest.enrolling import check_enrolment
from worktab.ingest.kept import from_enrolment, ordered, to_enrolment
from worktab.ingest.rows import Rows
from worktab.ingest.store import Page, ReceiptStore
from worktab.ingest.verdicts import Verdict


@dataclass
class Pulled:
    """What became of what was pulled: how many of each verdict's code."""

    enrolments: Counter[str] = field(default_factory=Counter)
    receipts: Counter[str] = field(default_factory=Counter)
    forks: Counter[str] = field(default_factory=Counter)


async def pull(
    store: ReceiptStore,
    client: IngestClient,
    epoch: int,
    *,
    clock: Callable[[], float] = time.time,
    progress: Callable[[int], None] = lambda devices: None,
) -> Pulled:
    """Bring a store what another ingest holds for an epoch. It may be interrupted and repeated.

    `progress` is told the devices of each part. Raises `VerificationError` where the other takes receipts for another
    network; what asking it and storing raise.
    """
    facts = store.facts
    theirs = await client.facts()
    if theirs.domain != facts.domain:
        raise VerificationError(
            "The other ingest is another network's, or of another cluster", expected=facts.named, got=theirs.named
        )
    pulled = Pulled()
    async for page in client.pages(epoch):
        await asyncio.to_thread(_Taking(store, int(clock()), pulled).take, page)
        progress(len(page.registrations))
    return pulled


class _Taking:
    def __init__(self, store: ReceiptStore, now: int, pulled: Pulled) -> None:
        self._store, self._facts, self._now, self._pulled = store, store.facts, now, pulled

    def take(self, page: Page) -> None:
        self._enrolments(page.registrations)
        self._receipts(page.receipts)
        self._forks(page.forks)

    def _enrolments(self, rows: Rows) -> None:
        rows, new = rows[rows["index"] >= FIRST_ENROLLED_INDEX], []
        here = self._store.kept(rows["device"])
        places: dict[bytes, list[int]] = defaultdict(list)
        for place, device in enumerate(here["row"]["device"]):
            places[device.tobytes()].append(place)
        for row in rows:
            mine = here[places[row["device"].tobytes()]]
            if any(each["serial"] == row["serial"] for each in mine["row"] if each["enrolled"]):
                self._pulled.enrolments[Verdict.DUPLICATE.code] += 1
                continue
            verdict = self._check(row, mine)
            if verdict is Verdict.STORED:
                new.append(from_enrolment(to_enrolment(row)))
            else:
                self._pulled.enrolments[verdict.code] += 1
        if new:
            stored = self._store.put_enrolments(ordered(np.concatenate(new)))
            self._pulled.enrolments.update(Verdict(each).code for each in stored.tolist())

    def _check(self, row: Rows, here: Rows) -> Verdict:
        try:
            return check_enrolment(to_enrolment(row), self._facts, here)
        except (InputError, ValueError):
            return Verdict.BAD_ENROLMENT

    def _receipts(self, rows: Rows) -> None:
        checked = check(rows, self._store.registrations(rows["device"]), self._facts, self._now)
        verdicts, passed = checked.verdicts, checked.passed
        verdicts[passed] = self._store.put(rows[passed], checked.indices[passed], self._now, strict=False)
        self._pulled.receipts.update(Verdict(each).code for each in verdicts.tolist())

    def _forks(self, rows: Rows) -> None:
        checked = check(rows, self._store.registrations(rows["device"]), self._facts, self._now)
        whole = checked.passed[::2] & checked.passed[1::2]
        both = np.repeat(whole, 2)
        self._store.put_forks(rows[both], checked.indices[both])
        kept = int(whole.sum())
        self._pulled.forks.update(kept=kept, refused=len(whole) - kept)
