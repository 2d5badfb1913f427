"""`worktab stats`: what a network and its devices did."""

from __future__ import annotations

from typing import Annotated

import typer

from worktab.cli.options import Cluster, Json, NetworkArgument, examples, expanded
from worktab.cli.output import emit

app = typer.Typer()


@app.command(epilog=examples("worktab stats $NETWORK", "worktab stats $NETWORK --json"))
@expanded
def stats(
    network: NetworkArgument,
    rows: Annotated[int, typer.Option(min=0, help="Devices to show; --json shows all.")] = 50,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Show what a network and its devices did, earned and are owed, and what each number proves.

    Units are what devices reported by receipts. Units sold are what consumers signed or paid for, and units self sold
    the part of those that a device's own owner bought. Revenue is what consumers paid, before fee and burn.
    Utilisation is units against total capacity in the present epoch.
    """
    from worktab.cli.connecting import read
    from worktab.cli.facts import device_rows, network_facts, with_proof
    from worktab.cli.parsing import address
    from worktab.roles.stats import network_stats, stats_of_devices

    where = address(network, "NETWORK")
    snapshot = read(cluster, "Reading the network", lambda session: session.network(where).snapshot(exact=False))
    made = network_stats(snapshot)
    facts = {
        "network": where,
        **with_proof(network_facts(made), made),
        "devices": device_rows(stats_of_devices(snapshot), made.decimals, rows),
    }
    emit(facts, as_json=as_json)
