"""The demo's report for people: tables on a terminal, plain columns elsewhere."""

from __future__ import annotations

import sys
from typing import Final

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from worktab.core.money import format_amount
from worktab.demo.digits import render
from worktab.demo.report import Report, Shown
from worktab.demo.stage import Costs

_UNFOLDED: Final = 200
"""Columns of output that is no terminal."""

_TERMS: Final = ("pool_free", "pool_owed", "device_rewards", "root_owed", "fees", "device_earnings", "bonds")


def show(report: Report) -> None:
    """Print a report to standard output."""
    console = Console(width=None if sys.stdout.isatty() else _UNFOLDED, markup=False, highlight=False)
    parts = [_work(report), _devices(report), _check(report), _ledger(report), _costs(report), _verdict(report)]
    if report.shown is not None:
        parts.insert(0, _image(report.shown))
    with console.capture() as captured:
        for part in parts:
            console.print(part)
            console.print()
    lines = captured.get().rstrip().splitlines()
    sys.stdout.writelines(line.rstrip() + "\n" for line in lines)


def _image(shown: Shown) -> Group:
    said = f"The network reads {shown.found}; its writer meant {shown.image.label}."
    return Group(Text(render(shown.image)), Text(said))


def _work(report: Report) -> Text:
    text = f"{report.jobs:,} jobs took {report.fuel:,} units of fuel on {len(report.devices)} devices."
    if report.images is not None and report.correct is not None:
        share = _percent(report.correct, report.images)
        text += f"\nRight: {report.correct:,} of {report.images:,} images ({share})."
    return Text(text)


def _devices(report: Report) -> Group:
    table = _table("device", "key", "sent by", "jobs >", "fuel >", "receipts >", "reward >", "paid >")
    for each in report.devices:
        table.add_row(
            each.name,
            {"p256": "P-256", "ed25519": "Ed25519"}[each.key],
            "a relay" if each.relayed else "itself",
            f"{each.jobs:,}",
            f"{each.fuel:,}",
            str(each.receipts),
            format_amount(each.reward, report.decimals),
            format_amount(each.paid, report.decimals),
        )
    who = _table("device", "", "address")
    for each in report.devices:
        who.add_row(each.name, "its account", each.device)
        who.add_row("", "owner, who was paid", each.owner)
    rate = format_amount(report.rate, report.decimals)
    return Group(Text(f"Receipts and pay, at {rate} token for 1,000,000 units"), table, Text(), who)


def _check(report: Report) -> Text:
    found = report.checked
    differing = "all agree" if found.differing == 0 else f"{found.differing:,} DIFFER"
    recorded = "The chain holds what the devices signed"
    if not all(each.recorded for each in report.devices):
        recorded = "THE CHAIN HOLDS SOMETHING ELSE than the devices signed"
    return Text(
        f"Verification: {found.executed:,} of {found.records:,} records were executed again: {differing}.\n"
        f"{recorded}.\n"
        f"It took {_ms(found.cpu_ns)} of CPU, {found.ratio:.0%} of what executing all of them takes"
        f" ({_ms(found.work_cpu_ns)}).\n"
        f"The devices took {_ms(found.recorded_cpu_ns)} to do and record them."
    )


def _ledger(report: Report) -> Group:
    def amount(base_units: int) -> str:
        return ("-" if base_units < 0 else "") + format_amount(abs(base_units), report.decimals)

    table = _table("tokens", "before claims >", "after claims >")
    for name in (*_TERMS, "accounted", "vault"):
        table.add_row(name.replace("_", " "), amount(getattr(report.before, name)), amount(getattr(report.after, name)))
    ledgers = (report.before, report.after)
    rules = {
        "pool owed = device rewards + root owed": all(each.owed_holds for each in ledgers),
        "accounted = pool free + pool owed + fees + device earnings + bonds": all(
            each.accounted_holds for each in ledgers
        ),
        "accounted <= vault": all(each.vault_holds for each in ledgers),
    }
    told = "\n".join(f"{rule}: {'holds' if holds else 'BROKEN'}" for rule, holds in rules.items())
    return Group(Text("Ledger"), table, Text(told))


def _costs(report: Report) -> Group:
    table = _table("lamports", "transactions >", "fees >", "rent >", "fees a job >", "rent a job >")

    def row(name: str, costs: Costs) -> None:
        each = (f"{costs.transactions:,}", f"{costs.fees:,}", f"{costs.rent:,}")
        table.add_row(name, *each, f"{costs.fees / report.jobs:,.1f}", f"{costs.rent / report.jobs:,.1f}")

    row("receipts and claims", report.work)
    row("setting up", report.setup)
    note = "Fees are gone; rent is a deposit in the accounts that were made."
    return Group(Text("Costs on chain"), table, Text(note))


def _verdict(report: Report) -> Text:
    verdict = "Everything holds" if report.holds else "SOMETHING DOES NOT HOLD"
    return Text(f"{verdict}. {report.seconds:.1f} seconds.")


def _table(*columns: str) -> Table:
    """A table; columns whose name ends in `>` are numbers."""
    table = Table(box=None)
    for column in columns:
        name, number, _ = column.partition(" >")
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    return table


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def _ms(ns: int) -> str:
    return f"{ns / 1e6:,.1f} ms"
