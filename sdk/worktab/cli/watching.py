"""Running `worktab watch`, and what is shown of it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import typer
from solders.pubkey import Pubkey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worktab.agent.purchases import KeptRecords
from worktab.agent.serving import Server
from worktab.cli.connecting import Acting, act, transaction
from worktab.cli.failures import Unsuccessful
from worktab.cli.options import Wallet
from worktab.cli.output import Amount, Rows, When, emit, to_json, warn
from worktab.cli.parsing import address, address_or_none
from worktab.cli.proof_sources import data_folder
from worktab.core.errors import ConnectionFailed, InputError, WorktabError
from worktab.market.provider.lane_book import LaneBookFile, device_of
from worktab.roles.disputes import DisputeCrank
from worktab.roles.settling import Settler
from worktab.roles.slas import SlaOwner
from worktab.trust.watching.acting import Done, Look, Watcher
from worktab.trust.watching.deciding import Contest, Policy, Warned
from worktab.trust.watching.metrics import Metrics
from worktab.trust.watching.running import watch

_METRICS_PATH: Final = "/metrics"
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was asked; `every` is in seconds, None for one look."""

    network: str
    devices: tuple[str, ...]
    tab_of: str | None
    contest: Contest
    ahead: int
    books: tuple[Path, ...]
    state: Path | None
    every: float | None
    metrics_port: int | None


def run_watch(asked: Asked, wallet: Wallet, *, as_json: bool) -> None:
    """Look once, or until a signal comes. Raises `Unsuccessful` where one look could not do all it was to do."""
    where = address(asked.network, "NETWORK")
    devices = tuple(address(each, "--device") for each in asked.devices)
    consumer = address_or_none(asked.tab_of, "--tab-of")

    if asked.every is None and asked.metrics_port is not None:
        raise InputError("One look serves no metrics", expected="--once or --metrics-port", got="both")

    async def work(session: Acting) -> Look | None:
        watcher = _watcher(asked, session, where, devices, consumer)
        if asked.every is None:
            return await watcher.look()
        with suppress(ConnectionFailed):  # a node that is away comes back; a network that is not there does not
            await session.network(where).network()
        metrics = Metrics()
        async with _served(metrics, asked.metrics_port):
            await _watch(watcher, asked.every, where, metrics, as_json)
        return None

    look = act(wallet, None if asked.every is not None else "Looking", work)
    if look is None:
        return
    facts = _facts(look, where)
    errors = [each.error for each in look.done if each.error is not None]
    if errors:
        raise Unsuccessful(errors[0], facts)
    emit(facts, as_json=as_json)


def _watcher(
    asked: Asked, session: Acting, where: Pubkey, devices: tuple[Pubkey, ...], consumer: Pubkey | None
) -> Watcher:
    sender, actor = session.sender(), session.actor
    slas = SlaOwner(sender, where, actor, program_id=session.program)
    purchases = (asked.state or data_folder() / "buyer").expanduser() / "purchases"
    books = {}
    for each in asked.books:
        file = each.expanduser()
        device, index = device_of(file)
        books[device] = LaneBookFile(file, device, index)
    return Watcher(
        slas,
        DisputeCrank(sender, where, program_id=session.program),
        Settler(sender, where, program_id=session.program),
        Policy(asked.contest, actor.pubkey(), asked.ahead),
        tab=slas.reader.tab_address(consumer or actor.pubkey()),
        owner=None if devices else actor.pubkey(),
        devices=devices,
        records=KeptRecords(purchases),
        books=books,
    )


@asynccontextmanager
async def _served(metrics: Metrics, port: int | None) -> AsyncIterator[None]:
    """Answers with the metrics on a port of this machine, and says where; None for nowhere."""
    if port is None:
        yield
        return

    async def answer(request: Request) -> Response:
        return Response(metrics.render(), media_type=metrics.content_type)

    server = Server.listen(Starlette(routes=[Route(_METRICS_PATH, answer)]), "127.0.0.1", port, grace=1)
    await server.start()
    typer.echo(f"metrics: {server.url}{_METRICS_PATH}", err=True)
    try:
        yield
    finally:
        await server.stop()


async def _watch(watcher: Watcher, every: float, where: Pubkey, metrics: Metrics, as_json: bool) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop.set)
    known: set[tuple[str, ...]] = set()

    def told(look: Look) -> None:
        nonlocal known
        metrics.looked(look)
        now: set[tuple[str, ...]] = {(each.alarm.value, str(each.subject), each.text) for each in look.warnings}
        now.update((each.code, each.message) for each in look.failures)
        if look.done or now - known:
            lines = [to_json(_facts(look, where), indent=None)] if as_json else _lines(look, known)
            for line in lines:
                _say(line)
        known = now

    def failed(error: WorktabError) -> None:
        metrics.failed(error)
        if as_json:
            _say(to_json({"error": error.as_dict()}, indent=None))
        else:
            with suppress(OSError):
                warn(str(error))

    await watch(watcher, stop, every=every, told=told, failed=failed)


def _say(line: str) -> None:
    try:
        typer.echo(line)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:  # a full disk, say; what is watched for must be done all the same
        with suppress(OSError):
            warn(f"the output cannot be written: {error.strerror}")


def _lines(look: Look, known: set[tuple[str, ...]]) -> Iterator[str]:
    """A look for people: what was done, and the warnings that are new."""
    for each in look.done:
        ended = f"failed: {each.error}" if each.error else each.confirmed.signature if each.confirmed else "done before"
        yield f"{When(look.now)}  {each.action.deed} {each.action.subject}: {each.action.why} ({ended})"
    for warned in look.warnings:
        if (warned.alarm.value, str(warned.subject), warned.text) not in known:
            until = "" if warned.until is None else f" (until {When(warned.until)})"
            yield f"{When(look.now)}  {warned.alarm} {warned.subject}: {warned.text}{until}"
    for error in look.failures:
        if (error.code, error.message) not in known:
            yield f"{When(look.now)}  {error.code}: {error}"


def _facts(look: Look, where: Pubkey) -> dict[str, Any]:
    return {
        "network": where,
        "now": When(look.now),
        "done": Rows([_done(each, look.decimals) for each in look.done], ("deed", "subject", "why", "moved", "error")),
        "warnings": Rows(
            [_warned(each, look.decimals) for each in look.warnings], ("alarm", "subject", "text", "amount", "until")
        ),
        "failures": Rows([each.as_dict() for each in look.failures], ("code", "message", "got")),
    }


def _done(each: Done, decimals: int) -> dict[str, Any]:
    return {
        "deed": each.action.deed.value,
        "subject": each.action.subject,
        "why": each.action.why,
        "moved": Amount(each.moved, decimals),
        "error": None if each.error is None else each.error.as_dict(),
        "transaction": None if each.confirmed is None else transaction(each.confirmed),
    }


def _warned(each: Warned, decimals: int) -> dict[str, Any]:
    return {
        "alarm": each.alarm.value,
        "subject": each.subject,
        "text": each.text,
        "amount": None if each.amount is None else Amount(each.amount, decimals),
        "until": None if each.until is None else When(each.until),
    }
