"""The daemon: sells jobs, and settles, submits and, if asked, claims in the background.

What must not be forgotten is in the spool and the book before anybody is answered, and what the background does
follows from them and the chain alone. So it may be killed at any time, and started again.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from solders.keypair import Keypair
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worktab.agent.app import JobLimits, job_app
from worktab.agent.jobs import JobRunner
from worktab.agent.loops import Loop
from worktab.agent.metrics import Metrics
from worktab.agent.modules import Modules
from worktab.agent.observing import ObservedProvider
from worktab.agent.records import Records
from worktab.agent.serving import Server
from worktab.agent.settings import Settings
from worktab.agent.starting import require_own_history
from worktab.agent.stopping import exact_vouchers, settle_last
from worktab.agent.tariff import Tariff
from worktab.core.errors import WorktabError
from worktab.ingest.looking import Ingest
from worktab.ingest.paths import PathSubmitter
from worktab.ingest.submitting import Delivered, Delivery, NotDelivered
from worktab.market.provider.provider import Limits
from worktab.market.wire import VOUCHER_PATH
from worktab.roles.claiming import ClaimOutcome, Crank
from worktab.roles.device import Device, SubmitOutcome
from worktab.roles.forecast import Forecast
from worktab.roles.settling import Settler
from worktab.work.blobs import BlobStore
from worktab.work.probing import probe
from worktab.work.spool import Spool
from worktab.work.wasm import WasmRuntime

METRICS_PATH: Final = "/metrics"

_LAST_SETTLE_SECONDS: Final = 30
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """What a daemon is made of.

    device   the device, with its key; its sender keeps its journal in the spool
    spool    the device's spool, held for as long as the daemon runs
    folder   for book, blobs and modules
    settler  brings vouchers to the chain
    crank    claims
    modules  the only modules that jobs may use; None for any
    ingests  take receipts once the network pays by roots
    consent  accepts what limits cut from rewards: the device's keypair or its owner's; None to hold receipts back
    """

    device: Device
    spool: Spool
    folder: Path
    settler: Settler
    crank: Crank
    modules: tuple[bytes, ...] | None = None
    consent: Keypair | None = None
    ingests: Sequence[Ingest] = ()


class Agent:
    """A device's daemon; `Agent.open` makes one, `run` runs it."""

    def __init__(
        self, parts: Parts, settings: Settings, tariff: Tariff, provider: ObservedProvider, runner: JobRunner
    ) -> None:
        """Use `Agent.open`."""
        self.parts, self.settings, self.tariff = parts, settings, tariff
        self.provider, self.runner = provider, runner
        self._submitter = PathSubmitter(parts.device, parts.spool, parts.ingests, least=settings.ingest_least)
        self._held_back = False
        metrics = Route(METRICS_PATH, self._metrics, methods=["GET"])
        records = Records(parts.device, parts.spool, BlobStore(parts.folder / "blobs")).route
        most = tariff.max_units
        limits = JobLimits(min(settings.default_units, most), most, settings.input_limit)
        app = job_app(
            provider,
            runner,
            self._modules(),
            price=tariff.price,
            limits=limits,
            routes=(records, metrics) if settings.metrics_port is None else (records,),
        )
        self._servers = [Server.listen(app, settings.host, settings.port, grace=settings.grace, kept=(VOUCHER_PATH,))]
        if settings.metrics_port is not None:
            try:
                alone = Starlette(routes=[metrics])
                self._servers.append(
                    Server.listen(alone, settings.host, settings.metrics_port, grace=1, kept=(METRICS_PATH,))
                )
            except BaseException:
                self._servers[0].close()
                raise

    @classmethod
    async def open(cls, parts: Parts, settings: Settings) -> Agent:
        """A daemon that listens and does not answer yet.

        Raises `BadSetting`; `JobError` where this machine does not run jobs as others do; `MissingSetting` where the
        network pays by roots and no ingest is named; `WrongKey`; `StateError` where a port, the book or the spool is
        taken, or the chain or an ingest knows jobs that the spool does not hold; and what reading the network and the
        device raises.
        """
        await require_own_history(parts.device, parts.spool, parts.ingests)
        tariff = await Tariff.read(parts.device, settings)
        provider = await ObservedProvider.open(
            parts.device,
            parts.spool,
            parts.folder / "book.sqlite",
            settler=parts.settler,
            policy=tariff.policy,
            limits=Limits(most=settings.max_requests),
        )
        runner: JobRunner | None = None
        try:
            runtime = WasmRuntime(seconds=settings.max_seconds)
            threads = settings.threads or os.cpu_count() or 1
            probe(runtime, at_once=threads)
            runner = JobRunner(
                parts.spool,
                BlobStore(parts.folder / "blobs"),
                work_class=provider.seller.work_class,
                threads=threads,
                runtime=runtime,
            )
            return cls(parts, settings, tariff, provider, runner)
        except BaseException:
            if runner is not None:
                runner.close()
            await provider.close()
            raise

    @property
    def url(self) -> str:
        """Where it sells."""
        return self._servers[0].url

    @property
    def metrics_url(self) -> str:
        """Where its metrics are."""
        return self._servers[-1].url + METRICS_PATH

    @property
    def metrics(self) -> Metrics:
        """What it counts."""
        return self.provider.metrics

    async def run(self, stop: asyncio.Event, *, ready: Callable[[], None] = lambda: None) -> bool:
        """Sell until `stop` is set; then end jobs under way, within the grace, and settle what is worth it.

        Meanwhile buyers can still leave exact vouchers, for which the last settling waits a few seconds.

        `ready` is called once requests are answered. Returns whether every job came to its end; one that did not is
        not lost: its buyer asks again.
        """
        for server in self._servers:
            await server.start()
        loops = [asyncio.create_task(each.run(), name=each.name) for each in self._loops()]
        ready()
        try:
            await stop.wait()
        finally:
            for task in loops:
                task.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            whole = await self._end()
        return whole

    def _loops(self) -> list[Loop]:
        settings = self.settings
        loops = [
            Loop("settle", self._settle, settings.settle_every, self._failed("settle")),
            Loop(
                "submit",
                self._submit,
                settings.submit_every,
                self._failed("submit"),
                due=self._submitter.seconds_left,
            ),
        ]
        if settings.claim_every:
            loops.append(Loop("claim", self._claim, settings.claim_every, self._failed("claim")))
        return loops

    def _failed(self, task: str) -> Callable[[Exception], None]:
        counter = self.metrics.failures.labels(task)
        return lambda error: counter.inc()

    async def _settle(self) -> None:
        await self.provider.settle()
        await self.provider.drop_old_answers()

    async def _submit(self) -> None:
        try:
            flushed = await self._submitter.flush(consent=self.parts.consent)
        except NotDelivered as error:
            self._tell_delivered(error.deliveries)
            raise
        if isinstance(flushed, Delivered):
            self._tell_held_back(None)
            self._tell_delivered(flushed.deliveries)
            self.metrics.submitted_at.set(time.time())
            return
        recorded = [each for each in flushed.submissions if each.outcome is SubmitOutcome.RECORDED]
        self.metrics.receipts.inc(len(recorded))
        self.metrics.reward.inc(flushed.reward)
        self._tell_held_back(flushed.refused)
        if flushed.refused is None:
            self.metrics.submitted_at.set(time.time())

    def _tell_delivered(self, deliveries: Sequence[Delivery]) -> None:
        self.metrics.delivered.inc(any(each.posted for each in deliveries))
        self.metrics.behind.set(sum(each.error is not None for each in deliveries))
        for each in deliveries:
            if each.error is not None:
                _LOG.warning("The newest receipt is not with %s: %s", each.url, each.error)

    def _tell_held_back(self, refused: Forecast | None) -> None:
        self.metrics.held_back.set(refused is not None)
        if refused is not None and not self._held_back:
            _LOG.warning(
                "A receipt over %d new units is held back, and all after it: a limit (%s) would cut its reward from "
                "%d to %d; to give that up, set accept_cut",
                refused.new_units,
                ", ".join(refused.limits),
                refused.full_reward,
                refused.reward,
            )
        self._held_back = refused is not None

    async def _claim(self) -> None:
        report = await self.parts.crank.claim([self.parts.device.device])
        self.metrics.claimed.inc(report.paid)
        if all(each.outcome is not ClaimOutcome.FAILED for each in report.devices):
            self.metrics.claimed_at.set(time.time())

    async def _metrics(self, request: Request) -> Response:
        await self.provider.observe()
        state, landed = self.parts.spool.state(), self.parts.spool.landed()
        self.metrics.lag_jobs.set(state.seq - landed.seq)
        self.metrics.lag_units.set(state.units - landed.units)
        self.metrics.waiting.set(self.runner.waiting)
        self.metrics.running.set(self.runner.running)
        return Response(self.metrics.render(), media_type=self.metrics.content_type)

    def _modules(self) -> Modules:
        settings = self.settings
        folder = self.parts.folder / "modules"
        chosen = self.parts.modules
        allowed = None if chosen is None else [hashlib.sha256(each).digest() for each in chosen]
        modules = Modules(folder, allowed=allowed, limit=settings.module_limit, room=settings.module_room)
        for each in chosen or ():
            modules.put(each)
        return modules

    async def _end(self) -> bool:
        started, provider = time.monotonic(), self.provider

        def left() -> float:
            return max(0.0, self.settings.grace - (time.monotonic() - started))

        for server in self._servers:
            server.drain()
        await provider.drain(left())
        try:
            await exact_vouchers(provider.book, self.tariff.policy)
        except WorktabError as error:
            _LOG.warning("The book cannot be read: %s", error)
        await asyncio.gather(*(server.stop(grace=left()) for server in self._servers))
        whole = await provider.drain(left())
        try:
            async with asyncio.timeout(_LAST_SETTLE_SECONDS):
                await settle_last(provider.book, provider.tabs, self.parts.settler, self.tariff.policy)
        except (WorktabError, TimeoutError) as error:
            _LOG.warning("The last settling failed: %s", error)
        self.runner.close(wait=whole)
        if whole:
            await self.provider.close()
        return whole
