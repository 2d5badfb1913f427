"""`worktab bond`: what a device's owner puts at stake for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from worktab.cli.options import Cluster, DeviceArgument, Json, Wallet, examples, expanded, group
from worktab.cli.output import Amount, Noted, When, emit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from solders.pubkey import Pubkey

    from worktab.cli.connecting import Acting, Reading
    from worktab.program.generated.accounts import Network
    from worktab.roles.bonds import BondChange, BondKeeper, BondStatus

app = group(
    "A device's bond: what its owner puts at stake for its work and its promises.",
    examples("worktab bond deposit $DEVICE 50", "worktab bond status $DEVICE"),
)

_BondAmount = Annotated[
    str, typer.Argument(metavar="AMOUNT", help="In whole tokens, such as 12.5.", show_default=False)
]


@app.command(epilog=examples("worktab bond deposit $DEVICE 50", "worktab bond deposit $DEVICE 50 --up-to"))
@expanded
def deposit(
    device: DeviceArgument,
    amount: _BondAmount,
    up_to: Annotated[
        bool, typer.Option("--up-to", help="Add only what is missing for so much to stay; a repeat adds nothing.")
    ] = False,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Add the wallet's tokens to a device's bond; the wallet is the device's owner.

    Capacity that fell to 0 for want of bond does not come back by itself.
    """
    from worktab.cli.parsing import amount_above_zero
    from worktab.cli.tokens import require_tokens

    async def work(session: Acting, keeper: BondKeeper, network: Network, where: Pubkey) -> BondChange:
        wanted = amount_above_zero(amount, network.decimals, "AMOUNT")
        missing = max(0, wanted - (await keeper.status(where)).staying) if up_to else wanted
        await require_tokens(session, network, None, missing)
        return await (keeper.deposit_up_to(where, wanted) if up_to else keeper.deposit(where, wanted))

    _run(device, wallet, "Depositing", "deposited", work, as_json=as_json)


@app.command(epilog=examples("worktab bond withdraw $DEVICE 20", "worktab bond withdraw $DEVICE all"))
@expanded
def withdraw(
    device: DeviceArgument,
    amount: Annotated[
        str, typer.Argument(metavar="AMOUNT|all", help="In whole tokens, such as 12.5.", show_default=False)
    ],
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Let so much of a bond leave, in place of what was leaving; the wallet is the device's owner.

    It is paid out by `worktab bond finish`, once the network's unbonding delay has passed. Until then all of it answers
    for the device, and what leaves no longer counts towards the least bond of the class: with less than that, the
    device's capacity falls to 0 from the next epoch on. A repeat does not start the delay again.
    """
    from worktab.cli.parsing import amount_above_zero
    from worktab.program.generated.errors import BondHeld

    async def work(session: Acting, keeper: BondKeeper, network: Network, where: Pubkey) -> BondChange:
        wanted = None if amount == "all" else amount_above_zero(amount, network.decimals, "AMOUNT")
        status = await keeper.status(where)
        most = status.bond - status.held
        if wanted is not None and wanted > most:
            held, free = Amount(status.held, network.decimals), Amount(most, network.decimals)
            raise BondHeld(expected=f"at most {free} tokens", got=f"{amount}, while SLAs hold {held}")
        return await keeper.leave(where, most if wanted is None else wanted)

    _run(device, wallet, "Announcing", None, work, as_json=as_json)


@app.command(epilog=examples("worktab bond keep $DEVICE"))
@expanded
def keep(device: DeviceArgument, wallet: Wallet = Wallet(), as_json: Json = False) -> None:
    """Let nothing of a bond leave after all; the wallet is the device's owner."""

    async def work(session: Acting, keeper: BondKeeper, network: Network, where: Pubkey) -> BondChange:
        return await keeper.leave(where, 0)

    _run(device, wallet, "Keeping the bond", None, work, as_json=as_json)


@app.command(epilog=examples("worktab bond finish $DEVICE", "worktab bond finish $DEVICE --to $TOKEN_ACCOUNT"))
@expanded
def finish(
    device: DeviceArgument,
    to: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A token account; by default the wallet's, which is made if missing."),
    ] = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Pay out what was told to leave, once its time has come; the wallet is the device's owner.

    Nothing that leaves is no failure. While a dispute about the device is open, nothing is paid out.
    """
    from worktab.cli.parsing import address_or_none

    destination = address_or_none(to, "--to")

    async def work(session: Acting, keeper: BondKeeper, network: Network, where: Pubkey) -> BondChange:
        return await keeper.finish(where, destination=destination)

    _run(device, wallet, "Paying out", "paid", work, as_json=as_json)


@app.command(epilog=examples("worktab bond status $DEVICE", "worktab bond status $DEVICE --json"))
@expanded
def status(device: DeviceArgument, cluster: Cluster = Cluster(), as_json: Json = False) -> None:
    """Show a device's bond: what SLAs hold, what leaves and when, what is free, and what its class asks for."""
    from worktab.cli.connecting import read
    from worktab.cli.parsing import address
    from worktab.roles.bonds import BondStatus

    where = address(device, "DEVICE")

    async def look(session: Reading) -> tuple[BondStatus, int]:
        view = await session.device(where)
        return BondStatus.of(view), view.network.decimals

    held, decimals = read(cluster, "Reading the bond", look)
    emit({"device": where, **_facts(held, decimals)}, as_json=as_json)


def _run(
    device: str,
    wallet: Wallet,
    doing: str,
    done: str | None,
    work: Callable[[Acting, BondKeeper, Network, Pubkey], Awaitable[BondChange]],
    *,
    as_json: bool,
) -> None:
    """Change a bond, and show it; `done` names the amount."""
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address
    from worktab.roles.bonds import BondKeeper

    where = address(device, "DEVICE")

    async def change(session: Acting) -> tuple[BondChange, int]:
        network = await session.network_of(where)
        keeper = BondKeeper(session.sender(), network, session.actor, program_id=session.program)
        held = await keeper.reader.network()
        return await work(session, keeper, held, where), held.decimals

    made, decimals = act(wallet, doing, change)
    facts: dict[str, Any] = {"device": where}
    if done is not None:
        facts[done] = Amount(made.amount, decimals)
    facts |= _facts(made.status, decimals)
    facts["transaction"] = None if made.confirmed is None else transaction(made.confirmed)
    emit(facts, as_json=as_json)


def _facts(held: BondStatus, decimals: int) -> dict[str, Any]:
    def tokens(amount: int) -> Amount:
        return Amount(amount, decimals)

    short = "below the least bond: no receipt is taken" if held.missing else "the least bond is there"
    return {
        "bond": tokens(held.bond),
        "held_by_slas": tokens(held.held),
        "leaving": tokens(held.leaving),
        "leaves_at": When(held.leaves_at) if held.leaving else None,
        "may_finish": held.may_finish,
        "free": tokens(held.free),
        "least": tokens(held.least),
        "missing": Noted(tokens(held.missing), short),
        "capacity": held.capacity,
        "next_capacity": held.next_capacity,
        "open_disputes": held.open_disputes,
    }
