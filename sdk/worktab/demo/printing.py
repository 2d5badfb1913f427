"""What reports for people are made of: tables on a terminal, plain columns elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from worktab.core.money import format_amount
from worktab.demo.report import Sum
from worktab.roles.ledger import Ledger

Say = Callable[[int], str]
"""Says base units in whole tokens."""

_UNFOLDED: Final = 200
"""Columns of output that is no terminal."""

_TERMS: Final = (
    "pool_free", "pool_owed", "device_rewards", "root_owed", "fees", "device_earnings", "tab_balances",
    "lane_reserves", "bonds", "deposits", "accounted", "vault",
)  # fmt: skip


def print_parts(parts: Sequence[Text | Group]) -> None:
    """Print a report's parts to standard output."""
    console = Console(width=None if sys.stdout.isatty() else _UNFOLDED, markup=False, highlight=False)
    with console.capture() as captured:
        for part in parts:
            console.print(part)
            console.print()
    lines = captured.get().rstrip().splitlines()
    sys.stdout.writelines(line.rstrip() + "\n" for line in lines)


def tabular(*columns: str) -> Table:
    """A table; columns whose name ends in `>` are numbers."""
    made = Table(box=None)
    for column in columns:
        name, number, _ = column.partition(" >")
        made.add_column(name, justify="right" if number else "left", overflow="fold")
    return made


def ledger_group(ledgers: Mapping[str, Ledger], tokens: Say) -> Group:
    """The ledger at one or more moments, by the moment's name, and whether its rule holds."""
    shown = tabular("tokens", *(f"{moment} >" for moment in ledgers))
    for name in _TERMS:
        shown.add_row(name.replace("_", " "), *(tokens(getattr(each, name)) for each in ledgers.values()))
    shares = "pool free + pool owed + fees + device earnings + tab balances + lane reserves + bonds + deposits"
    rules = {
        "pool owed = device rewards + root owed": [each.owed_holds for each in ledgers.values()],
        f"accounted = {shares}": [each.accounted_holds for each in ledgers.values()],
        "accounted <= vault": [each.vault_holds for each in ledgers.values()],
    }
    told = "\n".join(f"{rule}: {holds(all(held))}" for rule, held in rules.items())
    return Group(Text("Ledger"), shown, Text(told))


def told_sum(each: Sum, tokens: Say) -> str:
    """A sum in one line, and whether it holds."""
    said = str if each.counts else tokens
    parts = " + ".join(f"{said(amount)} {name}" for name, amount in each.parts.items())
    return f"{said(each.whole)} {each.name} = {parts}: {holds(each.holds)}"


def saying(decimals: int) -> Say:
    """Says base units in whole tokens of so many decimals."""
    return lambda amount: ("-" if amount < 0 else "") + format_amount(abs(amount), decimals)


def last_line(held: bool, seconds: float) -> Text:
    """The last line of a report."""
    return Text(f"{'Everything holds' if held else 'SOMETHING DOES NOT HOLD'}. {seconds:.1f} seconds.")


def holds(held: bool) -> str:
    """Says whether a rule holds."""
    return "holds" if held else "BROKEN"


def percent(bps: int) -> str:
    """Says basis points in percent."""
    return f"{bps // 100}.{bps % 100:02} %"


def ms(ns: int) -> str:
    """Says nanoseconds in milliseconds."""
    return f"{ns / 1e6:,.1f} ms"
