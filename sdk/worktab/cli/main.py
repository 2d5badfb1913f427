"""The `worktab` command: its groups, its version, and what becomes of errors."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from worktab import __version__
from worktab.cli import (
    agent,
    attest,
    bond,
    buy,
    challenge,
    claim,
    clock,
    crank,
    device,
    dispute,
    epoch,
    events,
    ingest,
    invoice,
    localnet,
    network,
    program,
    proofs,
    receipt,
    sla,
    stats,
    tab,
    verify,
    watch,
)
from worktab.cli.failures import report_failure
from worktab.cli.options import examples

_PROGRAM = "worktab"

_HELP = """Machines get paid for work they can prove.

Amounts are in whole tokens. With --json, which every command takes, one JSON document goes to standard output, with
amounts in base units; integers beyond 2^53 - 1 are strings of digits in it, smaller ones are numbers. Progress,
warnings and errors for people go to standard error.

Exit codes: 0 done; 1 refused or failed; 2 the command line, or what it passes, is not acceptable; 130 interrupted.
WORKTAB_DEBUG=1 shows the details of an error.
"""


class _Root(TyperGroup):
    """Turns every error into a line and an exit code, and none into a traceback."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        given = sys.argv[1:] if args is None else list(args)
        try:
            code = super().main(given, prog_name or _PROGRAM, complete_var, False, windows_expand_args, **extra)
        except Exception as error:
            code = report_failure(error, as_json="--json" in given)
        sys.exit(code or 0)


app = typer.Typer(
    name=_PROGRAM,
    cls=_Root,
    help=_HELP,
    epilog=examples("worktab network create --help", "worktab stats $NETWORK --json"),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{_PROGRAM} {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


app.add_typer(network.app, name="network")
app.add_typer(device.app, name="device")
app.add_typer(receipt.app, name="receipt")
app.add_typer(tab.app, name="tab")
app.add_typer(invoice.app, name="invoice")
app.add_typer(bond.app, name="bond")
app.add_typer(sla.app, name="sla")
app.add_typer(agent.app, name="agent")
app.add_typer(ingest.app, name="ingest")
app.add_typer(epoch.app, name="epoch")
app.add_typer(attest.app, name="attest")
app.add_typer(dispute.app, name="dispute")
app.add_typer(proofs.app, name="proofs")
app.add_typer(claim.app)
app.add_typer(crank.app)
app.add_typer(buy.app)
app.add_typer(verify.app)
app.add_typer(challenge.app)
app.add_typer(watch.app)
app.add_typer(stats.app)
app.add_typer(events.app)
app.add_typer(program.app)
app.add_typer(localnet.app)
app.add_typer(clock.app)


def run() -> None:
    """The entry point of the command."""
    # A terminal that cannot show a character shows another; that is no reason to fail.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    app(prog_name=_PROGRAM)
