"""Worktab's own node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import base58

from worktab.localnet.backends.base import Launch
from worktab.localnet.process import NodeProcess


@dataclass(frozen=True, slots=True)
class Built:
    """The node that `worktab.localnet.building` makes, or another build of it."""

    program: Path
    simulates: ClassVar[bool] = True
    ws_follows: ClassVar[bool] = False

    def command(self, launch: Launch) -> list[str]:
        """See `Backend.command`."""
        command = [
            *(str(self.program), "--follow-stdin"),
            *("--host", launch.host),
            *("--rpc-port", str(launch.rpc_port)),
            *("--ws-port", str(launch.ws_port)),
            *("--slot-time", str(launch.slot_time)),
            *("--genesis-hash", base58.b58encode(launch.genesis).decode()),
        ]
        return [*command, "--ledger", str(launch.folder / "chain.sqlite")] if launch.keeps else command

    def wait(self, process: NodeProcess, answers: Callable[[], bool], limit: float) -> None:
        """See `Backend.wait`. The node says itself when it answers."""
        process.wait_for_line(limit)
