"""Worktab's own node."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import base58

from worktab.core.errors import StorageError
from worktab.localnet.backends.base import Launch
from worktab.localnet.options import BUILT
from worktab.localnet.process import NodeProcess


@dataclass(frozen=True, slots=True)
class Built:
    """The node that `worktab.localnet.building` makes, or another build of it."""

    program: Path
    name: ClassVar[str] = BUILT
    simulates: ClassVar[bool] = True
    keeps_chains: ClassVar[bool] = True
    keeps_files: ClassVar[bool] = False
    ws_follows: ClassVar[bool] = False

    def command(self, launch: Launch) -> list[str]:
        """See `Backend.command`. Raises `StorageError` for a ledger that is damaged."""
        command = [
            *(str(self.program), "--follow-stdin"),
            *("--host", launch.host),
            *("--rpc-port", str(launch.rpc_port)),
            *("--ws-port", str(launch.ws_port)),
            *("--slot-time", str(launch.slot_time)),
            *("--genesis-hash", base58.b58encode(launch.genesis).decode()),
        ]
        if not launch.keeps:
            return command
        ledger = launch.folder / "chain.sqlite"
        _forget_idls(ledger)
        return [*command, "--ledger", str(ledger)]

    def wait(self, process: NodeProcess, answers: Callable[[], bool], limit: float) -> None:
        """See `Backend.wait`. The node says itself when it answers."""
        process.wait_for_addresses(limit)


def _forget_idls(ledger: Path) -> None:
    """Remove the IDLs of well-known programs from a ledger. Raises `StorageError` if it is damaged.

    The node adds all of them again at each start, and reads all that were ever added: without this, every start would
    take a second longer than the one before.
    """
    if not ledger.exists():
        return
    try:
        with closing(sqlite3.connect(ledger)) as database, database:
            database.execute("DELETE FROM registered_idls")
    except sqlite3.OperationalError:  # no such table, or no way to write: the node makes it, or says so
        pass
    except sqlite3.DatabaseError as error:
        raise StorageError(
            f"The ledger {ledger} is damaged",
            got=str(error),
            next_step="Remove its folder to begin a new chain, or name another one",
        ) from error
