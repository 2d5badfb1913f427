"""surfpool, where it is installed: the simulator that Worktab's own node is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from worktab.localnet.backends.base import Launch, followed
from worktab.localnet.options import SURFPOOL
from worktab.localnet.process import NodeProcess


@dataclass(frozen=True, slots=True)
class Surfpool:
    """The program `surfpool`. It has another genesis hash at each start, so what it kept would be another cluster's."""

    program: Path
    name: ClassVar[str] = SURFPOOL
    simulates: ClassVar[bool] = True
    keeps_chains: ClassVar[bool] = False
    keeps_files: ClassVar[bool] = True
    ws_follows: ClassVar[bool] = False

    def command(self, launch: Launch) -> list[str]:
        """See `Backend.command`."""
        command = [
            *(str(self.program), "start", "--offline", "--no-tui", "--no-deploy", "--no-studio"),
            *("--host", launch.host),
            *("--port", str(launch.rpc_port)),
            *("--ws-port", str(launch.ws_port)),
            *("--slot-time", str(launch.slot_time)),
            *("--airdrop-amount", "0"),
            *("--log-level", "none", "--log-path", str(launch.folder / "logs")),
        ]
        return followed(command)

    def wait(self, process: NodeProcess, answers: Callable[[], bool], limit: float) -> None:
        """See `Backend.wait`."""
        process.wait_until(answers, limit)
