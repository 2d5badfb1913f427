"""`worktab dispute`: who accuses which device of what, who voted what, and where the money went."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worktab.cli.options import Cluster, Json, NetworkArgument, Wallet, examples, expanded, group
from worktab.cli.output import Rows, emit

if TYPE_CHECKING:
    from worktab.cli.connecting import Acting, Reading

app = group(
    "Look at disputes about devices' records, vote on them, and end them.",
    examples("worktab dispute list $NETWORK", "worktab dispute status $DISPUTE"),
)

DisputeArgument = Annotated[str, typer.Argument(metavar="DISPUTE", help="Address of the dispute.", show_default=False)]

_SHOWN = 50


@app.command("list", epilog=examples("worktab dispute list $NETWORK", "worktab dispute list $NETWORK --all --json"))
@expanded
def list_(
    network: NetworkArgument,
    device: Annotated[str | None, typer.Option(metavar="DEVICE", help="Only those about this device.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Those that ended guilty, too.")] = False,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Show a network's disputes by deadline.

    One that ended without guilt is gone; its events tell of it: worktab dispute status.
    """
    from worktab.cli.connecting import read
    from worktab.cli.dispute_facts import row_of
    from worktab.cli.parsing import address, address_or_none

    where, about = address(network, "NETWORK"), address_or_none(device, "--device")

    async def work(session: Reading) -> list[dict[str, Any]]:
        reader = session.network(where)
        account, now = await reader.network(), await session.chain.unix_time()
        found = await reader.disputes(device=about, open_only=not everything)
        return [row_of(view, account, now) for view in found]

    rows = read(cluster, "Reading disputes", work)
    columns = ("dispute", "device", "job", "state", "guilty", "not_guilty", "deposit", "deadline")
    emit({"network": where, "disputes": Rows(rows, columns, _SHOWN)}, as_json=as_json)


@app.command(epilog=examples("worktab dispute status $DISPUTE", "worktab dispute status $DISPUTE --json"))
@expanded
def status(dispute: DisputeArgument, cluster: Cluster = Cluster(), as_json: Json = False) -> None:
    """Show a dispute, who voted what on it, and, once it ended, where deposit and bond went.

    Works for ended disputes as well, as far as the node keeps their transactions.
    """
    from worktab.cli.connecting import read
    from worktab.cli.dispute_facts import status_facts
    from worktab.cli.parsing import address

    where = address(dispute, "DISPUTE")
    emit(read(cluster, "Reading the dispute", lambda session: status_facts(session, where)), as_json=as_json)


@app.command(
    epilog=examples(
        "worktab dispute vote $DISPUTE differs --keypair attestor.json",
        "worktab dispute vote $DISPUTE withdrawn --keypair attestor.json",
    )
)
@expanded
def vote(
    dispute: DisputeArgument,
    finding: Annotated[
        str,
        typer.Argument(
            metavar="FINDING", help="agrees, differs, withheld, repeated, or withdrawn.", show_default=False
        ),
    ],
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Vote on a dispute by hand, with an attestor's key.

    `worktab attest run` does it by itself: it gets the record, runs it again and votes.
    """
    from worktab.cli.connecting import act, transaction
    from worktab.cli.dispute_facts import network_of
    from worktab.cli.parsing import address
    from worktab.core.errors import InputError
    from worktab.roles.accusations import DisputeFinding
    from worktab.roles.disputes import DisputeVoter

    where = address(dispute, "DISPUTE")
    if finding.upper() not in DisputeFinding.__members__:
        expected = ", ".join(each.name.lower() for each in DisputeFinding)
        raise InputError("FINDING is not known", expected=expected, got=repr(finding))
    found = DisputeFinding[finding.upper()]

    async def work(session: Acting) -> dict[str, Any]:
        network = await network_of(session, where)
        voter = DisputeVoter(session.sender(), network, session.actor, session.program)
        confirmed = await voter.vote(where, found)
        return {"dispute": where, "finding": finding.lower(), "transaction": transaction(confirmed)}

    emit(act(wallet, "Voting", work), as_json=as_json)


@app.command(
    epilog=examples(
        "worktab dispute resolve $DISPUTE",
        "worktab dispute resolve $DISPUTE --record work.bundle",
        "worktab dispute resolve $DISPUTE --bought",
    )
)
@expanded
def resolve(
    dispute: DisputeArgument,
    record: Annotated[
        Path | None, typer.Option("--record", metavar="BUNDLE", help="A bundle that holds the disputed record.")
    ] = None,
    bought: Annotated[
        bool, typer.Option("--bought", help="Show the record out of the purchases of `worktab buy`.")
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="With --bought: folder of the purchases; by default ~/.local/share/worktab/buyer."
        ),
    ] = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """End a dispute that enough attestors agree on, or whose deadline has passed.

    Anyone may. Where the device is guilty the record must be shown, so that its consumer is made whole; it can be read
    by everyone from then on. Only a challenge delay after the deadline does it go without.
    """
    from worktab.cli.connecting import act
    from worktab.cli.dispute_facts import resolve_facts
    from worktab.cli.parsing import address

    where = address(dispute, "DISPUTE")
    emit(
        act(wallet, "Resolving", lambda session: resolve_facts(session, where, record, state, bought=bought)),
        as_json=as_json,
    )


@app.command(epilog=examples("worktab dispute close $DISPUTE"))
@expanded
def close(dispute: DisputeArgument, wallet: Wallet = Wallet(), as_json: Json = False) -> None:
    """Close the account of a dispute that ended guilty, once its device's account is closed.

    Its rent goes back to who paid it. Anyone may.
    """
    from worktab.cli.connecting import act, transaction
    from worktab.cli.dispute_facts import network_of
    from worktab.cli.parsing import address
    from worktab.roles.disputes import DisputeCrank

    where = address(dispute, "DISPUTE")

    async def work(session: Acting) -> dict[str, Any]:
        network = await network_of(session, where)
        confirmed = await DisputeCrank(session.sender(), network, program_id=session.program).close(where)
        return {"dispute": where, "transaction": None if confirmed is None else transaction(confirmed)}

    emit(act(wallet, "Closing", work), as_json=as_json)
