"""From what is posted to what is stored: checks many posts together and stores them in one transaction.

While one batch is checked and another stored, posts gather for the next. Nobody is answered before what they sent is on
the disk.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from worktab.core.enrolments import SignedEnrolment
from worktab.core.errors import ChainError, StorageError, WorktabError
from worktab.core.records import chain_head
from worktab.ingest.checking import check
from worktab.ingest.enrolling import check_enrolment
from worktab.ingest.errors import Overloaded
from worktab.ingest.kept import from_enrolment
from worktab.ingest.limits import Buckets, Limits
from worktab.ingest.metrics import Metrics
from worktab.ingest.mirroring import Mirror
from worktab.ingest.rows import Rows, messages
from worktab.ingest.store import ReceiptStore, Verdicts
from worktab.ingest.verdicts import Verdict

_LOG: Final = logging.getLogger(__name__)
_AT_ONCE: Final = 2
_DOUBTFUL: Final = (Verdict.DEVICE_UNKNOWN, Verdict.WRONG_CONTEXT, Verdict.BAD_SIGNATURE)
"""What a change on the chain that is not mirrored yet looks like."""


class Intake:
    """Takes receipts and enrolments for a store.

    store    where they go
    mirror   looks up devices on the chain whose receipts do not go with what is mirrored; None for nobody
    limits   how much is taken
    metrics  counts
    clock    Unix seconds
    """

    def __init__(
        self,
        store: ReceiptStore,
        *,
        mirror: Mirror | None = None,
        limits: Limits | None = None,
        metrics: Metrics | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store, self.limits, self.metrics = store, limits or Limits(), metrics or Metrics()
        self._mirror, self._clock = mirror, clock
        self._devices = Buckets(self.limits.device_rate / 60, self.limits.device_burst, time.monotonic)
        self._posts: deque[tuple[Rows, asyncio.Future[Verdicts]]] = deque()
        self._waiting = 0
        self._running: set[asyncio.Task[None]] = set()

    async def receipts(self, rows: Rows, hashes: Mapping[int, Sequence[bytes]] | None = None) -> Verdicts:
        """Check and store `RECEIPT` rows: what became of each.

        hashes  for some rows, by their place, the record hashes from the newest receipt held to this one

        Raises `Overloaded` where too many wait, or the store fails: then nothing is acknowledged.
        """
        if self._waiting + len(rows) > self.limits.waiting:
            raise Overloaded("Too many receipts are waiting")
        self._waiting += len(rows)
        self.metrics.waiting.set(self._waiting)
        try:
            verdicts = await self._receipts(rows, hashes or {})
        except StorageError as error:
            _LOG.error("The store failed: %s", error)
            raise Overloaded("The store fails", got=error.message) from error
        finally:
            self._waiting -= len(rows)
            self.metrics.waiting.set(self._waiting)
        for verdict, count in enumerate(np.bincount(verdicts).tolist()):
            if count:
                self.metrics.receipts.labels(Verdict(verdict).code).inc(count)
        return verdicts

    async def enrol(self, signed: SignedEnrolment) -> Verdict:
        """Check and store an enrolment. Raises `Overloaded` where the store fails."""
        await self._look_up([bytes(signed.device)])
        try:
            verdict = await asyncio.to_thread(self._enrol, signed)
        except StorageError as error:
            _LOG.error("The store failed: %s", error)
            raise Overloaded("The store fails", got=error.message) from error
        self.metrics.enrolments.labels(verdict.code).inc()
        return verdict

    def now(self) -> int:
        """The clock, in Unix seconds."""
        return int(self._clock())

    async def close(self) -> None:
        """Wait for what is under way."""
        while self._running:
            await asyncio.gather(*self._running)

    async def _receipts(self, rows: Rows, hashes: Mapping[int, Sequence[bytes]]) -> Verdicts:
        verdicts = np.full(len(rows), Verdict.NOT_CONTINUOUS, np.uint8)
        broken = await asyncio.to_thread(self._broken, rows, hashes) if hashes else []
        going = np.ones(len(rows), bool)
        going[broken] = False
        verdicts[going] = await self._batched(rows[going])
        doubtful = np.isin(verdicts, _DOUBTFUL)
        if doubtful.any() and await self._look_up([each.tobytes() for each in rows["device"][doubtful]]):
            verdicts[doubtful] = await self._batched(rows[doubtful])
        return verdicts

    async def _look_up(self, devices: Sequence[bytes]) -> int:
        if self._mirror is None:
            return 0
        self.metrics.lookups.inc(len(devices))
        try:
            return await self._mirror.look_up(devices)
        except ChainError as error:
            _LOG.warning("Devices could not be looked up: %s", error)
            return 0

    async def _batched(self, rows: Rows) -> Verdicts:
        if not len(rows):
            return np.zeros(0, np.uint8)
        answer: asyncio.Future[Verdicts] = asyncio.get_running_loop().create_future()
        self._posts.append((rows, answer))
        if len(self._running) < _AT_ONCE:
            task = asyncio.create_task(self._run())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await answer

    async def _run(self) -> None:
        while self._posts:
            taken = [self._posts.popleft()]
            while self._posts and sum(len(rows) for rows, _ in taken) + len(self._posts[0][0]) <= self.limits.rows:
                taken.append(self._posts.popleft())
            try:
                verdicts = await asyncio.to_thread(self._process, np.concatenate([rows for rows, _ in taken]))
            except Exception as error:  # whatever it is, it is theirs who wait for it
                for _, answer in taken:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            start = 0
            for rows, answer in taken:
                if not answer.done():  # nobody may wait any more
                    answer.set_result(verdicts[start : start + len(rows)])
                start += len(rows)

    def _process(self, rows: Rows) -> Verdicts:
        started = time.perf_counter()
        checked = check(rows, self.store.registrations(rows["device"]), self.store.facts, self.now())
        verdicts, names = checked.verdicts, [each.tobytes() for each in rows["device"]]
        wanted: Counter[bytes] = Counter()
        for place in np.flatnonzero(checked.passed).tolist():
            wanted[names[place]] += 1
            if self._devices.left(names[place]) < wanted[names[place]]:
                verdicts[place] = Verdict.RATE_LIMITED
        between = time.perf_counter()
        going = checked.passed
        verdicts[going] = self.store.put(rows[going], checked.indices[going], self.now())
        # Only what is new counts against a device: others may send again what they saw of it.
        for place in np.flatnonzero(verdicts == Verdict.STORED).tolist():
            self._devices.take(names[place])
        self.metrics.rows.observe(len(rows))
        self.metrics.check_seconds.observe(between - started)
        self.metrics.store_seconds.observe(time.perf_counter() - between)
        return verdicts

    def _enrol(self, signed: SignedEnrolment) -> Verdict:
        facts = self.store.facts
        device = np.frombuffer(bytes(signed.device), "u1").reshape(1, 32)
        verdict = check_enrolment(signed, facts, self.store.kept(device))
        if verdict is not Verdict.STORED:
            return verdict
        [stored] = self.store.put_enrolments(from_enrolment(signed))
        return Verdict(int(stored))

    def _broken(self, rows: Rows, hashes: Mapping[int, Sequence[bytes]]) -> list[int]:
        """The places of rows to which their hashes do not lead."""
        given = {place: messages(rows[place : place + 1])[0] for place in hashes}
        return [place for place, message in given.items() if not self._leads(rows[place], message, hashes[place])]

    def _leads(self, row: Rows, message: Rows, hashes: Sequence[bytes]) -> bool:
        held = messages(self.store.newest(row["device"].tobytes()))
        seq, head = (int(held["seq"][0]), held["head"][0].tobytes()) if len(held) else (0, bytes(32))
        new = int(message["seq"]) - seq
        # Those that bring nothing new are told so.
        return new <= 0 or (len(hashes) == new and chain_head(hashes, head) == message["head"].tobytes())


def told(error: WorktabError) -> dict[str, str]:
    """What an answer says of an error."""
    return {name: fact for name, fact in error.as_dict().items() if fact}
