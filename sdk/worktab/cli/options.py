"""Options and arguments that commands share, and the form of the examples in their help."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document in place of text.")]

State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="Folder of the device's spool and data; by default ~/.local/share/worktab/DEVICE.",
    ),
]

DeviceKeyFile = Annotated[
    Path,
    typer.Option(
        "--key",
        metavar="FILE",
        help="The device's key: a Solana key file (Ed25519) or an unencrypted PEM file (P-256).",
        show_default=False,
    ),
]

NetworkArgument = Annotated[str, typer.Argument(metavar="NETWORK", help="Address of the network.", show_default=False)]

DeviceArgument = Annotated[str, typer.Argument(metavar="DEVICE", help="Address of the device.", show_default=False)]

InvoiceArgument = Annotated[
    str, typer.Argument(metavar="INVOICE", help="Its address, or DEVICE#NUMBER.", show_default=False)
]

TabOf = Annotated[
    str | None,
    typer.Option("--tab-of", metavar="CONSUMER", help="Whose tab it is; by default the wallet's own."),
]

Ingests = Annotated[
    list[str] | None,
    typer.Option(
        "--ingest",
        envvar="WORKTAB_INGEST",
        show_envvar=True,
        metavar="URL",
        help="An ingest of a network that pays by roots. Repeat for several, all of which are used.",
    ),
]

Least = Annotated[
    int, typer.Option("--least", metavar="NUMBER", min=1, help="Ingests that must hold it for this to be a success.")
]

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="ANCHOR_PROVIDER_URL",
        show_envvar=True,
        metavar="URL",
        help="RPC address of the cluster; by default http://127.0.0.1:8899.",
    ),
]


@dataclass(frozen=True, slots=True)
class Cluster:
    """The options of a command that reads from the chain."""

    url: Url = None
    program: Annotated[
        str | None,
        typer.Option(
            "--program",
            envvar="WORKTAB_PROGRAM_ID",
            show_envvar=True,
            metavar="ADDRESS",
            help="Address of the Worktab program, where it is deployed under another than its own.",
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Wallet(Cluster):
    """The options of a command that sends transactions."""

    keypair: Annotated[
        Path | None,
        typer.Option(
            "--keypair",
            envvar="ANCHOR_WALLET",
            show_envvar=True,
            metavar="FILE",
            help="Key file of the wallet that acts; by default ~/.config/solana/id.json.",
        ),
    ] = None
    fee_payer: Annotated[
        Path | None,
        typer.Option("--fee-payer", metavar="FILE", help="Key file of who pays fees and rent; by default --keypair."),
    ] = None


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of its `Cluster` or `Wallet` parameter in place of that parameter."""
    hints = get_type_hints(command, include_extras=True)
    bundles: dict[str, type[Cluster]] = {name: kind for name, kind in hints.items() if kind in (Cluster, Wallet)}
    shown: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name in bundles:
            options = get_type_hints(bundles[name], include_extras=True)
            shown += [_keyword(each.name, each.default, options[each.name]) for each in fields(bundles[name])]
        else:
            shown.append(_keyword(name, parameter.default, hints[name]))

    def run(**given: Any) -> None:
        for name, kind in bundles.items():
            given[name] = kind(**{each.name: given.pop(each.name) for each in fields(kind)})
        command(**given)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in shown}
    return run


def _keyword(name: str, default: Any, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def examples(*lines: str) -> str:
    """An epilog that shows these command lines as they are."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def group(help: str, epilog: str) -> typer.Typer:
    """A group of commands. Help is plain text: it appears at once, and pipes and narrow terminals take it as it is."""
    return typer.Typer(
        help=help,
        epilog=epilog,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
