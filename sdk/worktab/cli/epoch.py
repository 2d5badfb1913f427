"""`worktab epoch`: build, show and verify the data behind a root."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worktab.cli.options import Cluster, Json, NetworkArgument, examples, expanded, group
from worktab.cli.output import counting, emit

if TYPE_CHECKING:
    from worktab.cli.connecting import Reading
    from worktab.program.generated.accounts import Network

app = group(
    "Build the data behind a network's roots from receipts; show and verify them.",
    examples("worktab epoch build $NETWORK --store receipts.sqlite --data epochs"),
)

Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder of published epochs.", show_default=False)]
Index = Annotated[
    int | None,
    typer.Option("--epoch", metavar="INDEX", min=0, help="Which epoch; by default the newest there is."),
]


@app.command(
    epilog=examples(
        "worktab epoch build $NETWORK --store receipts.sqlite --data epochs",
        "worktab epoch build $NETWORK --store postgresql://worktab@db/worktab --data epochs --ray 10.0.0.1:6379",
    )
)
@expanded
def build(
    network: NetworkArgument,
    store: Annotated[
        str,
        typer.Option(
            "--store",
            metavar="STORE",
            envvar="WORKTAB_STORE",
            show_envvar=True,
            help="The receipts: a file of SQLite, or postgresql://USER@HOST/DATABASE.",
            show_default=False,
        ),
    ],
    data: Data,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE", help="How work is rewarded, JSON or TOML; by default a fixed rate."),
    ] = None,
    epoch: Annotated[
        int | None,
        typer.Option("--epoch", metavar="INDEX", min=0, help="Which epoch; by default the newest that is over."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, help="Processes; by default one for each core.")
    ] = None,
    ray: Annotated[
        str | None, typer.Option("--ray", metavar="ADDRESS", help="Check signatures on this Ray cluster instead.")
    ] = None,
    trust_store: Annotated[
        bool, typer.Option("--trust-store", help="Do not check signatures again: the store is one's own and did.")
    ] = False,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Build an epoch's data and root from a store's receipts, on top of the newest epoch before it.

    The folder of an epoch appears whole or not at all, so a build that was cut off is simply repeated; one that is
    there is checked and used. The same receipts give the same bytes everywhere.
    """
    from contextlib import ExitStack

    from worktab.cli.connecting import read
    from worktab.cli.epoch_facts import built_facts
    from worktab.cli.ingest_store import existing
    from worktab.cli.parsing import address
    from worktab.epochs.errors import EpochNotOver
    from worktab.epochs.policy import FixedRate, read_policy
    from worktab.epochs.publishing import build_next
    from worktab.epochs.ray import RayRunner
    from worktab.epochs.runners import LocalRunner, Runner
    from worktab.epochs.terms import EpochTerms

    where, folder = address(network, "NETWORK"), data.expanduser()
    rules = FixedRate() if policy is None else read_policy(policy.expanduser())

    async def look(session: Reading) -> tuple[Network, EpochTerms, int]:
        account = await session.network(where).network()
        terms = EpochTerms.of(where, account, program_id=session.program)
        return account, terms, await session.chain.unix_time()

    account, terms, now = read(cluster, "Reading the network", look)
    over = terms.newest_over(now)
    index = over if epoch is None else epoch
    if index > over:
        raise EpochNotOver(f"Epoch {index} is not over", expected=f"epoch {over} or before", got=f"epoch {index}")
    with ExitStack() as held:
        receipts = held.enter_context(existing(store))
        runner: Runner = LocalRunner(workers) if ray is None else held.enter_context(RayRunner(ray))
        progress = held.enter_context(counting(f"Building epoch {index}", None))
        made, new = build_next(
            folder,
            index,
            receipts,
            account,
            terms,
            rules,
            runner=runner,
            verify=not trust_store,
            progress=progress,
        )
    emit(built_facts(made, account.decimals, folder, new=new), as_json=as_json)


@app.command(epilog=examples("worktab epoch show --data epochs", "worktab epoch show --data epochs --epoch 41 --json"))
@expanded
def show(
    data: Data,
    epoch: Index = None,
    decimals: Annotated[
        int, typer.Option("--decimals", metavar="N", min=0, max=255, help="Of the token; 0 shows base units.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Show what an epoch's data say: payees, devices, units, rewards, and how far budgets and capacity were used."""
    from worktab.cli.epoch_facts import held, shown_facts

    folder = data.expanduser()
    emit(shown_facts(held(folder, epoch), folder, decimals), as_json=as_json)


@app.command(epilog=examples("worktab epoch verify --data epochs", "worktab epoch verify --data epochs --offline"))
@expanded
def verify(
    data: Data,
    epoch: Index = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the chain for its newest final root.")] = False,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Make hashes, sums and the root of an epoch's data anew, and compare the root with the chain's newest final one.

    Exits with 1 if the data differ from what they say, or from the chain's root of that epoch.
    """
    from worktab.cli.connecting import read
    from worktab.cli.epoch_facts import held, verified_facts

    found = held(data.expanduser(), epoch)
    found.check()

    async def look(session: Reading) -> Network:
        return await session.network(found.manifest.network).network()

    account = None if offline else read(cluster, "Reading the network", look)
    emit(verified_facts(found, account), as_json=as_json)
