"""Finding what is wrong with a device's records, and what of it can be disputed.

What attestors would find, they are asked to find: output, fuel, meter, receipts beyond the records, and work that
nobody paid for shown twice. A record that is true and yet not of the input that its buyer sent is found here as well,
but re-execution agrees with it, so a dispute would be lost: the answer to it is to buy elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from worktab.core.records import Meter, next_head, record_hash
from worktab.epochs.attesting.sampler import MOST_UNITS
from worktab.roles.accusations import DisputeFinding, Shown
from worktab.trust.judging import NOBODY, Doubt, judge_record
from worktab.trust.published import BoughtJob, Published
from worktab.work.blobs import BlobSource
from worktab.work.history import START, ChainState, Entry
from worktab.work.verify import Sample, everything
from worktab.work.wasm import WasmRuntime


class Fault(StrEnum):
    """What is wrong with a record.

    DIFFERS      run again, it gives another output or takes other fuel, or can't have run; or it has another meter
    OVERCLAIMED  the receipt on chain that has it as its newest record claims more units than all records up to it have
    REPEATED     an earlier record of the chain has the same module and input, and nobody paid for either
    OTHER_WORK   it is not of the module and input that its buyer sent; attestors can't know that
    BROKEN       its hash or head is not what the chain says; no evidence of anything the device signed
    DATA_MISSING its module or input is not here to be run again
    """

    DIFFERS = "differs"
    OVERCLAIMED = "overclaimed"
    REPEATED = "repeated"
    OTHER_WORK = "other_work"
    BROKEN = "broken"
    DATA_MISSING = "data_missing"


DISPUTABLE = (Fault.DIFFERS, Fault.OVERCLAIMED, Fault.REPEATED)
"""What attestors find, too."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A record with which something is wrong, and why, in a sentence."""

    seq: int
    fault: Fault
    detail: str
    shown: Shown
    job: BoughtJob | None = None

    @property
    def disputable(self) -> bool:
        """Whether attestors would find it, too."""
        return self.fault in DISPUTABLE

    @property
    def hash(self) -> bytes:
        """The 32-byte record hash that a dispute would name."""
        return self.shown.hash


@dataclass(slots=True)
class Examined:
    """What an examination found.

    records    how many were looked at
    executed   of them, run again
    unchecked  of them, too large or measured by rules that this release can't run
    suspects   those with which something is wrong, in order
    cpu_ns     CPU nanoseconds of this process
    """

    records: int = 0
    executed: int = 0
    unchecked: int = 0
    suspects: list[Suspect] = field(default_factory=list)
    cpu_ns: int = 0

    @property
    def disputable(self) -> list[Suspect]:
        """What attestors would find, too, in the order in which to dispute it: a re-execution needs the record alone,
        and a record somebody paid for makes its consumer whole."""
        found = [each for each in self.suspects if each.disputable]
        return sorted(found, key=lambda each: (each.fault is not Fault.DIFFERS, -each.shown.record.amount, each.seq))


def examine(
    published: Published,
    runtime: WasmRuntime,
    *,
    entries: Iterable[Entry] | None = None,
    sample: Sample = everything,
    max_units: int = MOST_UNITS,
    cpu_clock: Callable[[], int] = time.process_time_ns,
) -> Examined:
    """Runs published records again, all or a sample, and looks through all of them for unpaid work shown twice.

    Args:
        published: the records.
        runtime: executes jobs; made with `VERIFIER_STACK`.
        entries: the same records, as they pass a progress bar.
        sample: which to run again.
        max_units: larger ones are run up to there; by default as far as attestors run them unless told otherwise, since
            a dispute that they can't decide costs a part of the deposit.
        cpu_clock: CPU nanoseconds of this process.

    Raises what reading the records raises; a record that is wrong never does.
    """
    began, found = cpu_clock(), Examined()
    seq, head = published.base.seq, published.base.head
    last, known = head, set[tuple[int, bytes]]()
    firsts: dict[tuple[bytes, bytes], int] = {}
    for entry in published.entries() if entries is None else entries:
        if (entry.seq, entry.head) in known:
            # Looked at before: exports of a device at different times hold the same records.
            seq, head = entry.seq, entry.head
            continue
        if head != last:
            # What follows goes on from an earlier record, past those looked at in between.
            firsts.clear()
        found.records += 1
        shown = Shown(entry.record, entry.salt)
        hashed = record_hash(entry.salt, entry.record)
        whole = (entry.seq, entry.record_hash, entry.head) == (seq + 1, hashed, next_head(head, hashed))
        seq, head = entry.seq, entry.head
        last = head
        if not whole:
            detail = "its place, hash or head does not follow from the record and the one before"
            found.suspects.append(Suspect(entry.seq, Fault.BROKEN, detail, shown))
            # Nothing shows that records before the break were ever the device's.
            firsts.clear()
            continue
        known.add((seq, head))
        repeated = _repeated(entry, shown, firsts)
        if repeated is not None:
            found.suspects.append(repeated)
        elif sample(entry):
            _run_again(found, entry.seq, shown, published.blobs, runtime, max_units)
    found.cpu_ns = cpu_clock() - began
    return found


def overclaimed(published: Published, claimed: ChainState) -> Suspect | None:
    """The record at which a receipt claims more units than all records up to it have; None where none does, or where
    not all records are there to know.
    """
    seq, head, total = START.seq, START.head, 0
    for entry in published.entries():
        if entry.seq <= seq:
            continue
        seq, head = seq + 1, next_head(head, record_hash(entry.salt, entry.record))
        if (entry.seq, entry.head) != (seq, head):
            return None
        total += entry.record.units
        if seq == claimed.seq:
            if head != claimed.head or total >= claimed.units:
                return None
            detail = f"a receipt for job {entry.seq} claims {claimed.units} units, all records up to it have {total}"
            return Suspect(entry.seq, Fault.OVERCLAIMED, detail, Shown(entry.record, entry.salt))
    return None


def examine_bought(
    jobs: Iterable[BoughtJob],
    blobs: BlobSource,
    runtime: WasmRuntime,
    *,
    max_units: int = MOST_UNITS,
    cpu_clock: Callable[[], int] = time.process_time_ns,
) -> Examined:
    """Runs jobs again that were bought, and compares each with what was ordered; else as `examine`."""
    began, found = cpu_clock(), Examined()
    for job in jobs:
        found.records += 1
        record = job.shown.record
        if job.module not in (None, record.module) or job.input not in (None, record.input):
            detail = "the record is of another module or input than was sent; run again, it may well agree"
            found.suspects.append(Suspect(job.seq, Fault.OTHER_WORK, detail, job.shown, job))
            continue
        _run_again(found, job.seq, job.shown, blobs, runtime, max_units, job)
    found.cpu_ns = cpu_clock() - began
    return found


def _repeated(entry: Entry, shown: Shown, firsts: dict[tuple[bytes, bytes], int]) -> Suspect | None:
    record = entry.record
    if record.meter is not Meter.WASM_FUEL or record.tab != NOBODY:
        return None
    first = firsts.setdefault((record.module, record.input), entry.seq)
    if first == entry.seq:
        return None
    detail = f"job {first} has the same module and input, and nobody paid for either"
    return Suspect(entry.seq, Fault.REPEATED, detail, shown)


def _run_again(
    found: Examined,
    seq: int,
    shown: Shown,
    blobs: BlobSource,
    runtime: WasmRuntime,
    max_units: int,
    job: BoughtJob | None = None,
) -> None:
    judged = judge_record(shown, blobs, runtime, max_units=max_units)
    if judged.finding is DisputeFinding.DIFFERS:
        found.suspects.append(Suspect(seq, Fault.DIFFERS, judged.detail, shown, job))
    elif judged.doubt is Doubt.NOT_SERVED:
        found.suspects.append(Suspect(seq, Fault.DATA_MISSING, judged.detail, shown, job))
        return
    elif judged.doubt is not None:
        found.unchecked += 1
        return
    found.executed += 1
