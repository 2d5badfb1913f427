"""An attestor's own trouble is nobody's guilt, and one dispute's trouble none of the others'."""

from __future__ import annotations

import asyncio
import errno
import inspect
import re
import resource
import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from solders.pubkey import Pubkey

from support.disputes import VERIFIER, Accusable, Court
from worktab.agent.app import JobLimits
from worktab.cli.attest import run
from worktab.core.errors import JobError, StorageError
from worktab.core.records import Meter
from worktab.epochs.attesting.errors import EvidenceWithheld
from worktab.epochs.attesting.evidence import EvidenceSource, HttpEvidence, Wanted
from worktab.epochs.attesting.sampler import MOST_UNITS, Sampler
from worktab.roles.accusations import DisputeFinding, Shown
from worktab.trust.asking import Asker
from worktab.trust.attesting import DisputeAction
from worktab.trust.judging import Doubt, judge_record
from worktab.trust.looking import Looks
from worktab.trust.memory import DisputeMemory
from worktab.work.probing import probe
from worktab.work.wasm import VERIFIER_STACK, WasmResult, WasmRuntime

ROUNDS = (0.0, 0.3, 0.6, 0.8, 0.95)
"""Shares of the time at which a device that serves nothing would be asked often enough to be found to withhold."""


async def disputed(court: Court, **lies: Any) -> Accusable:
    """A device whose one record is disputed."""
    device, other = await court.device(), await court.consumer()
    entry = device.worker.claim(**lies)
    await court.fleet.next_epoch()
    await court.submit(device)
    await court.dispute(court.challenger(other), device, entry)
    return device


async def tries(court: Court) -> int:
    """How often the first attestor remembers to have asked in vain."""
    [view] = await court.fleet.operator.reader.disputes()
    memory = DisputeMemory(court.folder / "disputes-0.json")
    return memory.get(view.address, view.account.opened_at).tries


class Failing:
    """A source that can't give anything for what fails on this machine."""

    asks_device: ClassVar[bool] = True

    def __init__(self, error: BaseException, cause: BaseException | None = None) -> None:
        self._error, self._cause = error, cause

    async def fetch(self, wanted: Wanted, folder: Path) -> list[Path]:
        """See `EvidenceSource.fetch`."""
        raise self._error from self._cause


OWN = (
    (EvidenceWithheld("records cannot be kept"), OSError(errno.ENOSPC, "No space left on device")),
    (EvidenceWithheld("does not answer"), httpx.ConnectError("x")),
    (StorageError("the disk"), None),
    (MemoryError(), None),
    (OSError(errno.EMFILE, "Too many open files"), None),
    (KeyError("x"), None),
)
OWN[1][1].__cause__ = ExceptionGroup("x", [OSError(errno.EMFILE, "Too many open files")])


@pytest.mark.parametrize("trouble", OWN, ids=["full-disk", "no-sockets", "storage", "memory", "files", "bug"])
async def test_a_machine_that_fails_finds_nobody_to_withhold(
    court: Court, trouble: tuple[BaseException, BaseException | None]
) -> None:
    device = await disputed(court)
    for share in ROUNDS:
        await court.go_to(share)
        [done] = await court.attestor(0, Failing(*trouble)).look()
        assert (done.finding, done.action) == (None, DisputeAction.WAITING)
        assert done.detail.startswith("this attestor's own trouble: ")
    assert await tries(court) == 0
    # As soon as it works again, the record is judged.
    await court.go_to(0.99)
    assert (await court.look(0)).finding is DisputeFinding.AGREES
    assert device.asked != []


async def test_a_source_in_trouble_outweighs_another_in_vain(court: Court) -> None:
    device = await disputed(court)
    device.online = False
    for share in ROUNDS:
        await court.go_to(share)
        [done] = await court.attestor(0, court.evidence(0), Failing(*OWN[0])).look()
        assert (done.finding, done.action) == (None, DisputeAction.WAITING)
    assert await tries(court) == 0


async def test_what_a_device_does_is_not_taken_for_trouble_here(court: Court) -> None:
    """TLS and names number their errors as the system does; a refused connection is the device's."""
    await disputed(court)
    gone = HttpEvidence("http://127.0.0.1:9", attestor=court.keys[0], domain=court.domain, client=court.http)
    [done] = await court.attestor(0, gone).look()
    assert await tries(court) == 1
    for count, cause in enumerate((ssl.SSLError(5, "bad"), socket.gaierror(12, "unknown")), 2):
        await court.go_to(0.1 * count)
        [done] = await court.attestor(0, Failing(EvidenceWithheld("does not answer"), cause)).look()
        assert (done.action, await tries(court)) == (DisputeAction.WAITING, count)


async def test_no_folder_for_files_ends_no_look(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    await disputed(court)
    attestor = court.attestor(0)
    monkeypatch.setattr(tempfile, "tempdir", str(court.folder / "gone"))
    [done] = await attestor.look()
    assert (done.finding, done.action, await tries(court)) == (None, DisputeAction.WAITING, 0)


def test_another_wasmtime_fails_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worktab.work.wasm.version", lambda name: "51.0.0")
    with pytest.raises(JobError, match="meters by other rules"):
        Asker([])


@contextmanager
def little_room() -> Iterator[None]:
    """Address space for Python, and none for a job's memory."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (256 << 20), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


async def test_a_job_that_finds_no_room_here_is_no_guilt(court: Court) -> None:
    device = await disputed(court)
    [entry] = device.worker.spool.entries()
    shown = Shown(entry.record, entry.salt)
    runtime = WasmRuntime(stack_bytes=VERIFIER_STACK)
    with little_room():
        with pytest.raises(JobError, match="does not run a job as all others do"):
            probe(runtime)
        found = judge_record(shown, device.worker.blobs, runtime)
    assert (found.finding, found.doubt) == (None, Doubt.OWN_TROUBLE)
    assert judge_record(shown, device.worker.blobs, runtime).finding is DisputeFinding.AGREES


def test_a_machine_with_room_for_one_job_runs_no_two() -> None:
    """A job beside another would find no more memory there, go on, and give something else."""
    runtime = WasmRuntime()
    probe(runtime, at_once=2)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    [used] = re.findall(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    resource.setrlimit(resource.RLIMIT_DATA, ((int(used) << 10) + (400 << 20), before[1]))
    try:
        probe(runtime)
        with pytest.raises(JobError, match="does not run a job as all others do"):
            probe(runtime, at_once=2)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
    probe(runtime, at_once=2)


class Shaky(WasmRuntime):
    """A machine on which the first run of a job, but for the known one, gives something else."""

    def __init__(self) -> None:
        super().__init__(stack_bytes=VERIFIER_STACK)
        self.wrong = 1

    def run(self, module: bytes, input: bytes, *, fuel_limit: int) -> WasmResult:
        """See `WasmRuntime.run`."""
        found = super().run(module, input, fuel_limit=fuel_limit)
        if input == b"abc" and self.wrong:
            self.wrong -= 1
            return WasmResult(b"wrong", found.fuel)
        return found


async def test_a_job_that_ends_differently_twice_is_no_guilt(court: Court) -> None:
    device = await disputed(court)
    [entry] = device.worker.spool.entries()
    found = judge_record(Shown(entry.record, entry.salt), device.worker.blobs, Shaky())
    assert (found.finding, found.doubt) == (None, Doubt.OWN_TROUBLE)
    assert found.detail == "run twice on this machine, it did not end the same way"


def test_a_machine_that_meters_otherwise_is_told() -> None:
    class Other(WasmRuntime):
        def run(self, module: bytes, input: bytes, *, fuel_limit: int) -> WasmResult:
            found = super().run(module, input, fuel_limit=fuel_limit)
            return WasmResult(found.output, found.fuel + 1)

    probe(VERIFIER)
    with pytest.raises(JobError) as caught:
        probe(Other(stack_bytes=VERIFIER_STACK))
    assert (caught.value.expected, caught.value.got) == (
        "4113 units, output 70726f6265",
        "4114 units, output 70726f6265",
    )


class Slow:
    """A source that keeps one device's records until it is told."""

    asks_device: ClassVar[bool] = True

    def __init__(self, source: EvidenceSource, device: Pubkey) -> None:
        self._source, self._device, self.go_on, self.asked = source, device, asyncio.Event(), 0

    async def fetch(self, wanted: Wanted, folder: Path) -> list[Path]:
        """See `EvidenceSource.fetch`."""
        if wanted.device == self._device:
            self.asked += 1
            await self.go_on.wait()
        return await self._source.fetch(wanted, folder)


async def test_a_slow_device_holds_up_neither_the_others_nor_the_next_look(court: Court) -> None:
    slow, quick = await disputed(court), await disputed(court, output=bytes(32))
    source = Slow(court.evidence(0), slow.address)
    attestor = court.attestor(0, source)

    async def looks() -> DisputeAction:
        while True:
            found = {each.view.account.device: each for each in await attestor.look(patience=0.01)}
            assert found[slow.address].action is DisputeAction.WAITING
            assert found[slow.address].detail == "it is still looked at"
            if found[quick.address].finding is not None:
                return found[quick.address].action

    assert await asyncio.wait_for(looks(), 120) is DisputeAction.VOTED
    later = {each.view.account.device: each.action for each in await attestor.look(patience=0.01)}
    assert later[slow.address] is DisputeAction.WAITING
    # All these looks asked it once.
    assert source.asked == 1
    source.go_on.set()
    actions = {each.view.account.device: each.action for each in await attestor.look()}
    assert actions == {slow.address: DisputeAction.VOTED, quick.address: DisputeAction.KEPT}
    await attestor.close()


async def test_a_look_at_one_dispute_ends(court: Court) -> None:
    slow, quick = await disputed(court), await disputed(court, meter=Meter.CPU_MS)
    attestor = court.attestor(0, Slow(court.evidence(0), slow.address))
    attestor.longest = 6.0  # enough for the other one on a busy machine
    found = {each.view.account.device: each for each in await attestor.look()}
    assert found[quick.address].action is DisputeAction.VOTED
    done = found[slow.address]
    assert (done.finding, done.action, done.detail) == (None, DisputeAction.FAILED, "it took longer than 6 seconds")


async def test_closing_leaves_what_is_under_way(court: Court) -> None:
    slow = await disputed(court)
    source = Slow(court.evidence(0), slow.address)
    attestor = court.attestor(0, source)
    [done] = await attestor.look(patience=0)
    assert done.action is DisputeAction.WAITING
    await attestor.close()
    source.go_on.set()
    [done] = await attestor.look()
    assert done.action is DisputeAction.VOTED


async def test_looks_tell_of_what_failed_once() -> None:
    looks: Looks[str, int] = Looks(1)

    async def fails() -> int:
        raise StorageError("no")

    async def works() -> int:
        return 7

    looks.start("a", fails)
    with pytest.raises(StorageError):
        await looks.wait(None)
    looks.start("b", works)
    looks.start("b", fails)
    assert await looks.wait(None) == {"b": 7}
    assert await looks.wait(None) == {}


async def test_trouble_with_one_dispute_ends_no_look(court: Court) -> None:
    first, second = await disputed(court), await disputed(court)
    attestor = court.attestor(0)

    def signed(address: Pubkey, account: object) -> list[object]:
        if address == first.address:
            raise RuntimeError("the store")
        return []

    attestor.signed = signed  # type: ignore[assignment]
    found = {each.view.account.device: each for each in await attestor.look()}
    assert found[first.address].action is DisputeAction.FAILED
    assert found[first.address].detail == "this attestor's own trouble: RuntimeError"
    assert found[second.address].action is DisputeAction.VOTED


async def test_what_is_run_again_is_bounded_unless_told_otherwise() -> None:
    assert MOST_UNITS == 20_000_000_000 == JobLimits().max_units
    assert (Sampler().max_units, Asker([]).max_units) == (MOST_UNITS, MOST_UNITS)
    assert inspect.signature(run).parameters["max_units"].default == MOST_UNITS
