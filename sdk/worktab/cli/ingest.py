"""`worktab ingest`: takes receipts of any number of devices, and keeps attestors' stores alike."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from worktab.cli.options import Cluster, Json, NetworkArgument, examples, expanded, group
from worktab.cli.output import Name, emit

app = group(
    "Take receipts of any number of devices over HTTP, and keep them for epochs to be built from.",
    examples(
        "worktab ingest serve $NETWORK --store receipts.sqlite",
        "worktab ingest status --store receipts.sqlite",
    ),
)

Store = Annotated[
    str,
    typer.Option(
        "--store",
        metavar="STORE",
        envvar="WORKTAB_STORE",
        show_envvar=True,
        help="A file for SQLite, or postgresql://USER@HOST/DATABASE.",
        show_default=False,
    ),
]

Epoch = Annotated[
    int | None, typer.Option("--epoch", metavar="INDEX", min=0, help="Index of the epoch.", show_default=False)
]


@app.command(
    epilog=examples(
        "worktab ingest serve $NETWORK --store receipts.sqlite",
        "worktab ingest serve $NETWORK --store postgresql://worktab@/worktab --workers 4 --host 0.0.0.0",
    )
)
@expanded
def serve(
    network: NetworkArgument,
    store: Store,
    cluster: Cluster,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port; 0 for a free one.")] = 8410,
    workers: Annotated[int, typer.Option("--workers", min=1, max=256, help="Processes, with PostgreSQL.")] = 1,
    mirror_every: Annotated[
        float, typer.Option("--mirror-every", min=1, metavar="SECONDS", help="Between two readings of the chain.")
    ] = 60,
    client_rate: Annotated[
        float, typer.Option("--client-rate", min=1, help="Receipts a second from one address, for each worker.")
    ] = 20_000,
    device_rate: Annotated[
        float, typer.Option("--device-rate", min=1, help="Receipts a minute of one device, for each worker.")
    ] = 60,
    grace: Annotated[
        int, typer.Option("--grace", min=0, metavar="SECONDS", help="That requests have to end when it is stopped.")
    ] = 10,
    as_json: Json = False,
) -> None:
    """Take receipts and enrolments until Ctrl-C or SIGTERM.

    Says where it listens once it does; with --json in one line of JSON. It may be killed at any time: what was
    acknowledged is on the disk.
    """
    from worktab.chain.rpc import LOCAL_URL
    from worktab.cli.ingest_serving import Serving, serve_until_stopped
    from worktab.cli.parsing import address
    from worktab.ingest.limits import Limits
    from worktab.program.generated import PROGRAM_ID

    program = PROGRAM_ID if cluster.program is None else address(cluster.program, "--program")
    serving = Serving(
        store,
        str(address(network, "NETWORK")),
        str(program),
        cluster.url or LOCAL_URL,
        host,
        port,
        workers,
        mirror_every,
        grace,
        Limits(client_rate=client_rate, device_rate=device_rate),
    )
    serve_until_stopped(serving, as_json=as_json)


@app.command(epilog=examples("worktab ingest status --store receipts.sqlite --json"))
def status(store: Store, as_json: Json = False) -> None:
    """Show how much a store holds, and which devices signed two histories."""
    from solders.pubkey import Pubkey

    from worktab.cli.ingest_store import existing
    from worktab.cli.output import Rows

    with existing(store) as opened:
        facts, counts = opened.facts, opened.counts()
        epoch = max(facts.epoch(int(time.time())), counts.newest_epoch or 0)
        pages = opened.pages(epoch, size=50_000)
        forked = [Pubkey(each.tobytes()) for page in pages for each in page.forks["device"][::2]]
    emit(
        {
            "network": facts.network,
            "domain": facts.domain,
            "epoch": Name(epoch),
            "by_roots": facts.by_roots,
            "registered": counts.registered,
            "enrolled": counts.enrolled,
            "receipts": counts.receipts,
            "newest_epoch": None if counts.newest_epoch is None else Name(counts.newest_epoch),
            "forks": counts.forks,
            "forked": Rows([{"device": each} for each in forked], ("device",), most=20),
        },
        as_json=as_json,
    )


@app.command(
    epilog=examples(
        "worktab ingest export inputs/ --store receipts.sqlite --epoch 41",
        "worktab ingest export inputs/ --from http://127.0.0.1:8410 --epoch 41",
    )
)
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files go.", show_default=False)],
    epoch: Annotated[int, typer.Option("--epoch", metavar="INDEX", min=0, help="Index of the epoch.")],
    store: Annotated[str | None, typer.Option("--store", metavar="STORE", help="A store here.")] = None,
    source: Annotated[str | None, typer.Option("--from", metavar="URL", help="An ingest elsewhere.")] = None,
    as_json: Json = False,
) -> None:
    """Write what an epoch is built from to registrations.bin, receipts.bin and forks.bin: rows of fixed size.

    From elsewhere nothing is verified: `worktab ingest sync` does that.
    """
    from worktab.cli.ingest_store import write_inputs

    written = write_inputs(folder, epoch, store, source)
    emit({"folder": folder, "epoch": Name(epoch), **written}, as_json=as_json)


@app.command(
    epilog=examples(
        "worktab ingest sync --store receipts.sqlite --from http://other-attestor:8410",
        "worktab ingest sync $NETWORK --store receipts.sqlite",
    )
)
@expanded
def sync(
    store: Store,
    cluster: Cluster,
    network: Annotated[
        str | None,
        typer.Argument(metavar="[NETWORK]", help="Read its registrations from the chain first.", show_default=False),
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option("--from", metavar="URL", help="An ingest to pull from; may be repeated.")
    ] = None,
    epoch: Epoch = None,
    as_json: Json = False,
) -> None:
    """Bring a store what the chain and other ingests hold, and verify every signature.

    Without --epoch that is the last whole epoch and the present one. It may be interrupted and repeated.
    """
    from worktab.cli.ingest_store import existing, mirror, pull_all
    from worktab.cli.parsing import address
    from worktab.core.errors import InputError

    if network is None and not source:
        raise InputError("There is nothing to sync with", expected="NETWORK, --from, or both")
    facts: dict[str, Any] = {}
    clock = time.time
    with existing(store, make=network is not None) as opened:
        if network is not None:
            facts["registrations_changed"], clock = mirror(opened, address(network, "NETWORK"), cluster)
        facts["network"] = opened.facts.network
        if source:
            facts["pulled"] = pull_all(opened, source, epoch, clock)
    emit(facts, as_json=as_json)


@app.command(epilog=examples("worktab ingest prune --store receipts.sqlite --epoch 30"))
def prune(
    store: Store,
    epoch: Annotated[int, typer.Option("--epoch", metavar="INDEX", min=0, help="The first that is still needed.")],
    as_json: Json = False,
) -> None:
    """Forget receipts that neither this epoch nor a later one is built from."""
    from worktab.cli.ingest_store import existing

    with existing(store) as opened:
        emit({"epoch": Name(epoch), "forgotten": opened.prune(epoch)}, as_json=as_json)
