"""The `worktab` command against a served network that pays by roots, whose epochs a publisher makes final."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.chains import AnyChain
from support.cli import Cli
from support.fleet import TIMING
from support.proving import Publisher
from support.rooted import CHALLENGE, Rooted
from support.served import served
from worktab.cli import connecting
from worktab.roles.base import program_sender
from worktab.roles.device import Device
from worktab.roles.terms import RewardPath


@contextmanager
def rooted_cli(chain: AnyChain, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Cli, Publisher]]:
    """A user of a new network, and who publishes its epochs in the folder `epochs` of the user's."""
    keys, guardian = [Keypair() for _ in range(3)], Keypair()
    attestors = tuple(key.pubkey() for key in keys)
    plan = {"reward_path": RewardPath.ROOTS, "challenge_delay": CHALLENGE, "guardian": guardian.pubkey()}
    with served(chain, attestors=attestors, **plan) as network:
        monkeypatch.setattr(connecting, "program_sender", partial(program_sender, **TIMING))
        monkeypatch.delenv("WORKTAB_PROOFS", raising=False)
        rooted = Rooted(network.fleet, keys, guardian)
        yield Cli(network, folder), Publisher(rooted, folder / "epochs")


async def sold(publisher: Publisher, payout: Pubkey, amount: int) -> Device:
    """A device of a wallet that earned so much."""
    fleet = publisher.rooted.fleet
    device = await fleet.device(payout=payout)
    await fleet.next_epoch()
    await fleet.sell(await fleet.consumer(amount), device, amount, 1)
    return device
