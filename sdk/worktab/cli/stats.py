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
    """Show what a network and its devices did, and what is owed.

    Reported is what receipts state. Sold is what was paid for, with what owners bought from themselves beside it: that
    costs them fee and burn and nothing more. Utilisation is units against total capacity in the present epoch.
    """
    from worktab.cli.connecting import read
    from worktab.cli.facts import device_rows, network_facts
    from worktab.cli.parsing import address
    from worktab.roles.stats import network_stats, stats_of_devices

    where = address(network, "NETWORK")
    snapshot = read(cluster, "Reading the network", lambda session: session.network(where).snapshot(exact=False))
    decimals = snapshot.network.decimals
    facts = {
        "network": where,
        **network_facts(network_stats(snapshot)),
        "devices": device_rows(stats_of_devices(snapshot), decimals, rows),
    }
    emit(facts, as_json=as_json)
