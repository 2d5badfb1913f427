"""Running a local node for `worktab localnet`, and what its options mean."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

import base58
import typer
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.protocol import AccountData
from worktab.chain.wallet import default_keypair_path, save_new_keypair
from worktab.cli.keyfiles import read_file
from worktab.cli.keyfiles import wallet as load_keypair
from worktab.cli.output import emit
from worktab.cli.parsing import address
from worktab.core.errors import InputError, StorageError
from worktab.localnet import Localnet, Options
from worktab.localnet.accounts import read_account
from worktab.localnet.building import build
from worktab.localnet.ledger import WALLET_FILE
from worktab.localnet.options import to_stderr
from worktab.program.generated import PROGRAM_ID

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def build_node(*, as_json: bool) -> None:
    """Build Worktab's own node, unless it was built before, and print where it is. Raises as `build`."""
    with _signals_end_it():
        node = build(to_stderr)
    _print({"node": str(node)}, as_json=as_json)


def run_node(options: Options, wallet_file: Path, *, as_json: bool) -> None:
    """Run a node until a signal comes. Raises what starting it raises, and `NodeFailed` when it ends by itself."""
    with _signals_end_it(), Localnet.start(options) as running:
        try:
            _print(_facts(running, wallet_file), as_json=as_json)
            if not as_json:
                _tell_how_to_use(running, wallet_file)
            running.wait()
        except KeyboardInterrupt:
            for number in _SIGNALS:  # it is being stopped already
                signal.signal(number, signal.SIG_IGN)


def _facts(running: Localnet, wallet_file: Path) -> dict[str, Any]:
    return {
        "rpc_url": running.rpc_url,
        "ws_url": running.ws_url,
        "genesis_hash": base58.b58encode(running.genesis_hash).decode(),
        "program": str(PROGRAM_ID),
        "wallet": str(running.wallet.pubkey()),
        "wallet_file": str(wallet_file),
        "mint": str(running.mint),
    }


def _print(facts: dict[str, Any], *, as_json: bool) -> None:
    """Print facts, as JSON in one line so that somebody can wait for it."""
    if as_json:
        typer.echo(json.dumps(facts))
    else:
        emit(facts, as_json=False)
    sys.stdout.flush()


def _tell_how_to_use(running: Localnet, wallet_file: Path) -> None:
    typer.echo(f"\nexport ANCHOR_PROVIDER_URL={running.rpc_url}")
    typer.echo(f"export ANCHOR_WALLET={shlex.quote(str(wallet_file))}")
    typer.echo(f"export WALLET={running.wallet.pubkey()}")
    typer.echo(f"export MINT={running.mint}")
    sys.stdout.flush()
    to_stderr("Ctrl-C stops the node")


def wallet_to_fund(named: Path | None, ledger: Path | None) -> tuple[Keypair | None, Path]:
    """The wallet to fund and its key file; None for the one that the ledger folder keeps.

    Raises `StorageError`, `KeyFormatError`.
    """
    file = (named or default_keypair_path()).expanduser().absolute()
    if named is not None or file.exists():
        return load_keypair(file), file
    if ledger is not None:
        return None, ledger.expanduser().resolve() / WALLET_FILE
    data = os.environ.get("XDG_DATA_HOME")
    folder = Path(data).absolute() if data else Path.home() / ".local" / "share"
    file = folder / "worktab" / "localnet" / WALLET_FILE
    return _kept_wallet(file), file


def _kept_wallet(file: Path) -> Keypair:
    """The wallet in a file, made where it is missing."""
    try:
        return load_keypair(file) if file.exists() else save_new_keypair(file)
    except StorageError:
        if not file.exists():  # else another process made it meanwhile
            raise
        return load_keypair(file)


def accounts(given: list[str]) -> tuple[tuple[Pubkey, AccountData], ...]:
    """The accounts in files, given as ADDRESS=FILE. Raises `InputError`, `StorageError`."""
    return tuple((where, read_account(file)) for where, file in _pairs(given, "--account"))


def programs(given: list[str]) -> tuple[tuple[Pubkey, bytes], ...]:
    """The programs in files, given as ADDRESS=FILE. Raises `InputError`, `StorageError`."""
    return tuple((where, read_file(file, "program")) for where, file in _pairs(given, "--program"))


def _pairs(given: list[str], option: str) -> Iterator[tuple[Pubkey, Path]]:
    for each in given:
        text, is_pair, file = each.partition("=")
        if not is_pair:
            raise InputError(f"{option} takes two values", expected="ADDRESS FILE", got=repr(each))
        yield address(text, option), Path(file)


@contextmanager
def _signals_end_it() -> Iterator[None]:
    """Lets SIGTERM do what Ctrl-C does, and puts both back as they were at the end."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
