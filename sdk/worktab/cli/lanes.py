"""`worktab tab reserve` and `release`: money that is set aside for one device, and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from worktab.cli.options import DeviceArgument, Json, NetworkArgument, TabOf, Wallet, examples, expanded
from worktab.cli.output import Amount, Name, When, emit

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from worktab.cli.connecting import Acting
    from worktab.roles.outcomes import LaneEnd, Reservation

app = typer.Typer()


@app.command(
    epilog=examples(
        "worktab tab reserve $DEVICE 5",
        "worktab tab reserve $DEVICE 2.5 --lane 173",
        "worktab tab reserve $DEVICE 5 --tab-of $CONSUMER --keypair agent.json --fee-payer sponsor.json",
    )
)
@expanded
def reserve(
    device: DeviceArgument,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="In whole tokens, such as 5.", show_default=False)],
    lane: Annotated[
        int | None,
        typer.Option(metavar="NONCE", min=0, max=2**32 - 1, help="Add to this lane; by default a new one is opened."),
    ] = None,
    tab_of: TabOf = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Set a part of a tab's balance aside for a device; the wallet then signs the lane's vouchers.

    With --tab-of the wallet is a delegate, and is charged at once and for good.
    """
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address, address_or_none
    from worktab.core.money import parse_amount

    where, whose = address(device, "DEVICE"), address_or_none(tab_of, "--tab-of")

    async def work(session: Acting) -> tuple[Reservation, Pubkey, int]:
        consumer = session.consumer(await session.network_of(where), whose)
        decimals = (await consumer.reader.network()).decimals
        made = await consumer.reserve(where, parse_amount(amount, decimals), nonce=lane)
        return made, consumer.tab_address, decimals

    made, tab, decimals = act(wallet, "Reserving", work)
    facts = {
        "tab": tab,
        "device": where,
        "lane": Name(made.nonce),
        "reserved": Amount(made.reserved, decimals),
        "transaction": transaction(made.confirmed),
    }
    emit(facts, as_json=as_json)


@app.command(epilog=examples("worktab tab release $NETWORK 173"))
@expanded
def release(
    network: NetworkArgument,
    nonce: Annotated[
        int,
        typer.Argument(
            metavar="NONCE", min=0, max=2**32 - 1, help="The lane, as `tab show` names it.", show_default=False
        ),
    ],
    tab_of: TabOf = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Close a lane, and get back what its vouchers did not move.

    The first call starts it; the device can settle its vouchers until the time that is shown. From then on the same
    command ends the lane. One that has ended is no failure.
    """
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address, address_or_none

    where, whose = address(network, "NETWORK"), address_or_none(tab_of, "--tab-of")

    async def work(session: Acting) -> tuple[LaneEnd, Pubkey, int]:
        consumer = session.consumer(where, whose)
        decimals = (await consumer.reader.network()).decimals
        return await consumer.close_lane(nonce), consumer.tab_address, decimals

    end, tab, decimals = act(wallet, "Closing the lane", work)
    facts = {
        "tab": tab,
        "lane": Name(end.nonce),
        "ended": end.ended,
        "returned": Amount(end.returned, decimals),
        "may_end_at": None if end.ended else When(end.may_end_at),
        "transaction": None if end.confirmed is None else transaction(end.confirmed),
    }
    emit(facts, as_json=as_json)
