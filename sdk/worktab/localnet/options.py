"""What a localnet is started with."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final, TypeAlias

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.protocol import AccountData
from worktab.core._checks import uint
from worktab.core.errors import InputError

BUILT: Final = "built"
SURFPOOL: Final = "surfpool"
VALIDATOR: Final = "solana-test-validator"
AUTO: Final = "auto"

LONGEST_SLOT: Final = 60_000
"""The longest time between blocks, in milliseconds."""

Report: TypeAlias = Callable[[str], None]
"""Is told, in a line without an end, what takes long."""


def to_stderr(line: str) -> None:
    """Writes a line to standard error."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


@dataclass(frozen=True, slots=True)
class Options:
    """How to start a localnet. Everything has a default.

    host       IPv4 address to listen on
    rpc_port   for JSON-RPC; None chooses a free one
    ws_port    for websockets; None takes the one after rpc_port, as most clients expect it
    slot_time  milliseconds from block to block, 1 to 60,000
    ledger     folder to keep the chain in, made where it is missing; None: the chain ends with the node
    unix_time  the chain's time to start at, in Unix seconds; only later than this machine's clock
    accounts   to write before anything else, past every rule
    programs   to deploy beside Worktab's own: address and ELF file's bytes
    node       `auto`, `built`, `surfpool`, `solana-test-validator`, or the path of such a program. `auto` takes
               Worktab's own node if it was built before, else one of the others from PATH, else builds its own
    wallet     to fund; None: one that the ledger folder keeps, without a ledger a new one
    patience   seconds to wait for the node's first answer
    report     is told what takes long: the first build of the node does
    """

    host: str = "127.0.0.1"
    rpc_port: int | None = None
    ws_port: int | None = None
    slot_time: int = 400
    ledger: Path | None = None
    unix_time: int | None = None
    accounts: tuple[tuple[Pubkey, AccountData], ...] = ()
    programs: tuple[tuple[Pubkey, bytes], ...] = ()
    node: str = AUTO
    wallet: Keypair | None = None
    patience: float = 60.0
    report: Report = to_stderr

    def __post_init__(self) -> None:
        """Raises `InputError` for what no node could be started with."""
        try:
            IPv4Address(self.host)
        except ValueError:
            raise InputError("The host is not an IPv4 address", got=repr(self.host)) from None
        for name, port in (("rpc_port", self.rpc_port), ("ws_port", self.ws_port)):
            if port is not None and uint(port, 16, name) == 0:
                raise InputError(f"{name} is out of range", expected="1 to 65535", got=str(port))
        if self.rpc_port == 65_535 and self.ws_port is None:
            raise InputError(
                "There is no port after rpc_port for websockets", expected="a ws_port, or a lower rpc_port", got="65535"
            )
        if self.rpc_port is not None and self.rpc_port == self.ws_port:
            raise InputError("Both addresses have the same port", expected="two ports", got=str(self.rpc_port))
        if not 1 <= uint(self.slot_time, 16, "slot_time") <= LONGEST_SLOT:
            raise InputError(
                "slot_time is out of range", expected=f"1 to {LONGEST_SLOT} milliseconds", got=str(self.slot_time)
            )
        if self.unix_time is not None:
            uint(self.unix_time, 40, "unix_time")
