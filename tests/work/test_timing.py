"""Jobs that cost little fuel and take long end in time where that is limited, and prove nothing about a record."""

from __future__ import annotations

import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from support.jobs import increment, module, record, spin
from worktab.core.records import JobRecord, Meter
from worktab.trust.asking import Asker
from worktab.work import timing
from worktab.work.blobs import BlobStore
from worktab.work.verify import Finding, run_again
from worktab.work.wasm import FUEL_LIMIT, METER_VERSION, VERIFIER_STACK, JobFailure, WasmJobError, WasmRuntime

ENDLESS = b"\xff" * 8
LARGE = "(drop (i32.const 0))" * 1_000
"""Code that makes a module too large to be compiled within this process."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time pass."""
    monkeypatch.setattr(timing, "_TICK", 0.001)


def timed(seconds: int = 5) -> WasmRuntime:
    return WasmRuntime(stack_bytes=VERIFIER_STACK, seconds=seconds)


def endless(tmp_path: Path) -> tuple[JobRecord, BlobStore]:
    """A record of a job that does not end before its fuel, which lasts for days."""
    blobs = BlobStore(tmp_path)
    program, input = blobs.put(spin()), blobs.put(ENDLESS)
    made = record(units=FUEL_LIMIT, meter=Meter.WASM_FUEL, meter_version=METER_VERSION, module=program, input=input)
    return made, blobs


@pytest.mark.parametrize(
    "make", [spin, lambda: module(f"{LARGE} (loop $l (br $l)) (i64.const 0)")], ids=["small", "compiled-apart"]
)
def test_a_job_ends_when_its_time_is_up(make: Callable[[], bytes]) -> None:
    with pytest.raises(WasmJobError) as caught:
        timed().run(make(), ENDLESS, fuel_limit=FUEL_LIMIT)
    assert (caught.value.reason, caught.value.expected) == (JobFailure.OUT_OF_TIME, "at most 5 seconds")


def test_a_limit_of_time_changes_no_fuel() -> None:
    for each, input in ((increment(), b"abc"), (spin(), (10_000).to_bytes(8, "little"))):
        free = WasmRuntime(stack_bytes=VERIFIER_STACK).run(each, input, fuel_limit=10**6)
        assert timed(10**6).run(each, input, fuel_limit=10**6) == free


def test_nothing_counts_the_time_while_no_job_runs() -> None:
    runtime, before = timed(10**6), threading.active_count()
    runtime.run(increment(), b"abc", fuel_limit=10**6)
    assert threading.active_count() == before


def test_nothing_is_known_of_a_record_that_takes_too_long(tmp_path: Path) -> None:
    made, blobs = endless(tmp_path)
    assert run_again(made, blobs, timed()).keys() == {Finding.OVER_LIMIT}


def test_nothing_is_known_of_a_record_that_takes_more_stack_than_there_is_here(tmp_path: Path) -> None:
    """Frames of the same function differ by more than twice between kinds of machines, and by no choice of a device."""
    blobs = BlobStore(tmp_path)
    deep = module("(call $deep) (i64.const 0)", rest="(func $deep (call $deep))")
    made = record(
        units=10**9, meter=Meter.WASM_FUEL, meter_version=METER_VERSION, module=blobs.put(deep), input=blobs.put(b"")
    )
    assert made.module == sha256(deep).digest()
    assert run_again(made, blobs, timed(10**6)).keys() == {Finding.OVER_LIMIT}


def test_attestors_limit_the_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made, blobs = endless(tmp_path)
    monkeypatch.setattr("worktab.trust.asking.LONGEST", 5)
    assert run_again(made, blobs, Asker([], max_units=FUEL_LIMIT)._runtime).keys() == {Finding.OVER_LIMIT}


def test_time_is_limited_again_after_no_thread_could_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = timed()

    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            runtime.run(increment(), b"abc", fuel_limit=10**6)
    with pytest.raises(WasmJobError) as caught:
        runtime.run(spin(), ENDLESS, fuel_limit=10**9)
    assert caught.value.reason is JobFailure.OUT_OF_TIME
