"""`worktab network update`: changes to a network's terms, which wait before they are in force."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from worktab.cli.options import Json, NetworkArgument, Wallet, examples, expanded, group
from worktab.cli.output import When, emit

if TYPE_CHECKING:
    from worktab.chain.sending import Confirmed
    from worktab.roles.changes import NetworkChange
    from worktab.roles.operator import Operator, ProposedUpdate

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
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Announce one change, in place of one that waits; the wallet is the authority.

    Removing an attestor and naming the next authority wait for nothing and leave a change that waits as it is.
    """
    from worktab.cli import parsing
    from worktab.cli.parsing import address
    from worktab.core.errors import InputError
    from worktab.roles import changes

    proposed: list[NetworkChange] = []
    if work_class is not None:
        proposed.append(changes.ClassChange(*parsing.numbered_class(work_class)))
    if fees is not None:
        proposed.append(changes.FeeChange(*parsing.numbers(fees, ("FEE", "BURN"))))
    if delays is not None:
        names = ("PARAMETER", "LANE_CLOSE", "CHALLENGE", "UNBONDING")
        proposed.append(changes.DelayChange(*parsing.numbers(delays, names)))
    if admission is not None:
        proposed.append(changes.AdmissionChange(admission))
    if guardian is not None:
        proposed.append(changes.GuardianChange(None if guardian == "none" else address(guardian, "--guardian")))
    if authority is not None:
        proposed.append(changes.AuthorityChange(None if authority == "none" else address(authority, "--authority")))
    if remove_attestor is not None:
        proposed.append(changes.RemoveAttestor(address(remove_attestor, "--remove-attestor")))
    if reward_path is not None:
        proposed.append(changes.RewardPathChange())
    added = None if add_attestor is None else address(add_attestor, "--add-attestor")
    if threshold is not None and added is None:
        proposed.append(changes.ThresholdChange(threshold))
    count = len(proposed) + (added is not None)
    if count != 1:
        raise InputError(
            "A proposal is one change",
            expected="one of --class, --fees, --delays, --admission, --guardian, --authority, --add-attestor, "
            "--remove-attestor, --threshold, --reward-path",
            got=str(count),
        )
    if added is not None:
        _propose(network, lambda operator: operator.add_attestor(added, threshold), wallet, as_json)
    else:
        _propose(network, lambda operator: operator.propose_update(proposed[0]), wallet, as_json)


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
    """Put the change that waits in force, once it is due. Any wallet may."""
    _send(network, "Applying the change", lambda operator: operator.apply_update(), wallet, as_json)


@app.command(epilog=examples("worktab network update accept $NETWORK --keypair next-authority.json"))
@expanded
def accept(
    network: NetworkArgument,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Become the authority; the wallet is the one proposed."""
    _send(network, "Accepting", lambda operator: operator.accept_authority(), wallet, as_json)


def _propose(
    network: str, call: Callable[[Operator], Awaitable[ProposedUpdate]], wallet: Wallet, as_json: bool
) -> None:
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


def _send(
    network: str, doing: str, call: Callable[[Operator], Awaitable[Confirmed]], wallet: Wallet, as_json: bool
) -> None:
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address

    where = address(network, "NETWORK")
    confirmed = act(wallet, doing, lambda session: call(session.operator(where)))
    emit({"network": where, "transaction": transaction(confirmed)}, as_json=as_json)
