"""`worktab invoice`: a device's owner asks for pay. How a consumer answers is in `paying`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from worktab.cli import paying
from worktab.cli.options import (
    Cluster,
    DeviceArgument,
    InvoiceArgument,
    Json,
    NetworkArgument,
    Wallet,
    examples,
    expanded,
    group,
)
from worktab.cli.output import Amount, Name, emit

if TYPE_CHECKING:
    from worktab.cli.connecting import Acting, Reading
    from worktab.roles.invoices import InvoiceView
    from worktab.roles.invoicing import CreatedInvoice, RefundedInvoice, VoidedInvoice

app = group(
    "Ask for pay with invoices, and pay them.",
    examples("worktab invoice create $DEVICE --to $CONSUMER --amount 12.5 --due 30", "worktab invoice pay $INVOICE"),
)


@app.command(
    epilog=examples(
        "worktab invoice create $DEVICE --to $CONSUMER --amount 12.5 --due 30 --memo 'Frames 1 to 400'",
        "worktab invoice create $DEVICE --to $CONSUMER --amount 3 --units 5000000 --from-device --due 2027-06-01",
    )
)
@expanded
def create(
    device: DeviceArgument,
    to: Annotated[str, typer.Option(metavar="CONSUMER", help="Who is asked to pay.", show_default=False)],
    amount: Annotated[str, typer.Option(metavar="AMOUNT", help="In whole tokens, such as 12.5.", show_default=False)],
    units: Annotated[int, typer.Option(min=0, max=2**64 - 1, help="Work units it is for.")] = 0,
    due: Annotated[
        str | None,
        typer.Option(
            metavar="DAYS|DATE",
            help="Days from today, or such as 2027-06-01, to that day's end in UTC; or 2027-06-01T12:00:00Z.",
        ),
    ] = None,
    memo: Annotated[
        str, typer.Option(metavar="TEXT", help="A text for both; only its hash goes on chain, so keep it.")
    ] = "",
    head: Annotated[
        str | None, typer.Option(metavar="HEX", help="Names the work: the device's chain head after its newest job.")
    ] = None,
    from_device: Annotated[
        bool, typer.Option("--from-device", help="Names the work by the head of the device's newest receipt.")
    ] = False,
    number: Annotated[
        int | None,
        typer.Option(min=0, max=2**64 - 1, help="Its number; by default the next. With one, a repeat is no failure."),
    ] = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Ask a consumer to pay for a device's work; the wallet is the device's owner."""
    from worktab.cli.connecting import act, transaction
    from worktab.cli.invoice_facts import invoice_facts
    from worktab.cli.parsing import address, amount_above_zero, digest, due_time
    from worktab.core.errors import InputError

    where, consumer = address(device, "DEVICE"), address(to, "--to")
    named = b"" if head is None else digest(head, "--head")
    if named and from_device:
        raise InputError("The work is named twice", expected="--head or --from-device", got="both")

    async def work(session: Acting) -> tuple[CreatedInvoice, int, int]:
        issuer = session.issuer(await session.network_of(where))
        held, now = await issuer.reader.view(where), await session.chain.unix_time()
        decimals = held.network.decimals
        made = await issuer.create(
            where,
            consumer=consumer,
            amount=amount_above_zero(amount, decimals, "--amount"),
            units=units,
            due=0 if due is None else due_time(due, now),
            head=held.device.head if from_device else named,
            memo=memo,
            number=number,
        )
        return made, now, decimals

    made, now, decimals = act(wallet, "Making the invoice", work)
    facts = {
        **invoice_facts(made.view, now, decimals),
        "transaction": None if made.confirmed is None else transaction(made.confirmed),
    }
    emit(facts, as_json=as_json)


@app.command(
    "list",
    epilog=examples(
        "worktab invoice list $NETWORK --device $DEVICE --open",
        "worktab invoice list $NETWORK --consumer $CONSUMER --overdue --json",
    ),
)
@expanded
def list_invoices(
    network: NetworkArgument,
    device: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Only those of this device.")] = None,
    consumer: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Only those to this consumer.")] = None,
    unpaid: Annotated[bool, typer.Option("--open", help="Only those with something left to pay.")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those of them whose date has passed.")] = False,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """List a network's invoices, oldest first. Those that were voided are gone."""
    from worktab.cli.connecting import read
    from worktab.cli.invoice_facts import invoice_rows
    from worktab.cli.parsing import address, address_or_none
    from worktab.roles.invoices import InvoiceStatus

    where = address(network, "NETWORK")
    of, to = address_or_none(device, "--device"), address_or_none(consumer, "--consumer")

    async def look(session: Reading) -> tuple[list[InvoiceView], int, int]:
        reader = session.network(where)
        decimals = (await reader.network()).decimals
        return await reader.invoices(device=of, consumer=to), await session.chain.unix_time(), decimals

    found, now, decimals = read(cluster, "Reading the invoices", look)
    shown = [
        each
        for each in found
        if (each.outstanding or not (unpaid or overdue)) and (each.status(now) is InvoiceStatus.OVERDUE or not overdue)
    ]
    facts = {
        "network": where,
        "left": Amount(sum(each.outstanding for each in shown), decimals),
        "invoices": invoice_rows(shown, now, decimals),
    }
    emit(facts, as_json=as_json)


app.add_typer(paying.app)


@app.command(epilog=examples("worktab invoice void $INVOICE", "worktab invoice void $DEVICE#7"))
@expanded
def void(invoice: InvoiceArgument, wallet: Wallet = Wallet(), as_json: Json = False) -> None:
    """End an invoice; the wallet is the device's owner. What was paid stays paid, and the rent comes back."""
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import invoice_address

    async def work(session: Acting) -> tuple[InvoiceView, VoidedInvoice, int]:
        where = invoice_address(invoice, session.program)
        issuer = session.issuer(await session.network_of_invoice(where))
        decimals = (await issuer.reader.network()).decimals
        return await issuer.reader.invoice(where), await issuer.void(where), decimals

    view, voided, decimals = act(wallet, "Voiding the invoice", work)
    facts = {
        "invoice": view.address,
        "device": view.invoice.device,
        "number": Name(view.invoice.number),
        "paid": None if voided.paid is None else Amount(voided.paid, decimals),
        "transaction": None if voided.confirmed is None else transaction(voided.confirmed),
    }
    emit(facts, as_json=as_json)


@app.command(epilog=examples("worktab invoice refund $INVOICE 2.5"))
@expanded
def refund(
    invoice: InvoiceArgument,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="In whole tokens, such as 2.5.", show_default=False)],
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Give a part of what an invoice was paid back to the consumer's tab; the wallet is the device's owner.

    It comes out of what the device has not claimed yet, and does not open the invoice again.
    """
    from worktab.cli.connecting import act, transaction
    from worktab.cli.parsing import amount_above_zero, invoice_address

    async def work(session: Acting) -> tuple[InvoiceView, RefundedInvoice, int]:
        where = invoice_address(invoice, session.program)
        issuer = session.issuer(await session.network_of_invoice(where))
        decimals = (await issuer.reader.network()).decimals
        done = await issuer.refund(where, amount_above_zero(amount, decimals, "AMOUNT"))
        return await issuer.reader.invoice(where), done, decimals

    view, done, decimals = act(wallet, "Refunding", work)
    facts = {
        "invoice": view.address,
        "device": view.invoice.device,
        "number": Name(view.invoice.number),
        "refunded_now": Amount(done.amount, decimals),
        "units_unsold": done.units,
        "refunded": Amount(view.invoice.refunded, decimals),
        "paid": Amount(view.invoice.paid, decimals),
        "transaction": transaction(done.confirmed),
    }
    emit(facts, as_json=as_json)
