"""The demo's three devices, each with a key, an owner and, once registered, a folder of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.core.keys import Ed25519Signer, KeyKind, P256Signer
from worktab.demo.jobs import JobPlan
from worktab.roles.proving import as_signer
from worktab.work.blobs import BlobStore
from worktab.work.spool import Spool
from worktab.work.wasm import WasmRuntime
from worktab.work.worker import run_wasm_job


@dataclass(frozen=True, slots=True)
class Party:
    """A device to be: its name, its key and its owner. A Solana keypair as its key signs and pays for itself."""

    name: str
    key: P256Signer | Ed25519Signer | Keypair
    owner: Keypair

    @property
    def kind(self) -> KeyKind:
        """The kind of the device's key."""
        return as_signer(self.key).public.kind

    @property
    def pays(self) -> Keypair | None:
        """The device's key where it signs transactions and pays for them; None where a relay does."""
        return self.key if isinstance(self.key, Keypair) else None


def three_parties() -> tuple[Party, ...]:
    """A device of each kind, with new keys and owners."""
    return (
        Party("phone", P256Signer.generate(), Keypair()),
        Party("sensor", Ed25519Signer.generate(), Keypair()),
        Party("server", Keypair(), Keypair()),
    )


@dataclass(slots=True)
class Worker:
    """A registered device at work: its spool, its data, and the CPU nanoseconds that its jobs took."""

    party: Party
    address: Pubkey
    spool: Spool
    blobs: BlobStore
    runtime: WasmRuntime = field(default_factory=WasmRuntime)
    jobs: int = 0
    cpu_ns: int = 0

    @classmethod
    def start(cls, party: Party, address: Pubkey, folder: Path) -> Self:
        """A device that has done nothing yet, in a folder of its own."""
        home = folder / party.name
        return cls(party, address, Spool.open(home / "spool.sqlite", device=bytes(address)), BlobStore(home / "blobs"))

    def work(self, plan: JobPlan, number: int) -> bytes:
        """Run one job of the plan and record it; its output as it was stored."""
        began = time.process_time_ns()
        entry = run_wasm_job(self.runtime, self.spool, self.blobs, plan.module, plan.inputs[number])
        self.cpu_ns += time.process_time_ns() - began
        self.jobs += 1
        output = self.blobs.get(entry.record.output)
        assert output is not None
        return output
