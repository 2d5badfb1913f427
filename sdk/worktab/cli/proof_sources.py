"""Which proofs a command uses: named, or those that were last used for the network."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from worktab.epochs.proofs.sources import ProofSource

Proofs = Annotated[
    str | None,
    typer.Option(
        "--proofs",
        envvar="WORKTAB_PROOFS",
        show_envvar=True,
        metavar="URL|FOLDER",
        help="Where proofs come from: a proof server, an export, or epochs' data; by default as last for the network.",
    ),
]

NetworkOption = Annotated[
    str, typer.Option("--network", metavar="ADDRESS", help="Address of the network.", show_default=False)
]


@asynccontextmanager
async def proofs_of(network: Pubkey, named: str | None) -> AsyncIterator[ProofSource | None]:
    """The proofs to use for a network; None where none were named, now or before.

    What is named is remembered once it was used without an error. Raises what `open_source` raises.
    """
    from worktab.epochs.proofs.sources import open_source

    wanted = named or _remembered(network)
    if wanted is None:
        yield None
        return
    source = await open_source(wanted)
    try:
        yield source
    finally:
        await source.close()
    if named:
        _remember(network, named)


def data_folder() -> Path:
    """The user's folder for Worktab's data."""
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "worktab"


def _file(network: Pubkey) -> Path:
    return data_folder() / "proofs" / f"{network}.json"


def _remembered(network: Pubkey) -> str | None:
    try:
        named = json.loads(_file(network).read_text())["proofs"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return named if isinstance(named, str) else None


def _remember(network: Pubkey, named: str) -> None:
    """Keep it for the next time; a disk that cannot take it is no reason to fail."""
    if "://" not in named:
        named = str(Path(named).expanduser().resolve())
    if named == _remembered(network):
        return
    file = _file(network)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"proofs": named}))
    except OSError:
        return
