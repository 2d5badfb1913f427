"""Compiling WASM jobs: within limits that are the same everywhere, and apart where it may take long."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import wasmtime

from support.jobs import echo, increment
from worktab.core.errors import JobError
from worktab.core.records import JobRecord, Meter
from worktab.work import compiling, wasm_shape
from worktab.work.compiling import Limits
from worktab.work.verify import Finding, run_again
from worktab.work.wasm import METER_VERSION, VERIFIER_STACK, JobFailure, WasmJobError, WasmRuntime
from worktab.work.wasm_shape import Shape, check_shape

LIMIT = 1_000_000


def leb(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + leb(rest) if rest else bytes([low])


def section(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + leb(len(body)) + body


def vector(parts: Iterable[bytes]) -> bytes:
    found = list(parts)
    return leb(len(found)) + b"".join(found)


def job(body: bytes = b"", *, groups: Iterable[int] = (), further: int = 0, extra: bytes = b"") -> bytes:
    """A job whose `run` does `body`, with groups of i32 locals, and so many further functions like it."""
    run = vector(leb(count) + b"\x7f" for count in groups) + body + b"\x42\x00\x0b"
    functions = [b"\x00\x41\x00\x0b", *[run] * (1 + further)]
    sections = [
        section(1, vector([b"\x60\x01\x7f\x01\x7f", b"\x60\x02\x7f\x7f\x01\x7e"])),
        section(3, vector([b"\0", *[b"\1"] * (1 + further)])),
        section(5, vector([b"\0\1"])),
        section(7, vector([b"\6memory\2\0", b"\5alloc\0\0", b"\3run\0\1"])),
        section(10, vector(leb(len(each)) + each for each in functions)),
    ]
    return b"\0asm\1\0\0\0" + b"".join(sections) + extra


def nops(size: int) -> bytes:
    """A job whose `run` has so many bytes."""
    return job(b"\x01" * (size - 4))


def phis(branches: int, locals: int) -> bytes:
    """A job whose compilation grows with its branches times its locals."""
    at = (leb(7 + 7919 * number % locals) for number in count())
    body = (
        b"\x20%b\x04\x40\x20%b\x20%b\x6a\x21%b\x0b" % (next(at), next(at), next(at), next(at)) for _ in range(branches)
    )
    return job(b"".join(body), groups=[locals + 7])


SLOW = phis(8_000, 2_000)


def failure(module: bytes, runtime: WasmRuntime | None = None) -> WasmJobError:
    with pytest.raises(WasmJobError) as caught:
        (runtime or WasmRuntime()).run(module, b"", fuel_limit=LIMIT)
    return caught.value


def test_the_shape_is_what_decides_how_long_compiling_may_take() -> None:
    assert check_shape(job(groups=[3, 4])) == Shape(described=12 + 3 + 3 + 24, code=15, locals=7)


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nops(wasm_shape.FUNCTION_LIMIT), (wasm_shape.FUNCTION_LIMIT + 9, 0)),
        (job(groups=[wasm_shape.LOCALS_LIMIT]), (14, wasm_shape.LOCALS_LIMIT)),
    ],
    ids=["function", "locals"],
)
def test_parts_may_fill_their_limits(module: bytes, shape: tuple[int, int]) -> None:
    found = check_shape(module)
    assert (found.code, found.locals) == shape
    assert WasmRuntime().run(module, b"", fuel_limit=LIMIT).output == b""


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nops(wasm_shape.FUNCTION_LIMIT + 1), "a function is too large"),
        (job(groups=[wasm_shape.LOCALS_LIMIT, 1]), "a function has too many locals"),
        (job(groups=[0] * (wasm_shape.LOCALS_LIMIT + 1)), "a function has too many locals"),
        (job(b"\x01" * 260_000, further=16), "section 10 of the module is too large"),
        (job(extra=section(9, bytes(wasm_shape.SECTION_LIMIT + 1))), "section 9 of the module is too large"),
        (job(extra=section(7, bytes(wasm_shape.EXPORTS_LIMIT + 1))), "section 7 of the module is too large"),
        (job(extra=section(2, bytes(wasm_shape.EXPORTS_LIMIT + 1))), "section 2 of the module is too large"),
        (job(extra=b"\x0b\x80\x80\x80\x80\x80\x01"), "a number of the module has too many digits"),
        (job(extra=b"\x0b\x80"), "the module is cut short"),
        (b"\0asm\1\0\0\0" + section(10, b"\1\5\0\0\0\0"), "the functions do not fill the code section"),
    ],
    ids=["function", "locals", "groups", "code", "elements", "exports", "imports", "number", "cut", "functions"],
)
def test_a_module_beyond_the_limits_is_refused_before_it_is_compiled(
    module: bytes, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(compiling, "compile_here")
    monkeypatch.delattr(compiling, "compile_apart")
    error = failure(module)
    assert (error.reason, error.message) == (JobFailure.BAD_MODULE, message)


def test_a_module_compiled_apart_gives_the_same_output_for_the_same_fuel(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [echo(), increment()]
    here = [WasmRuntime().run(module, b"abc", fuel_limit=LIMIT) for module in jobs]
    monkeypatch.setattr(compiling, "is_small", lambda shape: False)
    monkeypatch.delattr(compiling, "compile_here")
    for stack in (1 << 19, VERIFIER_STACK):
        assert [WasmRuntime(stack_bytes=stack).run(module, b"abc", fuel_limit=LIMIT) for module in jobs] == here


@pytest.mark.parametrize("limits", [Limits(1, 1 << 40), Limits(60, 256 << 20)], ids=["time", "memory"])
def test_compiling_that_takes_too_much_is_stopped(limits: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "WORKER", limits)
    started: list[list[str]] = []
    real = subprocess.run

    def noted(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        started.append(command)
        return real(command, **options)

    monkeypatch.setattr(subprocess, "run", noted)
    runtime = WasmRuntime()
    for _ in range(2):
        error = failure(SLOW, runtime)
        assert error.reason is JobFailure.COMPILATION
        assert error.expected == f"at most {limits.seconds} seconds of CPU time and {limits.memory} bytes of memory"
    # What was refused once is not tried again.
    assert len(started) == 1


def test_a_large_module_that_is_none_is_told_from_one_that_takes_too_much() -> None:
    error = failure(job(b"\x01" * 20_000 + b"\xff"))
    assert (error.reason, error.message) == (JobFailure.BAD_MODULE, "the module does not compile")
    assert "illegal opcode" in error.got


def test_a_module_that_compiled_and_cannot_be_loaded_is_not_to_blame() -> None:
    """Another engine than it was compiled for stands for a machine without room for it."""
    engine, limits = compiling.engine(VERIFIER_STACK), Limits(60, 1 << 30)
    with pytest.raises(JobError, match="a compiled module cannot be loaded") as caught:
        compiling.compile_apart(engine, echo(), limits, timed=True)
    assert not isinstance(caught.value, WasmJobError)


def test_others_run_while_one_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, begun, go_on = WasmRuntime(), threading.Event(), threading.Event()
    runtime.run(echo(), b"", fuel_limit=LIMIT)
    real = compiling.compile_apart

    def held(engine: wasmtime.Engine, module: bytes, limits: Limits, *, timed: bool) -> wasmtime.Module:
        begun.set()
        assert go_on.wait(60)
        return real(engine, module, limits, timed=timed)

    monkeypatch.setattr(compiling, "compile_apart", held)
    found: list[bytes] = []
    large = nops(20_000)
    thread = threading.Thread(
        target=lambda: found.append(runtime.run(large, b"", fuel_limit=LIMIT).output), daemon=True
    )
    thread.start()
    assert begun.wait(60)
    assert runtime.run(echo(), b"old", fuel_limit=LIMIT).output == b"old"
    assert runtime.run(increment(), b"new", fuel_limit=LIMIT).output == b"ofx"
    assert found == []
    go_on.set()
    thread.join(60)
    assert found == [b""]


def test_a_verifier_that_cannot_compile_accuses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "VERIFIER", Limits(60, 256 << 20))
    blobs = {sha256(each).digest(): each for each in (SLOW, b"")}
    record = JobRecord(
        meter=Meter.WASM_FUEL,
        work_class=0,
        meter_version=METER_VERSION,
        module=sha256(SLOW).digest(),
        input=sha256(b"").digest(),
        output=sha256(b"").digest(),
        units=100,
        amount=0,
        started_ms=0,
        finished_ms=1,
        tab=bytes(32),
    )
    problems = run_again(record, blobs, WasmRuntime(stack_bytes=VERIFIER_STACK))
    assert list(problems) == [Finding.OVER_LIMIT]


TRAPPING = """
import conftest
import pytest
import wasmtime
from worktab.work.wasm import WasmJobError

JOB = wasmtime.wat2wasm(
    '(module (memory (export "memory") 1) (func (export "alloc") (param i32) (result i32) (i32.const 0))'
    '(func (export "run") (param i32 i32) (result i64) (unreachable)))'
)


def test_it_traps():
    with pytest.raises(WasmJobError, match="unreachable"):
        conftest.RUNTIME.run(JOB, b"", fuel_limit=1000)
"""


def test_a_runtime_made_before_pytest_handles_signals_traps_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "conftest.py").write_text("from worktab.work.wasm import WasmRuntime\n\nRUNTIME = WasmRuntime()\n")
    (tmp_path / "test_trap.py").write_text(TRAPPING, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, cwd=tmp_path, env=paths, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr


def test_nothing_is_imported_from_the_folder_that_one_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be full of what strangers sent."""
    (tmp_path / "wasmtime.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    assert WasmRuntime().run(nops(20_000), b"", fuel_limit=LIMIT).output == b""


def test_a_machine_without_room_to_compile_blames_no_module(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: Any) -> None:
        raise wasmtime.WasmtimeError("mmap failed")

    runtime = WasmRuntime()
    runtime.run(echo(), b"", fuel_limit=LIMIT)
    with monkeypatch.context() as patched:
        patched.setattr(wasmtime.Module, "__init__", no_room)
        with pytest.raises(JobError, match="this machine can't compile the module") as caught:
            runtime.run(nops(8), b"", fuel_limit=LIMIT)
    assert type(caught.value) is JobError
    # Nor is it remembered.
    assert runtime.run(nops(8), b"", fuel_limit=LIMIT).output == b""


def test_a_process_without_room_to_compile_blames_no_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    failing = "def no_room(*_): raise wasmtime.WasmtimeError('mmap failed')"
    (tmp_path / "sitecustomize.py").write_text(f"import wasmtime\n{failing}\nwasmtime.Module.__init__ = no_room\n")
    monkeypatch.syspath_prepend(tmp_path)
    engine, limits = compiling.engine(VERIFIER_STACK), Limits(60, 1 << 30)
    with pytest.raises(WasmJobError) as caught:
        compiling.compile_apart(engine, nops(4 << 10), limits)
    assert (caught.value.reason, caught.value.got) == (JobFailure.COMPILATION, "status 1")
    with pytest.raises(WasmJobError) as caught:
        compiling.compile_apart(engine, job(b"\x01" * 4_000 + b"\xff"), limits)
    assert caught.value.reason is JobFailure.BAD_MODULE
