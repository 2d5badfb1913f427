"""Checking a device's records: the hash chain of all of them, and re-execution of all or a sample of the WASM jobs.

A WASM record states module, input, output and fuel. All four are the same on every machine, so running the job again
either agrees to the unit or proves the record wrong (PROTOCOL section 3, meter 1). Verification never stops at the
first difference: it says for every record what was found, and what checking cost against what the work cost.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from worktab.core._checks import uint
from worktab.core.errors import InputError, VerificationError
from worktab.core.records import JobRecord, Meter, next_head, record_hash
from worktab.work.blobs import BlobSource
from worktab.work.history import START, ChainState, Entry
from worktab.work.wasm import FUEL_LIMIT, METER_VERSION, JobFailure, WasmJobError, WasmRuntime


class Finding(StrEnum):
    """What was found about a record. The first group is no reproach; each of the second is a difference."""

    AGREES = "agrees"
    NOT_SAMPLED = "not_sampled"
    NOT_REPEATABLE = "not_repeatable"
    OTHER_METER_VERSION = "other_meter_version"
    OVER_LIMIT = "over_limit"

    SEQUENCE_DIFFERS = "sequence_differs"
    RECORD_HASH_DIFFERS = "record_hash_differs"
    HEAD_DIFFERS = "head_differs"
    UNITS_DIFFER = "units_differ"
    DATA_MISSING = "data_missing"
    DATA_DAMAGED = "data_damaged"
    EXECUTION_FAILED = "execution_failed"
    OUTPUT_DIFFERS = "output_differs"
    FUEL_DIFFERS = "fuel_differs"


_NO_REPROACH = frozenset(
    {
        Finding.AGREES,
        Finding.NOT_SAMPLED,
        Finding.NOT_REPEATABLE,
        Finding.OTHER_METER_VERSION,
        Finding.OVER_LIMIT,
    }
)


@dataclass(frozen=True, slots=True)
class RecordCheck:
    """What was found about one record: its job number, every finding, and a sentence for each difference."""

    seq: int
    findings: tuple[Finding, ...]
    details: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether anything about the record is wrong or could not be shown."""
        return not _NO_REPROACH.issuperset(self.findings)


@dataclass(slots=True)
class Verification:
    """The outcome of `verify`.

    Attributes:
        checks: one for each record, in order.
        end: the state that the records lead to, as they state it; compare it with a receipt or the chain.
        units: work units of all records.
        wasm_units: those of all WASM records.
        executed: how many records were executed again.
        executed_units: their units.
        claimed_ms: sum of finished minus started of all records, by the device's clock.
        execution_cpu_ns: CPU nanoseconds this process spent executing jobs again.
        cpu_ns: CPU nanoseconds it spent on the whole verification, that included.
    """

    checks: list[RecordCheck] = field(default_factory=list)
    end: ChainState = START
    units: int = 0
    wasm_units: int = 0
    executed: int = 0
    executed_units: int = 0
    claimed_ms: int = 0
    execution_cpu_ns: int = 0
    cpu_ns: int = 0

    @property
    def differing(self) -> list[RecordCheck]:
        """The records about which something is wrong."""
        return [check for check in self.checks if check.differs]

    @property
    def work_cpu_ns(self) -> int | None:
        """What all WASM records would cost in CPU nanoseconds on this machine, from those executed; or None."""
        if self.executed_units == 0:
            return None
        return self.execution_cpu_ns * self.wasm_units // self.executed_units

    @property
    def cost_ratio(self) -> float | None:
        """CPU spent verifying over the CPU that the work costs on this machine; None when nothing was executed."""
        return None if not self.work_cpu_ns else self.cpu_ns / self.work_cpu_ns


_OF_THIS_MACHINE = (JobFailure.COMPILATION, JobFailure.OUT_OF_STACK, JobFailure.OUT_OF_TIME)
"""Limits that a job may reach on one machine and not on another."""

Sample = Callable[[Entry], bool]
"""Chooses the records to execute again."""


def everything(entry: Entry) -> bool:
    """Executes every record again."""
    return True


def every(k: int) -> Sample:
    """Executes every k-th record again: job numbers that k divides.

    Raises:
        InputError: k is not positive.
    """
    _check_share(k)
    return lambda entry: entry.seq % k == 0


def one_in(k: int, seed: bytes) -> Sample:
    """Executes about one record in k again, chosen by a hash of `seed` and the job number.

    A seed that the device could not know when it recorded the job (a later blockhash) leaves it nowhere to cheat.

    Raises:
        InputError: k is not positive.
    """
    _check_share(k)

    def chosen(entry: Entry) -> bool:
        digest = hashlib.sha256(seed + entry.seq.to_bytes(8, "little")).digest()
        return int.from_bytes(digest[:16], "little") % k == 0

    return chosen


def _check_share(k: int) -> None:
    if uint(k, 63, "k") == 0:
        raise InputError("a sample needs a positive number", expected="1 or more", got="0")


def verify(
    entries: Iterable[Entry],
    blobs: BlobSource,
    runtime: WasmRuntime,
    *,
    base: ChainState = START,
    sample: Sample = everything,
    max_units: int = FUEL_LIMIT,
    cpu_clock: Callable[[], int] = time.process_time_ns,
) -> Verification:
    """Checks records against the chain they form and, where sampled, against their own re-execution.

    Args:
        entries: the records, in order, from the one after `base`.
        blobs: the modules and inputs; outputs are not needed.
        runtime: executes jobs; make it with `VERIFIER_STACK`.
        base: the state that the first record follows.
        sample: which records to execute again.
        max_units: 1 to 2^48; larger records are not executed: a bound on what a stranger's record can cost.
        cpu_clock: CPU nanoseconds of this process.

    Raises:
        InputError: `max_units` is out of range.
        WorktabError: the source of the entries or the blobs cannot be read, or this machine can't run jobs; a record
            that is wrong never raises.
    """
    result = Verification(end=base)
    if not 1 <= uint(max_units, 64, "max units") <= FUEL_LIMIT:
        raise InputError("max units is out of range", expected=f"1 to {FUEL_LIMIT}", got=str(max_units))
    began = cpu_clock()
    for entry in entries:
        problems = dict(_chain_problems(result.end, entry))
        skipped = _reason_to_skip(entry, sample, max_units)
        if skipped is None:
            before = cpu_clock()
            problems |= run_again(entry.record, blobs, runtime)
            result.execution_cpu_ns += cpu_clock() - before
            result.executed += 1
            result.executed_units += entry.record.units
        findings = tuple(problems) or (skipped or Finding.AGREES,)
        result.checks.append(RecordCheck(entry.seq, findings, tuple(problems.values())))
        _count(result, entry)
    result.cpu_ns = cpu_clock() - began
    return result


def _count(result: Verification, entry: Entry) -> None:
    record = entry.record
    result.end = entry.state
    result.units += record.units
    result.wasm_units += record.units if record.meter is Meter.WASM_FUEL else 0
    result.claimed_ms += max(0, record.finished_ms - record.started_ms)


def _reason_to_skip(entry: Entry, sample: Sample, max_units: int) -> Finding | None:
    record = entry.record
    if record.meter is not Meter.WASM_FUEL:
        return Finding.NOT_REPEATABLE
    if record.meter_version != METER_VERSION:
        return Finding.OTHER_METER_VERSION
    if not sample(entry):
        return Finding.NOT_SAMPLED
    return Finding.OVER_LIMIT if record.units > max_units else None


def _chain_problems(previous: ChainState, entry: Entry) -> Iterator[tuple[Finding, str]]:
    if entry.seq != previous.seq + 1:
        yield Finding.SEQUENCE_DIFFERS, f"job {entry.seq} follows job {previous.seq}"
    if record_hash(entry.salt, entry.record) != entry.record_hash:
        yield Finding.RECORD_HASH_DIFFERS, "salt and record have another hash than the one stated"
    if next_head(previous.head, entry.record_hash) != entry.head:
        yield Finding.HEAD_DIFFERS, "the head does not follow from the one before and the record's hash"
    units = entry.record.units
    if not 1 <= units <= FUEL_LIMIT:
        yield Finding.UNITS_DIFFER, f"a record may state 1 to {FUEL_LIMIT} units, this one states {units}"
    elif entry.units_total != previous.units + units:
        yield (
            Finding.UNITS_DIFFER,
            f"the total is {entry.units_total} where {previous.units} and {units} make {previous.units + units}",
        )


def run_again(
    record: JobRecord, blobs: BlobSource, runtime: WasmRuntime, *, max_units: int = FUEL_LIMIT
) -> dict[Finding, str]:
    """What running one WASM record again finds wrong with it, with a sentence for each; nothing where it agrees.

    A record of more than `max_units` is run up to there: one that ends earlier took less than it states, of any other
    nothing is known, which is `OVER_LIMIT`. So it is of one that takes more stack, time or compiling than it has here.
    """
    try:
        module, input = blobs.get(record.module), blobs.get(record.input)
    except VerificationError as error:
        return {Finding.DATA_DAMAGED: str(error)}
    if module is None or input is None:
        name, digest = ("module", record.module) if module is None else ("input", record.input)
        return {Finding.DATA_MISSING: f"the {name} {digest.hex()} was not given"}
    # No more fuel than the record states: a job that needs more differs anyway.
    limit = max(1, min(record.units, max_units))
    try:
        result = runtime.run(module, input, fuel_limit=limit)
    except WasmJobError as error:
        if error.reason in _OF_THIS_MACHINE:
            return {Finding.OVER_LIMIT: str(error)}
        if error.reason is not JobFailure.OUT_OF_FUEL:
            return {Finding.EXECUTION_FAILED: str(error)}
        if limit < record.units:
            return {Finding.OVER_LIMIT: f"the record states {record.units} units, the job needs more than {limit}"}
        return {Finding.FUEL_DIFFERS: f"the record states {record.units} units, the job needs more"}
    problems = {}
    output = hashlib.sha256(result.output).digest()
    if output != record.output:
        problems[Finding.OUTPUT_DIFFERS] = (
            f"the record states output {record.output.hex()}, the job gave {output.hex()}"
        )
    if result.fuel != record.units:
        problems[Finding.FUEL_DIFFERS] = f"the record states {record.units} units, the job took {result.fuel}"
    return problems
