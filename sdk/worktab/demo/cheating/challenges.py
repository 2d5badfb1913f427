"""Published and bought records, run again, and disputes about those that differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from pathlib import Path

from solders.pubkey import Pubkey

from worktab.agent.bought import bought_blobs, bought_jobs
from worktab.demo.cheating.scene import Scene
from worktab.roles.accusations import OpenOutcome
from worktab.roles.consumer import Consumer
from worktab.roles.disputes import Challenger
from worktab.trust.accusing import accuse, challenge
from worktab.trust.challenging import Examined, Suspect, examine_bought
from worktab.trust.published import open_published
from worktab.work.blobs import BlobSource
from worktab.work.wasm import FUEL_LIMIT, VERIFIER_STACK, WasmRuntime


@dataclass(frozen=True, slots=True)
class Rerun:
    """What running a record's job again gave: the SHA-256 of its output in hex, and the work units it took."""

    output: str
    units: int


@dataclass(frozen=True, slots=True)
class Accused:
    """A record that was disputed.

    device   whose it is
    dispute  address of the dispute
    by       who opened it
    suspect  the record, and what is wrong with it
    rerun    what running it again gave
    """

    device: Pubkey
    dispute: Pubkey
    by: str
    suspect: Suspect
    rerun: Rerun


@dataclass(slots=True)
class Challenges:
    """What challengers found and did.

    accused   what they disputed
    known     devices of which they found what somebody had disputed before
    cleared   devices with nothing to dispute
    examined  records that they looked at
    executed  of them, run again
    cpu_ns    CPU nanoseconds of that
    """

    accused: list[Accused] = field(default_factory=list)
    known: list[Pubkey] = field(default_factory=list)
    cleared: list[Pubkey] = field(default_factory=list)
    examined: int = 0
    executed: int = 0
    cpu_ns: int = 0

    def count(self, examined: Examined) -> None:
        """Count in what looking at records took."""
        self.examined += examined.records
        self.executed += examined.executed
        self.cpu_ns += examined.cpu_ns


async def challenge_all(scene: Scene, published: Sequence[Path]) -> Challenges:
    """The consumer runs again what it bought, and a stranger what everybody published; both dispute what differs."""
    found, runtime = Challenges(), WasmRuntime(stack_bytes=VERIFIER_STACK)
    await _challenge_bought(scene, found, runtime)
    await _challenge_published(scene, found, runtime, published)
    return found


async def _challenge_bought(scene: Scene, found: Challenges, runtime: WasmRuntime) -> None:
    challenger, blobs = _challenger(scene, scene.consumer), bought_blobs(scene.purchases)
    for device, jobs in groupby(bought_jobs(scene.purchases), key=lambda job: job.device):
        examined = examine_bought(jobs, blobs, runtime)
        found.count(examined)
        if not examined.disputable:
            continue
        accusation = await accuse(challenger, None, examined, await challenger.reader.view(device))
        assert accusation.evidence is not None
        opened = await challenger.open(device, accusation.evidence)
        rerun = _run(accusation.suspect, blobs, runtime)
        found.accused.append(Accused(device, opened.address, "the consumer", accusation.suspect, rerun))


async def _challenge_published(
    scene: Scene, found: Challenges, runtime: WasmRuntime, published: Sequence[Path]
) -> None:
    challenger = _challenger(scene, scene.stranger)
    for path in published:
        examined, opened = await challenge(challenger, [path], runtime)
        found.count(examined)
        with open_published([path]) as records:
            if opened is None:
                found.cleared.append(records.device)
            elif opened.outcome is not OpenOutcome.OPENED:
                found.known.append(records.device)
            else:
                [suspect] = [each for each in examined.disputable if each.hash == opened.view.account.record_hash]
                rerun = _run(suspect, records.blobs, runtime)
                found.accused.append(Accused(records.device, opened.address, "a stranger", suspect, rerun))


def _challenger(scene: Scene, consumer: Consumer) -> Challenger:
    return Challenger(scene.stage.sender(), scene.stage.operator.address, consumer.key)


def _run(suspect: Suspect, blobs: BlobSource, runtime: WasmRuntime) -> Rerun:
    record = suspect.shown.record
    module, input = blobs.get(record.module), blobs.get(record.input)
    assert module is not None
    assert input is not None
    result = runtime.run(module, input, fuel_limit=FUEL_LIMIT)
    return Rerun(sha256(result.output).hexdigest(), result.fuel)
