"""`worktab tab reserve` and `release`: money that is set aside for one device, and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from worktab.cli.options import DeviceArgument, Json, NetworkArgument, TabOf, Wallet, examples, expanded
from worktab.cli.output import Amount, Name, Noted, When, emit

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

    With --tab-of the wallet is a delegate, and is charged at once and for good. A new lane is for vouchers of your own
    code: `worktab buy` opens its lanes itself and uses no other, but --lane adds to one of them.
    """
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address, address_or_none, amount_above_zero

    where, whose = address(device, "DEVICE"), address_or_none(tab_of, "--tab-of")

    async def work(session: Acting) -> tuple[Reservation, Pubkey, int]:
        consumer = session.consumer(await session.network_of(where), whose)
        decimals = (await consumer.reader.network()).decimals
        wanted = amount_above_zero(amount, decimals, "AMOUNT")
        made = await consumer.reserve(where, wanted, nonce=lane)
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
    command ends the lane. One that has ended is no failure; a tab keeps nothing of it, so that a nonce that it passed
    over when it was opened looks the same. A nonce that it has not come to yet is refused.
    """
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address, address_or_none
    from worktab.program.generated.errors import LaneNotFound

    where, whose = address(network, "NETWORK"), address_or_none(tab_of, "--tab-of")

    async def work(session: Acting) -> tuple[bool, LaneEnd, Pubkey, int]:
        consumer = session.consumer(where, whose)
        decimals, view = (await consumer.reader.network()).decimals, await consumer.tab()
        if nonce >= view.tab.nonce:
            raise LaneNotFound(
                "The tab never had a lane of this nonce",
                expected=f"a nonce below {view.tab.nonce}",
                got=str(nonce),
                next_step=f"Look at the tab's lanes: worktab tab show {where}",
            )
        return view.has_lane(nonce), await consumer.close_lane(nonce), consumer.tab_address, decimals

    found, end, tab, decimals = act(wallet, "Closing the lane", work)
    facts = {
        "tab": tab,
        "lane": Name(end.nonce)
        if found
        else Noted(Name(end.nonce), "the tab has none of this nonce: it ended, or never was"),
        "found": found,
        "ended": end.ended,
        "returned": Amount(end.returned, decimals),
        "may_end_at": None if end.ended else When(end.may_end_at),
        "transaction": None if end.confirmed is None else transaction(end.confirmed),
    }
    emit(facts, as_json=as_json)
