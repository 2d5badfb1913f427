"""`worktab tab delegate` and `revoke`: other keys that spend from a tab within limits, such as an agent's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from worktab.cli.options import Json, NetworkArgument, Wallet, examples, expanded
from worktab.cli.output import Amount, When, emit

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from worktab.chain.sending import Confirmed
    from worktab.cli.connecting import Acting
    from worktab.roles.outcomes import ChosenSlot

app = typer.Typer()


@app.command(
    epilog=examples(
        "worktab tab delegate $NETWORK agent.json --allowance 5",
        "worktab tab delegate $NETWORK $AGENT --allowance 50 --per-period 5 --period 86400 --expires-in 2592000",
        "worktab tab delegate $NETWORK $AGENT --allowance 5 --lane-limit 1 --classes 0,2",
    )
)
@expanded
def delegate(
    network: NetworkArgument,
    key: Annotated[
        str, typer.Argument(metavar="KEYFILE|PUBKEY", help="The delegate's key (Ed25519).", show_default=False)
    ],
    allowance: Annotated[
        str, typer.Option(metavar="AMOUNT", help="Most it may spend in all, in whole tokens.", show_default=False)
    ],
    per_period: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="Most it may spend in each --period, in whole tokens.")
    ] = None,
    period: Annotated[
        int | None, typer.Option(metavar="SECONDS", min=1, max=2**32 - 1, help="Length of a period.")
    ] = None,
    lane_limit: Annotated[
        str | None,
        typer.Option(metavar="AMOUNT", help="Most on one lane, paid and reserved; by default the allowance."),
    ] = None,
    expires_in: Annotated[
        int | None,
        typer.Option(metavar="SECONDS", min=1, max=2**40, help="It may spend that long; by default without end."),
    ] = None,
    classes: Annotated[
        str | None, typer.Option(metavar="N,N..", help="Classes of devices it may buy from; by default all.")
    ] = None,
    slot: Annotated[
        int | None, typer.Option(min=1, max=4, help="Its place among four; by default its own, else a free one.")
    ] = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Let a key spend from the wallet's tab within limits, or set its limits anew.

    It is charged in full when it reserves for a device or pays an invoice, and nothing is given back to it. It needs
    no SOL of its own where another pays the fees (--fee-payer). New limits count from zero.
    """
    from worktab.cli import keyfiles
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address, amount_above_zero, class_mask
    from worktab.core.errors import InputError

    where, spender = address(network, "NETWORK"), keyfiles.public_key(key)
    mask = 255 if classes is None else class_mask(classes)
    if (per_period is None) != (period is None):
        raise InputError("A limit by period needs both its amount and its length", expected="--per-period and --period")

    async def work(session: Acting) -> tuple[ChosenSlot, dict[str, int], Pubkey, int]:
        consumer = session.consumer(where)
        if spender == consumer.consumer:
            raise InputError(
                "The key is the wallet's own, which needs no leave to spend from its tab",
                expected="another key",
                got=str(spender),
                next_step="Name the key of who shall spend from the tab",
            )
        decimals = (await consumer.reader.network()).decimals
        most = amount_above_zero(allowance, decimals, "--allowance")
        terms = {
            "allowance": most,
            "period_limit": 0 if per_period is None else amount_above_zero(per_period, decimals, "--per-period"),
            "period_length": period or 0,
            "lane_limit": most if lane_limit is None else amount_above_zero(lane_limit, decimals, "--lane-limit"),
            "expires_at": 0 if expires_in is None else await session.chain.unix_time() + expires_in,
            "classes": mask,
        }
        return await consumer.set_delegate(spender, slot=slot, **terms), terms, consumer.tab_address, decimals

    chosen, terms, tab, decimals = act(wallet, "Setting the delegate", work)
    facts = {
        "tab": tab,
        "slot": chosen.slot,
        "key": spender,
        "allowance": Amount(terms["allowance"], decimals),
        "period_limit": Amount(terms["period_limit"], decimals) if period else None,
        "period_length": period,
        "lane_limit": Amount(terms["lane_limit"], decimals),
        "expires_at": When(terms["expires_at"]),
        "classes": [number for number in range(8) if mask >> number & 1],
        "transaction": None if chosen.confirmed is None else transaction(chosen.confirmed),
    }
    emit(facts, as_json=as_json)


@app.command(epilog=examples("worktab tab revoke $NETWORK agent.json", "worktab tab revoke $NETWORK 1"))
@expanded
def revoke(
    network: NetworkArgument,
    key: Annotated[
        str,
        typer.Argument(metavar="KEYFILE|PUBKEY|SLOT", help="The delegate's key, or its slot.", show_default=False),
    ],
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """End a delegate's spending from the wallet's tab at once.

    Vouchers it signed remain good. One that may not spend already is no failure.
    """
    from worktab.cli import keyfiles
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address

    where = address(network, "NETWORK")
    spender = int(key) if key in ("1", "2", "3", "4") else keyfiles.public_key(key)

    async def work(session: Acting) -> tuple[Confirmed | None, Pubkey]:
        consumer = session.consumer(where)
        return await consumer.revoke(spender), consumer.tab_address

    confirmed, tab = act(wallet, "Revoking", work)
    facts = {
        "tab": tab,
        "delegate": spender,
        "revoked": confirmed is not None,
        "transaction": None if confirmed is None else transaction(confirmed),
    }
    emit(facts, as_json=as_json)
