"""A device at work until it is killed; run as a script: `spool_victim PATH FIRST MODE AT`.

It records jobs FIRST, FIRST + 1, .. with receipts and sent transactions between them, and acknowledges each on its
standard output only after the call has returned. MODE says when it dies:

    opcode     SIGKILL before the AT-th instruction of SQLite's virtual machine, the opening included
    write      killed by the system inside the write that would bring a file to more than AT bytes (RLIMIT_FSIZE)
    outside    never by itself: its parent kills it, in mid-work or while it waits for that
"""

from __future__ import annotations

import itertools
import os
import resource
import signal
import sqlite3
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from support.jobs import CONTEXT, DEVICE, SIGNER, record
from worktab.work.spool import Spool

CHECKPOINT_PAGES = 12


def main(path: str, first: int, mode: str, at: int) -> None:
    if mode == "opcode":
        steps = itertools.count(1)

        def step() -> int:
            if next(steps) == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return 0

        _connect_with(lambda connection: connection.set_progress_handler(step, 1))
    elif mode == "write":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (at, at))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    with Spool.open(path, device=DEVICE) as spool:
        with spool._database.transaction() as connection:
            # Often enough that dying inside a checkpoint comes up too.
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        for number in range(first, first + 60):
            # A new salt each time: a job recorded twice could not hide.
            entry = spool.append(record(number), os.urandom(32), job_id=b"%d" % number)
            _say("job", str(number), str(entry.seq), entry.head.hex())
            # A job that is done again may have landed before.
            if number % 3 == 0 and entry.seq > spool.landed().seq:
                receipt = spool.sign_receipt(SIGNER, CONTEXT, 1_000 + number)
                seq = receipt.message.seq
                _say("receipt", str(seq), receipt.message.encode().hex(), receipt.signature.hex())
                spool.journal.put("receipt", f"signature {seq}", number, receipt.signature)
                _say("sent", f"{seq}")
                if number % 9 == 0:
                    spool.mark_landed(seq)
                    _say("landed", str(seq))


def _connect_with(prepare: Callable[[sqlite3.Connection], None]) -> None:
    """Has every connection prepared the moment it is made, before the spool runs anything on it."""

    class Prepared(sqlite3.Connection):
        def __init__(self, *args: Any, **keywords: Any) -> None:
            super().__init__(*args, **keywords)
            prepare(self)

    sqlite3.connect = partial(sqlite3.connect, factory=Prepared)  # type: ignore[assignment]


def _say(*words: str) -> None:
    os.write(1, (" ".join(words) + "\n").encode())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    if sys.argv[3] == "outside":
        signal.pause()
