"""Running WASM jobs with exact metering (PROTOCOL section 3, meter 1).

A job is a WebAssembly module that turns input bytes into output bytes and touches nothing else. It exports

    memory                              its linear memory
    alloc(len: i32) -> i32              where to put `len` bytes of input
    run(ptr: i32, len: i32) -> i64      does the job on them; returns `out_ptr << 32 | out_len`

and imports nothing. Pointers and lengths are unsigned. One job is one fresh instance: nothing survives it.

Units are fuel: what wasmtime charges for every instruction executed, from instantiation (a start function counts)
through `alloc` to the end of `run`. Copying input in and output out is free. The same module and input give the same
output and the same fuel on every machine. To keep it so, threads, relaxed SIMD and everything else that may differ
between machines is off, NaNs are canonical, and the limits that a module can notice (memory, tables) are constants.

The limits it cannot notice end the job with an error and no record: fuel, output size, and the stack. How deep a
stack of given bytes reaches depends on the machine, so verifiers give twice as much as workers. The same goes for
compiling (`worktab.work.compiling`), which costs no units. Where strangers' jobs are run again, their time may be
limited as well (`worktab.work.timing`).
"""

from __future__ import annotations

import hashlib
import threading
import weakref
from collections import OrderedDict
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

import wasmtime

from worktab.core._checks import uint
from worktab.core.errors import InputError, JobError
from worktab.work import compiling
from worktab.work.timing import Ticker
from worktab.work.wasm_errors import JobFailure as JobFailure
from worktab.work.wasm_errors import WasmJobError as WasmJobError
from worktab.work.wasm_shape import MODULE_LIMIT as MODULE_LIMIT
from worktab.work.wasm_shape import check_shape

METER_VERSION: Final = 50
"""The metering rules: wasmtime's major version, and the settings and limits of this module. A change to any of them
that a job can notice needs a new number."""

MEMORY_LIMIT: Final = 256 << 20
"""Bytes of linear memory a job may have; `memory.grow` beyond it fails inside the job."""

TABLE_LIMIT: Final = 1 << 16
"""Elements in a job's one table."""

OUTPUT_LIMIT: Final = 16 << 20
"""Largest output in bytes."""

FUEL_LIMIT: Final = 1 << 48
"""Largest fuel limit, the most units one record may have (PROTOCOL section 5)."""

WORKER_STACK: Final = 1 << 19
"""Bytes of stack a job has on a device."""

VERIFIER_STACK: Final = 1 << 20
"""Bytes of stack a job has when it is verified."""

_CACHED_MODULES: Final = 8
# Linking against this checks the functions' types: reading a type with a vector in it makes wasmtime abort the process.
_INTERFACE: Final = """(module
    (import "" "alloc" (func (param i32) (result i32))) (import "" "run" (func (param i32 i32) (result i64))))"""


@dataclass(frozen=True, slots=True)
class WasmResult:
    """What a job produced: its output bytes, and the fuel it took (its units)."""

    output: bytes
    fuel: int


class WasmRuntime:
    """Runs WASM jobs; see the module's text. Keeps the last few compiled modules. Safe to share between threads."""

    def __init__(self, *, stack_bytes: int = WORKER_STACK, seconds: int | None = None) -> None:
        """A runtime whose jobs have `stack_bytes` of stack: `WORKER_STACK`, or `VERIFIER_STACK` to verify.

        A job may take `seconds` of time, by the clock on the wall; None for as long as its fuel lasts.

        Raises:
            JobError: the installed wasmtime has other metering rules than `METER_VERSION`.
        """
        installed = version("wasmtime")
        if installed.split(".")[0] != str(METER_VERSION):
            raise JobError(
                "the installed wasmtime meters by other rules",
                expected=f"wasmtime {METER_VERSION}",
                got=f"wasmtime {installed}",
                next_step="Install the wasmtime version that this version of Worktab asks for",
            )
        self._stack, self._seconds = stack_bytes, seconds
        self._limits = compiling.VERIFIER if stack_bytes >= VERIFIER_STACK else compiling.WORKER
        self._modules: OrderedDict[bytes, wasmtime.Module | WasmJobError] = OrderedDict()
        self._made: tuple[wasmtime.Engine, wasmtime.Module] | None = None
        self._ticker: Ticker | None = None
        self._lock, self._apart = threading.Lock(), threading.Lock()

    def run(self, module: bytes, input: bytes, *, fuel_limit: int) -> WasmResult:
        """Runs one job to its end.

        Args:
            module: the WASM binary, at most `MODULE_LIMIT` bytes.
            input: the input bytes; the job must have room for them in its memory.
            fuel_limit: units after which the job is stopped, 1 to 2^48. It never changes a result.

        Raises:
            InputError: the fuel limit is out of range.
            WasmJobError: the job ended without a result; `reason` says why.
            JobError: this machine starts no process to compile the module.
        """
        if not 1 <= uint(fuel_limit, 64, "fuel limit") <= FUEL_LIMIT:
            raise InputError("fuel limit is out of range", expected=f"1 to {FUEL_LIMIT}", got=str(fuel_limit))
        compiled = self._compiled(module)
        engine, interface = self._ready()
        store = wasmtime.Store(engine)
        # Two instances: the job, and the interface it is checked against.
        store.set_limits(memory_size=MEMORY_LIMIT, table_elements=TABLE_LIMIT, instances=2, tables=1, memories=1)
        # wasmtime looks at the fuel only now and then, so a job can end having overdrawn it, which reads as 0 left.
        # With one unit to spare, anything left at the end means that the limit held, and how much was taken exactly.
        store.set_fuel(fuel_limit + 1)
        try:
            with nullcontext() if self._ticker is None else self._ticker.running(store, self._seconds or 0):
                output = _execute(store, compiled, interface, input)
        except wasmtime.Trap as trap:
            raise _trapped(trap, fuel_limit, self._seconds) from trap
        except wasmtime.WasmtimeError as error:
            raise WasmJobError(
                JobFailure.BAD_MODULE,
                "the module cannot be instantiated",
                expected=f"at most {MEMORY_LIMIT} bytes of memory and one table of {TABLE_LIMIT} elements",
                got=str(error),
            ) from error
        left = store.get_fuel()
        if left == 0:
            raise _out_of_fuel(fuel_limit)
        return WasmResult(output, fuel_limit + 1 - left)

    def _ready(self) -> tuple[wasmtime.Engine, wasmtime.Module]:
        """The engine, and the interface that jobs are checked against."""
        # Made late: whoever handles signals later than wasmtime, as pytest does, would take its traps for crashes.
        with self._lock:
            if self._made is None:
                engine = compiling.engine(self._stack, timed=self._seconds is not None)
                self._ticker = None if self._seconds is None else Ticker(engine)
                self._made = engine, wasmtime.Module(engine, _INTERFACE)
                # wasmtime's own clean-up fails noisily when it comes after the interpreter took the module apart.
                weakref.finalize(self, _release, self._modules, *reversed(self._made))
            return self._made

    def _compiled(self, module: bytes) -> wasmtime.Module:
        digest = hashlib.sha256(module).digest()
        found = self._kept(digest)
        if found is None:
            small = compiling.is_small(check_shape(module))
            # Large ones follow each other; small ones, and those that are compiled, wait for none.
            with nullcontext() if small else self._apart:
                found = self._kept(digest) or self._keep(digest, self._compile(module, small=small))
        if isinstance(found, WasmJobError):
            raise found.with_traceback(None)
        return found

    def _compile(self, module: bytes, *, small: bool) -> wasmtime.Module | WasmJobError:
        engine, _ = self._ready()
        try:
            if small:
                compiled = compiling.compile_here(engine, module)
            else:
                compiled = compiling.compile_apart(engine, module, self._limits, timed=self._seconds is not None)
            _check_interface(compiled)
        except WasmJobError as error:
            # Kept as well: a module that took long to be refused must not take as long again.
            return error
        return compiled

    def _kept(self, digest: bytes) -> wasmtime.Module | WasmJobError | None:
        with self._lock:
            if digest in self._modules:
                self._modules.move_to_end(digest)
            return self._modules.get(digest)

    def _keep(self, digest: bytes, compiled: wasmtime.Module | WasmJobError) -> wasmtime.Module | WasmJobError:
        with self._lock:
            self._modules[digest] = compiled
            if len(self._modules) > _CACHED_MODULES:
                self._modules.popitem(last=False)
        return compiled


def _release(
    modules: OrderedDict[bytes, wasmtime.Module | WasmJobError], *rest: wasmtime.Module | wasmtime.Engine
) -> None:
    while modules:
        compiled = modules.popitem()[1]
        if isinstance(compiled, wasmtime.Module):
            compiled.close()
    for each in rest:
        each.close()


def _check_interface(module: wasmtime.Module) -> None:
    if module.imports:
        first = module.imports[0]
        raise WasmJobError(
            JobFailure.IMPORTS,
            "a job must not import anything",
            got=f"{len(module.imports)} imports, the first is {first.module}.{first.name}",
            next_step="Build without WASI and without a host library (Rust: target wasm32-unknown-unknown)",
        )
    exports = {export.name: export.type for export in module.exports}
    if not isinstance(exports.get("memory"), wasmtime.MemoryType):
        raise WasmJobError(JobFailure.MISSING_EXPORT, "the module does not export its memory", expected="memory")
    for name in ("alloc", "run"):
        if not isinstance(exports.get(name), wasmtime.FuncType):
            raise WasmJobError(JobFailure.MISSING_EXPORT, f"the module does not export the function {name}")


def _execute(store: wasmtime.Store, module: wasmtime.Module, interface: wasmtime.Module, input: bytes) -> bytes:
    exports = wasmtime.Instance(store, module, []).exports(store)
    memory, alloc, run = exports["memory"], exports["alloc"], exports["run"]
    assert isinstance(memory, wasmtime.Memory)
    assert isinstance(alloc, wasmtime.Func)
    assert isinstance(run, wasmtime.Func)
    try:
        wasmtime.Instance(store, interface, [alloc, run])
    except wasmtime.WasmtimeError as error:
        raise WasmJobError(
            JobFailure.MISSING_EXPORT, "alloc is not (i32) -> i32 or run not (i32, i32) -> i64", got=str(error)
        ) from error
    pointer = alloc(store, len(input)) & 0xFFFFFFFF
    _check_range("alloc", pointer, len(input), memory.data_len(store))
    if input:
        memory.write(store, input, pointer)
    packed = run(store, pointer, len(input))
    start, length = (packed >> 32) & 0xFFFFFFFF, packed & 0xFFFFFFFF
    _check_range("run", start, length, memory.data_len(store))
    if length > OUTPUT_LIMIT:
        raise WasmJobError(
            JobFailure.OUTPUT_TOO_LARGE,
            "the output is too large",
            expected=f"at most {OUTPUT_LIMIT} bytes",
            got=f"{length} bytes",
        )
    return bytes(memory.read(store, start, start + length))


def _check_range(name: str, pointer: int, length: int, memory_size: int) -> None:
    if pointer + length > memory_size:
        raise WasmJobError(
            JobFailure.OUT_OF_RANGE,
            f"{name} returned a range outside the job's memory",
            expected=f"within {memory_size} bytes",
            got=f"{length} bytes at {pointer}",
        )


def _trapped(trap: wasmtime.Trap, fuel_limit: int, seconds: int | None) -> WasmJobError:
    code = trap.trap_code
    if code is wasmtime.TrapCode.OUT_OF_FUEL:
        return _out_of_fuel(fuel_limit)
    if code is wasmtime.TrapCode.STACK_OVERFLOW:
        return WasmJobError(JobFailure.OUT_OF_STACK, "the job ran out of stack", next_step="Recurse less deeply")
    if code is wasmtime.TrapCode.INTERRUPT:
        return WasmJobError(JobFailure.OUT_OF_TIME, "the job takes too long", expected=f"at most {seconds} seconds")
    return WasmJobError(JobFailure.TRAP, "the job trapped", got=code.name.lower() if code else trap.message)


def _out_of_fuel(fuel_limit: int) -> WasmJobError:
    return WasmJobError(
        JobFailure.OUT_OF_FUEL,
        "the job ran out of fuel",
        expected=f"at most {fuel_limit} units",
        next_step="Raise the fuel limit, or give the job less to do",
    )
