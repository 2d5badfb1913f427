"""The daemon on a network that pays by roots: its receipts go to ingests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from support.fleet import Fleet, StartFleet
from support.jobs import record, salt
from support.local_ingests import LocalIngest, local_ingest
from worktab.agent.daemon import Agent, Parts
from worktab.agent.errors import MissingSetting
from worktab.agent.settings import Settings
from worktab.core.errors import StateError
from worktab.roles import submitting
from worktab.roles.base import program_sender
from worktab.roles.changes import RewardPathChange
from worktab.roles.claiming import Crank
from worktab.roles.device import Device
from worktab.roles.settling import Settler
from worktab.roles.terms import RewardPath
from worktab.testing.chains import POLL
from worktab.work.spool import Spool

SETTINGS = Settings(port=0, price="2", submit_every=1)


@dataclass
class Rig:
    """A registered device, its spool and its ingests."""

    fleet: Fleet
    parts: Parts
    ingests: list[LocalIngest]

    def work(self, *numbers: int) -> None:
        for number in numbers:
            self.parts.spool.append(record(number), salt(number))

    @asynccontextmanager
    async def running(self, **settings: Any) -> AsyncIterator[Agent]:
        agent = await Agent.open(self.parts, replace(SETTINGS, **settings))
        stop, ready = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(agent.run(stop, ready=ready.set))
        await ready.wait()
        try:
            yield agent
        finally:
            stop.set()
            await task


@pytest.fixture
async def rig(start_fleet: StartFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    async with _rig(await start_fleet(reward_path=RewardPath.ROOTS), tmp_path, monkeypatch) as rig:
        yield rig


@asynccontextmanager
async def _rig(fleet: Fleet, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    device = await fleet.device()
    await fleet.next_epoch()
    ingests = [await local_ingest(fleet, folder / f"store-{number}", f"http://{number}") for number in range(2)]

    class Time:
        """The device's clock is the ingests'."""

        @staticmethod
        def time() -> int:
            return ingests[0].now

    monkeypatch.setattr(submitting, "time", Time)
    with Spool.open(folder / "spool.sqlite", device=bytes(device.device)) as spool:
        sender = program_sender(fleet.chain, fee_payer=fleet.payer, journal=spool.journal, poll=POLL)
        own = Device(sender, fleet.network, signer=device.signer)
        settler, crank = Settler(fleet.sender, fleet.network), Crank(fleet.sender, fleet.network)
        yield Rig(fleet, Parts(own, spool, folder, settler, crank, ingests=ingests), ingests)
    for each in ingests:
        each.close()


def metric(agent: Agent, name: str, **labels: str) -> float:
    value = agent.metrics.registry.get_sample_value(f"worktab_{name}", labels)
    assert value is not None
    return value


async def until(agent: Agent, name: str, value: float, **labels: str) -> None:
    async with asyncio.timeout(120):
        while (agent.metrics.registry.get_sample_value(f"worktab_{name}", labels) or 0) < value:
            await asyncio.sleep(0.01)


async def test_receipts_go_to_every_ingest(rig: Rig) -> None:
    rig.work(1, 2)
    async with rig.running() as agent:
        await until(agent, "receipts_delivered_total", 1)
        assert (metric(agent, "ingests_behind"), metric(agent, "receipts_submitted_total")) == (0, 0)
        assert metric(agent, "last_submit_timestamp_seconds") > 0
        rig.work(3)
        await until(agent, "receipts_delivered_total", 2)
    assert [each.held(rig.parts.device.device) for each in rig.ingests] == [[(3, 30)]] * 2
    assert (await rig.fleet.read(rig.parts.device.device)).seq == 0


async def test_an_ingest_that_is_away_is_told_and_caught_up_with(rig: Rig) -> None:
    rig.ingests[1].away = True
    rig.work(1)
    async with rig.running() as agent:
        await until(agent, "ingests_behind", 1)
        await until(agent, "receipts_delivered_total", 1)
        assert metric(agent, "last_submit_timestamp_seconds") > 0
        rig.ingests[1].away = False
        await until(agent, "receipts_delivered_total", 2)
        assert metric(agent, "ingests_behind") == 0
    assert rig.ingests[1].held(rig.parts.device.device) == [(1, 10)]


async def test_too_few_ingests_is_a_failure_that_is_tried_again(rig: Rig) -> None:
    rig.ingests[1].away = True
    rig.work(1)
    async with rig.running(ingest_least=2) as agent:
        await until(agent, "background_failures_total", 1, task="submit")
        assert (metric(agent, "ingests_behind"), metric(agent, "last_submit_timestamp_seconds")) == (1, 0)
        rig.ingests[1].away = False
        await until(agent, "last_submit_timestamp_seconds", 1)
    assert [each.held(rig.parts.device.device) for each in rig.ingests] == [[(1, 10)]] * 2


async def test_without_an_ingest_it_does_not_start(rig: Rig) -> None:
    with pytest.raises(MissingSetting) as caught:
        await Agent.open(replace(rig.parts, ingests=()), SETTINGS)
    assert caught.value.key == "ingest"


async def test_without_the_jobs_that_an_ingest_knows_it_sells_nothing(rig: Rig, tmp_path: Path) -> None:
    rig.work(1, 2)
    async with rig.running() as agent:
        await until(agent, "receipts_delivered_total", 1)
    device = rig.parts.device
    rig.ingests[0].away = True
    with Spool.open(tmp_path / "restored.sqlite", device=bytes(device.device)) as spool:
        sender = program_sender(rig.fleet.chain, fee_payer=rig.fleet.payer, journal=spool.journal, poll=POLL)
        again = Device(sender, rig.fleet.network, signer=device.signer)
        with pytest.raises(StateError, match="the ingest http://1 knows jobs") as caught:
            await Agent.open(replace(rig.parts, device=again, spool=spool), SETTINGS)
        assert (caught.value.expected, caught.value.got) == ("at most job 0", "job 2")


async def test_a_network_that_moves_while_it_runs(
    start_fleet: StartFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = await start_fleet(parameter_delay=0)
    async with _rig(fleet, tmp_path, monkeypatch) as rig:
        rig.work(1)
        async with rig.running() as agent:
            await until(agent, "receipts_submitted_total", 1)
            await fleet.operator.propose_update(RewardPathChange())
            await fleet.operator.apply_update()
            rig.work(2)
            await until(agent, "receipts_submitted_total", 2)
            await fleet.next_epoch()
            for each in rig.ingests:
                each.now = await fleet.clock.now()
            rig.work(3)
            await until(agent, "receipts_delivered_total", 1)
        account = await fleet.read(rig.parts.device.device)
        assert (account.seq, account.rewards_owed, account.units_for_roots) == (2, 40, 0)
        assert [each.held(rig.parts.device.device) for each in rig.ingests] == [[(3, 30)]] * 2
