"""Bonded devices in a network with attestors, what they did, and what a consumer bought from them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from solders.keypair import Keypair

from worktab.agent.app import JobLimits
from worktab.agent.buying import Job, buy_job
from worktab.agent.purchases import PurchaseLog
from worktab.core.keys import Ed25519Signer, P256Signer
from worktab.core.money import reward
from worktab.core.records import Meter
from worktab.demo.buying import open_tab
from worktab.demo.cheating.cast import Cheat, Part, runtime_of
from worktab.demo.devices import Party, Shop
from worktab.demo.digits import encode_input, load_images, load_module
from worktab.demo.getting_paid import Settled, settle_and_submit
from worktab.demo.stage import Stage
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.purse import Purse
from worktab.market.offers import fetch_offers
from worktab.market.pricing import Price
from worktab.roles.bonds import BondKeeper
from worktab.roles.consumer import Consumer
from worktab.roles.sla_opening import OpenedSla, SlaParty
from worktab.roles.terms import WorkClass
from worktab.work.bundle import export_bundle

ATTESTORS: Final = 3
"""Two of them decide."""

BOND: Final = 1_000_000
"""Base units that each device has at stake."""

DEPOSIT: Final = 100_000
"""Base units that a challenger deposits for each dispute."""

SLASH_BPS: Final = 5_000
"""Most of a bond that one guilty dispute takes, basis points."""

TAB: Final = 2_000_000
"""Base units in the tab of the consumer, and of the stranger."""

PRICE: Final = Price(2_000_000)
"""Two base units for each unit."""

RATE: Final = 1_000_000
"""Reward in base units for 1,000,000 work units."""

PENALTY_BPS: Final = 5_000
"""Part of what is not delivered that the SLA's penalty is, basis points."""

PROMISED: Final = 2
"""Jobs that the device that goes away promised; it delivers one."""

CHALLENGE_DELAY: Final = 86_400
_DAY: Final = 86_400
_CAPACITY: Final = 1_000_000
_MOST_UNITS: Final = 100_000
_JOBS: Final = 3
_LAST: Final = _JOBS - 1


@dataclass(frozen=True, slots=True)
class Player:
    """A device of the scene: what it is to do, the server that sells its work, and the inputs of its jobs."""

    part: Part
    shop: Shop
    inputs: tuple[bytes, ...]

    @property
    def name(self) -> str:
        """The device's name."""
        return self.part.name


@dataclass
class Scene:
    """Where it happens, and who takes part.

    stage      the chain
    attestors  keys of the attestors
    players    the devices
    consumer   buys jobs, and challenges what it bought
    stranger   has a tab, buys nothing, and challenges everybody
    folder     for spools, purchases, published records, and what attestors remember
    """

    stage: Stage
    attestors: tuple[Keypair, ...]
    players: list[Player]
    consumer: Consumer
    stranger: Consumer
    folder: Path

    @property
    def module(self) -> bytes:
        """The program of all jobs."""
        return load_module()

    @property
    def purchases(self) -> Path:
        """Where the consumer keeps what it bought, with the devices' proofs."""
        return self.folder / "purchases"

    async def work(self) -> dict[str, int]:
        """Each device does its jobs, the last one for the consumer where it sells; what those cost, by device."""
        paid = {}
        for player in self.players:
            for input in player.inputs[:_LAST]:
                player.shop.work(self.module, input)
            if player.part.sells:
                paid[player.name] = await self._buy(player)
            else:
                player.shop.work(self.module, player.inputs[_LAST])
        return paid

    async def promise(self, player: Player, price: int) -> OpenedSla:
        """A device promises further jobs within a day, on the lane of what was just bought from it."""
        index, now = player.shop.provider.seller.index, await self.stage.chain.unix_time()
        [lane] = [each for each in (await self.consumer.tab()).lanes if each.index == index]
        consumer = SlaParty(self.stage.sender(), self.stage.operator.address, self.consumer.key)
        offer = await consumer.offer(
            player.shop.address,
            consumer=self.consumer.consumer,
            nonce=lane.nonce,
            due=PROMISED * price,
            bps=PENALTY_BPS,
            deadline=now + _DAY,
        )
        return await consumer.open(offer, player.shop.party.owner)

    async def settle(self) -> dict[str, Settled]:
        """Each device brings its vouchers and receipts to the chain."""
        return {player.name: await settle_and_submit(self.stage, player.shop) for player in self.players}

    def publish(self) -> list[Path]:
        """Each device publishes its records."""
        folder = self.folder / "published"
        folder.mkdir()
        paths = []
        for player in self.players:
            shop, path = player.shop, folder / f"{player.name}.bundle"
            export_bundle(path, shop.spool.entries(), shop.blobs, device=bytes(shop.address))
            paths.append(path)
        return paths

    async def _buy(self, player: Player) -> int:
        job = Job(self.module, player.inputs[_LAST], _MOST_UNITS)
        log = PurchaseLog.open(self.purchases, player.name, job.work)
        async with httpx.AsyncClient() as http:
            offers, _ = await fetch_offers(http, [player.shop.url])
        with Purse.open(self.folder / "purse") as purse:
            delivery = await buy_job(self.consumer, purse, Budget(TAB), job, offers, log, requests=PROMISED)
        log.finish(delivery.response.content, {})
        return delivery.bill.price


@asynccontextmanager
async def scene(cast: Sequence[Part], folder: Path) -> AsyncIterator[Scene]:
    """A network with attestors, bonded devices that sell and show their records, and two tabs, until the block ends."""
    stage, attestors = Stage([]), tuple(Keypair() for _ in range(ATTESTORS))
    budget, _ = reward(0, len(cast) * _CAPACITY, RATE)
    await stage.create_network(
        WorkClass(rate=RATE, max_capacity=_CAPACITY, budget=budget, meter=Meter.WASM_FUEL),
        attestors=tuple(each.pubkey() for each in attestors),
        dispute_deposit=DEPOSIT,
        slash_bps=SLASH_BPS,
        challenge_delay=CHALLENGE_DELAY,
    )
    made = Scene(
        stage, attestors, [], await open_tab(stage, Keypair(), TAB), await open_tab(stage, Keypair(), TAB), folder
    )
    try:
        for number, part in enumerate(cast):
            made.players.append(await _player(stage, part, number, folder))
        await stage.pass_an_epoch()  # capacity counts from the epoch after a registration
        yield made
    finally:
        for player in made.players:
            await player.shop.close()


async def _player(stage: Stage, part: Part, number: int, folder: Path) -> Player:
    key = Ed25519Signer.generate() if number % 2 else P256Signer.generate()
    party = Party(part.name, key, Keypair())
    await stage.register(key, party.owner, _CAPACITY)
    inputs = _inputs(part, number)
    limits = JobLimits(default_units=_MOST_UNITS, max_units=_MOST_UNITS)
    shop = Shop(stage, party, folder, PRICE, limits, runtime_of(part, inputs[_LAST]))
    await stage.give(party.owner.pubkey(), BOND)
    await BondKeeper(stage.sender(), stage.operator.address, party.owner).deposit(shop.address, BOND)
    await shop.open()
    return Player(part, shop, inputs)


def _inputs(part: Part, number: int) -> tuple[bytes, ...]:
    """An image for each of a device's jobs; no other device has it, and only one that repeats uses one twice."""
    images = load_images()[number * _JOBS : (number + 1) * _JOBS]
    inputs = tuple(encode_input([image]) for image in images)
    return (*inputs[:_LAST], inputs[0]) if part.cheat is Cheat.REPEAT else inputs
