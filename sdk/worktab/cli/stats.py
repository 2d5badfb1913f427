"""`worktab stats`: what a network and its devices did."""

from __future__ import annotations

from typing import Annotated

import typer

from worktab.cli.options import Cluster, Json, NetworkArgument, examples, expanded
from worktab.cli.output import emit

app = typer.Typer()


@app.command(
    epilog=examples("worktab stats $NETWORK", "worktab stats $NETWORK --json", "worktab stats $NETWORK --explain")
)
@expanded
def stats(
    network: NetworkArgument,
    rows: Annotated[int, typer.Option(min=0, help="Devices to show; --json shows all.")] = 50,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say of every number what it proves and what it does not.")
    ] = False,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Show what a network and its devices did, earned, are owed and have at stake, and what each number proves.

    Units are what devices reported by receipts. Units sold are what consumers signed or paid for, and units self sold
    the part of those that a device's own owner bought. Revenue is what consumers paid, before fee and burn; fees paid
    and burned are what claims really took of it, and paid away their share in basis points. Utilisation is units
    against total capacity in the present epoch. Bonds, SLAs and disputes are of the devices that are registered.
    """
    from worktab.cli.connecting import read
    from worktab.cli.facts import device_rows, network_facts
    from worktab.cli.legend import legend, with_proof
    from worktab.cli.parsing import address
    from worktab.roles.stats import network_stats, stats_of_devices

    where = address(network, "NETWORK")
    snapshot = read(cluster, "Reading the network", lambda session: session.network(where).snapshot(exact=False))
    made = network_stats(snapshot)
    facts = {
        "network": where,
        **with_proof(network_facts(made), made),
        "devices": device_rows(stats_of_devices(snapshot), made.decimals, rows),
        **({"legend": legend()} if explain else {}),
    }
    emit(facts, as_json=as_json)
