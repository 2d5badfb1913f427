"""`worktab network update`: changes to a network's terms, which wait before they are in force."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from worktab.cli.options import Json, NetworkArgument, Wallet, examples, expanded, group
from worktab.cli.output import Amount, When, emit

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from worktab.cli.connecting import Acting
    from worktab.roles.changes import NetworkChange
    from worktab.roles.operator import Operator, ProposedUpdate

    Proposal: TypeAlias = Callable[[Operator], Awaitable[ProposedUpdate]]

app = group(
    "Change a network's terms: propose, wait the parameter delay, apply.",
    examples("worktab network update propose $NETWORK --fees 100,50", "worktab network update apply $NETWORK"),
)


class NextPath(StrEnum):
    """The path that a network may move to."""

    ROOTS = "roots"


@app.command(
    epilog=examples(
        "worktab network update propose $NETWORK --fees 100,50",
        "worktab network update propose $NETWORK --class 0:rate=3000000,max-capacity=1000000,budget=900000",
        "worktab network update propose $NETWORK --authority $NEXT",
        "worktab network update propose $NETWORK --add-attestor $ATTESTOR --threshold 2",
        "worktab network update propose $NETWORK --remove-attestor $ATTESTOR",
        "worktab network update propose $NETWORK --reward-path roots",
        "worktab network update propose $NETWORK --dispute-deposit 5 --slash-bps 5000",
        "worktab network update propose $NETWORK --withdraw-pool 1000 --to $WALLET",
    )
)
@expanded
def propose(
    network: NetworkArgument,
    work_class: Annotated[
        str | None, typer.Option("--class", metavar="N:TERMS", help="Terms of class N, as for `network create`.")
    ] = None,
    fees: Annotated[str | None, typer.Option(metavar="FEE,BURN", help="On earnings, basis points.")] = None,
    delays: Annotated[
        str | None,
        typer.Option(metavar="PARAMETER,LANE_CLOSE,CHALLENGE,UNBONDING", help="All four delays in seconds."),
    ] = None,
    admission: Annotated[
        bool | None, typer.Option("--admission/--no-admission", help="Whether devices need a signature to register.")
    ] = None,
    guardian: Annotated[
        str | None, typer.Option(metavar="ADDRESS|none", help="May pause new work and veto roots.")
    ] = None,
    authority: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS|none", help="The next authority, once it accepts; needs no delay."),
    ] = None,
    add_attestor: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="One more attestor. By default --threshold stays, if it is a majority."),
    ] = None,
    remove_attestor: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="One attestor less, at once. Voids every vote.")
    ] = None,
    threshold: Annotated[
        int | None, typer.Option(min=0, help="Attestors that must agree, more than half. Voids every vote.")
    ] = None,
    reward_path: Annotated[
        NextPath | None,
        typer.Option(help="Pay by roots from the epoch after it is applied on; there is no way back."),
    ] = None,
    dispute_deposit: Annotated[
        str | None,
        typer.Option(
            metavar="AMOUNT",
            help="What a challenger of a record deposits, in whole tokens; 0 for no disputes. Goes with --slash-bps:"
            " what is left out stays.",
        ),
    ] = None,
    slash_bps: Annotated[
        int | None, typer.Option(min=0, help="Most of a bond that one guilty dispute slashes, basis points.")
    ] = None,
    withdraw_pool: Annotated[
        str | None,
        typer.Option(metavar="AMOUNT", help="Take so many whole tokens, or what is free then, out of the pool."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Wallet or token account that gets what --withdraw-pool takes; by default the wallet's own. A wallet's"
            " token account is made if missing.",
        ),
    ] = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Announce one change, in place of one that waits; the wallet is the authority.

    Removing an attestor and naming the next authority wait for nothing and leave a change that waits as it is.
    """
    from worktab.cli import parsing
    from worktab.cli.parsing import address, address_or_none
    from worktab.core.errors import InputError
    from worktab.roles import changes

    proposed: list[Proposal] = []

    def offer(change: NetworkChange) -> None:
        proposed.append(lambda operator: operator.propose_update(change))

    if work_class is not None:
        offer(changes.ClassChange(*parsing.numbered_class(work_class)))
    if fees is not None:
        offer(changes.FeeChange(*parsing.numbers(fees, ("FEE", "BURN"))))
    if delays is not None:
        names = ("PARAMETER", "LANE_CLOSE", "CHALLENGE", "UNBONDING")
        offer(changes.DelayChange(*parsing.numbers(delays, names)))
    if admission is not None:
        offer(changes.AdmissionChange(admission))
    if guardian is not None:
        offer(changes.GuardianChange(None if guardian == "none" else address(guardian, "--guardian")))
    if authority is not None:
        offer(changes.AuthorityChange(None if authority == "none" else address(authority, "--authority")))
    if remove_attestor is not None:
        offer(changes.RemoveAttestor(address(remove_attestor, "--remove-attestor")))
    if reward_path is not None:
        offer(changes.RewardPathChange())
    if add_attestor is not None:
        added = address(add_attestor, "--add-attestor")
        proposed.append(lambda operator: operator.add_attestor(added, threshold))
    elif threshold is not None:
        offer(changes.ThresholdChange(threshold))
    if dispute_deposit is not None or slash_bps is not None:
        proposed.append(_disputes(dispute_deposit, slash_bps))
    if withdraw_pool is not None:
        proposed.append(_pool(withdraw_pool, address_or_none(to, "--to")))
    if len(proposed) != 1:
        raise InputError(
            "A proposal is one change",
            expected="one of --class, --fees, --delays, --admission, --guardian, --authority, --add-attestor, "
            "--remove-attestor, --threshold, --reward-path, --dispute-deposit with --slash-bps, --withdraw-pool",
            got=str(len(proposed)),
        )
    if to is not None and withdraw_pool is None:
        raise InputError("--to goes with --withdraw-pool", got="--to alone")
    _propose(network, proposed[0], wallet, as_json)


def _disputes(deposit: str | None, slash_bps: int | None) -> Proposal:
    from worktab.core.money import parse_amount

    async def propose(operator: Operator) -> ProposedUpdate:
        amount = None if deposit is None else parse_amount(deposit, (await operator.network()).decimals)
        return await operator.set_disputes(amount, slash_bps)

    return propose


def _pool(amount: str, to: Pubkey | None) -> Proposal:
    from worktab.core.money import parse_amount

    async def propose(operator: Operator) -> ProposedUpdate:
        wanted = parse_amount(amount, (await operator.network()).decimals)
        return await operator.propose_pool_withdrawal(wanted, to)

    return propose


@app.command(epilog=examples("worktab network update cancel $NETWORK"))
@expanded
def cancel(
    network: NetworkArgument,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Withdraw the change that waits; the wallet is the authority."""
    from worktab.roles.changes import Cancel

    _propose(network, lambda operator: operator.propose_update(Cancel()), wallet, as_json)


@app.command(epilog=examples("worktab network update apply $NETWORK"))
@expanded
def apply(
    network: NetworkArgument,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Put the change that waits in force, once it is due. Any wallet may.

    A withdrawal of the pool is paid out, to the token account that was announced.
    """
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address
    from worktab.roles.changes import PoolWithdrawal, pending_change

    where = address(network, "NETWORK")

    async def work(session: Acting) -> dict[str, Any]:
        operator = session.operator(where)
        held = await operator.network()
        pending = pending_change(held)
        if pending is None or not isinstance(pending.change, PoolWithdrawal):
            return {"transaction": transaction(await operator.apply_update())}
        paid = await operator.withdraw_pool()
        return {
            "withdrawn": None if paid.amount is None else Amount(paid.amount, held.decimals),
            "to": paid.destination,
            "transaction": transaction(paid.confirmed),
        }

    emit({"network": where, **act(wallet, "Applying the change", work)}, as_json=as_json)


@app.command(epilog=examples("worktab network update accept $NETWORK --keypair next-authority.json"))
@expanded
def accept(
    network: NetworkArgument,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Become the authority; the wallet is the one proposed."""
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address

    where = address(network, "NETWORK")
    confirmed = act(wallet, "Accepting", lambda session: session.operator(where).accept_authority())
    emit({"network": where, "transaction": transaction(confirmed)}, as_json=as_json)


def _propose(network: str, call: Proposal, wallet: Wallet, as_json: bool) -> None:
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address

    where = address(network, "NETWORK")
    made = act(wallet, "Proposing", lambda session: call(session.operator(where)))
    facts = {
        "network": where,
        "effective_at": When(made.effective_at) if made.effective_at else None,
        "transaction": transaction(made.confirmed),
    }
    emit(facts, as_json=as_json)
