"""Verification: every kind of difference found and named, none stopping the rest, and what it cost."""

from __future__ import annotations

import itertools
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from support.jobs import CONTEXT, DEVICE, SIGNER, chain, echo, increment, module, record, salt
from worktab.core.errors import InputError, VerificationError
from worktab.core.records import JobRecord, Meter
from worktab.work.blobs import BlobStore
from worktab.work.history import START, ChainState, Entry
from worktab.work.spool import Spool
from worktab.work.verify import Finding, RecordCheck, Verification, every, one_in, verify
from worktab.work.wasm import VERIFIER_STACK, WasmJobError, WasmRuntime
from worktab.work.worker import run_wasm_job

RUNTIME = WasmRuntime(stack_bytes=VERIFIER_STACK)
STRAIGHT = module("(drop (i32.const 1))" * 1000 + "(i64.const 0)")


class Held(dict[bytes, bytes]):
    """Blobs in memory."""

    def __init__(self, *blobs: bytes) -> None:
        super().__init__((sha256(blob).digest(), blob) for blob in blobs)


BLOBS = Held(echo(), increment(), b"abc", b"", STRAIGHT, module("unreachable"))


def wasm_record(job: bytes = increment(), input: bytes = b"abc", **fields: object) -> JobRecord:
    """The true record of a job, with fields changed."""
    try:
        result = RUNTIME.run(job, input, fuel_limit=10**6)
        output, fuel = result.output, result.fuel
    except WasmJobError:
        output, fuel = b"", 10
    true = JobRecord(
        meter=Meter.WASM_FUEL,
        work_class=0,
        meter_version=50,
        module=sha256(job).digest(),
        input=sha256(input).digest(),
        output=sha256(output).digest(),
        units=fuel,
        amount=0,
        started_ms=1_000,
        finished_ms=1_004,
    )
    return replace(true, **fields)  # type: ignore[arg-type]


def outcome(records: list[JobRecord], **options: object) -> Verification:
    return verify(chain(records), BLOBS, RUNTIME, **options)  # type: ignore[arg-type]


def test_true_records_agree(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    with Spool.open(tmp_path / "spool", device=DEVICE) as spool:
        for data in (b"", b"abc", bytes(200)):
            for job in (echo(), increment()):
                run_wasm_job(WasmRuntime(), spool, blobs, job, data)
        receipt = spool.sign_receipt(SIGNER, CONTEXT, 1)
        result = verify(spool.entries(), blobs, RUNTIME)
    assert result.checks == [RecordCheck(seq, (Finding.AGREES,)) for seq in range(1, 7)]
    assert result.differing == []
    assert result.end == receipt.state
    assert result.units == result.wasm_units == result.executed_units == receipt.message.units
    assert result.executed == 6
    assert result.end.units == 3 * 10 + 14 + (14 + 19 * 3) + (14 + 19 * 200)


OTHER = sha256(b"other").digest()
WRONG: dict[str, tuple[JobRecord, Finding, str]] = {
    "output": (
        wasm_record(output=OTHER),
        Finding.OUTPUT_DIFFERS,
        f"the record states output {OTHER.hex()}, the job gave {sha256(b'bcd').hexdigest()}",
    ),
    "one unit more": (wasm_record(units=72), Finding.FUEL_DIFFERS, "the record states 72 units, the job took 71"),
    "one unit less": (
        wasm_record(units=70),
        Finding.FUEL_DIFFERS,
        "the record states 70 units, the job needs more",
    ),
    "one unit less, straight line": (
        wasm_record(STRAIGHT, b"", units=1003),
        Finding.FUEL_DIFFERS,
        "the record states 1003 units, the job needs more",
    ),
    "far too many units": (
        wasm_record(units=2**48),
        Finding.FUEL_DIFFERS,
        f"the record states {2**48} units, the job took 71",
    ),
    "trap": (wasm_record(module("unreachable"), b""), Finding.EXECUTION_FAILED, "the job trapped; got unreachable"),
    "no module": (wasm_record(module=OTHER), Finding.DATA_MISSING, f"the module {OTHER.hex()} was not given"),
    "another input": (
        replace(wasm_record(), input=sha256(b"abd").digest()),
        Finding.DATA_MISSING,
        f"the input {sha256(b'abd').hexdigest()} was not given",
    ),
}


@pytest.mark.parametrize(("wrong", "finding", "detail"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_record_is_found_and_the_rest_still_checked(wrong: JobRecord, finding: Finding, detail: str) -> None:
    result = outcome([wasm_record(), wrong, wasm_record()])
    assert result.checks == [
        RecordCheck(1, (Finding.AGREES,)),
        RecordCheck(2, (finding,), (detail,)),
        RecordCheck(3, (Finding.AGREES,)),
    ]
    assert result.differing == [result.checks[1]]
    assert result.executed == 3


def test_output_and_fuel_are_told_apart_and_together() -> None:
    (check,) = outcome([wasm_record(output=OTHER, units=99)]).checks
    assert check.findings == (Finding.OUTPUT_DIFFERS, Finding.FUEL_DIFFERS)


def test_a_damaged_blob_is_told_apart_from_a_missing_one() -> None:
    class Damaged:
        def get(self, digest: bytes) -> bytes | None:
            raise VerificationError("a blob does not hold what its name says")

    result = verify(chain([wasm_record()]), Damaged(), RUNTIME)
    assert result.checks == [
        RecordCheck(1, (Finding.DATA_DAMAGED,), ("a blob does not hold what its name says",)),
    ]


@pytest.mark.parametrize(
    ("other", "finding"),
    [
        (record(1, meter=Meter.CPU_MS, units=71), Finding.NOT_REPEATABLE),
        (wasm_record(meter_version=51), Finding.OTHER_METER_VERSION),
        (wasm_record(meter_version=0), Finding.OTHER_METER_VERSION),
        (wasm_record(units=1001), Finding.OVER_LIMIT),
    ],
    ids=["meter", "newer rules", "older rules", "size"],
)
def test_what_cannot_be_executed_is_no_reproach(other: JobRecord, finding: Finding) -> None:
    result = outcome([wasm_record(), other], max_units=1000)
    assert result.checks[1] == RecordCheck(2, (finding,))
    assert result.differing == []
    assert result.executed == 1


def broken(position: int, **fields: object) -> list[Entry]:
    entries = chain([wasm_record() for _ in range(3)])
    entries[position] = replace(entries[position], **fields)  # type: ignore[arg-type]
    return entries


@pytest.mark.parametrize(
    ("entries", "findings"),
    [
        (broken(1, salt=salt(9)), [2, Finding.RECORD_HASH_DIFFERS]),
        (broken(1, record=wasm_record(amount=1)), [2, Finding.RECORD_HASH_DIFFERS]),
        (broken(1, record_hash=OTHER), [2, Finding.RECORD_HASH_DIFFERS, Finding.HEAD_DIFFERS]),
        (broken(1, head=OTHER), [2, Finding.HEAD_DIFFERS, 3, Finding.HEAD_DIFFERS]),
        (broken(1, units_total=143), [2, Finding.UNITS_DIFFER, 3, Finding.UNITS_DIFFER]),
        (broken(1, seq=3), [3, Finding.SEQUENCE_DIFFERS, 3, Finding.SEQUENCE_DIFFERS]),
        (
            chain([wasm_record() for _ in range(3)])[::2],
            [3, Finding.SEQUENCE_DIFFERS, Finding.HEAD_DIFFERS, Finding.UNITS_DIFFER],
        ),
    ],
    ids=["salt", "record", "hash", "head", "total", "number", "left out"],
)
def test_a_broken_chain_is_found_where_it_breaks(entries: list[Entry], findings: list[object]) -> None:
    result = verify(entries, BLOBS, RUNTIME)
    assert [part for check in result.differing for part in (check.seq, *check.findings)] == findings
    assert result.executed == len(entries)


@pytest.mark.parametrize("units", [0, 2**48 + 1])
def test_units_that_no_record_may_state_are_found(units: int) -> None:
    (check,) = outcome([wasm_record(units=units)]).checks
    assert Finding.UNITS_DIFFER in check.findings
    assert check.differs


def test_records_are_checked_from_where_they_follow() -> None:
    base = ChainState(10, 500, OTHER)
    entries = chain([wasm_record()], base)
    assert verify(entries, BLOBS, RUNTIME, base=base).differing == []
    assert verify(entries, BLOBS, RUNTIME).checks[0].findings == (
        Finding.SEQUENCE_DIFFERS,
        Finding.HEAD_DIFFERS,
        Finding.UNITS_DIFFER,
    )


def test_no_records_lead_nowhere() -> None:
    result = verify([], BLOBS, RUNTIME)
    assert (result.checks, result.end, result.work_cpu_ns, result.cost_ratio) == ([], START, None, None)


def test_every_kth_record_is_executed() -> None:
    result = outcome([wasm_record() for _ in range(10)], sample=every(3))
    executed = [check.seq for check in result.checks if check.findings == (Finding.AGREES,)]
    assert executed == [3, 6, 9]
    assert sum(check.findings == (Finding.NOT_SAMPLED,) for check in result.checks) == 7
    assert (result.executed, result.executed_units, result.units) == (3, 213, 710)


def test_a_seeded_sample_is_the_same_for_everyone_and_another_for_another_seed() -> None:
    entries = chain([record(number) for number in range(2_000)])
    chosen = [[entry.seq for entry in entries if one_in(10, seed)(entry)] for seed in (b"a", b"a", b"b")]
    assert chosen[0] == chosen[1] != chosen[2]
    assert chosen[0][:5] == [10, 17, 43, 49, 68]
    # 200 expected, standard deviation 13.4; fixed by the seeds.
    assert all(140 < len(each) < 260 for each in chosen)
    assert all(one_in(1, b"")(entry) for entry in entries)


@pytest.mark.parametrize("make", [every, lambda k: one_in(k, b"")], ids=["every", "one_in"])
@pytest.mark.parametrize("k", [0, -1])
def test_a_sample_needs_a_positive_number(make: object, k: int) -> None:
    with pytest.raises(InputError):
        make(k)  # type: ignore[operator]


@pytest.mark.parametrize("max_units", [0, 2**48 + 1])
def test_a_limit_out_of_range_is_refused(max_units: int) -> None:
    with pytest.raises(InputError):
        outcome([], max_units=max_units)


def test_the_cost_is_measured_against_the_work() -> None:
    # One clock reading at the start, two around each execution, one at the end: 100 ns apart.
    clock = itertools.count(0, 100)
    records = [wasm_record(), wasm_record(echo(), started_ms=5, finished_ms=1), record(3, units=1_000), wasm_record()]
    result = outcome(records, sample=every(4), cpu_clock=lambda: next(clock))
    assert result.claimed_ms == 4 + 0 + 7 + 4
    assert (result.execution_cpu_ns, result.cpu_ns) == (100, 300)
    assert (result.units, result.wasm_units, result.executed_units) == (71 + 10 + 1_000 + 71, 152, 71)
    assert result.work_cpu_ns == 100 * 152 // 71 == 214
    assert result.cost_ratio == 300 / 214
