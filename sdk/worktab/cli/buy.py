"""`worktab buy`: a job from the cheapest device that answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worktab.cli.options import Json, TabOf, Wallet, examples, expanded

app = typer.Typer()


@app.command(
    epilog=examples(
        "worktab buy job.wasm input.bin --from http://10.0.0.7:8402 --budget 2 --output result.bin",
        "worktab buy job.wasm input.bin --from $ONE --from $OTHER --from $THIRD --budget 2 --verify 1",
        "worktab buy job.wasm input.bin --budget 2 --per-job 0.5 --purchase order-1138",
        "worktab buy job.wasm input.bin --budget 2 --tab-of $CONSUMER --keypair agent.json --fee-payer sponsor.json",
    )
)
@expanded
def buy(
    module: Annotated[Path, typer.Argument(metavar="MODULE", help="The job: a WASM file.", show_default=False)],
    input: Annotated[Path, typer.Argument(metavar="INPUT", help="Its input file.", show_default=False)],
    budget: Annotated[
        str, typer.Option(metavar="AMOUNT", help="The most to spend in all, in whole tokens.", show_default=False)
    ],
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            envvar="WORKTAB_DEVICES",
            show_envvar=True,
            metavar="URL",
            help="A device's server; can be repeated. By default those in ~/.config/worktab/devices, one a line.",
            show_default=False,
        ),
    ] = None,
    verify: Annotated[
        int, typer.Option(metavar="K", min=0, max=16, help="Buy it from so many more devices and compare.")
    ] = 0,
    max_units: Annotated[
        int | None,
        typer.Option(
            metavar="UNITS", min=1, max=2**48, help="The most work units it may take; by default what the budget buys."
        ),
    ] = None,
    per_job: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="The most that one device may charge, in whole tokens.")
    ] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write the result.")] = None,
    purchase: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Names the purchase: the same command after a crash or a failure gets what was bought. "
            "By default new, and printed to standard error before anything is paid.",
        ),
    ] = None,
    network: Annotated[
        str | None, typer.Option(metavar="NETWORK", help="Buy in this network only; by default the devices' one.")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of purse and purchases; by default ~/.local/share/worktab/buyer."),
    ] = None,
    tab_of: TabOf = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Buy a job from the cheapest device that answers; where one fails, the next one takes over.

    Pays from the wallet's tab, or with --tab-of as a delegate, by vouchers over a lane that is reserved where there is
    none. The budget holds for everything together: failures, verification, and what was signed for before a crash. A
    device that lacks the module gets it. Shows what was paid to whom, and what finding, retrying and verifying cost as
    a share of the price. Where it fails or is interrupted, shows what was paid so far and what may yet be charged.
    """
    from worktab.cli.buying import Wanted, run_purchase

    wanted = Wanted(
        module, input, budget, sources or [], verify, max_units, per_job, output, purchase, network, state, tab_of
    )
    run_purchase(wanted, wallet, as_json=as_json)
