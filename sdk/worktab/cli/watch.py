"""`worktab watch`: take what promises bring in time, and be told in time of what they would cost."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from worktab.cli.options import Json, NetworkArgument, TabOf, Wallet, examples, expanded

app = typer.Typer()


class ContestChoice(StrEnum):
    """Which penalties to contest."""

    ALWAYS = "always"
    SHORT = "short"
    NEVER = "never"


@app.command(
    epilog=examples(
        "worktab watch $NETWORK",
        "worktab watch $NETWORK --once --json",
        "worktab watch $NETWORK --contest always --ahead 7200",
        "worktab watch $NETWORK --device $DEVICE --book ~/.local/share/worktab/$DEVICE/book.sqlite",
    )
)
@expanded
def watch(
    network: NetworkArgument,
    device: Annotated[
        list[str] | None,
        typer.Option(
            "--device",
            metavar="ADDRESS",
            help="Watch this device only. Can be repeated; by default all of the wallet's.",
        ),
    ] = None,
    tab_of: TabOf = None,
    contest: Annotated[
        ContestChoice,
        typer.Option(
            help="Which penalties of the wallet's devices to contest: all; where a book shows more than was settled; "
            "or none."
        ),
    ] = ContestChoice.SHORT,
    ahead: Annotated[
        int,
        typer.Option(metavar="SECONDS", min=0, help="Warn, and settle what a book has, so long before a deadline."),
    ] = 3_600,
    book: Annotated[
        list[Path] | None,
        typer.Option(
            "--book",
            metavar="FILE",
            help="A device's book of vouchers, where no daemon holds it. Can be repeated. A daemon settles by itself.",
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of purse and purchases; by default ~/.local/share/worktab/buyer."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    every: Annotated[float, typer.Option(metavar="SECONDS", min=1, help="Look so often.")] = 30,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT", min=0, max=65_535, help="Serve /metrics for Prometheus on 127.0.0.1; 0 for a free port."
        ),
    ] = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Watch the wallet's tab and devices: end SLAs as soon as they can, settle and contest before time is up, end
    disputes that owe something, and warn of the rest.

    For a consumer it enforces SLAs, and shows records it bought that were found wrong, so that their price comes back.
    For an owner it warns before deadlines, settles, contests as told, and tells of disputes and of the bond. It keeps
    nothing but what is on chain: it may be killed at any time and started again, and does nothing twice. Goes on until
    interrupted, past failures. Without --once and with --json every line is a document of its own.
    """
    from worktab.cli.watching import Asked, run_watch
    from worktab.trust.watching.deciding import Contest

    asked = Asked(
        network=network,
        devices=tuple(device or ()),
        tab_of=tab_of,
        contest=Contest(contest.value),
        ahead=ahead,
        books=tuple(book or ()),
        state=state,
        every=None if once else every,
        metrics_port=metrics_port,
    )
    run_watch(asked, wallet, as_json=as_json)
