"""`worktab localnet`: a node of one's own, with everything one needs to try things out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

from worktab.cli.options import Json, examples

app = typer.Typer()

_PAIRS: Final = ("--account", "--program")


class _Paired(TyperCommand):
    """Takes `--account ADDRESS FILE`: Typer has no option that can be repeated and has two values."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Joins both values to one, ADDRESS=FILE."""
        joined: list[str] = []
        left = list(args)
        while left:
            joined.append(left.pop(0))
            if joined[-1] in _PAIRS and len(left) >= 2 and "=" not in left[0]:
                joined.append(f"{left.pop(0)}={left.pop(0)}")
        return super().parse_args(ctx, joined)


@app.command(
    cls=_Paired,
    epilog=examples(
        "worktab localnet",
        "worktab localnet --ledger ./chain --time 2027-06-01T12:00:00Z",
        "worktab localnet --account $ADDRESS account.json --program $ADDRESS program.so",
        "worktab localnet --rpc-port 0 --json",
        "worktab localnet --build-only",
    ),
)
def localnet(
    rpc_port: Annotated[int, typer.Option(metavar="PORT", help="For JSON-RPC; 0 chooses a free one.")] = 8899,
    ws_port: Annotated[
        int | None, typer.Option(metavar="PORT", help="For websockets; by default the one after --rpc-port.")
    ] = None,
    host: Annotated[str, typer.Option(metavar="IP", help="IPv4 address to listen on.")] = "127.0.0.1",
    slot_time: Annotated[int, typer.Option(metavar="MS", help="Milliseconds from block to block.")] = 400,
    ledger: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder to keep the chain in; by default it ends with the node."),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Start at this later time: Unix seconds, or such as 2027-06-01T12:00Z."),
    ] = None,
    account: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS FILE",
            help="Preload an account into a new chain, in the form of `solana account ADDRESS --output json`. Can be "
            "repeated.",
        ),
    ] = None,
    program: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS FILE", help="Deploy a program (.so) beside Worktab's own. Can be repeated."),
    ] = None,
    wallet: Annotated[
        Path | None,
        typer.Option(
            envvar="ANCHOR_WALLET",
            show_envvar=True,
            metavar="FILE",
            help="Key file of the wallet to fund; by default ~/.config/solana/id.json, or else a new one.",
        ),
    ] = None,
    node: Annotated[
        str,
        typer.Option(
            metavar="NODE",
            help="built (Worktab's own), surfpool, solana-test-validator, or the path of one. By default Worktab's own "
            "if it was built before, else another from PATH, else Worktab's own is built.",
        ),
    ] = "auto",
    build_only: Annotated[bool, typer.Option("--build-only", help="Build Worktab's own node and end.")] = False,
    as_json: Json = False,
) -> None:
    """Run a Solana node of one's own, with the program deployed, a funded wallet and a test token.

    Prints its addresses once everything is ready (with --json one line of JSON), and runs until Ctrl-C or SIGTERM,
    which stop all that it started. The wallet gets 1,000 SOL and is the mint authority of the token, of which it gets
    1,000,000. The first start may build the node, which takes about 15 minutes once.
    """
    from worktab.cli.local_node import accounts, build_node, programs, run_node, wallet_to_fund
    from worktab.cli.parsing import unix_time
    from worktab.localnet import Options

    if build_only:
        build_node(as_json=as_json)
        return
    keypair, wallet_file = wallet_to_fund(wallet, ledger)
    options = Options(
        host=host,
        rpc_port=rpc_port or None,
        ws_port=ws_port or None,
        slot_time=slot_time,
        ledger=ledger,
        unix_time=None if time is None else unix_time(time, "--time"),
        accounts=accounts(account or []),
        programs=programs(program or []),
        node=node,
        wallet=keypair,
    )
    run_node(options, wallet_file, as_json=as_json)
