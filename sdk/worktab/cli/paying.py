"""`worktab invoice pay`, `print` and `dispute`: what a consumer does with an invoice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worktab.cli.options import Cluster, InvoiceArgument, Json, Wallet, examples, expanded
from worktab.cli.output import Amount, emit

if TYPE_CHECKING:
    from worktab.cli.connecting import Acting, Reading
    from worktab.cli.failures import AlreadyPaid
    from worktab.core.invoices import SignedDispute
    from worktab.program.generated.accounts import Network
    from worktab.roles.checking import Misfit
    from worktab.roles.invoices import InvoiceView
    from worktab.roles.outcomes import PaidInvoice

app = typer.Typer()

Force = Annotated[bool, typer.Option("--force", help="Write over the --output file if it exists.")]


@app.command(
    epilog=examples(
        "worktab invoice pay $INVOICE",
        "worktab invoice pay $DEVICE#7 --amount 2.5 --yes",
        "worktab invoice pay $DEVICE#7 --yes --keypair agent.json --fee-payer sponsor.json",
    )
)
@expanded
def pay(
    invoice: InvoiceArgument,
    amount: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="A part, in whole tokens; by default all that is left.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Pay without asking.")] = False,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Pay an invoice, or a part of it, from its consumer's tab; the wallet is the consumer or its delegate.

    Shows the terms and asks. The payment names these very terms, so nobody can put others in their place. It never
    goes beyond the invoice's amount, so an invoice cannot be paid twice. With --json it needs --yes.
    """
    from worktab.cli.connecting import act, transaction
    from worktab.cli.invoice_facts import invoice_facts
    from worktab.cli.output import warn
    from worktab.cli.parsing import amount_above_zero, invoice_address
    from worktab.core.errors import InputError

    if as_json and not yes:
        raise InputError("With --json nobody is asked whether to pay", expected="--yes")

    async def look(session: Acting) -> tuple[InvoiceView, tuple[Misfit, ...], int, int]:
        where = invoice_address(invoice, session.program)
        reader = session.network(await session.network_of_invoice(where))
        decimals, view = (await reader.network()).decimals, await reader.invoice(where)
        consumer = session.consumer(reader.address, view.invoice.consumer)
        return view, await consumer.check_invoice(view), await session.chain.unix_time(), decimals

    view, doubts, now, decimals = act(wallet, "Reading the invoice", look)
    if not view.outstanding:
        raise _already_paid(view, decimals)
    part = None if amount is None else amount_above_zero(amount, decimals, "--amount")
    terms = invoice_facts(view, now, decimals)
    if not as_json:
        emit(terms, as_json=False)
        for doubt in doubts:
            warn(_DOUBTS[doubt])
    if not yes:
        wanted = Amount(view.outstanding if part is None else part, decimals)
        typer.confirm(f"Pay {wanted} tokens of it?", abort=True, err=True)

    async def work(session: Acting) -> PaidInvoice:
        return await session.consumer(view.invoice.network, view.invoice.consumer).pay_invoice(view, part)

    done = act(wallet, "Paying", work)
    if done.confirmed is None:
        raise _already_paid(view, decimals)
    facts = {
        "paid_now": Amount(done.amount, decimals),
        "left": Amount(done.outstanding, decimals),
        "transaction": transaction(done.confirmed),
    }
    emit({"invoice": terms, "doubts": doubts, **facts} if as_json else facts, as_json=as_json)


@app.command("print", epilog=examples("worktab invoice print $INVOICE --memo 'Frames 1 to 400' --output invoice.html"))
@expanded
def print_page(
    invoice: InvoiceArgument,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write the page; by default standard output.")
    ] = None,
    memo: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The invoice's text, which must be the one it was made with.")
    ] = None,
    force: Force = False,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Write an invoice as an HTML page to print: one file, without scripts, that needs no other."""
    from worktab.cli.connecting import read
    from worktab.cli.invoice_page import invoice_page
    from worktab.cli.parsing import invoice_address
    from worktab.core.errors import VerificationError
    from worktab.core.invoices import memo_hash

    async def look(session: Reading) -> tuple[InvoiceView, Network, str, int]:
        where = invoice_address(invoice, session.program)
        reader = session.network(await session.network_of_invoice(where))
        network, view = await reader.network(), await reader.invoice(where)
        return view, network, await _cluster_name(session), await session.chain.unix_time()

    view, network, cluster_name, now = read(cluster, "Reading the invoice", look)
    if memo is not None and memo_hash(memo) != view.invoice.memo:
        raise VerificationError(
            "The text is not the invoice's",
            expected=f"one with the hash {view.invoice.memo.hex()}",
            got=memo_hash(memo).hex(),
            next_step="Write it exactly as it was when the invoice was made, or leave --memo out",
        )
    page = invoice_page(view, network, cluster_name, now, memo)
    _deliver(page, output, {"invoice": view.address}, "page", as_json, force=force)


@app.command(
    epilog=examples("worktab invoice dispute $INVOICE --reason 'Only 300 of 400 frames came' --output dispute.json")
)
@expanded
def dispute(
    invoice: InvoiceArgument,
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="For the issuer; 1,000 characters at most.", show_default=False)
    ],
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it; by default standard output.")
    ] = None,
    force: Force = False,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Sign for the issuer that an invoice is not accepted, and why; the wallet is its consumer.

    Nothing goes on chain: send the statement, a JSON document, to the issuer.
    """
    from worktab.cli.connecting import act
    from worktab.cli.output import to_json
    from worktab.cli.parsing import invoice_address

    async def work(session: Acting) -> SignedDispute:
        where = invoice_address(invoice, session.program)
        consumer = session.consumer(await session.network_of_invoice(where))
        await consumer.reader.network()
        return await consumer.dispute_invoice(await consumer.reader.invoice(where), reason)

    signed = act(wallet, "Signing", work)
    statement = signed.to_json()
    _deliver(
        to_json(statement) + "\n", output, {"invoice": signed.invoice}, "statement", as_json, statement, force=force
    )


def _deliver(
    text: str,
    output: Path | None,
    facts: dict[str, Any],
    name: str,
    as_json: bool,
    value: object = None,
    *,
    force: bool,
) -> None:
    """Write a document to a file and say so; or to standard output, within the JSON document where one is wanted."""
    from worktab.cli.keyfiles import write_file

    if output is not None:
        write_file(output, text, name, force=force)
        emit({**facts, "file": output}, as_json=as_json)
    elif as_json:
        emit({**facts, name: text if value is None else value}, as_json=True)
    else:
        typer.echo(text, nl=False)


async def _cluster_name(session: Reading) -> str:
    """The cluster's genesis hash in base58."""
    from solders.hash import Hash

    return str(Hash(await session.chain.genesis_hash()))


def _already_paid(view: InvoiceView, decimals: int) -> AlreadyPaid:
    from worktab.cli.failures import AlreadyPaid

    return AlreadyPaid(
        f"Invoice {view.address} is paid already; nothing was sent",
        expected="something left to pay",
        got=f"{Amount(view.invoice.amount, decimals)} paid",
    )


_DOUBTS = {
    "gone": "it was voided meanwhile",
    "changed": "it was voided and made anew meanwhile",
    "other_consumer": "it is made for somebody else",
    "other_device": "its device was closed, or registered again, since it was made",
    "overdue": "its date has passed",
    "paid": "nothing is left to pay",
    "vouchers": "vouchers paid for the same work",
    "other_head": "it names other work than the device's newest receipt",
    "other_memo": "its text is another one",
}
