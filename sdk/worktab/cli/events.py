"""`worktab events`: what happens in a network, to a tab, a device or a wallet, one line for each event."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from worktab.cli.options import Cluster, Json, examples, expanded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from solders.signature import Signature

    from worktab.chain.feed import CursorFile, Start
    from worktab.cli.followed import Followed
    from worktab.program.structs import Event
    from worktab.roles.events import ProgramEvents, TransactionEvents

app = typer.Typer()

_SILENCE: Final = 5.0  # seconds without a subscription after which to say so


@app.command(
    epilog=examples(
        "worktab events $NETWORK",
        "worktab events $NETWORK --follow --json",
        "worktab events $NETWORK --follow --cursor seen --type ReceiptSubmitted --type Claimed",
        "worktab events --tab $TAB --follow --type VoucherSettled --type BatchSettled",
        "worktab events $NETWORK --follow --type EpochCommitted --type EpochVoted --type EpochFinalized",
        "worktab events $NETWORK --type DisputeOpened --type DisputeVoted --type DisputeResolved",
        "worktab events --payout $WALLET",
        "worktab events --since now --follow",
    )
)
@expanded
def events(
    network: Annotated[
        str | None,
        typer.Argument(metavar="NETWORK", help="Address of the network; by default all networks.", show_default=False),
    ] = None,
    tab: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Only what happens to this tab.")] = None,
    device: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Only what happens to this device.")] = None,
    payout: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Only what this wallet was paid, by any network.")
    ] = None,
    sales: Annotated[
        bool,
        typer.Option(
            "--sales",
            help="Of NETWORK, also what does not name it: vouchers that settle, delegates, invoices, ends of SLAs."
            " Reads the transactions of all networks for it.",
        ),
    ] = False,
    since: Annotated[
        str,
        typer.Option(
            metavar="SIGNATURE",
            help="Begin after this transaction, or with the `oldest` that the node keeps, or `now`.",
        ),
    ] = "oldest",
    cursor: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep in this file how far it got. Once it is there, begin there, whatever --since says.",
        ),
    ] = None,
    follow: Annotated[bool, typer.Option(help="Go on with what comes, until interrupted.")] = False,
    kinds: Annotated[
        list[str] | None, typer.Option("--type", metavar="NAME", help="Only events of this type. Can be repeated.")
    ] = None,
    ws_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Websocket of the cluster; by default it follows from --url.")
    ] = None,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Print the events of a network, a tab, a device or a payout wallet, each once, in the order of the chain.

    With --json every line is a document of its own. Amounts are in base units. Nothing is missed while the connection
    breaks or the node restarts, nor, with --cursor, while this command does not run. That file is written after a
    transaction was printed: a crash in between prints that one again. Events come once their block is confirmed and
    another one follows.
    """
    from worktab.chain.feed import CursorFile
    from worktab.cli.failures import FAILED, told_of
    from worktab.cli.followed import Followed
    from worktab.cli.parsing import address
    from worktab.core.errors import WorktabError
    from worktab.program.generated import PROGRAM_ID

    try:
        what = Followed.named(network, tab, device, payout, sales=sales)
        file = None if cursor is None else CursorFile(cursor)
        options = {
            "kinds": _types(kinds or []),
            "program_id": PROGRAM_ID if cluster.program is None else address(cluster.program, "--program"),
            "since": (file and file.read()) or _start(since),
            "follow": follow,
        }
        complete = _run(cluster.url, ws_url, what, options, file, as_json)
    except WorktabError as error:
        if not as_json:
            raise
        code, told = told_of(error)
        _print({"error": told}, as_json=True)
        raise typer.Exit(code) from None
    except BrokenPipeError:
        _forget_output()
        complete = False
    if not complete:
        raise typer.Exit(FAILED)


def _run(
    url: str | None, ws_url: str | None, what: Followed, options: Any, file: CursorFile | None, as_json: bool
) -> bool:
    import asyncio

    from worktab.chain.rpc import LOCAL_URL, RpcChain
    from worktab.cli.connecting import TRIES

    async def run() -> bool:
        async with RpcChain(url or LOCAL_URL, ws_url=ws_url, tries=TRIES) as chain:
            await what.check(chain, options["program_id"])
            async with what.feed(chain, **options) as source:
                telling = asyncio.create_task(_tell_of_silence(source))
                try:
                    return await _print_all(source, file, as_json)
                finally:
                    telling.cancel()

    return asyncio.run(run())


async def _print_all(source: ProgramEvents, file: CursorFile | None, as_json: bool) -> bool:
    """Print to the end; whether all could be read."""
    complete = True
    if file is not None and source.cursor is not None:
        file.write(source.cursor)
    while (transaction := await source.next_transaction()) is not None:
        for line in _lines(transaction):
            _print(line, as_json=as_json)
        complete = complete and transaction.error is None
        if file is not None:
            file.write(transaction.signature)
    return complete


async def _tell_of_silence(source: ProgramEvents) -> None:
    """Say once that nobody tells of events, for which a wrong address may be the reason."""
    import asyncio

    from worktab.cli.output import warn

    await asyncio.sleep(_SILENCE)
    if source.feed.trouble:
        warn(f"no subscription ({source.feed.trouble}), so events come up to half a minute late; see --ws-url")


def _lines(transaction: TransactionEvents) -> Iterator[dict[str, Any]]:
    place = {"slot": transaction.slot, "signature": str(transaction.signature)}
    for item in transaction.events:
        yield {"event": type(item.event).__name__, **place, "index": item.index, "data": _facts(item.event)}
    if transaction.error is not None:
        yield {"event": None, **place, "error": transaction.error.as_dict()}


def _facts(value: Any) -> Any:
    """A struct as names and values, all the way down."""
    from worktab.program.structs import Struct

    if isinstance(value, Struct):
        return {name.rstrip("_"): _facts(getattr(value, name)) for name, _ in value.FIELDS}
    return [_facts(each) for each in value] if isinstance(value, tuple) else value


def _print(line: dict[str, Any], *, as_json: bool) -> None:
    from worktab.cli.failures import FAILED
    from worktab.cli.output import to_json, warn

    try:
        if as_json:
            print(to_json(line, indent=None), flush=True)
        elif "error" in line:
            warn(line["error"]["message"])
        else:
            facts = [f"{name}={_text(value)}" for name, value in line["data"].items()]
            print(line["slot"], line["signature"], line["event"], *facts, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:  # a full disk, say; the error cannot be told there either
        _forget_output()
        warn(f"the output cannot be written: {error.strerror}")
        raise typer.Exit(FAILED) from None


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_text(each) for each in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={_text(each)}" for name, each in value.items()) + "}"
    if isinstance(value, bytes):
        return value.hex()
    if value is None:
        return "-"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _types(names: list[str]) -> tuple[type[Event], ...]:
    from worktab.core.errors import InputError
    from worktab.roles.events import EVENT_TYPES

    for name in names:
        if name not in EVENT_TYPES:
            raise InputError("This type of event is not known", expected=", ".join(EVENT_TYPES), got=repr(name))
    return tuple(EVENT_TYPES[name] for name in names or EVENT_TYPES)


def _start(text: str) -> Signature | Start:
    from solders.signature import Signature

    from worktab.chain.feed import Start
    from worktab.core.errors import InputError

    if text in (Start.NOW.value, Start.OLDEST.value):
        return Start(text)
    try:
        return Signature.from_string(text)
    except ValueError:
        raise InputError(
            "--since names no transaction", expected="a signature in base58, oldest or now", got=repr(text)
        ) from None


def _forget_output() -> None:
    """Let Python end in peace though nobody reads what it has printed."""
    import os
    import sys

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
