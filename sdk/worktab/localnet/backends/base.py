"""What a localnet asks of a kind of node."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from solders.pubkey import Pubkey

from worktab.chain.protocol import AccountData
from worktab.localnet import follow
from worktab.localnet.process import NodeProcess


@dataclass(frozen=True, slots=True)
class Launch:
    """One start of a node.

    folder    to run in, and to keep files in if it does so
    keeps     whether the chain is to outlive the node, in that folder
    genesis   the genesis hash to use (32 bytes), where the node lets one choose
    """

    host: str
    rpc_port: int
    ws_port: int
    slot_time: int
    folder: Path
    keeps: bool
    genesis: bytes
    wallet: Pubkey
    accounts: Sequence[tuple[Pubkey, AccountData]]
    programs: Sequence[tuple[Pubkey, bytes]]

    @property
    def rpc_url(self) -> str:
        """Where JSON-RPC is served."""
        return f"http://{self.host}:{self.rpc_port}"

    @property
    def ws_url(self) -> str:
        """Where subscriptions are taken."""
        return f"ws://{self.host}:{self.ws_port}"


class Backend(Protocol):
    """A kind of node.

    name         as in `Options.node`
    simulates    whether its clock can be moved and its accounts be written while it runs
    keeps_chains whether a chain can outlive the node
    keeps_files  whether it needs a folder for the time that it runs
    ws_follows   whether its websocket is always on the port after that for RPC
    """

    name: ClassVar[str]
    simulates: ClassVar[bool]
    keeps_chains: ClassVar[bool]
    keeps_files: ClassVar[bool]
    ws_follows: ClassVar[bool]

    def command(self, launch: Launch) -> list[str]:
        """The command line that starts the node. It writes the files that the node is to read into its folder."""
        ...

    def wait(self, process: NodeProcess, answers: Callable[[], bool], limit: float) -> None:
        """Return when the node answers. Raises `NodeFailed` if it ends, or does not within `limit` seconds."""
        ...


def followed(command: Sequence[str]) -> list[str]:
    """A command that ends when its standard input does, for a node that does not look at its own."""
    return [sys.executable, "-I", follow.__file__, *command]
