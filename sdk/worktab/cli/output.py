"""Results: the same facts as text for people and as JSON for programs.

A result is a dict whose values know both spellings: `Amount`, `When`, `Usage`, `CpuTime`, `Name`, `Noted` and `Rows`
here, plain Python values otherwise.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, Flag
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from worktab.core.money import format_amount
from worktab.core.times import utc

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_Item = TypeVar("_Item")

_EXACT: Final = 2**53 - 1
"""The largest integer that every reader of JSON holds exactly."""

_UNFOLDED: Final = 1_000
"""Columns of output that is no terminal: wide enough never to fold an address."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Base units of a token with so many decimals; people read whole tokens."""

    base_units: int
    decimals: int

    def __str__(self) -> str:
        sign = "-" if self.base_units < 0 else ""
        return sign + format_amount(abs(self.base_units), self.decimals)


@dataclass(frozen=True, slots=True)
class When:
    """A time in Unix seconds; 0 stands for never."""

    unix: int

    def __str__(self) -> str:
        return utc(self.unix) if self.unix else "never"


@dataclass(frozen=True, slots=True)
class Usage:
    """Work units against a capacity, with the share in basis points."""

    units: int
    capacity: int
    bps: int

    def __str__(self) -> str:
        return f"{self.units:,} of {self.capacity:,} ({self.bps // 100}.{self.bps % 100:02} %)"


@dataclass(frozen=True, slots=True)
class CpuTime:
    """CPU nanoseconds; their key ends in `_ns`."""

    ns: int

    def __str__(self) -> str:
        return f"{self.ns / 1e6:,.1f} ms"


@dataclass(frozen=True, slots=True)
class Name:
    """A number that names something; people copy it, so it is without separators."""

    number: int

    def __str__(self) -> str:
        return str(self.number)


@dataclass(frozen=True, slots=True)
class Noted:
    """A value with a remark beside it, for people; JSON has the value alone."""

    value: Any
    note: str


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of alike facts: JSON gets all of them, people the columns named, of the first `most` rows.

    `more` are the columns of a second table, where one would be too wide.
    """

    rows: Sequence[Mapping[str, Any]]
    columns: Sequence[str]
    most: int | None = None
    more: Sequence[str] = ()


def emit(facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a result to standard output."""
    if as_json:
        sys.stdout.write(to_json(facts) + "\n")
    else:
        console = _console()
        with console.capture() as captured:
            _render(facts, console, "")
        sys.stdout.writelines(line.rstrip() + "\n" for line in captured.get().splitlines())


def to_json(facts: Mapping[str, Any], *, indent: int | None = 2) -> str:
    """A result as a JSON document; on one line where `indent` is None."""
    return json.dumps(_plain(facts), indent=indent, ensure_ascii=False)


@contextmanager
def working(doing: str) -> Iterator[None]:
    """Shows on a terminal's standard error that something is being done."""
    if not sys.stderr.isatty():
        yield
        return
    with _console(error=True).status(doing):
        yield


@contextmanager
def tracked(items: Iterable[_Item], total: int, doing: str) -> Iterator[Iterable[_Item]]:
    """The items, with a progress bar on a terminal's standard error while they are used up."""
    if not sys.stderr.isatty():
        yield items
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console(error=True), transient=True) as progress:
        yield progress.track(items, total=total)


class Counted(Protocol):
    """Told how far something is, and of how much where that is known only then."""

    def __call__(self, done: int, total: int | None = None, /) -> None: ...


@contextmanager
def counting(doing: str, total: int | None) -> Iterator[Counted]:
    """Shows on a terminal's standard error how far something is that reports it by itself."""
    if not sys.stderr.isatty():
        yield lambda done, total=None: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console(error=True), transient=True) as progress:
        task = progress.add_task(doing, total=total)
        yield lambda done, total=None: progress.update(task, completed=done, total=total)


def warn(text: str) -> None:
    """Print a warning to standard error."""
    sys.stderr.write(f"warning: {text}\n")


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    match value:
        case Amount(base_units=number) | When(unix=number) | CpuTime(ns=number) | Name(number=number):
            return _plain(number)
        case Usage():
            return _plain({"units": value.units, "capacity": value.capacity, "bps": value.bps})
        case Noted():
            return _plain(value.value)
        case Rows():
            return [_plain(row) for row in value.rows]
        case Flag():
            return [_name(each) for each in value]
        case Enum():
            return _name(value)
        case None | bool() | float() | str():
            return value
        case int():
            return value if abs(value) <= _EXACT else str(value)
        case bytes():
            return value.hex()
        case Mapping():
            return {key: _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return str(value)


def _text(value: Any) -> str:
    """A value as people read it."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case Noted():
            return _text(value.value)
        case Enum() | Flag():
            plain = _plain(value)
            return (", ".join(plain) or "-") if isinstance(plain, list) else str(plain)
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.3f}"
        case bytes():
            return value.hex()
        case list() | tuple():
            return ", ".join(_text(each) for each in value) or "-"
        case _:
            return str(value)


def _name(value: Enum) -> str:
    return (value.name or "").lower()


def _render(facts: Mapping[str, Any], console: Console, indent: str) -> None:
    nested = {key: value for key, value in facts.items() if isinstance(value, (Mapping, Rows))}
    noted = {key: value for key, value in facts.items() if isinstance(value, Noted)}
    plain = [(indent + _label(key), _text(facts[key])) for key in facts if key not in nested and key not in noted]
    told = [(indent + _label(key), _text(value), value.note) for key, value in noted.items()]
    if plain:
        console.print(_grid(plain))
    if plain and told:
        console.print()
    if told:
        console.print(_grid(told))
    for key, value in nested.items():
        console.print(f"\n{indent}{_label(key)}", style="bold")
        if isinstance(value, Rows):
            _render_rows(value, console)
        else:
            _render(value, console, indent + "  ")


def _grid(rows: Sequence[tuple[str, ...]]) -> Table:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2), pad_edge=False)
    grid.add_column(no_wrap=True, style="bold")
    for _ in rows[0][1:]:
        grid.add_column(overflow="fold")
    for row in rows:
        grid.add_row(*row)
    return grid


def _render_rows(value: Rows, console: Console) -> None:
    from rich.table import Table

    if not value.rows:
        console.print("  none")
        return
    for columns in filter(None, (value.columns, value.more)):
        table = Table(box=None)
        for column in columns:
            first = value.rows[0][column]
            numeric = isinstance(first, (int, Amount, Name)) and not isinstance(first, Enum)
            table.add_column(_label(column), overflow="fold", justify="right" if numeric else "left")
        for row in value.rows[: value.most]:
            table.add_row(*(_text(row[column]) for column in columns))
        console.print(*([table] if columns is value.columns else ["", table]))
    if value.most is not None and len(value.rows) > value.most:
        console.print(f"  and {len(value.rows) - value.most:,} more")


def _label(key: str) -> str:
    return key.removesuffix("_ns").replace("_", " ")


def _console(*, error: bool = False) -> Console:
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    return Console(
        file=stream,
        width=None if stream.isatty() else _UNFOLDED,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=False,
    )
