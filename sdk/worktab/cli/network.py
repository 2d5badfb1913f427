"""`worktab network`: create, show, fund, collect fees, pause, and change later."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from worktab.cli import update
from worktab.cli.options import Cluster, Json, NetworkArgument, Wallet, examples, expanded, group
from worktab.cli.output import Amount, emit

if TYPE_CHECKING:
    from worktab.cli.connecting import Acting
    from worktab.roles.operator import CreatedNetwork
    from worktab.roles.treasury import CollectedFees, FundedPool

app = group("Create and run networks.", examples("worktab network show $NETWORK"))
app.add_typer(update.app, name="update")


class Path(StrEnum):
    """How a network rewards."""

    RECEIPTS = "receipts"
    ROOTS = "roots"


class Basis(StrEnum):
    """Which units a network rewards."""

    ALL = "all"
    SOLD = "sold"


@app.command(
    epilog=examples(
        "worktab network create --mint $MINT --class rate=2000000,max-capacity=1000000000,budget=5000000000",
        "worktab network create --mint $MINT --path roots --attestor $FIRST --attestor $SECOND --attestor $THIRD"
        " --class rate=2000000,max-capacity=1000000000,budget=5000000000 --dispute-deposit 5 --slash-bps 5000",
    )
)
@expanded
def create(
    mint: Annotated[str, typer.Option(metavar="ADDRESS", help="The token it pays in.", show_default=False)],
    classes: Annotated[
        list[str] | None,
        typer.Option(
            "--class",
            metavar="TERMS",
            help="A class of devices, as rate=N,max-capacity=N,budget=N: base units for 1,000,000 work units, most work"
            " units of a device in an epoch, most base units paid in an epoch. Also meter=NAME (wasm-fuel) and"
            " least-bond=N (0), base units. Repeat for up to 8 classes.",
        ),
    ] = None,
    number: Annotated[int, typer.Option("--id", min=0, help="Tells your networks apart.")] = 0,
    epoch_length: Annotated[int, typer.Option(metavar="SECONDS", min=0, help="Never changes.")] = 3_600,
    path: Annotated[Path, typer.Option(help="Reward by receipts on chain, or by roots.")] = Path.RECEIPTS,
    basis: Annotated[
        Basis,
        typer.Option(
            help="Reward all units within a device's capacity, or only those sold to others, at most by the fee and"
            " burn that those sales paid; the latter only by receipts."
        ),
    ] = Basis.ALL,
    admission: Annotated[bool, typer.Option("--admission", help="Devices need a signature to register.")] = False,
    fee_bps: Annotated[int, typer.Option(min=0, help="Fee on earnings, basis points.")] = 0,
    burn_bps: Annotated[int, typer.Option(min=0, help="Part of earnings that is burnt, basis points.")] = 0,
    parameter_delay: Annotated[int, typer.Option(metavar="SECONDS", min=0, help="What later changes wait.")] = 86_400,
    lane_close_delay: Annotated[
        int, typer.Option(metavar="SECONDS", min=0, help="How long a closing lane still settles; 3,600 or more.")
    ] = 3_600,
    challenge_delay: Annotated[
        int, typer.Option(metavar="SECONDS", min=0, help="How long a root can be challenged and a dispute voted on.")
    ] = 86_400,
    unbonding_delay: Annotated[
        int,
        typer.Option(
            metavar="SECONDS", min=0, help="How long a leaving bond stays; not less than the challenge delay."
        ),
    ] = 604_800,
    dispute_deposit: Annotated[
        str,
        typer.Option(
            metavar="AMOUNT",
            help="What a challenger of a record deposits, in whole tokens; 0: none may. Needs attestors.",
        ),
    ] = "0",
    slash_bps: Annotated[
        int, typer.Option(min=0, help="Most of a bond that one guilty dispute slashes, basis points.")
    ] = 0,
    guardian: Annotated[str | None, typer.Option(metavar="ADDRESS", help="May pause new work and veto roots.")] = None,
    attestor: Annotated[
        list[str] | None, typer.Option(metavar="ADDRESS", help="May check work and post roots. Repeat for up to 16.")
    ] = None,
    threshold: Annotated[
        int | None, typer.Option(min=0, help="Attestors that must agree; by default the least majority.")
    ] = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Create a network; the wallet becomes its authority."""
    from dataclasses import replace

    from worktab.chain.tokens import read_mint
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address, address_or_none, work_class
    from worktab.core.errors import InputError
    from worktab.core.money import parse_amount
    from worktab.roles.operator import Operator
    from worktab.roles.terms import NetworkPlan, RewardBasis, RewardPath

    if unbonding_delay < challenge_delay:
        raise InputError(
            "--unbonding-delay is too short",
            expected=f"the challenge delay, {challenge_delay}, or more",
            got=str(unbonding_delay),
        )
    plan = NetworkPlan(
        mint=address(mint, "--mint"),
        classes=tuple(work_class(each) for each in classes or ()),
        id=number,
        epoch_length=epoch_length,
        reward_path=RewardPath[path.name],
        basis=RewardBasis[f"{basis.name}_UNITS"],
        admission=admission,
        fee_bps=fee_bps,
        burn_bps=burn_bps,
        parameter_delay=parameter_delay,
        lane_close_delay=lane_close_delay,
        challenge_delay=challenge_delay,
        unbonding_delay=unbonding_delay,
        slash_bps=slash_bps,
        guardian=address_or_none(guardian, "--guardian"),
        attestors=tuple(address(each, "--attestor") for each in attestor or ()),
        threshold=threshold,
    )

    async def work(session: Acting) -> CreatedNetwork:
        decimals = (await read_mint(session.chain, plan.mint)).decimals
        priced = replace(plan, dispute_deposit=parse_amount(dispute_deposit, decimals))
        operator = Operator.of_plan(session.sender(), priced, authority=session.actor, program_id=session.program)
        return await operator.create_network(priced)

    made = act(wallet, "Creating the network", work)
    facts = {
        "network": made.address,
        "vault": made.vault,
        "transaction": transaction(made.confirmed),
    }
    emit(facts, as_json=as_json)


@app.command(epilog=examples("worktab network show $NETWORK", "worktab network show $NETWORK --json"))
@expanded
def show(network: NetworkArgument, cluster: Cluster = Cluster(), as_json: Json = False) -> None:
    """Show a network's terms, what it owes and its ledger check."""
    from worktab.cli.connecting import read
    from worktab.cli.facts import ledger_facts, network_facts, network_terms
    from worktab.cli.parsing import address
    from worktab.roles.ledger import ledger_of
    from worktab.roles.stats import network_stats

    where = address(network, "NETWORK")
    snapshot = read(cluster, "Reading the network", lambda session: session.network(where).snapshot())
    facts = {
        "network": where,
        **network_terms(snapshot.network),
        **network_facts(network_stats(snapshot)),
        "ledger": ledger_facts(ledger_of(snapshot), snapshot.network.decimals),
    }
    emit(facts, as_json=as_json)


@app.command(epilog=examples("worktab network fund $NETWORK 1250.5"))
@expanded
def fund(
    network: NetworkArgument,
    amount: Annotated[
        str,
        typer.Argument(
            metavar="AMOUNT",
            help="In whole tokens, such as 1250.5; 0 only credits what the vault holds beyond the ledger.",
            show_default=False,
        ),
    ],
    source: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Token account to take them from; by default the wallet's own."),
    ] = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Add the wallet's tokens to a network's reward pool."""
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address, address_or_none
    from worktab.cli.tokens import require_tokens
    from worktab.core.money import parse_amount

    where, account = address(network, "NETWORK"), address_or_none(source, "--source")

    async def work(session: Acting) -> tuple[FundedPool, int]:
        operator = session.operator(where)
        held = await operator.network()
        wanted = parse_amount(amount, held.decimals)
        await require_tokens(session, held, account, wanted)
        return await operator.fund_pool(wanted, source=account), held.decimals

    funded, decimals = act(wallet, "Funding the pool", work)
    facts = {
        "network": where,
        "amount": Amount(funded.amount, decimals),
        "surplus": None if funded.surplus is None else Amount(funded.surplus, decimals),
        "transaction": transaction(funded.confirmed),
    }
    emit(facts, as_json=as_json)


@app.command(
    epilog=examples(
        "worktab network collect-fees $NETWORK", "worktab network collect-fees $NETWORK --to $TOKEN_ACCOUNT"
    )
)
@expanded
def collect_fees(
    network: NetworkArgument,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Token account that gets them; by default the wallet's own, made if missing."
        ),
    ] = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Pay out the fees that claims have taken so far; the wallet is the authority.

    None to collect is no failure.
    """
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address, address_or_none

    where, account = address(network, "NETWORK"), address_or_none(to, "--to")

    async def work(session: Acting) -> tuple[CollectedFees, int]:
        operator = session.operator(where)
        decimals = (await operator.network()).decimals
        return await operator.collect_fees(account), decimals

    collected, decimals = act(wallet, "Collecting the fees", work)
    facts = {
        "network": where,
        "collected": Amount(collected.amount, decimals),
        "transaction": None if collected.confirmed is None else transaction(collected.confirmed),
    }
    emit(facts, as_json=as_json)


@app.command(epilog=examples("worktab network pause $NETWORK register submit", "worktab network pause $NETWORK none"))
@expanded
def pause(
    network: NetworkArgument,
    kinds: Annotated[
        list[str],
        typer.Argument(
            metavar="KIND...", help="register, submit, reserve, commit, finalize, all or none.", show_default=False
        ),
    ],
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Stop exactly these kinds of new work; claims and withdrawals go on.

    The authority sets and lifts any pause, the guardian only adds to it.
    """
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address, pause_flags

    where, flags = address(network, "NETWORK"), pause_flags(kinds)
    confirmed = act(wallet, "Setting the pause", lambda session: session.operator(where).set_pause(flags))
    emit({"network": where, "paused": flags, "transaction": transaction(confirmed)}, as_json=as_json)
