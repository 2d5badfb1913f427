"""`worktab crank`: claiming for everyone, at a sponsor's cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worktab.cli.options import Json, Wallet, examples, expanded
from worktab.cli.output import Amount, Name, Rows, counting, emit, warn
from worktab.cli.proof_sources import NetworkOption, Proofs, data_folder

if TYPE_CHECKING:
    from worktab.cli.connecting import Acting
    from worktab.epochs.cranking import CrankReport, Survey
    from worktab.epochs.proofs.errors import EpochNotPublished

app = typer.Typer()

_SHOWN = 20


@app.command(
    epilog=examples(
        "worktab crank --network $NETWORK --proofs https://proofs.example --dry-run",
        "worktab crank --network $NETWORK --at-least 5 --sol-price 2000 --yes",
    )
)
@expanded
def crank(
    network: NetworkOption,
    proofs: Proofs = None,
    at_least: Annotated[
        str | None, typer.Option(metavar="TOKENS", help="Only for those who are owed as much, in whole tokens.")
    ] = None,
    sol_price: Annotated[
        str | None,
        typer.Option(metavar="TOKENS", help="What one SOL costs: only for those who are owed more than the fee."),
    ] = None,
    create_accounts: Annotated[
        bool, typer.Option("--create-accounts", help="Make token accounts that are missing, at the fee payer's cost.")
    ] = False,
    at_once: Annotated[int, typer.Option(metavar="N", min=1, max=256, help="Transactions under way at a time.")] = 8,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would do and cost; send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Pay the rent of pages that have to be opened.")] = False,
    journal: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where it keeps what it sent; by default in the user's data.")
    ] = None,
    wallet: Wallet = Wallet(),
    as_json: Json = False,
) -> None:
    """Claim for everyone who is owed enough, by roots and through devices' accounts.

    It may end at any point, and run again: it goes on where it was, and nothing is paid twice. Payees that cannot be
    paid now are reported and hold up no other.
    """
    import asyncio

    from worktab.cli.connecting import act
    from worktab.cli.failures import Interrupted, Unsuccessful
    from worktab.cli.parsing import address
    from worktab.cli.proof_sources import proofs_of
    from worktab.core.errors import InputError
    from worktab.core.money import parse_amount
    from worktab.epochs.cranking import Choice, CrankIncomplete, CrankJournal, CrankOutcome, Sponsor

    where = address(network, "--network")

    async def work(session: Acting) -> tuple[Survey, CrankReport | None, int]:
        file = journal or data_folder() / "crank" / f"{where}-{session.payer.pubkey()}.sqlite"
        with CrankJournal(file) as sent:
            async with proofs_of(where, proofs) as source:
                sender = session.sender(sent)
                decimals = (await session.network(where).network()).decimals
                choice = Choice(
                    at_least=parse_amount(at_least, decimals) if at_least else 1,
                    price=parse_amount(sol_price, decimals) if sol_price else 0,
                    create_accounts=create_accounts,
                )
                sponsor = Sponsor(
                    sender, where, source, choice, at_once=at_once, waiting=_say_waiting, program_id=session.program
                )
                if source is None:
                    warn("roots are left out: name where proofs come from with --proofs")
                survey = await sponsor.survey()
                if dry_run:
                    return survey, None, decimals
                if survey.pages:
                    _say_rent(survey)
                    if not yes:
                        raise InputError(
                            "Pages have to be opened, and their rent does not come back",
                            expected="--yes",
                            got=f"{survey.pages} pages, {survey.page_rent} lamports",
                        )
                try:
                    with counting("Claiming", survey.payees + survey.wallets) as told:
                        return survey, await sponsor.run(told), decimals
                except CrankIncomplete as error:
                    raise Unsuccessful(error, _done(where, error.report, decimals)) from error
                except asyncio.CancelledError:
                    told_so_far = _done(where, sponsor.report(), decimals)
                    raise Unsuccessful(
                        Interrupted("The crank was interrupted", next_step="Run it again: it goes on where it was"),
                        told_so_far,
                    ) from None

    survey, report, decimals = act(wallet, None, work)
    if report is None:
        emit(_planned(where, survey, decimals), as_json=as_json)
    else:
        if not create_accounts and report.count(CrankOutcome.UNPAYABLE):
            warn("some could not be paid: --create-accounts makes token accounts that are missing")
        emit(_done(where, report, decimals), as_json=as_json)


def _say_waiting(why: EpochNotPublished, most: float) -> None:
    warn(f"{why.message}; waiting for it, {most:.0f} seconds at most")


def _say_rent(survey: Survey) -> None:
    typer.echo(
        f"Pages to open: {survey.pages:,}. Their rent, {survey.page_rent:,} lamports, stays there for good.", err=True
    )


def _planned(network: object, survey: Survey, decimals: int) -> dict[str, Any]:
    return {
        "network": network,
        "epoch": None if survey.epoch is None else Name(survey.epoch),
        "payees": survey.payees,
        "owed_by_root": Amount(survey.by_root, decimals),
        "wallets_of_devices": survey.wallets,
        "owed_by_devices": Amount(survey.by_devices, decimals),
        "below": survey.below,
        "pages_to_open": survey.pages,
        "page_rent_lamports": survey.page_rent,
        "fees_at_most_lamports": survey.fees,
    }


def _done(network: object, report: CrankReport, decimals: int) -> dict[str, Any]:
    from worktab.epochs.cranking import CrankOutcome

    rows = [
        {
            "payout": each.payout,
            "outcome": each.outcome,
            "paid": Amount(each.paid, decimals),
            "left": Amount(each.left, decimals),
            "transactions": list(each.transactions),
        }
        for each in report.payees
    ]
    return {
        "network": network,
        "epochs": [Name(epoch) for epoch in report.epochs],
        "claimed": report.claimed,
        "paid": Amount(report.paid, decimals),
        "unpayable": report.count(CrankOutcome.UNPAYABLE),
        "failed": report.count(CrankOutcome.FAILED),
        "below": report.below,
        "transactions": report.transactions,
        "fees_lamports": report.fees,
        "pages_opened": report.pages,
        "page_rent_lamports": report.page_rent,
        "resumed_transactions": report.resumed,
        "refused_pages": list(report.refused),
        "payees": Rows(rows, ("payout", "outcome", "paid", "left"), most=_SHOWN),
    }
