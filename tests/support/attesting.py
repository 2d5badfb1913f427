"""Devices whose work attestors check: with a spool of their own, real WASM jobs, and ways to cheat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from solders.pubkey import Pubkey

from support.jobs import increment
from worktab.core.records import JobRecord, Meter
from worktab.work.blobs import BlobStore
from worktab.work.bundle import export_bundle
from worktab.work.history import ChainState, Entry
from worktab.work.spool import Spool
from worktab.work.wasm import METER_VERSION, WasmRuntime
from worktab.work.worker import new_salt, run_wasm_job

RUNTIME = WasmRuntime()
ABC_UNITS = 71
"""Fuel that adding one to three bytes takes."""


class Worker:
    """A device's spool and data in a folder, and the jobs that it says it did."""

    def __init__(self, folder: Path, device: Pubkey) -> None:
        self.device = device
        self.folder = folder / str(device)
        self.blobs = BlobStore(self.folder / "blobs")
        self.spool = Spool.open(self.folder / "spool.sqlite", device=bytes(device))

    def close(self) -> None:
        """Release the spool."""
        self.spool.close()

    @property
    def state(self) -> ChainState:
        """Where its record chain stands."""
        return self.spool.state()

    def work(self, *inputs: bytes) -> list[Entry]:
        """Honest jobs that add one to every byte of three."""
        given = inputs or (b"abc",)
        return [run_wasm_job(RUNTIME, self.spool, self.blobs, increment(), each) for each in given]

    def claim(self, input: bytes = b"abc", **lies: Any) -> Entry:
        """A job whose record is true but for what is given."""
        result = RUNTIME.run(increment(), input, fuel_limit=10**6)
        for data in (increment(), input, result.output):
            self.blobs.put(data)
        true = JobRecord(
            meter=Meter.WASM_FUEL,
            work_class=0,
            meter_version=METER_VERSION,
            module=sha256(increment()).digest(),
            input=sha256(input).digest(),
            output=sha256(result.output).digest(),
            units=result.fuel,
            amount=0,
            started_ms=1_000,
            finished_ms=1_004,
        )
        return self.spool.append(replace(true, **lies), new_salt())

    def bundle(self, folder: Path, *, first: int = 1, entries: Iterable[Entry] | None = None) -> Path:
        """Its records from `first` on with all their data, as a folder of evidence holds them."""
        base = next((each.state for each in self.spool.entries(first - 1, first - 1)), self.spool.base())
        path = folder / f"{self.device}.bundle"
        export_bundle(
            path,
            self.spool.entries(base.seq + 1) if entries is None else entries,
            self.blobs,
            device=self.device,
            base=base,
        )
        return path
