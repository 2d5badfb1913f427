"""Running the server for `worktab proofs serve`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Final

import typer
from solders.pubkey import Pubkey

from worktab.agent.serving import Server
from worktab.chain.rpc import LOCAL_URL, RpcChain
from worktab.cli.connecting import Reading
from worktab.cli.options import Cluster
from worktab.cli.output import emit, to_json, warn
from worktab.cli.parsing import address
from worktab.core.errors import WorktabError
from worktab.epochs.proofs.metrics import Metrics
from worktab.epochs.proofs.root import Root
from worktab.epochs.proofs.server import proofs_app
from worktab.epochs.proofs.shelf import Shelf
from worktab.program.generated import PROGRAM_ID

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_GRACE: Final = 5


def serve_until_stopped(
    data: Path,
    cluster: Cluster,
    *,
    host: str,
    port: int,
    every: float,
    network: str | None,
    not_final: bool,
    as_json: bool,
) -> None:
    """Serve until a signal comes. Raises what starting it raises."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(_serve(data.expanduser(), cluster, host, port, every, network, not_final, as_json))


def network_of(folder: Path, named: str | None) -> Pubkey:
    """The network that is named, or else that of the newest epoch in a folder. Raises `NoFinalRoot`, `InputError`."""
    return Shelf(folder, None).newest().network if named is None else address(named, "--network")


async def _serve(
    folder: Path,
    cluster: Cluster,
    host: str,
    port: int,
    every: float,
    network: str | None,
    not_final: bool,
    as_json: bool,
) -> None:
    async with AsyncExitStack() as held:
        if not_final:
            shelf = Shelf(folder, None)
        else:
            where = network_of(folder, network)
            program = PROGRAM_ID if cluster.program is None else address(cluster.program, "--program")
            url = cluster.url or os.environ.get("ANCHOR_PROVIDER_URL") or LOCAL_URL
            reader = Reading(await held.enter_async_context(RpcChain(url)), program).network(where)

            async def final() -> Root:
                return Root.final(where, await reader.network())

            shelf = Shelf(folder, final)
        metrics = Metrics()
        try:
            await shelf.refresh()
        except WorktabError as error:
            warn(f"nothing is served yet: {error}")
            metrics.failed(error)
        server = Server.listen(proofs_app(shelf, every=every, metrics=metrics), host, port, grace=_GRACE)
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, stop.set)
        await server.start()
        watching = asyncio.create_task(shelf.watch(every, metrics.failed))
        _tell(server, shelf, as_json)
        await stop.wait()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await server.stop()


def _tell(server: Server, shelf: Shelf, as_json: bool) -> None:
    """Say where it listens: the line that somebody may wait for."""
    root = None if shelf.book is None else shelf.book.root
    facts: dict[str, Any] = {
        "url": server.url,
        "network": None if root is None else root.network,
        "epoch": None if root is None else root.epoch,
        "payees": None if root is None else root.count,
        "final": root is not None and shelf.checked,
    }
    if as_json:
        typer.echo(to_json(facts, indent=None))
    else:
        emit(facts, as_json=False)
    sys.stdout.flush()
