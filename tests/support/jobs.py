"""Records, keys and small WASM jobs for the tests of `worktab.work`."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from worktab.core.keys import Ed25519Signer
from worktab.core.records import JobRecord, Meter, next_head, record_hash
from worktab.work.history import START, ChainState, Entry

DEVICE = sha256(b"device").digest()
CONTEXT = sha256(b"context").digest()
SIGNER = Ed25519Signer(bytes(range(32)))


def record(number: int = 1, *, units: int = 10, meter: Meter = Meter.CPU_MS, **fields: object) -> JobRecord:
    """A record whose input is told apart by `number`."""
    given: dict[str, object] = {
        "meter": meter,
        "work_class": 0,
        "meter_version": 1,
        "module": sha256(b"module").digest(),
        "input": sha256(b"input %d" % number).digest(),
        "output": sha256(b"output %d" % number).digest(),
        "units": units,
        "amount": 0,
        "started_ms": 1_000 * number,
        "finished_ms": 1_000 * number + 7,
    }
    return JobRecord(**{**given, **fields})  # type: ignore[arg-type]


def salt(number: int = 1) -> bytes:
    """A salt told apart by `number`."""
    return sha256(b"salt %d" % number).digest()


def chain(records: list[JobRecord], base: ChainState = START) -> list[Entry]:
    """The entries that these records make, with the salts 1, 2, .., built without the spool."""
    entries: list[Entry] = []
    last = base
    for number, each in enumerate(records, 1):
        hashed = record_hash(salt(number), each)
        entry = Entry(last.seq + 1, last.units + each.units, next_head(last.head, hashed), hashed, each, salt(number))
        entries.append(entry)
        last = entry.state
    return entries


@cache
def module(body: str, *, memory: str = "1", rest: str = "") -> bytes:
    """A WASM job: `body` is the body of `run`; its input starts at 1024 on a memory of `memory` pages."""
    # Here and not above: the crash tests start many processes that need no WASM.
    import wasmtime

    return bytes(
        wasmtime.wat2wasm(
            f"""(module
              (memory (export "memory") {memory})
              {rest}
              (func (export "alloc") (param i32) (result i32) (i32.const 1024))
              (func $run (export "run") (param $ptr i32) (param $len i32) (result i64)
                (local $i i32)
                {body}))"""
        )
    )


def echo() -> bytes:
    """Gives its input back."""
    return module(
        "(i64.or (i64.shl (i64.extend_i32_u (local.get $ptr)) (i64.const 32)) (i64.extend_i32_u (local.get $len)))"
    )


def increment() -> bytes:
    """Adds one to every byte of its input, in a loop: fuel grows with the input."""
    return module(
        """(block $done (loop $next
             (br_if $done (i32.ge_u (local.get $i) (local.get $len)))
             (i32.store8 (i32.add (local.get $ptr) (local.get $i))
               (i32.add (i32.load8_u (i32.add (local.get $ptr) (local.get $i))) (i32.const 1)))
             (local.set $i (i32.add (local.get $i) (i32.const 1)))
             (br $next)))
           (i64.or (i64.shl (i64.extend_i32_u (local.get $ptr)) (i64.const 32)) (i64.extend_i32_u (local.get $len)))"""
    )


def spin() -> bytes:
    """Counts down from its input, a number of 8 bytes, and gives it back: work without end, nearly."""
    return module(
        """(local $left i64)
           (local.set $left (i64.load (local.get $ptr)))
           (block $done (loop $next
             (br_if $done (i64.eqz (local.get $left)))
             (local.set $left (i64.sub (local.get $left) (i64.const 1)))
             (br $next)))
           (i64.or (i64.shl (i64.extend_i32_u (local.get $ptr)) (i64.const 32)) (i64.extend_i32_u (local.get $len)))"""
    )
