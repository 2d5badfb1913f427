"""Published epochs whose roots are final on the chain, and servers of their proofs."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from starlette.types import ASGIApp

from support.rooted import CHALLENGE, Rooted
from worktab.agent.serving import Server
from worktab.core.commitments import EpochCommitment
from worktab.epochs.data import EpochData
from worktab.epochs.layout import DEVICE, PAYEE
from worktab.epochs.manifest import Manifest
from worktab.epochs.proofs.root import Root
from worktab.ingest.rows import RECEIPT, REGISTRATION
from worktab.roles.attesting import FinalizeOutcome

NOBODY: Final = Pubkey.default()


@dataclass(frozen=True, slots=True)
class Person:
    """A payee: its wallet and the lifetime rewards of its devices, base units."""

    payout: Pubkey
    rewards: tuple[int, ...]

    @property
    def reward(self) -> int:
        """Its lifetime reward."""
        return sum(self.rewards)

    def raised(self, more: int) -> Person:
        """The same payee with so much more from its first device."""
        return replace(self, rewards=(self.rewards[0] + more, *self.rewards[1:]))


def people(*rewards: int | tuple[int, ...]) -> list[Person]:
    """New wallets, each with a device of this lifetime reward, or with several."""
    return [Person(Keypair().pubkey(), each if isinstance(each, tuple) else (each,)) for each in rewards]


def device_of(person: Person, number: int) -> Pubkey:
    """The address of a person's device."""
    return Pubkey(hashlib.sha256(bytes(person.payout) + bytes([number])).digest())


def epoch_data(
    named: Sequence[Person], *, epoch: int = 0, network: Pubkey = NOBODY, domain: bytes = b"d" * 32
) -> EpochData:
    """The data of an epoch with these payees at positions in their order; three units of work a base unit."""
    counts = [len(person.rewards) for person in named]
    payees, devices = np.zeros(len(named), PAYEE), np.zeros(sum(counts), DEVICE)
    payees["payout"] = [list(bytes(person.payout)) for person in named]
    payees["devices"] = counts
    payees["first"] = np.cumsum(counts) - counts
    rows = [(at, person, number) for at, person in enumerate(named) for number in range(len(person.rewards))]
    devices["position"] = [at for at, _, _ in rows]
    devices["device"] = [list(bytes(device_of(person, number))) for _, person, number in rows]
    devices["index"] = [number for _, _, number in rows]
    devices["reward"] = [person.rewards[number] for _, person, number in rows]
    devices["units"] = 3 * devices["reward"]
    devices["head"] = ord("h")
    devices["seq"], devices["time"], devices["active"] = 5, 1_700_000_000, 1
    unsealed = Manifest(
        network,
        domain,
        epoch,
        first_epoch=epoch,
        previous=None,
        policy={},
        terms={},
        files={},
        root=b"",
        count=0,
        devices=0,
        total=0,
        units=0,
    )
    return EpochData.seal(
        unsealed,
        payees,
        devices,
        np.zeros(0, REGISTRATION),
        np.zeros(0, RECEIPT),
        {},
    )


@dataclass(frozen=True)
class _Committed:
    data: EpochData

    def commitment(self, **changes: Any) -> EpochCommitment:
        return replace(self.data.commitment(), **changes)


class Publisher:
    """Publishes epochs of a network in a folder, and makes their roots final."""

    def __init__(self, rooted: Rooted, folder: Path) -> None:
        self.rooted, self.folder = rooted, folder

    async def data(self, epoch: int, named: Sequence[Person]) -> EpochData:
        """The data of an epoch, published."""
        network = await self.rooted.network()
        data = epoch_data(named, epoch=epoch, network=self.rooted.fleet.network, domain=network.domain)
        data.write(self.folder)
        return data

    async def finalize(self, data: EpochData) -> Root:
        """Go past the end of the data's epoch and make their root final."""
        network, clock = await self.rooted.network(), self.rooted.fleet.clock
        behind = network.created_at + (data.epoch + 1) * network.epoch_length - await clock.now()
        if behind > 0:
            await clock.advance(behind)
        committed: Any = _Committed(data)
        address = await self.rooted.approve(committed)
        await clock.advance(CHALLENGE)
        assert (await self.rooted.finalizer.finalize(address)).outcome is FinalizeOutcome.FINAL
        return await self.root()

    async def publish(self, epoch: int, named: Sequence[Person]) -> EpochData:
        """Both."""
        data = await self.data(epoch, named)
        await self.finalize(data)
        return data

    async def root(self) -> Root:
        """The network's newest final root."""
        return Root.final(self.rooted.fleet.network, await self.rooted.network())


@asynccontextmanager
async def site(app: ASGIApp) -> AsyncIterator[str]:
    """The address of an application on a free port."""
    server = Server.listen(app, "127.0.0.1", 0, grace=1)
    await server.start()
    try:
        yield server.url
    finally:
        await server.stop()
