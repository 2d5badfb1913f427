"""Whether this machine runs jobs as every other: a known one must run before a device signs, or is blamed for, any."""

from __future__ import annotations

from contextlib import ExitStack
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from typing import Final

import wasmtime

from worktab.core.errors import JobError
from worktab.work.wasm import MEMORY_LIMIT, WasmResult, WasmRuntime

_PROBE: Final = bytes(
    wasmtime.wat2wasm("""(module
        (memory (export "memory") 1)
        (func (export "alloc") (param i32) (result i32) (i32.const 8))
        (func (export "run") (param i32 i32) (result i64)
            (if (i32.eq (memory.grow (i32.const 4095)) (i32.const -1)) (then unreachable))
            (i32.store8 (i32.const 0x0fffffff) (i32.const 1))
            (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1)))))""")
)
"""A job that takes all the memory that one may have, and gives its input back."""

_LIMIT: Final = 10_000
_EXPECTED: Final = WasmResult(b"probe", 4_113)


def probe(runtime: WasmRuntime, *, at_once: int = 1) -> None:
    """Run the known job, with room for so many at once: a job that finds none goes on, and gives something else.

    Raises `JobError`: it ends in another way than on every machine with room for it.
    """
    try:
        with ExitStack() as others:
            for _ in range(at_once - 1):
                # Untouched, so that it takes no memory; but it counts where a machine promises no more than it has.
                others.enter_context(mmap(-1, MEMORY_LIMIT, flags=MAP_PRIVATE | MAP_ANONYMOUS))
            found = runtime.run(_PROBE, _EXPECTED.output, fuel_limit=_LIMIT)
    except OSError as error:
        raise _trouble(f"no room for {at_once} jobs at once: {error}") from error
    except JobError as error:
        raise _trouble(str(error)) from error
    if found != _EXPECTED:
        raise _trouble(f"{found.fuel} units, output {found.output.hex()}")


def _trouble(got: str) -> JobError:
    return JobError(
        "this machine does not run a job as all others do",
        expected=f"{_EXPECTED.fuel} units, output {_EXPECTED.output.hex()}",
        got=got,
        next_step="Give it more memory and address space, or fewer jobs at once: each may take 256 MiB of memory",
    )
