"""A provider whose sales are counted."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final

from solders.pubkey import Pubkey

from worktab.agent.metrics import Metrics
from worktab.core.vouchers import SignedVoucher
from worktab.market.errors import PaymentRefused
from worktab.market.provider.orders import Offer, Order
from worktab.market.provider.provider import Provider
from worktab.market.provider.rows import Answer
from worktab.market.provider.sale import Sale
from worktab.market.provider.settling import Settlement
from worktab.market.wire import Payment

_LANES: Final = 10_000


class ObservedProvider(Provider):
    """A provider that counts in `metrics` what it does."""

    def __init__(self, *parts: Any, **more: Any) -> None:
        """As `Provider`."""
        super().__init__(*parts, **more)
        self.metrics = Metrics()
        self._seen: OrderedDict[tuple[Pubkey, int], int | None] = OrderedDict()

    async def sell(
        self, payment: Payment, offer: Offer, order: Order, do: Callable[[Sale], Awaitable[Answer]]
    ) -> Answer:
        """As `Provider.sell`. It is counted also where its caller has gone."""
        task = asyncio.create_task(self._counted(payment, offer, order, do))
        task.add_done_callback(_looked_at)
        return await asyncio.shield(task)

    async def keep_exact(self, voucher: SignedVoucher) -> None:
        """As `Provider.keep_exact`."""
        self.metrics.vouchers.inc()
        try:
            await super().keep_exact(voucher)
        except PaymentRefused as refusal:
            self.metrics.refused.labels(refusal.code).inc()
            raise

    async def settle(self, *, at_once: bool = False) -> list[Settlement]:
        """As `Provider.settle`."""
        settled = await super().settle(at_once=at_once)
        if settled:
            self.metrics.settled.inc(sum(each.moved for each in settled))
            self.metrics.settled_at.set(time.time())
        return settled

    async def drop_old_answers(self) -> None:
        """Drop answers that were kept long enough. Raises `StorageError`."""
        await self.book.prune(self.tabs.now() - self._limits.keep_answers)

    async def drain(self, seconds: float) -> bool:
        """Let sales under way end, for so long; whether all did."""
        if self._sales:
            await asyncio.wait(set(self._sales), timeout=seconds)
        return not self._sales

    async def observe(self) -> None:
        """Bring the gauges of what is owed, and of the lanes, up to date. Raises `StorageError`."""
        self.metrics.unsettled.set(sum(lane.unsettled for lane in await self.book.unsettled()))
        left = []
        for tab, nonce in list(self._seen):
            lane, most = await self.book.lane(tab, nonce), self._most(tab, nonce)
            if lane is None or lane.ended:
                del self._seen[tab, nonce]
            elif most is not None:
                self._seen[tab, nonce] = most
                left.append(most - lane.charged.amount)
        self.metrics.lanes.set(len(self._seen))
        self.metrics.reserve.set(min(left, default=0))

    def _most(self, tab: Pubkey, nonce: int) -> int | None:
        """The most that a lane can pay, as last seen: what is known of a tab goes with every new reading of it."""
        gate = self.tabs.known(tab, nonce)
        return self._seen.get((tab, nonce)) if gate is None else gate.most

    async def _counted(
        self, payment: Payment, offer: Offer, order: Order, do: Callable[[Sale], Awaitable[Answer]]
    ) -> Answer:
        metrics, started = self.metrics, time.monotonic()
        sales: list[Sale] = []

        async def noted(sale: Sale) -> Answer:
            sales.append(sale)
            return await do(sale)

        metrics.vouchers.inc()
        try:
            answer = await super().sell(payment, offer, order, noted)
        except PaymentRefused as refusal:
            metrics.refused.labels(refusal.code).inc()
            metrics.jobs.labels("refused").inc()
            raise
        except BaseException:
            metrics.jobs.labels("failed").inc()
            raise
        metrics.seconds.observe(time.monotonic() - started)
        if not sales:
            metrics.jobs.labels("repeated").inc()
        elif not 200 <= answer.status < 300:
            metrics.jobs.labels("failed").inc()
        else:
            metrics.jobs.labels("done").inc()
            entry = sales[0].entry
            if entry is not None:
                metrics.units.inc(entry.record.units)
                metrics.charged.inc(entry.record.amount)
            lane = payment.voucher.tab, payment.voucher.lane_nonce
            self._seen[lane] = self._most(*lane)
            if len(self._seen) > _LANES:
                self._seen.popitem(last=False)
        return answer


def _looked_at(task: asyncio.Task[Answer]) -> None:
    if not task.cancelled():
        task.exception()
