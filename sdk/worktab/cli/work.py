"""`worktab device run`, `submit`, `export` and `adopt`: what happens on the device itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worktab.cli.options import Cluster, DeviceArgument, Ingests, Json, State, examples, expanded
from worktab.cli.output import Rows, emit, tracked

if TYPE_CHECKING:
    from worktab.cli.state import DeviceState
    from worktab.roles.reading import DeviceView
    from worktab.work.history import Entry

app = typer.Typer()


@app.command(
    epilog=examples(
        "worktab device run $DEVICE job.wasm input.bin --output results",
        "worktab device run $DEVICE job.wasm photo.raw --job-id order-1138",
    )
)
def run(
    device: DeviceArgument,
    module: Annotated[Path, typer.Argument(metavar="MODULE", help="The job: a WASM file.", show_default=False)],
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT...", help="Input files, one job each.", show_default=False)
    ],
    work_class: Annotated[int, typer.Option("--class", min=0, max=255, help="The device's class.")] = 0,
    fuel_limit: Annotated[
        int | None, typer.Option(metavar="UNITS", min=1, help="Stop a job that takes more; by default 2^48.")
    ] = None,
    job_id: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Names the job (one input only): run again, it is recorded once."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder to write each output to, named by its job's number.")
    ] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Run WASM jobs and record them in the device's spool.

    Needs no chain. A module exports memory, alloc and run, and imports nothing; a job's units are the fuel it takes.
    """
    from worktab.cli.keyfiles import read_file
    from worktab.cli.parsing import address
    from worktab.cli.state import device_state
    from worktab.core.errors import InputError
    from worktab.work.probing import probe
    from worktab.work.wasm import FUEL_LIMIT, WasmRuntime
    from worktab.work.worker import run_wasm_job

    if job_id is not None and len(inputs) != 1:
        raise InputError("--job-id names one job", expected="one input", got=f"{len(inputs)} inputs")
    here = device_state(address(device, "DEVICE"), state)
    program, data = read_file(module, "module"), [read_file(each, "input") for each in inputs]
    runtime, blobs = WasmRuntime(), here.blobs()
    probe(runtime)
    entries: list[Entry] = []
    with here.make_spool() as spool, tracked(data, len(data), "Running") as each_input:
        for each in each_input:
            entry = run_wasm_job(
                runtime,
                spool,
                blobs,
                program,
                each,
                work_class=work_class,
                fuel_limit=FUEL_LIMIT if fuel_limit is None else fuel_limit,
                job_id=None if job_id is None else job_id.encode(),
            )
            if output is not None:
                _write_output(output / str(entry.seq), blobs.get(entry.record.output) or b"")
            entries.append(entry)
    rows = [
        {"job": entry.seq, "input": path, "units": entry.record.units, "output": entry.record.output}
        for entry, path in zip(entries, inputs, strict=True)
    ]
    facts = {
        "device": here.device,
        "state": here.folder,
        "jobs": Rows(rows, ("job", "input", "units", "output")),
        "units": sum(entry.record.units for entry in entries),
        "total_jobs": entries[-1].seq,
        "total_units": entries[-1].units_total,
    }
    emit(facts, as_json=as_json)


@app.command(epilog=examples("worktab device export $DEVICE work.bundle"))
def export(
    device: DeviceArgument,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The bundle; replaced if it exists.", show_default=False)
    ],
    state: State = None,
    as_json: Json = False,
) -> None:
    """Write the spool's records and data to a file that others verify.

    Whoever has it can read the jobs' inputs and outputs.
    """
    from worktab.cli.parsing import address
    from worktab.cli.state import device_state
    from worktab.work.bundle import export_bundle

    here = device_state(address(device, "DEVICE"), state)
    with here.open_spool() as spool:
        base = spool.base()
        with tracked(spool.entries(), spool.state().seq - base.seq, "Exporting") as entries:
            count = export_bundle(file.expanduser(), entries, here.blobs(), device=bytes(here.device), base=base)
    emit({"device": here.device, "file": file, "records": count}, as_json=as_json)


@app.command(
    epilog=examples(
        "worktab device adopt $DEVICE --yes",
        "worktab device adopt $DEVICE --yes --ingest https://ingest.example",
    )
)
@expanded
def adopt(
    device: DeviceArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Set the spool's own jobs aside, for good.")] = False,
    ingest: Ingests = None,
    state: State = None,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Continue from what the chain, or an ingest, holds of the device.

    For a spool that was lost, or restored from an old backup, once no other copy of the device is running. If that
    state is not part of the spool's history, its jobs are never claimed any more.
    """
    from worktab.cli.holding import newest_held
    from worktab.cli.parsing import address
    from worktab.cli.state import device_state
    from worktab.core.errors import InputError
    from worktab.work.history import START, ChainState

    here = device_state(address(device, "DEVICE"), state)
    if not yes:
        raise InputError(
            "Jobs that are set aside are never claimed",
            expected="--yes",
            next_step="Make sure that no other copy of the device is running, then add --yes",
        )
    newest = newest_held(here, ingest, cluster, "Reading the device", everywhere=True).message
    with here.make_spool() as spool:
        held, at = START, 0
        if newest is not None:
            held, at = ChainState(newest.seq, newest.units, newest.head), newest.time
        aside = spool.adopt(held, last_time=at)
        now = spool.state()
    facts = {
        "device": here.device,
        "state": here.folder,
        "total_jobs": now.seq,
        "total_units": now.units,
        "set_aside": aside,
    }
    emit(facts, as_json=as_json)


def spool_facts(here: DeviceState, view: DeviceView | None) -> dict[str, Any] | None:
    """What a device's spool on this machine holds beyond what the chain, or enough ingests, have; None without a spool.

    view  the device's account; None for an enrolled device
    """
    from worktab.cli.facts import forecast_facts
    from worktab.core.errors import StateError
    from worktab.roles.forecast import forecast, pays_by_receipts

    if not here.has_spool:
        return None
    facts: dict[str, Any] = {"folder": here.folder, "in_use": False, "jobs": None, "units": None, "waiting": None}
    try:
        with here.open_spool() as spool:
            held, landed = spool.state(), spool.landed()
    except StateError:
        return facts | {"in_use": True}
    facts |= {"jobs": held.seq, "units": held.units}
    if view is None or not pays_by_receipts(view.network, view.now):
        if held.units > landed.units:
            facts["waiting"] = {"new_units": held.units - landed.units}
    elif held.units > view.device.units:
        told = forecast(view.network, view.device, held.units, view.now)
        facts["waiting"] = forecast_facts(told, view.network.decimals)
    return facts


def _write_output(file: Path, data: bytes) -> None:
    from worktab.core.errors import StorageError

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    except OSError as error:
        raise StorageError(
            f"The output {file} cannot be written; the job is recorded", got=str(error.strerror)
        ) from error
