"""The daemon in this process: what it counts, what stops it and what does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from solders.keypair import Keypair

from support.fleet import CLASS, Fleet
from support.job_shop import jobs_path
from support.jobs import increment, spin
from support.shop import Buyer, Shop, bought_of, error_of
from worktab.agent import stopping
from worktab.agent.app import JobLimits
from worktab.agent.daemon import Agent, Parts
from worktab.agent.errors import BadSetting, MissingSetting, WrongKey
from worktab.agent.settings import Settings
from worktab.core.errors import ConnectionFailed, JobError, StateError
from worktab.market.offers import OFFER_PATH
from worktab.market.wire import KEY_HEADER
from worktab.roles.base import program_sender
from worktab.roles.claiming import Crank
from worktab.roles.device import Device
from worktab.roles.settling import Settler
from worktab.roles.terms import RewardBasis
from worktab.testing.chains import POLL
from worktab.work import timing, wasm
from worktab.work.spool import Spool
from worktab.work.wasm import WasmRuntime

ENDLESS = b"\xff" * 8
LIMIT = {"WORKTAB-MAX-UNITS": "200"}
SETTINGS = Settings(port=0, price="2", default_units=200, settle_every=1, submit_every=1)


@dataclass
class Running:
    """A daemon, a client of it, and the way to stop it."""

    agent: Agent
    http: httpx.AsyncClient
    stop: asyncio.Event
    task: asyncio.Task[bool]
    shop: Shop

    async def metric(self, name: str, **labels: str) -> float:
        """What it counts."""
        await self.http.get("/metrics")
        value = self.agent.metrics.registry.get_sample_value(f"worktab_{name}", labels)
        assert value is not None
        return value

    async def until(self, name: str, least: float, **labels: str) -> None:
        """Wait until it has counted so much."""
        async with asyncio.timeout(120):
            while (self.agent.metrics.registry.get_sample_value(f"worktab_{name}", labels) or 0) < least:
                await asyncio.sleep(0.01)

    async def buyer(self) -> Buyer:
        """A consumer with a lane."""
        self.shop.provider = self.agent.provider
        await self.http.put("/v1/modules", content=increment())
        return await self.shop.buyer()


async def parts(fleet: Fleet, folder: Path) -> Parts:
    owner = fleet.owner()
    device = await fleet.device(owner=owner)
    await fleet.next_epoch()
    spool = Spool.open(folder / "spool.sqlite", device=bytes(device.device))
    sender = program_sender(fleet.chain, fee_payer=fleet.payer, journal=spool.journal, poll=POLL)
    journaled = Device(sender, fleet.network, signer=device.signer, device=device.device)
    return Parts(journaled, spool, folder, Settler(fleet.sender, fleet.network), Crank(fleet.sender, fleet.network))


@asynccontextmanager
async def running(fleet: Fleet, folder: Path, settings: Settings = SETTINGS) -> AsyncIterator[Running]:
    made = await parts(fleet, folder)
    try:
        agent = await Agent.open(made, settings)
        stop, ready = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(agent.run(stop, ready=ready.set))
        await ready.wait()
        shop = Shop(fleet, made.device, fleet.owner(), folder)
        try:
            async with httpx.AsyncClient(base_url=agent.url, timeout=120) as http:
                yield Running(agent, http, stop, task, shop)
        finally:
            stop.set()
            await task
    finally:
        made.spool.close()


async def test_refused_repeated_and_failed_requests_are_counted(fleet: Fleet, tmp_path: Path) -> None:
    async with running(fleet, tmp_path) as it:
        buyer = await it.buyer()
        path = jobs_path(increment())
        terms = await buyer.terms(it.http, path, b"abc", **LIMIT)
        paid = LIMIT | buyer.payment(terms) | {KEY_HEADER: "k"}
        low = buyer.payment(terms, amount=1)
        assert error_of(await it.http.post(path, content=b"abc", headers=LIMIT | low)) == (402, "amount_too_low")
        failing = await it.http.post(path, content=b"a" * 100, headers=LIMIT | buyer.payment(terms))
        assert error_of(failing) == (422, "job_failed")
        for _ in range(2):
            bought_of(await it.http.post(path, content=b"abc", headers=paid))
        for outcome in ("refused", "failed", "done", "repeated"):
            assert await it.metric("jobs_total", outcome=outcome) == 1, outcome
        assert await it.metric("vouchers_checked_total") == 4
        assert await it.metric("vouchers_refused_total", code="amount_too_low") == 1
        assert (await it.metric("charged_base_units_total"), await it.metric("units_total")) == (142, 71)
        assert (await it.metric("lanes"), await it.metric("lowest_reserve_base_units")) == (1, 10_000 - 142)
        await it.agent.provider.tabs.read(buyer.tab)
        assert it.agent.provider.tabs.known(buyer.tab, buyer.nonce) is None
        assert await it.metric("lowest_reserve_base_units") == 10_000 - 142
        assert await it.metric("unsettled_base_units") == 142
        it.stop.set()
        assert await it.task


async def test_a_job_that_takes_too_long_is_ended_and_costs_nothing(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "_TICK", 0.001)
    settings = replace(SETTINGS, price="0.000001", default_units=10**9, max_units=10**9, accept_cut=True, max_seconds=5)
    async with running(fleet, tmp_path, settings) as it:
        buyer = await it.buyer()
        await it.http.put("/v1/modules", content=spin())
        terms = await buyer.terms(it.http, jobs_path(spin()), ENDLESS)
        failed = await it.http.post(jobs_path(spin()), content=ENDLESS, headers=buyer.payment(terms))
        assert error_of(failed) == (422, "job_failed")
        assert failed.json()["error"]["expected"] == "at most 5 seconds"
        assert it.agent.parts.spool.state().seq == 0


async def test_where_jobs_do_not_run_as_elsewhere_it_sells_nothing(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wasm, "MEMORY_LIMIT", 1 << 20)
    made = await parts(fleet, tmp_path)
    try:
        with pytest.raises(JobError, match="does not run a job as all others do"):
            await Agent.open(made, SETTINGS)
    finally:
        made.spool.close()


async def test_it_claims_where_it_is_told_to(fleet: Fleet, tmp_path: Path) -> None:
    async with running(fleet, tmp_path, replace(SETTINGS, claim_every=1, settle_at="0")) as it:
        buyer = await it.buyer()
        bought = await buyer.buy(it.http, jobs_path(increment()), b"abc")
        assert (await buyer.leave_exact(it.http)).status_code == 204
        assert bought.charge.amount == 142
        # What it sold, and what the network pays for the same units.
        await it.until("claimed_base_units_total", 284)
    view = await fleet.operator.reader.device(it.agent.parts.device.device)
    assert (await fleet.mint.balance(view.payout), view.earnings_owed) == (284, 0)


async def test_a_background_task_that_fails_stops_neither_others_nor_sales(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(fleet, tmp_path, replace(SETTINGS, settle_at="0", claim_every=1)) as it:

        async def away(*_: Any, **__: Any) -> Any:
            raise ConnectionFailed("away")

        monkeypatch.setattr(it.agent._submitter, "flush", away)
        monkeypatch.setattr(it.agent.parts.crank, "claim", away)
        for task in ("submit", "claim"):
            await it.until("background_failures_total", 1, task=task)
        buyer = await it.buyer()
        await buyer.buy(it.http, jobs_path(increment()), b"abc")
        await buyer.leave_exact(it.http)
        await it.until("settled_base_units_total", 142)
        monkeypatch.undo()
        await it.until("receipts_submitted_total", 1)


async def test_a_job_under_way_is_ended_before_it_stops(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(fleet, tmp_path) as it:
        buyer = await it.buyer()
        release = hold_jobs(monkeypatch)
        buying = asyncio.create_task(buyer.buy(it.http, jobs_path(increment()), b"abc"))
        await at_work(it)
        it.stop.set()
        await asyncio.sleep(0)
        release.set()
        assert (await buying).response.content == b"bcd"
        assert await it.task


async def test_the_newest_charge_is_settled_exactly_by_a_voucher_left_while_it_stops(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "EXACT_SECONDS", 30.0)
    async with running(fleet, tmp_path, replace(SETTINGS, settle_at="0.000001", settle_every=3_600)) as it:
        buyer = await it.buyer()
        await buyer.buy(it.http, jobs_path(increment()), b"abc")
        it.stop.set()
        async with asyncio.timeout(120):
            while (refused := await it.http.get("/healthz")).status_code == 200:
                await asyncio.sleep(0.001)
        assert (error_of(refused), refused.headers["retry-after"]) == ((503, "stopping"), "1")
        assert (await buyer.leave_exact(it.http)).status_code == 204
        assert await it.task
    assert (await fleet.read(it.agent.parts.device.device)).earnings_owed == 142


async def test_without_an_exact_voucher_the_newest_requests_is_settled_at_the_end(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "EXACT_SECONDS", 0.0)
    async with running(fleet, tmp_path, replace(SETTINGS, settle_at="0.000001", settle_every=3_600)) as it:
        await (await it.buyer()).buy(it.http, jobs_path(increment()), b"abc")
        it.stop.set()
        assert await it.task
    assert (await fleet.read(it.agent.parts.device.device)).earnings_owed == 400  # for 200 units at most


async def test_a_job_that_does_not_end_in_time_is_left_and_can_be_had_later(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(fleet, tmp_path, replace(SETTINGS, grace=1)) as it:
        buyer = await it.buyer()
        release = hold_jobs(monkeypatch)
        buying = asyncio.create_task(buyer.buy(it.http, jobs_path(increment()), b"abc"))
        await at_work(it)
        it.stop.set()
        assert not await it.task
        with pytest.raises((httpx.TransportError, AssertionError)):
            await buying
        release.set()
        await it.agent.provider.close()
    assert await it.agent.provider.drain(0)


async def test_what_is_wrong_with_the_price_is_told(fleet: Fleet, tmp_path: Path) -> None:
    made = await parts(fleet, tmp_path)
    try:
        for name in ("price", "minimum", "settle_at", "settle_least"):
            given: dict[str, Any] = {name: "0.0000001"}
            with pytest.raises(BadSetting) as caught:
                await Agent.open(made, replace(SETTINGS, **given))
            assert caught.value.key == name
        with pytest.raises(BadSetting):
            await Agent.open(made, replace(SETTINGS, price="0", minimum="0"))
    finally:
        made.spool.close()


async def test_without_a_price_the_network_must_pay_one(start_fleet: Any, tmp_path: Path) -> None:
    fleet = await start_fleet(classes=(replace(CLASS, rate=0),))
    made = await parts(fleet, tmp_path)
    try:
        with pytest.raises(MissingSetting) as caught:
            await Agent.open(made, replace(SETTINGS, price=None))
        assert caught.value.key == "price"
    finally:
        made.spool.close()


async def test_a_key_that_is_not_the_devices_sells_nothing(fleet: Fleet, tmp_path: Path) -> None:
    made = await parts(fleet, tmp_path)
    sender = program_sender(fleet.chain, fee_payer=fleet.payer, journal=made.spool.journal, poll=POLL)
    other = Keypair()
    stranger = Device(sender, fleet.network, signer=other, device=made.device.device)
    try:
        with pytest.raises(WrongKey) as caught:
            await Agent.open(replace(made, device=stranger), SETTINGS)
        assert (caught.value.expected, caught.value.got) == (
            f"the ed25519 key {made.device.signer.public.public_bytes.hex()}",
            f"the ed25519 key {bytes(other.pubkey()).hex()}",
        )
        assert not (tmp_path / "book.sqlite").exists()
    finally:
        made.spool.close()


async def test_without_the_jobs_that_the_chain_knows_it_sells_nothing(fleet: Fleet, tmp_path: Path) -> None:
    async with running(fleet, tmp_path) as it:
        await (await it.buyer()).buy(it.http, jobs_path(increment()), b"abc")
        await it.until("receipts_submitted_total", 1)
    empty = tmp_path / "empty"
    empty.mkdir()
    device = it.agent.parts.device
    with Spool.open(empty / "spool.sqlite", device=bytes(device.device)) as spool:
        sender = program_sender(fleet.chain, fee_payer=fleet.payer, journal=spool.journal, poll=POLL)
        again = Device(sender, fleet.network, signer=device.signer, device=device.device)
        with pytest.raises(StateError) as caught:
            await Agent.open(replace(it.agent.parts, device=again, spool=spool, folder=empty), SETTINGS)
        assert (caught.value.expected, caught.value.got) == ("at most job 0", "job 1")
        assert "worktab device adopt" in caught.value.next_step
    assert not (empty / "book.sqlite").exists()


async def most_units(agent: Agent) -> tuple[int, int]:
    """Of a request, and of one that names none."""
    async with httpx.AsyncClient(base_url=agent.url, timeout=120) as http:
        await http.put("/v1/modules", content=increment())
        asked = await http.post(jobs_path(increment()), content=b"abc")
        offer = (await http.get(OFFER_PATH)).json()
    return int(offer["maxUnits"]), int(asked.json()["accepts"][0]["extra"]["units"])


@pytest.mark.parametrize(
    ("plan", "settings", "expected"),
    [
        ({}, {}, (1_000, 1_000)),
        ({}, {"max_units": 5_000}, (5_000, 5_000)),
        ({"classes": (replace(CLASS, rate=0),)}, {}, (JobLimits().max_units, JobLimits().default_units)),
        ({"basis": RewardBasis.SOLD_UNITS}, {}, (JobLimits().max_units, JobLimits().default_units)),
    ],
)
async def test_no_job_is_larger_than_what_can_be_rewarded(
    start_fleet: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    plan: dict[str, Any],
    settings: dict[str, Any],
    expected: tuple[int, int],
) -> None:
    fleet = await start_fleet(**plan)
    async with running(fleet, tmp_path, Settings(port=0, price="2", **settings)) as it:
        assert await most_units(it.agent) == expected
    assert ("max_units is 5000, the device's capacity 1000" in caplog.text) == bool(settings)


async def test_a_receipt_that_is_held_back_is_told_once(
    fleet: Fleet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(fleet, tmp_path, replace(SETTINGS, max_units=5_000)) as it:
        buyer = await it.buyer()
        path, input = jobs_path(increment()), b"a" * 100
        headers = {"WORKTAB-MAX-UNITS": "2000"}
        terms = await buyer.terms(it.http, path, input, **headers)
        bought = bought_of(await it.http.post(path, content=input, headers=headers | buyer.payment(terms)))
        assert bought.receipt.units > 1_000
        await it.until("receipt_held_back", 1)
        await it.agent._submit()
        assert await it.metric("receipts_submitted_total") == 0
    [told] = [each.getMessage() for each in caplog.records if "is held back" in each.getMessage()]
    assert f"over {bought.receipt.units} new units" in told
    assert "(capacity)" in told


async def test_a_port_that_is_taken_leaves_nothing_open(fleet: Fleet, tmp_path: Path) -> None:
    async with running(fleet, tmp_path) as it:
        port = int(it.agent.url.rpartition(":")[2])
        other = tmp_path / "other"
        other.mkdir()
        made = await parts(fleet, other)
        for settings in (replace(SETTINGS, port=port), replace(SETTINGS, metrics_port=port)):
            with pytest.raises(StateError):
                await Agent.open(made, settings)
        made.spool.close()


def hold_jobs(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Keeps jobs from ending until the event that it returns is set."""
    import threading

    release, run = threading.Event(), WasmRuntime.run

    def held(self: WasmRuntime, *args: Any, **options: Any) -> Any:
        assert release.wait(120)
        return run(self, *args, **options)

    monkeypatch.setattr(WasmRuntime, "run", held)
    return release


async def at_work(it: Running) -> None:
    async with asyncio.timeout(120):
        while not it.agent.runner.running:
            await asyncio.sleep(0.005)
