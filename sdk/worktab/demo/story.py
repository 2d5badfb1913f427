"""The demo from an empty chain to paid owners."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from worktab.core.money import reward
from worktab.core.records import Meter
from worktab.demo.devices import Worker, three_parties
from worktab.demo.digits import decode_output
from worktab.demo.jobs import JobPlan, count_correct
from worktab.demo.report import Checked, DeviceReport, Report, Shown
from worktab.demo.stage import DECIMALS, Stage
from worktab.roles.claiming import Crank
from worktab.roles.device import Device
from worktab.roles.submitting import Submitter
from worktab.roles.terms import WorkClass
from worktab.work.history import Entry
from worktab.work.verify import everything, one_in, verify
from worktab.work.wasm import FUEL_LIMIT, VERIFIER_STACK, WasmRuntime

RATE: Final = 1_000_000
"""Base units for 1,000,000 work units."""

_SPARE: Final = 2
"""A device offers this many times the capacity that its jobs will need."""

_SAMPLE: Final = 4
"""One record in so many is executed again, and every one where there are few."""

_FEW: Final = 48


async def run_demo(plan: JobPlan, folder: Path, *, on_job: Callable[[], None] = lambda: None) -> Report:
    """Set up a network with three devices, let them do the jobs, get paid and be checked.

    `folder` takes the devices' spools and data; `on_job` is called after each job. Raises `WasmJobError` if a job
    fails, and what the roles raise.
    """
    began = time.perf_counter()
    parties = three_parties()
    capacities = _capacities(plan, len(parties))
    stage = Stage(parties)
    budget, _ = reward(0, sum(capacities), RATE)
    terms = WorkClass(rate=RATE, max_capacity=max(capacities), budget=budget, meter=Meter.WASM_FUEL)
    await stage.create_network(terms)
    workers = [
        Worker.start(party, await stage.register(party, capacity), folder)
        for party, capacity in zip(parties, capacities, strict=True)
    ]
    try:
        setup = await stage.spent()
        outputs = _do_jobs(plan, workers, on_job)
        # Capacity counts from the epoch after a registration.
        stage.chain.advance(seconds=(await stage.operator.network()).epoch_length)
        receipts = [await _submit(stage, worker) for worker in workers]
        before = await stage.operator.ledger()
        claimed = await Crank(stage.sender(stage.relay), stage.operator.address).claim()
        stage.note(*claimed.confirmed)
        work = await stage.spent()
        checked = await _check(stage, workers)
        devices = [await _report(stage, *each) for each in zip(workers, receipts, strict=True)]
        after = await stage.operator.ledger()
    finally:
        for worker in workers:
            worker.spool.close()
    return Report(
        jobs=len(plan.inputs),
        images=None if plan.images is None else sum(map(len, plan.images)),
        correct=None if plan.images is None else sum(map(count_correct, plan.images, outputs)),
        shown=None if plan.images is None else Shown(plan.images[0][0], decode_output(outputs[0])[0].digit),
        decimals=DECIMALS,
        rate=RATE,
        devices=tuple(devices),
        checked=checked,
        before=before,
        after=after,
        setup=setup,
        work=work,
        seconds=time.perf_counter() - began,
    )


def _capacities(plan: JobPlan, devices: int) -> list[int]:
    """What each device offers, after a first run of the longest input has shown what a job takes."""
    fuel = WasmRuntime().run(plan.module, max(plan.inputs, key=len), fuel_limit=FUEL_LIMIT).fuel
    return [_SPARE * fuel * len(range(first, len(plan.inputs), devices)) for first in range(devices)]


def _do_jobs(plan: JobPlan, workers: Sequence[Worker], on_job: Callable[[], None]) -> list[bytes]:
    """Every job on one of the devices, in turn; their outputs."""
    outputs = []
    for number in range(len(plan.inputs)):
        outputs.append(workers[number % len(workers)].work(plan, number))
        on_job()
    return outputs


async def _submit(stage: Stage, worker: Worker) -> tuple[int, int]:
    """Bring a device's receipts to the chain; how many it took, and the reward."""
    party = worker.party
    device = Device(
        stage.sender(party.pays or stage.relay, worker.spool.journal),
        stage.operator.address,
        signer=party.key,
        signs_transactions=party.pays is not None,
    )
    now = await stage.chain.unix_time()
    flushed = await Submitter(device, worker.spool, clock=lambda: now).flush()
    stage.note(*(each.confirmed for each in flushed.submissions if each.confirmed))
    return len(flushed.submissions), flushed.reward


async def _check(stage: Stage, workers: Sequence[Worker]) -> Checked:
    """Execute a sample of all records again: each device's first, and others drawn by a blockhash from after them."""
    records = sum(worker.jobs for worker in workers)
    seed = bytes((await stage.chain.latest_blockhash()).hash)
    drawn = everything if records < _FEW else one_in(_SAMPLE, seed)
    runtime = WasmRuntime(stack_bytes=VERIFIER_STACK)

    def sample(entry: Entry) -> bool:
        return entry.seq == 1 or drawn(entry)

    found = [verify(worker.spool.entries(), worker.blobs, runtime, sample=sample) for worker in workers]
    return Checked(
        records=records,
        executed=sum(each.executed for each in found),
        differing=sum(len(each.differing) for each in found),
        cpu_ns=sum(each.cpu_ns for each in found),
        work_cpu_ns=(
            sum(each.execution_cpu_ns for each in found)
            * sum(each.wasm_units for each in found)
            // sum(each.executed_units for each in found)
        ),
        recorded_cpu_ns=sum(worker.cpu_ns for worker in workers),
    )


async def _report(stage: Stage, worker: Worker, receipts: tuple[int, int]) -> DeviceReport:
    held, state = await stage.operator.reader.device(worker.address), worker.spool.state()
    count, accrued = receipts
    party = worker.party
    return DeviceReport(
        name=party.name,
        device=str(worker.address),
        owner=str(party.owner.pubkey()),
        key=party.kind.name.lower(),
        relayed=party.pays is None,
        jobs=held.seq,
        fuel=held.units,
        receipts=count,
        recorded=(held.seq, held.units, held.head) == (state.seq, state.units, state.head),
        reward=accrued,
        paid=await stage.tokens(party.owner.pubkey()),
    )
