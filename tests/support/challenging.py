"""A consumer at the command line, in a network that takes disputes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

from support.cli import Cli
from support.disputes import TAB, Accusable, Court
from support.fleet import SOL
from support.served import served
from worktab.roles.consumer import Consumer


class Challenging(Cli):
    """A consumer who challenges devices at the command line."""

    court: Court
    consumer: Consumer

    def do(self, work: Any) -> Any:
        """What a coroutine gives."""
        return self.served.do(work)

    def cheat(self, **lies: Any) -> Accusable:
        """A device whose second record is wrong, with its receipt on chain."""
        device: Accusable = self.do(self.court.device())
        device.worker.work(b"abd")
        device.worker.claim(**({"output": bytes(32)} | lies))
        self.next_epoch()
        self.do(self.court.submit(device))
        return device

    def bundle(self, device: Accusable, folder: Path | None = None) -> Path:
        """All its records."""
        return device.worker.bundle(folder or self.folder)

    def balance(self) -> int:
        """What the tab holds."""
        found: int = self.do(self.court.balance(self.consumer))
        return found

    def attestor(self, number: int) -> Path:
        """An attestor's key file."""
        return self.key_file(f"attestor-{number}.json", self.court.keys[number])

    def addresses(self) -> Path:
        """Where devices are reached."""
        lines = [f"{each.address} {each.url}" for each in self.court.devices]
        return self.file("devices.txt", "\n".join(lines).encode())


@contextmanager
def challenging(chain: Any, folder: Path) -> Iterator[Challenging]:
    """A network that takes disputes, and a wallet with a tab there; attestors pay for themselves."""
    stack = AsyncExitStack()
    court = Court(folder, stack)
    with served(chain, **court.plan) as network:
        network.do(court.join(network.fleet))
        made = Challenging(network, folder)
        made.court = court
        made.consumer = network.do(network.fleet.consumer(TAB, key=network.fleet.payer))
        for key in court.keys:
            network.do(network.fleet.airdrop(key.pubkey(), SOL))
        try:
            yield made
        finally:
            network.do(stack.aclose())
