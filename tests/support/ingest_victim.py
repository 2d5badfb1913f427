"""An ingest at work until it is killed; run as a script: `ingest_victim STORE FIRST MODE AT`.

From job FIRST on, each of its devices signs a receipt for every job, and posts of several devices go in at once. A
receipt is told on standard output only after the ingest has answered. MODE says when it dies:

    opcode     SIGKILL before the AT-th instruction of SQLite's virtual machine, the opening included
    write      killed by the system inside the write that would bring a file to more than AT bytes (RLIMIT_FSIZE)
    outside    never by itself: its parent kills it, in mid-work or while it waits for that
"""

from __future__ import annotations

import asyncio
import itertools
import os
import resource
import signal
import sqlite3
import sys
from functools import partial
from typing import Any, Final

from support.ingest import FACTS, Party, kept_rows, rows, start
from worktab.ingest.intake import Intake
from worktab.ingest.limits import Limits
from worktab.ingest.opening import open_store
from worktab.ingest.verdicts import Verdict

PARTIES: Final = [Party.make(number) for number in range(8)]
JOBS: Final = 40
JOBS_AN_EPOCH: Final = 10


def receipt(party: Party, job: int) -> bytes:
    """A device's receipt for so many jobs: always the same."""
    return party.receipt(job, 10 * job, start(job // JOBS_AN_EPOCH) + job % JOBS_AN_EPOCH)


async def main(name: str, first: int) -> None:
    store = open_store(name)
    store.set_facts(FACTS)
    store.put_enrolments(kept_rows(*(each.kept() for each in PARTIES)))
    limits = Limits(device_burst=10_000)
    intake = Intake(store, limits=limits, clock=lambda: start(100))

    async def post(place: int, job: int) -> None:
        [verdict] = await intake.receipts(rows(receipt(PARTIES[place], job)))
        assert verdict in (Verdict.STORED, Verdict.DUPLICATE, Verdict.OLDER)
        os.write(1, f"{place} {job}\n".encode())

    for job in range(first, first + JOBS):
        await asyncio.gather(*(post(place, job) for place in range(len(PARTIES))))
    store.close()


def _die_at(step: int) -> None:
    steps = itertools.count(1)

    def burn() -> int:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    class Prepared(sqlite3.Connection):
        def __init__(self, *args: Any, **keywords: Any) -> None:
            super().__init__(*args, **keywords)
            self.set_progress_handler(burn, 1)

    sqlite3.connect = partial(sqlite3.connect, factory=Prepared)  # type: ignore[assignment]


if __name__ == "__main__":
    _, store_name, first_job, mode, at = sys.argv
    if mode == "opcode":
        _die_at(int(at))
    elif mode == "write":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(at), int(at)))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    asyncio.run(main(store_name, int(first_job)))
    if mode == "outside":
        signal.pause()
