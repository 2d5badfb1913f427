"""One job from running to record."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from support.jobs import DEVICE, chain, echo, increment, module, salt
from worktab.core.errors import InputError, StateError
from worktab.core.records import JobRecord, Meter
from worktab.work.blobs import BlobStore
from worktab.work.spool import Spool
from worktab.work.wasm import JobFailure, WasmJobError, WasmResult, WasmRuntime
from worktab.work.worker import run_wasm_job


class CountingRuntime(WasmRuntime):
    """Counts the jobs it runs."""

    runs = 0

    def run(self, module: bytes, input: bytes, *, fuel_limit: int) -> WasmResult:
        self.runs += 1
        return super().run(module, input, fuel_limit=fuel_limit)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(tmp_path / "spool", device=DEVICE) as opened:
        yield opened


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


def test_a_job_is_run_kept_and_recorded(spool: Spool, blobs: BlobStore) -> None:
    clock = iter([1_000, 1_042])
    entry = run_wasm_job(
        WasmRuntime(),
        spool,
        blobs,
        increment(),
        b"abc",
        work_class=3,
        fuel_limit=71,
        amount=9,
        tab=bytes([7]) * 32,
        clock_ms=lambda: next(clock),
        salt=lambda: salt(1),
    )
    expected = JobRecord(
        meter=Meter.WASM_FUEL,
        work_class=3,
        meter_version=50,
        module=sha256(increment()).digest(),
        input=sha256(b"abc").digest(),
        output=sha256(b"bcd").digest(),
        units=71,
        amount=9,
        started_ms=1_000,
        finished_ms=1_042,
        tab=bytes([7]) * 32,
    )
    assert [entry] == chain([expected]) == list(spool.entries())
    assert blobs.get(expected.module) == increment()
    assert blobs.get(expected.input) == b"abc"
    assert blobs.get(expected.output) == b"bcd"


def test_a_job_that_fails_is_not_recorded(spool: Spool, blobs: BlobStore) -> None:
    with pytest.raises(WasmJobError) as caught:
        run_wasm_job(WasmRuntime(), spool, blobs, module("unreachable"), b"", job_id=b"a")
    assert caught.value.reason is JobFailure.TRAP
    with pytest.raises(InputError):
        run_wasm_job(WasmRuntime(), spool, blobs, echo(), b"", tab=b"short")
    assert list(spool.entries()) == []
    assert spool.find(b"a") is None


def test_a_recorded_job_is_not_run_again(spool: Spool, blobs: BlobStore) -> None:
    runtime = CountingRuntime()
    first = run_wasm_job(runtime, spool, blobs, echo(), b"abc", job_id=b"a")
    assert run_wasm_job(runtime, spool, blobs, echo(), b"abc", job_id=b"a") == first
    assert runtime.runs == 1
    assert run_wasm_job(runtime, spool, blobs, echo(), b"abc").seq == 2
    with pytest.raises(StateError, match="already used by another job"):
        run_wasm_job(runtime, spool, blobs, echo(), b"abd", job_id=b"a")
    assert spool.state().seq == 2


def test_every_record_has_a_salt_of_its_own_and_the_time_of_the_clock(spool: Spool, blobs: BlobStore) -> None:
    entries = [run_wasm_job(WasmRuntime(), spool, blobs, echo(), b"") for _ in range(3)]
    assert len({entry.salt for entry in entries}) == 3
    assert all(len(entry.salt) == 32 for entry in entries)
    times = [time for entry in entries for time in (entry.record.started_ms, entry.record.finished_ms)]
    assert min(times) > 1_700_000_000_000


def test_a_price_may_depend_on_the_work(spool: Spool, blobs: BlobStore) -> None:
    entry = run_wasm_job(WasmRuntime(), spool, blobs, increment(), b"abc", amount=lambda units: 2 * units + 1)
    assert (entry.record.units, entry.record.amount) == (71, 143)
    with pytest.raises(InputError, match="amount"):
        run_wasm_job(WasmRuntime(), spool, blobs, increment(), b"abc", amount=lambda units: -units)
    assert spool.state().seq == 1
