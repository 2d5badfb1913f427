"""A scene of SLAs at the command line: the payer owns the device, and sponsors the consumer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair

from support.cli import Cli
from support.fleet import TIMING
from support.served import served
from support.sla_scene import SlaScene
from worktab.cli import connecting
from worktab.roles.base import program_sender


class Promising(Cli):
    """The device's owner at the command line; `consumer` are the options of its consumer's wallet."""

    scene: SlaScene
    consumer: tuple[object, ...]

    @property
    def device(self) -> str:
        """The device's address."""
        return str(self.scene.device.device)

    def attestor(self, number: int) -> tuple[object, ...]:
        """The options of an attestor's wallet."""
        key = self.key_file(f"attestor-{number}.json", self.scene.attestors[number])
        return ("--keypair", key, "--fee-payer", self.payer)

    def open(self, due: str = "0.0002", *options: object) -> str:
        """An SLA by the command line, due in an hour."""
        terms = ("--lane", self.scene.nonce, "--by", "1h", "--penalty", 5_000, *options)
        other = ("--other-key", self.folder / "consumer.json")
        made = self.json("sla", "open", self.device, due, *terms, *other)
        address: str = made["sla"]
        return address

    def money(self) -> tuple[int, int, int]:
        """The bond, what SLAs hold of it, and the tab's balance, in base units."""
        return self.served.do(self.scene.money())


@contextmanager
def promising(chain: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, **plan: Any) -> Iterator[Promising]:
    """Parties of an SLA on a machine that looks at the chain more often than most."""
    scene, consumer = SlaScene(), Keypair()
    with served(chain, **(scene.plan | plan)) as network:
        monkeypatch.setattr(connecting, "program_sender", partial(program_sender, **TIMING))
        network.do(scene.join(network.fleet, network.fleet.payer, consumer))
        made = Promising(network, folder)
        made.scene = scene
        made.consumer = ("--keypair", made.key_file("consumer.json", consumer), "--fee-payer", made.payer)
        yield made
