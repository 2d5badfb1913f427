"""A device killed at many points of its work loses no job it has acknowledged and counts none twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from support.jobs import DEVICE, SIGNER, record
from worktab.core.messages import Message
from worktab.core.records import next_head, record_hash
from worktab.work.history import START, ChainState
from worktab.work.spool import Spool

TESTS = Path(__file__).parents[1]


@dataclass
class Acknowledged:
    """What victims have said since the spool was made."""

    jobs: dict[int, tuple[int, str]] = field(default_factory=dict)
    receipts: dict[int, tuple[str, str]] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    landed: int = 0

    def hear(self, line: str) -> None:
        what, *words = line.split()
        if what == "job":
            number, seq, head = int(words[0]), int(words[1]), words[2]
            assert self.jobs.setdefault(number, (seq, head)) == (seq, head)
        elif what == "receipt":
            seq, said = int(words[0]), (words[1], words[2])
            assert self.receipts.setdefault(seq, said) == said
        elif what == "sent":
            self.sent.add(f"signature {words[0]}")
        else:
            self.landed = max(self.landed, int(words[0]))


def run_victim(path: Path, first: int, mode: str, at: int, heard: Acknowledged) -> int:
    """Runs one victim to its death and returns its exit status."""
    command = [sys.executable, "-m", "support.spool_victim", str(path), str(first), mode, str(at)]
    victim = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=TESTS, text=True)
    assert victim.stdout is not None
    assert victim.stderr is not None
    with victim, victim.stdout, victim.stderr:
        for count, line in enumerate(victim.stdout, 1):
            if line.endswith("\n"):
                heard.hear(line)
            if mode == "outside" and count == at:
                victim.kill()
        assert victim.stderr.read() == ""
    return victim.returncode


def check(path: Path, heard: Acknowledged) -> int:
    """Opens what a victim left, checks all of it from scratch, and returns how many jobs it holds."""
    with Spool.open(path, device=DEVICE) as spool:
        last = START
        heads = {}
        for number, entry in enumerate(spool.entries(), 1):
            assert entry.record == record(number)
            assert spool.find(b"%d" % number) == entry
            assert entry.record_hash == record_hash(entry.salt, entry.record)
            last = ChainState(last.seq + 1, last.units + 10, next_head(last.head, entry.record_hash))
            assert entry.state == last
            heads[last.seq] = last.head
        assert spool.state() == last

        assert {number: (number, heads[number].hex()) for number in heard.jobs} == heard.jobs
        assert len(heard.jobs) <= last.seq <= len(heard.jobs) + 1

        with spool._database.transaction() as connection:
            rows = connection.execute("SELECT seq, message, signature FROM receipts").fetchall()
        stored = {seq: (message.hex(), signature.hex()) for seq, message, signature in rows}
        assert stored.items() >= heard.receipts.items()
        assert len(stored) <= len(heard.receipts) + 1
        for seq, raw, signature in rows:
            message = Message.decode(raw)
            assert (message.seq, message.units, message.head) == (seq, 10 * seq, heads[seq])
            assert SIGNER.public.verify(raw, signature)
        times = [Message.decode(raw).time for _, raw, _ in sorted(rows)]
        assert times == sorted(times)

        # A landing may have been noted and the victim killed before it could say so.
        assert spool.landed().seq in (heard.landed, heard.landed + 9)
        pending = spool.pending_receipt()
        newest = max(stored, default=0)
        assert (pending.message.seq if pending else 0) == (newest if newest > spool.landed().seq else 0)

        sent = {transaction.signature for transaction in spool.journal.unsettled()}
        assert sent >= heard.sent
        assert len(sent) <= len(heard.sent) + 1
        return last.seq


def points() -> Iterator[tuple[str, int]]:
    """When victims die, in an order that mixes the ways."""
    for step in range(24):
        # Prime steps through opening, recovery, appends, receipts and transactions.
        yield "opcode", 61 + 173 * step
        # From inside the first header to well past the first checkpoint: at and beside the edges of frames and pages.
        yield "write", (20, 32, 50, 56, 4_152, 4_176)[step % 6] + 4_120 * (step // 6) * 3
        yield "outside", 1 + step % 20


def test_a_killed_device_loses_no_job_and_counts_none_twice(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    heard = Acknowledged()
    recorded = 0
    killed = {"opcode": 0, "write": 0, "outside": 0}
    signals = {"opcode": signal.SIGKILL, "write": signal.SIGXFSZ, "outside": signal.SIGKILL}
    for mode, at in points():
        # Begins with the last job recorded, acknowledged or not, as a caller that does not know would.
        status = run_victim(path, max(1, recorded), mode, at, heard)
        assert status in (0, -signals[mode]), (mode, at)
        killed[mode] += status != 0
        recorded = check(path, heard)
    assert killed == {"opcode": 24, "write": 24, "outside": 24}


def test_a_device_killed_while_its_spool_is_made_starts_afresh(tmp_path: Path) -> None:
    for index, (mode, at) in enumerate(
        [("opcode", 1), ("opcode", 20), ("opcode", 60), ("opcode", 110), ("write", 1), ("write", 33), ("write", 9_000)]
    ):
        path = tmp_path / str(index)
        heard = Acknowledged()
        assert run_victim(path, 1, mode, at, heard) != 0
        assert heard.jobs == {}
        assert check(path, heard) == 0
        assert run_victim(path, 1, "outside", 5, heard) == -signal.SIGKILL
        assert check(path, heard) >= 3
