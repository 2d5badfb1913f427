"""Compiling WASM modules, within limits of time and memory.

A small module compiles at once, whatever is in it. Any other is compiled by a process of its own, which is stopped
where it takes too long or too much memory. Neither changes what a job costs or gives. A verifier's process has more
of both than a device's, so that what a device has compiled, a verifier can.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import wasmtime

from worktab.core.errors import JobError
from worktab.work.wasm_errors import JobFailure, WasmJobError
from worktab.work.wasm_shape import Shape


@dataclass(frozen=True, slots=True)
class Limits:
    """What compiling a module may take: seconds of CPU time, and bytes of address space."""

    seconds: int
    memory: int


WORKER: Final = Limits(15, 512 << 20)
"""The limits on a device."""

VERIFIER: Final = Limits(60, 1 << 30)
"""The limits where a job is verified."""

_SMALL: Final = Shape(described=128, code=2 << 10, locals=64)
_PATIENCE: Final = 4
"""The process may wait for a processor: it has so many seconds for each of CPU time."""

_REFUSED: Final = 3
_OFF: Final = (
    "wasm_threads",
    "shared_memory",
    "wasm_relaxed_simd",
    "wasm_memory64",
    "wasm_multi_memory",
    "wasm_tail_call",
    "wasm_exceptions",
    "wasm_function_references",
    "wasm_gc",
    "wasm_component_model",
    "wasm_wide_arithmetic",
    "wasm_custom_page_sizes",
    "wasm_stack_switching",
    # Compiles on the calling thread, so that its CPU time is the caller's and forking stays safe.
    "parallel_compilation",
)


def engine(stack_bytes: int, *, timed: bool = False) -> wasmtime.Engine:
    """An engine by the metering rules, whose jobs have so many bytes of stack; its epoch interrupts them if `timed`."""
    config = wasmtime.Config()
    config.consume_fuel = True
    config.cranelift_nan_canonicalization = True
    config.max_wasm_stack = stack_bytes
    # Looks at the time cost no fuel.
    config.epoch_interruption = timed
    for feature in _OFF:
        setattr(config, feature, False)
    return wasmtime.Engine(config)


def is_small(shape: Shape) -> bool:
    """Whether a module of this shape compiles within a second, whatever is in it."""
    return shape.described <= _SMALL.described and shape.code <= _SMALL.code and shape.locals <= _SMALL.locals


def compile_here(engine: wasmtime.Engine, module: bytes) -> wasmtime.Module:
    """Compile a small module in this process.

    Raises:
        WasmJobError: with `BAD_MODULE`, where it is none.
        JobError: it is one, and this machine can't compile it.
    """
    try:
        return wasmtime.Module(engine, module)
    except wasmtime.WasmtimeError as error:
        if (why := _invalid(engine, module)) is not None:
            raise _does_not_compile(why) from error
        advice = "Give this machine more memory and address space, then repeat the call"
        raise JobError("this machine can't compile the module", got=str(error), next_step=advice) from error


def compile_apart(engine: wasmtime.Engine, module: bytes, limits: Limits, *, timed: bool = False) -> wasmtime.Module:
    """Compile a module in a process of its own, for an engine that is `timed` or is not.

    Raises:
        WasmJobError: with `BAD_MODULE`, where it is none; with `COMPILATION`, where it goes beyond the limits.
        JobError: this machine starts no process, or has no room for what it made.
    """
    compiled = _compiled(module, limits, timed=timed)
    try:
        return wasmtime.Module.deserialize(engine, compiled)
    except wasmtime.WasmtimeError as error:
        # Not the module's doing: it did compile.
        advice = "Give this machine more memory and address space, then repeat the call"
        raise JobError("a compiled module cannot be loaded", got=str(error), next_step=advice) from error


def _invalid(engine: wasmtime.Engine, module: bytes) -> str | None:
    """What is wrong with a module on every machine; None where it is one, whatever became of compiling it."""
    try:
        wasmtime.Module.validate(engine, module)
    except wasmtime.WasmtimeError as error:
        return str(error)
    return None


def _compiled(module: bytes, limits: Limits, *, timed: bool) -> bytes:
    # The process finds this package where this one found it.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-P", "-m", "worktab.work.compiling", str(limits.seconds), str(limits.memory)]
    command += ["timed"] if timed else []
    patience = limits.seconds * _PATIENCE
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter
            command, input=module, capture_output=True, env=environment, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired:
        raise _too_much(limits, f"no end in {patience} seconds") from None
    except OSError as error:
        # Not the module's doing: it may well compile in a moment.
        advice = "Give this machine room for one more process, then repeat the call"
        raise JobError("no process can be started to compile", got=str(error), next_step=advice) from error
    if done.returncode == _REFUSED:
        raise _does_not_compile(done.stderr.decode(errors="replace"))
    if done.returncode:
        raise _too_much(limits, f"status {done.returncode}")
    return done.stdout


def _does_not_compile(why: str) -> WasmJobError:
    return WasmJobError(JobFailure.BAD_MODULE, "the module does not compile", got=why)


def _too_much(limits: Limits, got: str) -> WasmJobError:
    return WasmJobError(
        JobFailure.COMPILATION,
        "compiling the module takes too much",
        expected=f"at most {limits.seconds} seconds of CPU time and {limits.memory} bytes of memory",
        got=got,
        next_step="Give the module less code, in smaller functions",
    )


def _main(seconds: int, memory: int, *, timed: bool) -> int:
    # No kind of machine knows all of these limits; the time is also bounded from outside.
    for limit, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (most, most))
    made, module = engine(0x10000, timed=timed), sys.stdin.buffer.read()
    # First, so that nothing else that fails is taken for a bad module.
    if (why := _invalid(made, module)) is not None:
        sys.stderr.write(why)
        return _REFUSED
    compiled = wasmtime.Module(made, module)
    sys.stdout.buffer.write(compiled.serialize())
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(_main(int(sys.argv[1]), int(sys.argv[2]), timed=sys.argv[3:] == ["timed"]))
