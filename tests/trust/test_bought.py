"""Work that was bought: run again, disputed by the proof that came with the answer, and paid back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.disputes import BOND, DEPOSIT, SLASH_BPS, VERIFIER, Court
from support.job_shop import PRICE, JobShop
from support.jobs import increment
from support.rigged_shop import serving
from worktab.agent.bought import bought_blobs, bought_jobs
from worktab.agent.buying import Job, buy_job
from worktab.agent.purchases import PurchaseLog
from worktab.agent.records import Records
from worktab.epochs.attesting.evidence import HttpEvidence
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.purse import Purse
from worktab.market.offers import fetch_offers
from worktab.roles.accusations import DisputeFinding, DisputeVerdict, OpenOutcome
from worktab.roles.bonds import BondKeeper
from worktab.roles.consumer import Consumer
from worktab.roles.terms import DeviceStatus
from worktab.trust.accusing import accuse
from worktab.trust.challenging import Fault, examine_bought
from worktab.trust.errors import NothingToDispute, NotShownSigned
from worktab.work.blobs import BlobStore
from worktab.work.wasm import WasmResult, WasmRuntime

SLASH = BOND * SLASH_BPS // 10_000


class LyingRuntime(WasmRuntime):
    """Does the job, and says something else."""

    def __init__(self, **lies: Any) -> None:
        super().__init__()
        self._lies = lies

    def run(self, module: bytes, input: bytes, *, fuel_limit: int) -> WasmResult:
        return replace(super().run(module, input, fuel_limit=fuel_limit), **self._lies)


class Selling:
    """A bonded device that sells jobs and shows its records, and a buyer."""

    def __init__(self, court: Court, shop: JobShop, url: str, buyer: Consumer, folder: Path) -> None:
        self.court, self.shop, self.url, self.buyer, self.folder = court, shop, url, buyer, folder

    @property
    def device(self) -> Pubkey:
        """The device's address."""
        return self.shop.device.device

    @property
    def purchases(self) -> Path:
        """Where the buyer keeps what it bought."""
        return self.folder / "purchases"

    async def buy(self, name: str, input: bytes) -> int:
        """Buy a job; what it cost."""
        job = Job(increment(), input, 10_000)
        log = PurchaseLog.open(self.purchases, name, job.work)
        async with httpx.AsyncClient(timeout=120) as client:
            offers, _ = await fetch_offers(client, [self.url])
        with Purse.open(self.folder / "purse.sqlite") as purse:
            bought = await buy_job(self.buyer, purse, Budget(50_000), job, offers, log)
        log.finish(bought.response.content, {})
        return bought.bill.price

    async def look(self, number: int) -> Any:
        """What an attestor does about the only dispute."""
        source = HttpEvidence(
            self.url, attestor=self.court.keys[number], domain=self.court.domain, client=self.court.http
        )
        [done] = await self.court.attestor(number, source).look()
        return done


@asynccontextmanager
async def selling(court: Court, folder: Path, runtime: WasmRuntime) -> AsyncIterator[Selling]:
    """A device whose jobs run in this runtime."""
    fleet = court.fleet
    shop = await JobShop.start(fleet, folder)
    try:
        owner = shop.owner.owner
        await fleet.mint.give(owner.pubkey(), BOND)
        await BondKeeper(fleet.sender, fleet.network, owner).deposit(shop.device.device, BOND)
        blobs = BlobStore(folder / "blobs")
        shop.trade(routes=[Records(shop.device, shop.spool, blobs).route])
        honest, shop.runner._runtime = shop.runner._runtime, runtime
        assert isinstance(honest, WasmRuntime)
        async with serving(shop.app) as url:
            yield Selling(court, shop, url, await court.consumer(100_000), folder)
    finally:
        shop.runner.close()
        await shop.close()


@pytest.mark.parametrize("lies", [{"output": b"lie"}, {"fuel": 999}], ids=["output", "fuel"])
async def test_a_buyer_gets_its_money_back(court: Court, tmp_path: Path, lies: dict[str, Any]) -> None:
    async with selling(court, tmp_path, LyingRuntime(**lies)) as scene:
        price = await scene.buy("one", b"abc")
        assert price == PRICE.cost(lies.get("fuel", 71))
        jobs, blobs = bought_jobs(scene.purchases), bought_blobs(scene.purchases)
        found = examine_bought(jobs, blobs, VERIFIER)
        [suspect] = found.disputable
        assert (found.records, suspect.seq, suspect.fault) == (1, 1, Fault.DIFFERS)
        view = await scene.shop.device.view()
        # Nothing of the device is on chain yet: the receipt that came with the answer is the evidence.
        assert view.device.seq == 0
        challenger = court.challenger(scene.buyer)
        accusation = await accuse(challenger, None, found, view)
        assert (accusation.stakes.consumer, accusation.stakes.challenger) == (price, DEPOSIT)
        assert accusation.evidence is not None
        balance, pool = await court.balance(scene.buyer), await court.pool()
        opened = await challenger.open(scene.device, accusation.evidence)
        assert opened.outcome is OpenOutcome.OPENED
        assert (await scene.look(0)).finding is DisputeFinding.DIFFERS
        assert (await scene.look(1)).verdict is DisputeVerdict.GUILTY
        assert await court.balance(scene.buyer) == balance + price + DEPOSIT
        assert await court.pool() == pool + SLASH - price - DEPOSIT
        device = await court.fleet.read(scene.device)
        assert (device.bond, device.status) == (BOND - SLASH, DeviceStatus.SUSPENDED)


async def test_honest_work_is_not_suspected(court: Court, tmp_path: Path) -> None:
    async with selling(court, tmp_path, WasmRuntime()) as scene:
        for name in ("one", "two"):
            await scene.buy(name, b"abc")
        jobs, blobs = bought_jobs(scene.purchases), bought_blobs(scene.purchases)
        assert [job.seq for job in jobs] == [1, 2]
        found = examine_bought(jobs, blobs, VERIFIER)
        assert (found.records, found.executed, found.suspects) == (2, 2, [])
        with pytest.raises(NothingToDispute):
            await accuse(court.challenger(scene.buyer), None, found, await scene.shop.device.view())


async def test_other_work_than_was_ordered_is_told_and_not_disputed(court: Court, tmp_path: Path) -> None:
    async with selling(court, tmp_path, WasmRuntime()) as scene:
        await scene.buy("one", b"abc")
        [job] = bought_jobs(scene.purchases)
        found = examine_bought([replace(job, input=bytes(32))], bought_blobs(scene.purchases), VERIFIER)
        assert [each.fault for each in found.suspects] == [Fault.OTHER_WORK]
        assert found.disputable == []


async def test_a_device_that_changed_its_key_is_shown_by_the_head_on_chain_alone(court: Court, tmp_path: Path) -> None:
    async with selling(court, tmp_path, LyingRuntime(output=b"lie")) as scene:
        await scene.buy("one", b"abc")
        jobs, blobs = bought_jobs(scene.purchases), bought_blobs(scene.purchases)
        found = examine_bought(jobs, blobs, VERIFIER)
        await scene.shop.owner.update(scene.device, key=Keypair())
        challenger = court.challenger(scene.buyer)
        with pytest.raises(NotShownSigned) as caught:
            await accuse(challenger, None, found, await scene.shop.device.view())
        assert "1 by another key" in caught.value.got
