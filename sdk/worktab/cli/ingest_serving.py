"""Running `worktab ingest serve`: one process, or any number of them on one port."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final

import typer
from solders.pubkey import Pubkey

from worktab.agent.loops import Loop
from worktab.agent.serving import Server
from worktab.chain.rpc import RpcChain
from worktab.cli.output import emit, to_json, warn
from worktab.core.errors import ChainError, InputError, StateError
from worktab.ingest.app import ingest_app
from worktab.ingest.intake import Intake
from worktab.ingest.limits import Limits
from worktab.ingest.mirroring import Mirror
from worktab.ingest.opening import is_shared, open_store
from worktab.ingest.store import ReceiptStore
from worktab.roles.reading import NetworkReader

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_BACKLOG: Final = 512
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Serving:
    """What a service is made of; a worker gets it from its parent.

    store         path or postgresql:// address
    network       its address
    program       the program's address
    url           of the chain
    host, port    where it listens; port 0 for a free one
    workers       processes
    mirror_every  seconds between two readings of the chain
    grace         seconds that requests under way have to end
    limits        how much each worker takes
    """

    store: str
    network: str
    program: str
    url: str
    host: str
    port: int
    workers: int
    mirror_every: float
    grace: int
    limits: Limits


def serve_until_stopped(serving: Serving, *, as_json: bool) -> None:
    """Serve until a signal comes. Raises what starting raises."""
    _log()
    if serving.workers > 1 and not is_shared(serving.store):
        raise InputError(
            "A store in SQLite has one worker",
            expected="--workers 1, or a postgresql:// address as --store",
            got=f"--workers {serving.workers}",
        )
    listening = _listen(serving)
    url = f"http://{serving.host}:{listening.getsockname()[1]}"

    def tell() -> None:
        facts: dict[str, Any] = {"network": serving.network, "store": _named(serving.store), "url": url}
        facts["workers"] = serving.workers
        if as_json:
            typer.echo(to_json(facts, indent=None))
        else:
            emit(facts, as_json=False)
        sys.stdout.flush()

    asyncio.run(_prepare(serving))
    if serving.workers == 1:
        asyncio.run(_work(serving, listening, None, first=True, ready=tell))
    else:
        _supervise(serving, listening, tell)


async def _prepare(serving: Serving) -> None:
    """See that the store can be had and knows the network."""
    store = await asyncio.to_thread(open_store, serving.store)
    try:
        async with RpcChain(serving.url, tries=4) as chain:
            try:
                await _mirror(serving, store, chain).refresh()
            except ChainError as error:
                await asyncio.to_thread(lambda: store.facts)
                warn(f"the chain could not be read, so registrations are as of the last time: {error}")
    finally:
        await asyncio.to_thread(store.close)


def _mirror(serving: Serving, store: ReceiptStore, chain: RpcChain) -> Mirror:
    network, program = Pubkey.from_string(serving.network), Pubkey.from_string(serving.program)
    return Mirror(store, NetworkReader(chain, network, program_id=program))


async def _work(
    serving: Serving,
    listening: socket.socket,
    parent: Connection | None,
    *,
    first: bool,
    ready: Callable[[], None],
) -> None:
    """One worker, until a signal comes or the parent is gone."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop.set)
    if parent is not None:
        loop.add_reader(parent.fileno(), stop.set)
    async with AsyncExitStack() as held:
        store = await asyncio.to_thread(open_store, serving.store)
        held.push_async_callback(asyncio.to_thread, store.close)
        chain = await held.enter_async_context(RpcChain(serving.url, tries=4))
        mirror = _mirror(serving, store, chain)
        intake = Intake(store, mirror=mirror, limits=serving.limits, clock=mirror.now)
        with suppress(ChainError):  # as of the machine's clock, until the chain answers
            await mirror.read_clock()
        held.push_async_callback(intake.close)
        server = Server(ingest_app(intake), listening, serving.host, serving.grace, ())
        await server.start()
        ready()

        async def look() -> None:
            if first:
                await mirror.refresh()
                intake.metrics.mirrored.set(intake.now())
            else:
                await mirror.read_clock()

        looking = asyncio.create_task(Loop("mirror", look, serving.mirror_every).run())
        try:
            await stop.wait()
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            if parent is not None:
                loop.remove_reader(parent.fileno())
            await server.stop()


def _supervise(serving: Serving, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Run the workers; one that dies is replaced."""
    spawn = multiprocessing.get_context("spawn")
    mine, theirs = spawn.Pipe()
    stopped, wake = threading.Event(), socket.socketpair()

    def stop(*_: object) -> None:
        stopped.set()
        wake[1].send(b"\0")

    before = [signal.signal(number, stop) for number in _SIGNALS]

    def start(place: int) -> BaseProcess:
        started = spawn.Event()
        worker = spawn.Process(target=_worker, args=(serving, listening, theirs, place == 0, started), daemon=False)
        worker.start()
        while not started.wait(0.05):
            if not worker.is_alive() or stopped.is_set():
                break
        return worker

    workers: dict[int, BaseProcess] = {}
    try:
        for place in range(serving.workers):
            workers[place] = start(place)
            if not workers[place].is_alive() and not stopped.is_set():
                raise StateError("A worker did not start", next_step="See what it said")
        if not stopped.is_set():
            ready()
        while not stopped.is_set():
            wait([wake[0], *(worker.sentinel for worker in workers.values())])
            for place, worker in workers.items():
                if not worker.is_alive() and not stopped.is_set():
                    _LOG.warning("Worker %d ended with %s and is replaced", worker.pid, worker.exitcode)
                    stopped.wait(1)
                    workers[place] = start(place)
    finally:
        for worker in workers.values():
            worker.terminate()
        for worker in workers.values():
            worker.join()
        for number, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(number, handler)
        for each in (*wake, mine, theirs, listening):
            each.close()


def _worker(serving: Serving, listening: socket.socket, parent: Connection, first: bool, started: Any) -> None:
    _log()
    try:
        asyncio.run(_work(serving, listening, parent, first=first, ready=started.set))
    except KeyboardInterrupt:
        return


def _listen(serving: Serving) -> socket.socket:
    family = socket.AF_INET6 if ":" in serving.host else socket.AF_INET
    try:
        listening = socket.create_server((serving.host, serving.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise StateError(
            f"Cannot listen on {serving.host} port {serving.port}",
            got=str(error),
            next_step="Choose another --host or --port",
        ) from error
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _named(store: str) -> str:
    """A store's name without a password."""
    scheme, found, rest = store.partition("://")
    user, at, place = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{place}" if found else store


def _log() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
