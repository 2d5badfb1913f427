"""`worktab attest`: recompute epochs, run a sample of their records again, and vote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worktab.cli.options import Cluster, Json, NetworkArgument, Wallet, examples, expanded, group
from worktab.cli.output import Amount, Name, Rows, When, emit

if TYPE_CHECKING:
    from worktab.cli.connecting import Reading

app = group(
    "Recompute epochs, run a sample of their records again, and vote on their roots.",
    examples(
        "worktab attest run $NETWORK --store receipts.sqlite --published epochs/ --data https://other-attestor.example",
        "worktab attest status $NETWORK",
    ),
)

_SHOWN = 50


@app.command(
    epilog=examples(
        "worktab attest run $NETWORK --store receipts.sqlite --published epochs/ --commit",
        "worktab attest run $NETWORK --store receipts.sqlite --published epochs/ --data https://b.example --watch",
        "worktab attest run $NETWORK --disputes-only --evidence devices.txt --watch",
    )
)
@expanded
def run(
    network: NetworkArgument,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="STORE",
            envvar="WORKTAB_STORE",
            show_envvar=True,
            help="This attestor's own receipts: a file of SQLite, or postgresql://USER@HOST/DATABASE.",
            show_default=False,
        ),
    ] = None,
    published: Annotated[
        Path | None,
        typer.Option(
            "--published",
            metavar="DIR",
            help="Folder of the epochs that this attestor stands by; serve it, so that others can check.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", metavar="URL|DIR", help="Where another attestor publishes epochs. Can be repeated."),
    ] = None,
    evidence: Annotated[
        list[str] | None,
        typer.Option(
            "--evidence",
            metavar="URL|PATH",
            help="Where devices' records are: a URL, with {device} in the address's place; a folder of bundles; or a"
            " file with a line DEVICE URL for each. Can be repeated.",
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE", help="How work is rewarded, JSON or TOML; by default a fixed rate."),
    ] = None,
    epoch: Annotated[
        int | None, typer.Option("--epoch", metavar="INDEX", min=0, help="Only this one; by default all that are open.")
    ] = None,
    commit: Annotated[
        bool, typer.Option("--commit", help="Commit to the newest epoch where nobody's commitment is approved of.")
    ] = False,
    finalize: Annotated[bool, typer.Option("--finalize", help="Make final what is due.")] = False,
    sample: Annotated[int, typer.Option("--sample", metavar="N", min=0, help="Records to run again.")] = 30,
    max_units: Annotated[
        int,
        typer.Option(
            "--max-units",
            metavar="UNITS",
            min=1,
            max=1 << 48,
            help="Run records of disputes and epochs again up to so many units; what takes more is left to others.",
        ),
    ] = 20_000_000_000,
    grace: Annotated[
        int,
        typer.Option(
            "--grace", metavar="SECONDS", min=0, help="Before an epoch's end, in which receipts may have come too late."
        ),
    ] = 600,
    refuse_withheld: Annotated[
        bool, typer.Option("--refuse-withheld", help="Refuse where a record that was drawn is not shown.")
    ] = False,
    no_disputes: Annotated[bool, typer.Option("--no-disputes", help="Leave disputes to another process.")] = False,
    disputes_only: Annotated[
        bool,
        typer.Option("--disputes-only", help="See to disputes alone: needs neither --store nor --published."),
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on with every epoch, until interrupted.")] = False,
    every: Annotated[
        float, typer.Option("--every", metavar="SECONDS", min=1, help="With --watch: look so often.")
    ] = 30,
    memory: Annotated[
        Path | None,
        typer.Option("--memory", metavar="FILE", help="Where it keeps what it found; by default in the user's data."),
    ] = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Build epochs of this attestor's own receipts, compare what others committed to, and vote.

    The wallet is an attestor's key; with the guardian's, what is refused is vetoed. Where a root differs, published
    receipts are verified one by one and the root is made again of them. Records are drawn by the hash of the slot after
    the commitment, so that no device could know them. Exits with 1 if a commitment is refused. It may be killed at any
    time and started again: it never votes twice. With --watch and --json every line is a document of its own.

    Sees to the network's disputes as well: gets each record from its device, runs it again, votes, and ends what is
    decided. A device that shows nothing is asked again and again, and found to withhold its record only in the last
    quarter of the time.
    """
    from worktab.cli.attesting import Asked, attest

    asked = Asked(
        store=store,
        published=published,
        data=tuple(data or ()),
        evidence=tuple(evidence or ()),
        policy=policy,
        epoch=epoch,
        commit=commit,
        finalize=finalize,
        sample=sample,
        max_units=max_units,
        grace=grace,
        refuse_withheld=refuse_withheld,
        every=every if watch else None,
        memory=memory,
        epochs=not disputes_only,
        disputes=not no_disputes,
    )
    attest(network, asked, wallet, as_json=as_json)


@app.command(epilog=examples("worktab attest status $NETWORK", "worktab attest status $NETWORK --json"))
@expanded
def status(network: NetworkArgument, cluster: Cluster = Cluster(), as_json: Json = False) -> None:
    """Show open commitments, who voted what on them, and when they can be final."""
    from worktab.cli.connecting import read
    from worktab.cli.parsing import address

    where = address(network, "NETWORK")

    async def work(session: Reading) -> dict[str, Any]:
        from worktab.epochs.attesting.status import standings

        account, now, found = await standings(session.network(where))
        decimals = account.decimals
        commitments = [
            {
                "epoch": Name(each.view.account.index),
                "commitment": each.view.address,
                "stage": each.stage,
                "approvals": len(each.approving),
                "final_from": None if each.final_from is None else When(each.final_from),
                "total": Amount(each.view.account.total, decimals),
                "increase": Amount(each.view.account.total - account.root_total, decimals),
                "payees": each.view.account.count,
                "root": each.view.account.root,
                "data": each.view.account.data,
                "approving": list(each.approving),
            }
            for each in found
        ]
        votes = [
            {
                "epoch": Name(each.view.account.index),
                "commitment": each.view.address,
                "voter": cast.voter,
                "vote": cast.vote,
                "checked": cast.checked,
                "failed": cast.failed,
                "ms": cast.ms,
                "slot": Name(cast.slot),
            }
            for each in found
            for cast in each.votes
        ]
        return {
            "network": where,
            "now": When(now),
            "final_epoch": Name(account.root_epoch) if account.root_count else None,
            "final_total": Amount(account.root_total, decimals),
            "attestors": list(account.attestors[: account.attestor_count]),
            "threshold": account.threshold,
            "commitments": Rows(
                commitments, ("epoch", "commitment", "stage", "approvals", "final_from", "increase"), _SHOWN
            ),
            "votes": Rows(votes, ("epoch", "voter", "vote", "checked", "failed", "ms"), _SHOWN),
        }

    emit(read(cluster, "Reading commitments", work), as_json=as_json)
