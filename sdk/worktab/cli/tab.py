"""`worktab tab`: a consumer's money in a network. `lanes` sets it aside for devices, `delegates` lets others spend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from worktab.cli import delegates, lanes
from worktab.cli.options import Cluster, Json, NetworkArgument, TabOf, Wallet, examples, expanded, group
from worktab.cli.output import Amount, Rows, emit

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from worktab.chain.sending import Confirmed
    from worktab.cli.connecting import Acting, Reading
    from worktab.program.generated.accounts import Network
    from worktab.roles.outcomes import OpenedTab, Withdrawal
    from worktab.roles.spending import Spending
    from worktab.roles.tabs import TabView

app = group(
    "Pay for devices' work: a consumer's tab, its lanes and its delegates.",
    examples("worktab tab open $NETWORK --deposit 25", "worktab tab show $NETWORK"),
)


@app.command(epilog=examples("worktab tab open $NETWORK", "worktab tab open $NETWORK --deposit 25"))
@expanded
def open(
    network: NetworkArgument,
    deposit: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="Put so much of the wallet's tokens in, in whole tokens.")
    ] = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Open the wallet's tab in a network, from which it pays for work.

    One that is open already is no failure. Its rent comes back when it is closed.
    """
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address, amount_above_zero
    from worktab.cli.tokens import require_tokens

    where = address(network, "NETWORK")

    async def work(session: Acting) -> tuple[OpenedTab, Confirmed | None, int, Network, Pubkey]:
        consumer = session.consumer(where)
        held = await consumer.reader.network()
        wanted = 0 if deposit is None else amount_above_zero(deposit, held.decimals, "--deposit")
        await require_tokens(session, held, None, wanted)
        opened = await consumer.open()
        return opened, await consumer.deposit(wanted) if wanted else None, wanted, held, consumer.consumer

    opened, deposited, amount, held, consumer = act(wallet, "Opening the tab", work)
    facts = {
        "tab": opened.address,
        "network": where,
        "consumer": consumer,
        "opened": opened.confirmed is not None,
        "deposited": Amount(amount, held.decimals),
        "transactions": Rows(
            [transaction(each) for each in (opened.confirmed, deposited) if each is not None],
            ("signature", "slot", "fee_lamports"),
        ),
    }
    emit(facts, as_json=as_json)


@app.command(epilog=examples("worktab tab show $NETWORK", "worktab tab show $NETWORK --tab-of $CONSUMER --json"))
@expanded
def show(network: NetworkArgument, tab_of: TabOf = None, wallet: Wallet = Wallet(), as_json: Json = False) -> None:
    """Show what a tab holds, what was spent, its lanes, and what its delegates may still spend."""
    from worktab.cli import keyfiles
    from worktab.cli.connecting import read
    from worktab.cli.parsing import address
    from worktab.cli.tab_facts import tab_facts
    from worktab.roles.spending import spending_of

    where = address(network, "NETWORK")
    consumer = keyfiles.wallet(wallet.keypair).pubkey() if tab_of is None else address(tab_of, "--tab-of")

    async def look(session: Reading) -> tuple[TabView, Spending, dict[int, Pubkey], int]:
        reader = session.network(where)
        decimals, view = (await reader.network()).decimals, await reader.tab(consumer)
        devices = await session.devices_at(where, (lane.index for lane in view.lanes))
        return view, spending_of(view, await session.chain.unix_time()), devices, decimals

    emit(tab_facts(*read(wallet, "Reading the tab", look)), as_json=as_json)


@app.command("list", epilog=examples("worktab tab list $NETWORK", "worktab tab list $NETWORK --json"))
@expanded
def list_tabs(
    network: NetworkArgument,
    rows: Annotated[int, typer.Option(min=0, help="Tabs to show; --json shows all.")] = 50,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """List all tabs of a network, those that hold most first."""
    from worktab.cli.connecting import read
    from worktab.cli.parsing import address
    from worktab.cli.tab_facts import tab_rows

    where = address(network, "NETWORK")

    async def look(session: Reading) -> tuple[list[TabView], int]:
        reader = session.network(where)
        decimals = (await reader.network()).decimals
        return await reader.tabs(), decimals

    views, decimals = read(cluster, "Reading the tabs", look)
    emit({"network": where, "tabs": tab_rows(views, decimals, rows)}, as_json=as_json)


@app.command(epilog=examples("worktab tab deposit $NETWORK 25", "worktab tab deposit $NETWORK 2.5 --tab-of $CONSUMER"))
@expanded
def deposit(
    network: NetworkArgument,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="In whole tokens, such as 12.5.", show_default=False)],
    tab_of: TabOf = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Put the wallet's tokens into a tab, its own or anybody's."""
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address, address_or_none, amount_above_zero
    from worktab.cli.tokens import require_tokens

    where, whose = address(network, "NETWORK"), address_or_none(tab_of, "--tab-of")

    async def work(session: Acting) -> tuple[Confirmed, TabView, int, int]:
        consumer = session.consumer(where, whose)
        held = await consumer.reader.network()
        wanted = amount_above_zero(amount, held.decimals, "AMOUNT")
        await require_tokens(session, held, None, wanted)
        return await consumer.deposit(wanted), await consumer.tab(), wanted, held.decimals

    confirmed, view, wanted, decimals = act(wallet, "Depositing", work)
    facts = {
        "tab": view.address,
        "consumer": view.tab.consumer,
        "deposited": Amount(wanted, decimals),
        "balance": Amount(view.tab.balance, decimals),
        "transaction": transaction(confirmed),
    }
    emit(facts, as_json=as_json)


@app.command(epilog=examples("worktab tab withdraw $NETWORK", "worktab tab withdraw $NETWORK 2.5 --to $TOKEN_ACCOUNT"))
@expanded
def withdraw(
    network: NetworkArgument,
    amount: Annotated[
        str | None,
        typer.Argument(
            metavar="[AMOUNT]", help="In whole tokens; by default all that is not reserved.", show_default=False
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Token account that gets them; by default the wallet's own, made if missing."
        ),
    ] = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Take tokens out of the wallet's tab. What lanes have reserved stays until they end."""
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address, address_or_none, amount_above_zero

    where, account = address(network, "NETWORK"), address_or_none(to, "--to")

    async def work(session: Acting) -> tuple[Withdrawal, TabView, int]:
        consumer = session.consumer(where)
        decimals = (await consumer.reader.network()).decimals
        wanted = None if amount is None else amount_above_zero(amount, decimals, "AMOUNT")
        return await consumer.withdraw(wanted, destination=account), await consumer.tab(), decimals

    taken, view, decimals = act(wallet, "Withdrawing", work)
    facts = {
        "tab": view.address,
        "withdrawn": Amount(taken.amount, decimals),
        "destination": taken.destination,
        "balance": Amount(view.tab.balance, decimals),
        "transaction": None if taken.confirmed is None else transaction(taken.confirmed),
    }
    emit(facts, as_json=as_json)


app.add_typer(lanes.app)
app.add_typer(delegates.app)


@app.command(epilog=examples("worktab tab close $NETWORK"))
@expanded
def close(network: NetworkArgument, wallet: Wallet = Wallet(), as_json: Json = False) -> None:
    """Close the wallet's tab, once its balance is withdrawn and its lanes have ended; its rent comes back.

    One that is closed already is no failure.
    """
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import address

    where = address(network, "NETWORK")

    async def work(session: Acting) -> tuple[Confirmed | None, Pubkey]:
        consumer = session.consumer(where)
        await consumer.reader.network()
        return await consumer.close(), consumer.tab_address

    confirmed, tab = act(wallet, "Closing the tab", work)
    facts = {"tab": tab, "closed": True, "transaction": None if confirmed is None else transaction(confirmed)}
    emit(facts, as_json=as_json)
