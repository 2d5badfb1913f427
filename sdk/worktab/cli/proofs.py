"""`worktab proofs`: serving and exporting the proofs of published epochs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worktab.cli.options import Cluster, Json, examples, expanded, group
from worktab.cli.output import counting, emit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from worktab.cli.connecting import Reading
    from worktab.epochs.proofs.root import Root

app = group(
    "Serve the proofs that payees claim with, or export them as files.",
    examples("worktab proofs serve --data epochs", "worktab proofs export --data epochs --to public"),
)

Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder of published epochs.", show_default=False)]
NotFinal = Annotated[
    bool,
    typer.Option(
        "--not-final", help="Take the newest epoch in the folder, without asking the chain whether its root is final."
    ),
]
Network = Annotated[
    str | None, typer.Option("--network", metavar="ADDRESS", help="The network; by default that of the epochs.")
]


@app.command(
    epilog=examples(
        "worktab proofs serve --data epochs", "worktab proofs serve --data epochs --host 0.0.0.0 --port 8411"
    )
)
@expanded
def serve(
    data: Data,
    host: Annotated[str, typer.Option(metavar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65_535, help="Port; 0 for a free one.")] = 8_411,
    every: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="Time between two looks for a newer final epoch.")
    ] = 10.0,
    network: Network = None,
    not_final: NotFinal = False,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Serve proofs over HTTP until it is stopped.

    Only proofs of the network's newest final root are served. It may be killed at any time, and any number may run
    beside each other.
    """
    from worktab.cli.proof_serving import serve_until_stopped

    serve_until_stopped(
        data, cluster, host=host, port=port, every=every, network=network, not_final=not_final, as_json=as_json
    )


@app.command(epilog=examples("worktab proofs export --data epochs --to public"))
@expanded
def export(
    data: Data,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where to write the files.", show_default=False)],
    network: Network = None,
    not_final: NotFinal = False,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Write the proofs of the newest final epoch as files that any web server or CDN can serve.

    The same data give the same bytes. One that was cut off goes on where it was; readers see the new epoch only once
    all of it is there.
    """
    from worktab.epochs.proofs.export import export as write
    from worktab.epochs.proofs.shelf import Shelf
    from worktab.epochs.proofs.sources import read_book

    folder = data.expanduser()
    if not_final:
        root = Shelf(folder, None).newest()
    else:
        from worktab.cli.connecting import read

        root = read(cluster, "Reading the network", _final_root(folder, network))
    book = read_book(folder, root)
    with counting("Exporting", None) as told:
        done = write(book, to.expanduser(), told=lambda files, total: told(files, total))
    facts = {
        "epoch": done.epoch,
        "root": root.root,
        "payees": root.count,
        "folder": done.folder,
        "files": done.files,
        "bytes": done.size,
        "written": done.written,
    }
    emit(facts, as_json=as_json)


def _final_root(folder: Path, network: str | None) -> Callable[[Reading], Awaitable[Root]]:
    from worktab.cli.proof_serving import network_of
    from worktab.epochs.proofs.root import Root

    where = network_of(folder, network)

    async def look(session: Reading) -> Root:
        return Root.final(where, await session.network(where).network())

    return look
