"""Running WASM jobs: exact fuel, the same everywhere, and every way a job can end without a result."""

from __future__ import annotations

import subprocess
import sys
import threading
from hashlib import sha256
from importlib.metadata import version

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from support.jobs import echo, increment, module
from worktab.core.errors import InputError, JobError
from worktab.work import compiling, wasm
from worktab.work.wasm import JobFailure, WasmJobError, WasmResult, WasmRuntime

RUNTIME = WasmRuntime()
LIMIT = 1_000_000
NOTHING = "(i64.const 0)"
NAN = "(f32.div (f32.const 0) (f32.const 0))"


def wat(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(text))


def failure(job: bytes, input: bytes = b"", *, fuel_limit: int = LIMIT) -> WasmJobError:
    with pytest.raises(WasmJobError) as caught:
        RUNTIME.run(job, input, fuel_limit=fuel_limit)
    return caught.value


@given(st.binary(max_size=200))
@settings(max_examples=50)
def test_a_job_gives_its_output_for_the_fuel_its_instructions_cost(data: bytes) -> None:
    assert RUNTIME.run(echo(), data, fuel_limit=LIMIT) == WasmResult(data, 10)
    expected = bytes((byte + 1) % 256 for byte in data)
    assert RUNTIME.run(increment(), data, fuel_limit=LIMIT) == WasmResult(expected, 14 + 19 * len(data))


def test_fuel_includes_the_start_function_and_alloc() -> None:
    plain = RUNTIME.run(module(NOTHING), b"", fuel_limit=LIMIT).fuel
    spin = "(local $n i32) (local.set $n (i32.const 9)) (drop (local.get $n))"
    started = module(NOTHING, rest=f"(func $s {spin}) (start $s)")
    assert RUNTIME.run(started, b"", fuel_limit=LIMIT).fuel == plain + 6
    slow_alloc = wat(
        f"""(module (memory (export "memory") 1)
        (func (export "alloc") (param i32) (result i32) (local $n i32) (local.set $n (i32.const 9)) (i32.const 0))
        (func (export "run") (param i32 i32) (result i64) {NOTHING}))"""
    )
    assert RUNTIME.run(slow_alloc, b"", fuel_limit=LIMIT).fuel == plain + 2


@pytest.mark.parametrize(
    ("job", "fuel"),
    [(increment(), 14 + 19 * 3), (module("(drop (i32.const 1))" * 1000 + NOTHING), 1004)],
    ids=["loop", "straight line"],
)
def test_the_fuel_limit_is_exact_and_changes_nothing_else(job: bytes, fuel: int) -> None:
    for limit in (fuel, fuel + 1, LIMIT, wasm.FUEL_LIMIT):
        assert RUNTIME.run(job, b"abc", fuel_limit=limit).fuel == fuel
    for limit in (1, fuel // 2, fuel - 2, fuel - 1):
        assert failure(job, b"abc", fuel_limit=limit).reason is JobFailure.OUT_OF_FUEL


@pytest.mark.parametrize("limit", [0, -1, wasm.FUEL_LIMIT + 1, True])
def test_a_fuel_limit_out_of_range_is_refused(limit: int) -> None:
    with pytest.raises(InputError):
        RUNTIME.run(echo(), b"", fuel_limit=limit)


def test_an_endless_job_ends() -> None:
    assert failure(module("(loop $l (br $l)) (i64.const 0)")).reason is JobFailure.OUT_OF_FUEL
    endless_start = module(NOTHING, rest="(func $s (loop $l (br $l))) (start $s)")
    assert failure(endless_start).reason is JobFailure.OUT_OF_FUEL
    error = failure(module(f"(memory.fill (i32.const 0) (i32.const 1) (i32.const 60000)) {NOTHING}"), fuel_limit=1000)
    assert error.reason is JobFailure.OUT_OF_FUEL
    assert error.as_dict() == {
        "code": "job",
        "reason": "out_of_fuel",
        "message": "the job ran out of fuel",
        "expected": "at most 1000 units",
        "got": "",
        "next_step": "Raise the fuel limit, or give the job less to do",
    }


BAD = {
    "empty": b"",
    "text": b"(module)",
    "cut short": echo()[:-5],
    "trailing bytes": echo() + b"\xff",
    "component": b"\0asm\x0d\0\x01\0",
    "shared memory": wat('(module (memory (export "memory") 1 1 shared))'),
    "two memories": wat('(module (memory (export "memory") 1) (memory 1))'),
    "64-bit memory": wat('(module (memory (export "memory") i64 1))'),
    "relaxed simd": module(f"(drop (i32x4.relaxed_trunc_f32x4_s (v128.const i32x4 0 0 0 0))) {NOTHING}"),
    "tail call": module("(return_call $run (i32.const 0) (i32.const 0))"),
    "exceptions": module(NOTHING, rest="(tag $e)"),
    "too much memory": module(NOTHING, memory=str(wasm.MEMORY_LIMIT // 65536 + 1)),
    "too large a table": module(NOTHING, rest=f"(table {wasm.TABLE_LIMIT + 1} funcref)"),
    "two tables": module(NOTHING, rest="(table 1 funcref) (table 1 funcref)"),
    "too large": echo() + bytes(wasm.MODULE_LIMIT),
}


@pytest.mark.parametrize("job", BAD.values(), ids=BAD.keys())
def test_a_bad_module_is_refused(job: bytes) -> None:
    assert failure(job).reason is JobFailure.BAD_MODULE


def test_imports_are_refused() -> None:
    error = failure(wat('(module (import "wasi" "random_get" (func)))'))
    assert error.reason is JobFailure.IMPORTS
    assert error.got == "1 imports, the first is wasi.random_get"


ALLOC = '(func (export "alloc") (param i32) (result i32) (i32.const 0))'
RUN = '(func (export "run") (param i32 i32) (result i64) (i64.const 0))'
MEMORY = '(memory (export "memory") 1)'
INCOMPLETE = {
    "no memory": ALLOC + RUN,
    "memory is a function": ALLOC + RUN + '(func (export "memory"))',
    "no alloc": MEMORY + RUN,
    "no run": MEMORY + ALLOC,
    "run is a global": MEMORY + ALLOC + '(global (export "run") i32 (i32.const 0))',
    "alloc takes nothing": MEMORY + RUN + '(func (export "alloc") (result i32) (i32.const 0))',
    "alloc takes an i64": MEMORY + RUN + '(func (export "alloc") (param i64) (result i32) (i32.const 0))',
    "run gives i32": MEMORY + ALLOC + '(func (export "run") (param i32 i32) (result i32) (i32.const 0))',
}


@pytest.mark.parametrize("body", INCOMPLETE.values(), ids=INCOMPLETE.keys())
def test_a_module_without_the_interface_is_refused(body: str) -> None:
    assert failure(wat(f"(module {body})")).reason is JobFailure.MISSING_EXPORT


@pytest.mark.parametrize(
    "body",
    [
        MEMORY + RUN + '(func (export "alloc") (param v128) (result i32) (i32.const 0))',
        MEMORY + ALLOC + '(func (export "run") (param i32 i32) (result v128) (v128.const i64x2 0 0))',
    ],
    ids=["alloc", "run"],
)
def test_a_vector_in_the_interface_does_not_end_the_process(body: str) -> None:
    code = (
        "import sys\n"
        "from worktab.work.wasm import WasmJobError, WasmRuntime\n"
        "try: WasmRuntime().run(bytes.fromhex(sys.argv[1]), b'', fuel_limit=100)\n"
        "except WasmJobError as error: print(error.reason)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, wat(f"(module {body})").hex()], capture_output=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, b"missing_export\n")


TRAPS = {
    "unreachable": ("unreachable", "unreachable"),
    "division": ("(drop (i32.div_u (i32.const 1) (i32.const 0))) unreachable", "integer_division_by_zero"),
    "load": ("(drop (i32.load (i32.const -1))) unreachable", "memory_out_of_bounds"),
}


@pytest.mark.parametrize(("body", "code"), TRAPS.values(), ids=TRAPS.keys())
def test_a_trap_ends_the_job(body: str, code: str) -> None:
    error = failure(module(body))
    assert (error.reason, error.got) == (JobFailure.TRAP, code)


def test_a_data_segment_outside_the_memory_ends_the_job() -> None:
    assert failure(module(NOTHING, rest='(data (i32.const 65535) "ab")')).reason is JobFailure.TRAP


@pytest.mark.parametrize("pointer", ["65536", "65533", "-1"])
def test_alloc_must_give_room_inside_the_memory(pointer: str) -> None:
    job = wat(f'(module {MEMORY} (func (export "alloc") (param i32) (result i32) (i32.const {pointer})) {RUN})')
    error = failure(job, b"four")
    assert error.reason is JobFailure.OUT_OF_RANGE
    assert error.got == f"4 bytes at {int(pointer) % 2**32}"


@pytest.mark.parametrize(("start", "length"), [(65536, 1), (0, 65537), (2**32 - 1, 2**32 - 1), (65537, 0)])
def test_the_output_must_lie_inside_the_memory(start: int, length: int) -> None:
    error = failure(module(f"(i64.const {start << 32 | length})"))
    assert (error.reason, error.got) == (JobFailure.OUT_OF_RANGE, f"{length} bytes at {start}")


def test_the_output_may_fill_the_memory_to_its_last_byte() -> None:
    assert RUNTIME.run(module("(i64.const 0x0000fffe00000002)"), b"", fuel_limit=LIMIT).output == b"\0\0"
    assert RUNTIME.run(module("(i64.const 0x0001000000000000)"), b"", fuel_limit=LIMIT).output == b""


def test_the_output_has_a_limit() -> None:
    pages = wasm.OUTPUT_LIMIT // 65536 + 1
    fits = module(f"(i64.const {wasm.OUTPUT_LIMIT})", memory=str(pages))
    assert RUNTIME.run(fits, b"", fuel_limit=LIMIT).output == bytes(wasm.OUTPUT_LIMIT)
    over = module(f"(i64.const {wasm.OUTPUT_LIMIT + 1})", memory=str(pages))
    assert failure(over).reason is JobFailure.OUTPUT_TOO_LARGE


def test_memory_grows_to_its_limit_and_no_further() -> None:
    grow = "(i32.store (i32.const 0) (memory.grow (i32.const {}))) (i64.const 4)"
    pages = wasm.MEMORY_LIMIT // 65536
    assert RUNTIME.run(module(grow.format(pages - 1)), b"", fuel_limit=LIMIT).output == (1).to_bytes(4, "little")
    assert RUNTIME.run(module(grow.format(pages)), b"", fuel_limit=LIMIT).output == b"\xff" * 4


def test_nothing_survives_a_job() -> None:
    count = module(
        """(i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
           (global.set $g (i32.add (global.get $g) (i32.const 1)))
           (i32.store (i32.const 4) (global.get $g)) (i64.const 8)""",
        rest="(global $g (mut i32) (i32.const 0))",
    )
    once = b"\1\0\0\0\1\0\0\0"
    assert [RUNTIME.run(count, b"", fuel_limit=LIMIT).output for _ in range(3)] == [once] * 3


@pytest.mark.parametrize(
    "value",
    [NAN, f"(f32.neg {NAN})", "(f32.sqrt (f32.const -1))", "(f32.add (f32.const nan:0x200001) (f32.const 1))"],
)
def test_every_nan_is_the_same(value: str) -> None:
    # f32.neg may flip the sign bit of a NaN: it moves bits and computes nothing.
    expected = 0xFFC00000 if "neg" in value else 0x7FC00000
    output = RUNTIME.run(module(f"(f32.store (i32.const 0) {value}) (i64.const 4)"), b"", fuel_limit=LIMIT).output
    assert int.from_bytes(output, "little") == expected


DEPTH = """(i32.store (i32.const 0) (call $deep (i32.const 15000))) (i64.const 4)"""
DEEP = """(func $deep (param i32) (result i32) (if (result i32) (local.get 0)
  (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))"""


def test_a_deep_job_runs_out_of_stack_on_a_worker_before_it_does_on_a_verifier() -> None:
    without_end = module(DEPTH.replace("15000", "-1"), rest=DEEP)
    assert failure(without_end, fuel_limit=10**9).reason is JobFailure.OUT_OF_STACK
    # Whatever depth a worker reaches, a verifier reaches too: it has twice the bytes.
    first_failing = next(depth for depth in range(1_000, 100_000, 1_000) if _depth(RUNTIME, depth) is None)
    assert _depth(WasmRuntime(stack_bytes=wasm.VERIFIER_STACK), first_failing) == first_failing


def _depth(runtime: WasmRuntime, depth: int) -> int | None:
    try:
        result = runtime.run(module(DEPTH.replace("15000", str(depth)), rest=DEEP), b"", fuel_limit=10**9)
    except WasmJobError:
        return None
    return int.from_bytes(result.output, "little")


def test_another_process_gets_the_same_output_and_fuel() -> None:
    mixed = module(
        """(block $done (loop $next
             (br_if $done (i32.ge_u (local.get $i) (local.get $len)))
             (f32.store (i32.const 0) (f32.add (f32.load (i32.const 0)) (f32.div (f32.const 1)
               (f32.convert_i32_u (i32.load8_u (i32.add (local.get $ptr) (local.get $i)))))))
             (local.set $i (i32.add (local.get $i) (i32.const 1)))
             (br $next)))
           (memory.copy (i32.const 4) (i32.const 0) (i32.const 60)) (i64.const 64)"""
    )
    data = bytes(range(1, 201))
    code = (
        "import sys; from worktab.work.wasm import WasmRuntime, WORKER_STACK, VERIFIER_STACK\n"
        "job, data = bytes.fromhex(sys.argv[1]), bytes.fromhex(sys.argv[2])\n"
        "for stack in (WORKER_STACK, VERIFIER_STACK):\n"
        "    result = WasmRuntime(stack_bytes=stack).run(job, data, fuel_limit=10**6)\n"
        "    print(result.output.hex(), result.fuel)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, mixed.hex(), data.hex()], capture_output=True, text=True, check=True
    )
    here = [RUNTIME.run(mixed, data, fuel_limit=LIMIT) for _ in range(2)]
    assert here[0] == here[1]
    assert done.stdout.splitlines() == [f"{here[0].output.hex()} {here[0].fuel}"] * 2
    # And so must every other machine.
    assert here[0].fuel == 4272
    assert sha256(here[0].output).hexdigest() == "c415f599fb2e8c90a49aa7527e3dd316585c2a06fe14705b4d3d122e6b645cb0"


def test_threads_share_a_runtime() -> None:
    results: list[WasmResult] = []
    jobs = [module(f"(drop (i32.const {n})) (i64.const {n})") for n in range(20)]

    def work() -> None:
        results.extend(RUNTIME.run(job, b"", fuel_limit=LIMIT) for job in jobs)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(result.output) for result in results) == sorted(list(range(20)) * 4)


def test_a_module_is_compiled_once_while_it_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[bytes] = []
    real = compiling.compile_here

    def counted(engine: wasmtime.Engine, job: bytes) -> wasmtime.Module:
        compiled.append(job)
        return real(engine, job)

    monkeypatch.setattr(compiling, "compile_here", counted)
    runtime = WasmRuntime()
    jobs = [module(f"(drop (i32.const {n})) (i64.const 0)") for n in range(9)]
    for job in [*jobs[:8], jobs[0], jobs[8], jobs[0], jobs[1]]:
        runtime.run(job, b"", fuel_limit=LIMIT)
    # The ninth pushed out the least recently used, which by then was the second.
    assert compiled == [*jobs, jobs[1]]


def test_the_meter_version_is_that_of_the_installed_wasmtime(monkeypatch: pytest.MonkeyPatch) -> None:
    assert version("wasmtime").split(".")[0] == str(wasm.METER_VERSION)
    monkeypatch.setattr(wasm, "version", lambda name: "51.0.0")
    with pytest.raises(JobError, match=r"expected wasmtime 50; got wasmtime 51\.0\.0"):
        WasmRuntime()
