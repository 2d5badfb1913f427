"""Run one job and record it."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable

from worktab.core._checks import Bytes32, bytes32
from worktab.core.records import JobRecord, Meter
from worktab.work.blobs import BlobStore
from worktab.work.history import Entry
from worktab.work.spool import Spool
from worktab.work.wasm import FUEL_LIMIT, METER_VERSION, WasmRuntime


def now_ms() -> int:
    """The device's clock in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def new_salt() -> bytes:
    """32 bytes from the system's random source."""
    return secrets.token_bytes(32)


def run_wasm_job(
    runtime: WasmRuntime,
    spool: Spool,
    blobs: BlobStore,
    module: bytes,
    input: bytes,
    *,
    work_class: int = 0,
    fuel_limit: int = FUEL_LIMIT,
    amount: int | Callable[[int], int] = 0,
    tab: Bytes32 = bytes(32),
    job_id: bytes | None = None,
    clock_ms: Callable[[], int] = now_ms,
    salt: Callable[[], bytes] = new_salt,
) -> Entry:
    """Runs a WASM job, keeps its module, input and output, and records it with its fuel as units.

    The data is on the disk before the record, and the record before this returns; the output is in `blobs` under
    `entry.record.output`. A job whose id is already recorded is not run again.

    Args:
        runtime: runs it.
        spool: takes the record.
        blobs: takes module, input and output.
        module: the WASM binary (`worktab.work.wasm` tells its interface).
        input: its input bytes.
        work_class: the class of work in the device's network.
        fuel_limit: units after which the job is stopped.
        amount: base units that the consumer owes for it, or what says so of its work units; 0 when nobody pays.
        tab: 32-byte address of the consumer's tab; zero when nobody pays.
        job_id: up to 64 bytes that name the job; see `Spool.append`.
        clock_ms: Unix milliseconds.
        salt: 32 fresh random bytes.

    Raises:
        WasmJobError: the job ended without a result; nothing was recorded.
        InputError: an argument is out of range.
        StateError: the job id was used for another job.
        StorageError: the disk is full or failing; nothing was recorded.
    """
    module_hash, input_hash = hashlib.sha256(module).digest(), hashlib.sha256(input).digest()
    known = None if job_id is None else spool.find(job_id)
    if known is not None and (known.record.module, known.record.input) == (module_hash, input_hash):
        return known
    started = clock_ms()
    result = runtime.run(module, input, fuel_limit=fuel_limit)
    finished = clock_ms()
    for data in (module, input):
        blobs.put(data)
    record = JobRecord(
        meter=Meter.WASM_FUEL,
        work_class=work_class,
        meter_version=METER_VERSION,
        module=module_hash,
        input=input_hash,
        output=blobs.put(result.output),
        units=result.fuel,
        amount=amount(result.fuel) if callable(amount) else amount,
        started_ms=started,
        finished_ms=finished,
        tab=bytes32(tab, "tab"),
    )
    return spool.append(record, salt(), job_id=job_id)
