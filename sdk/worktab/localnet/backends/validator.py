"""solana-test-validator, where it is installed: a real validator, alone on a cluster of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from worktab.localnet.accounts import write_account
from worktab.localnet.backends.base import Launch, followed
from worktab.localnet.options import VALIDATOR
from worktab.localnet.ports import free_range
from worktab.localnet.process import NodeProcess

_PORTS = 32
"""Ports that a validator wants for its own traffic, in a row."""

_TICKS_PER_SECOND = 160
_LEAST_TICKS = 2


@dataclass(frozen=True, slots=True)
class Validator:
    """The program `solana-test-validator`. It takes accounts and programs at the start of a chain, and never later."""

    program: Path
    name: ClassVar[str] = VALIDATOR
    simulates: ClassVar[bool] = False
    keeps_chains: ClassVar[bool] = True
    keeps_files: ClassVar[bool] = True
    ws_follows: ClassVar[bool] = True

    def command(self, launch: Launch) -> list[str]:
        """See `Backend.command`."""
        faucet = free_range(launch.host, 2 + _PORTS, but=(launch.rpc_port, launch.ws_port))
        gossip, first, last = faucet + 1, faucet + 2, faucet + 1 + _PORTS
        ticks = max(_LEAST_TICKS, round(launch.slot_time * _TICKS_PER_SECOND / 1_000))
        ledger = launch.folder / "test-ledger"
        command = [
            *(str(self.program), "--quiet", "--ledger", str(ledger)),
            *("--bind-address", launch.host),
            *("--rpc-port", str(launch.rpc_port)),
            *("--faucet-port", str(faucet)),
            *("--gossip-port", str(gossip)),
            *("--dynamic-port-range", f"{first}-{last}"),
            *("--ticks-per-slot", str(ticks)),
            *("--mint", str(launch.wallet)),
        ]
        if not launch.keeps:
            command.append("--reset")
        return followed([*command, *self._state(launch)])

    def wait(self, process: NodeProcess, answers: Callable[[], bool], limit: float) -> None:
        """See `Backend.wait`."""
        process.wait_until(answers, limit)

    def _state(self, launch: Launch) -> list[str]:
        """The options that name accounts and programs, which are written to files."""
        options: list[str] = []
        for address, account in launch.accounts:
            file = launch.folder / f"{address}.json"
            write_account(file, address, account)
            options += ["--account", str(address), str(file)]
        for address, program in launch.programs:
            file = launch.folder / f"{address}.so"
            file.write_bytes(program)
            options += ["--bpf-program", str(address), str(file)]
        return options
