"""Devices whose work attestors check, with spools of their own, real WASM jobs and ways to cheat; and attestors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.chains import pass_blocks
from support.fleet import Fleet, StartFleet
from support.jobs import increment
from worktab.core.contexts import receipt_context
from worktab.core.enrolments import Enrolment, SignedEnrolment, enrolled_index
from worktab.core.keys import Ed25519Signer
from worktab.core.messages import Message
from worktab.core.records import JobRecord, Meter
from worktab.epochs.attesting.accepted import Accepted
from worktab.epochs.attesting.attestor import EpochAttestor
from worktab.epochs.attesting.evidence import FolderEvidence
from worktab.epochs.attesting.judging import Judge, Rules
from worktab.epochs.attesting.memory import Memory
from worktab.epochs.attesting.reports import Report
from worktab.epochs.attesting.sampler import Sampler
from worktab.epochs.attesting.sources import AnyData, FolderData
from worktab.epochs.policy import FixedRate, Policy
from worktab.epochs.runners import LocalRunner
from worktab.ingest.checking import check
from worktab.ingest.facts import Facts
from worktab.ingest.kept import from_enrolment
from worktab.ingest.rows import RECEIPT
from worktab.ingest.sqlite import SqliteStore
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.accounts import Network
from worktab.roles.attesting import Attestor
from worktab.roles.commitments import EpochView
from worktab.roles.terms import RewardPath
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


class Party:
    """An enrolled device with its worker, and the wallets that speak for it and are paid."""

    def __init__(self, folder: Path, scene: Scene, admission: Keypair | None = None) -> None:
        self.signer, self.owner = Ed25519Signer.generate(), Keypair()
        self.scene = scene
        enrolment = Enrolment(self.signer.public, self.owner.pubkey(), self.owner.pubkey(), class_=0)
        self.signed = SignedEnrolment.sign(
            enrolment,
            domain=scene.domain,
            program_id=bytes(PROGRAM_ID),
            network=bytes(scene.fleet.network),
            owner=self.owner,
            key=self.signer,
            admission=admission,
        )
        self.address = self.signed.device
        self.worker = Worker(folder, self.address)

    def receipt(self, **fields: Any) -> bytes:
        """Its receipt of 200 bytes for what it did so far, issued now; `fields` replace what it says."""
        state = self.worker.state
        said = {"seq": state.seq, "units": state.units, "time": self.scene.now, "head": state.head} | fields
        context = receipt_context(self.scene.domain, self.address, enrolled_index(self.address))
        message = Message.receipt(context, **said).encode()
        return bytes(self.address) + message + self.signer.sign(message)


class Member:
    """An attestor with a store and a folder of its own."""

    def __init__(self, scene: Scene, key: Keypair, folder: Path) -> None:
        self.scene, self.key, self.folder = scene, key, folder
        self.store = SqliteStore(folder / "receipts.sqlite")
        self.store.set_facts(scene.facts)
        self.published = folder / "published"
        self.policy: Policy = FixedRate()
        self.sampler = Sampler(FolderEvidence(scene.evidence), count=1_000)
        self.options: dict[str, Any] = {}

    def know(self, *parties: Party) -> None:
        """Take enrolments."""
        rows = np.concatenate([from_enrolment(each.signed) for each in parties])
        assert not (self.store.put_enrolments(rows) != 0).any()

    def take(self, *receipts: bytes) -> None:
        """Take receipts, which are all new."""
        rows = np.frombuffer(b"".join(receipts), RECEIPT)
        checked = check(rows, self.store.registrations(rows["device"]), self.store.facts, self.scene.now)
        assert checked.passed.all(), checked.verdicts
        assert not self.store.put(rows, checked.indices, self.scene.now).any()

    def attestor(self, *sources: Path, **rules: Any) -> EpochAttestor:
        """A new process of it, which reads what the other members publish, or what is in these folders."""
        others = sources or [each.published for each in self.scene.members if each is not self]
        judge = Judge(
            self.store,
            Accepted(self.published),
            AnyData([FolderData(each) for each in others]),
            Rules(self.policy, **rules),
            self.sampler,
            LocalRunner(1),
        )
        role = Attestor(self.scene.fleet.sender, self.scene.fleet.network, self.key)
        return EpochAttestor(role, judge, Memory(self.folder / "memory.json"), patience=0)


class Scene:
    """A network that pays by roots, its attestors, and enrolled devices that all of them know."""

    fleet: Fleet
    domain: bytes
    facts: Facts
    now: int

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.guardian = Keypair()
        self.keys = [Keypair() for _ in range(3)]
        self.members: list[Member] = []
        self.parties: list[Party] = []
        self.evidence = folder / "evidence"
        self.evidence.mkdir()

    async def start(self, start_fleet: StartFleet, *, devices: int = 2, **plan: Any) -> Scene:
        """Make the network and everybody in it."""
        return await self.join(await start_fleet(**self.plan, **plan), devices=devices)

    @property
    def plan(self) -> dict[str, Any]:
        """What the network must be like."""
        attestors = tuple(key.pubkey() for key in self.keys)
        return {"reward_path": RewardPath.ROOTS, "attestors": attestors, "guardian": self.guardian.pubkey()}

    async def join(self, fleet: Fleet, *, devices: int = 2) -> Scene:
        """Make everybody in a network by `plan`; its authority admits the devices."""
        self.fleet = fleet
        network = await self.fleet.operator.network()
        self.domain, self.facts = network.domain, Facts.of(self.fleet.network, network)
        await self.tick()
        for number, key in enumerate(self.keys):
            (self.folder / f"member-{number}").mkdir()
            self.members.append(Member(self, key, self.folder / f"member-{number}"))
        admitting = fleet.authority if network.admission else None
        self.parties = [Party(self.folder / "devices", self, admitting) for _ in range(devices)]
        for member in self.members:
            member.know(*self.parties)
        return self

    def close(self) -> None:
        """Release stores and spools."""
        for member in self.members:
            member.store.close()
        for party in self.parties:
            party.worker.close()

    async def tick(self, seconds: int = 0) -> None:
        """Let time pass."""
        if seconds:
            await self.fleet.clock.advance(seconds)
        self.now = await self.fleet.chain.unix_time()

    async def end_epoch(self) -> None:
        """Let the epoch end, and everybody show the records of it."""
        await self.fleet.next_epoch()
        await self.tick()
        for party in self.parties:
            if party.worker.state.seq:
                party.worker.bundle(self.evidence)

    async def network(self) -> Network:
        """The network's account."""
        return await self.fleet.operator.network()

    async def look(self, member: Member, **asked: Any) -> Report:
        """One look of a member, after a block in which samples can be drawn."""
        await pass_blocks(self.fleet.chain, 2)
        return await member.attestor().look(**asked)

    async def only(self) -> EpochView:
        """The one commitment there is."""
        [view] = await self.fleet.operator.reader.epochs()
        return view
