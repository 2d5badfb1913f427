"""`worktab challenge`: run a device's records again, and dispute what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worktab.cli.options import Json, Wallet, examples, expanded

app = typer.Typer()


@app.command(
    epilog=examples(
        "worktab challenge work.bundle --dry-run",
        "worktab challenge --bought --yes",
        "worktab challenge bundles/ --receipt epochs/7/receipts.bin --one-in 20",
        "worktab challenge https://device.example --device $DEVICE --attestor attestor.json --keypair wallet.json",
    )
)
@expanded
def challenge(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE...",
            help="A bundle (worktab device export), a folder of bundles, or the URL of a bundle; with --device, the "
            "server of that device, which shows its records to attestors.",
            show_default=False,
        ),
    ] = None,
    bought: Annotated[
        bool, typer.Option("--bought", help="The jobs that `worktab buy` bought here, by the proofs it kept.")
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="With --bought: folder of the purchases; by default ~/.local/share/worktab/buyer."
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="The device; by default all that the sources tell of.")
    ] = None,
    attestor: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Key file of an attestor. It asks a device's server, by default --keypair does; and it signs for a "
            "record that is too far from what the device signed to be shown in one transaction.",
        ),
    ] = None,
    receipt: Annotated[
        list[Path] | None,
        typer.Option("--receipt", metavar="FILE", help="Receipts of the device, rows of 200 bytes. Can be repeated."),
    ] = None,
    ingest: Annotated[
        list[str] | None,
        typer.Option("--ingest", metavar="URL", help="An ingest that may hold its newest receipt. Can be repeated."),
    ] = None,
    job: Annotated[
        int | None, typer.Option("--job", metavar="NUMBER", min=1, help="Dispute this record and no other.")
    ] = None,
    one_in: Annotated[
        int | None, typer.Option(metavar="K", min=1, help="Execute about one record in K; by default all.")
    ] = None,
    seed: Annotated[
        str | None, typer.Option(metavar="HEX", help="With --one-in: chooses the sample; by default a random one.")
    ] = None,
    max_units: Annotated[
        int | None,
        typer.Option(
            metavar="UNITS", min=1, help="Execute records up to so many units; by default as far as attestors do."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be disputed, what it costs and may bring; send nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Dispute without asking.")] = False,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Run a device's records again, and dispute one that is wrong.

    Finds other outputs, other fuel and other meters than re-execution gives, and work that nobody paid for shown twice.
    The wallet is a consumer: the deposit comes out of its tab, and comes back with as much again if attestors find the
    device guilty; if they find it not guilty the deposit is lost. One record of a device is disputed, since one is
    enough to suspend it; run again, it shows how that dispute stands. What re-execution would agree with, such as a
    record of another input than was sent, is shown and not disputed. With --json it needs --yes or --dry-run. Exits
    with 1 if something is wrong that can't be disputed.
    """
    from worktab.cli.challenging import Asked, run_challenge

    asked = Asked(
        sources=tuple(sources or ()),
        bought=bought,
        state=state,
        device=device,
        attestor=attestor,
        receipts=tuple(receipt or ()),
        ingests=tuple(ingest or ()),
        job=job,
        one_in=one_in,
        seed=seed,
        max_units=max_units,
        dry_run=dry_run,
        yes=yes,
    )
    run_challenge(asked, wallet, as_json=as_json)
