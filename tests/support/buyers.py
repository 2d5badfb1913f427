"""Consumers that buy over HTTP, and roads to the seller that fail to order."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from solders.keypair import Keypair

from support.fleet import Fleet
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.delivery import Patience
from worktab.market.buyer.purse import Purse
from worktab.market.buyer.transport import PayingTransport
from worktab.roles.consumer import Consumer


async def _at_once(_: float) -> None:
    return None


PATIENCE: Final = Patience(tries=3, sleep=_at_once)
"""Tries three times, without waiting in between."""


class Road(httpx.AsyncBaseTransport):
    """The real road to a server, which fails where it is told to.

    faults  what becomes of the next requests: None passes, "unsent" never arrives, "lost" arrives and is done, but the
            answer is lost on the way back
    """

    def __init__(self) -> None:
        self.faults: deque[str | None] = deque()
        self.sent: list[httpx.Request] = []
        self._real = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, or fail."""
        fault = self.faults.popleft() if self.faults else None
        if fault == "unsent":
            raise httpx.ConnectError("nobody there")
        self.sent.append(request)
        response = await self._real.handle_async_request(request)
        if fault == "lost":
            await response.aread()
            await response.aclose()
            raise httpx.ReadError("cut off")
        return response

    async def aclose(self) -> None:
        """Close."""
        await self._real.aclose()


@dataclass
class Buyer:
    """A consumer with an open tab, a purse, and a way to sellers."""

    consumer: Consumer
    purse: Purse
    road: Road
    budget: Budget
    http: httpx.AsyncClient

    @property
    def paid(self) -> list[httpx.Request]:
        """The requests that went out with a payment."""
        return [each for each in self.road.sent if "PAYMENT-SIGNATURE" in each.headers]


async def open_tab(fleet: Fleet, balance: int = 10_000) -> Consumer:
    """A consumer whose tab holds this many base units."""
    key = Keypair()
    consumer = Consumer(fleet.sender, fleet.network, key)
    await fleet.mint.give(key.pubkey(), balance)
    await consumer.open()
    await consumer.deposit(balance)
    return consumer


@asynccontextmanager
async def buying(consumer: Consumer, path: Path, budget: Budget | None = None, **options: Any) -> AsyncIterator[Buyer]:
    """A buyer with a purse at `path`; `options` are those of `PayingTransport`."""
    road, budget = Road(), budget or Budget(1_000)
    with Purse.open(path) as purse:
        given: dict[str, Any] = {"patience": PATIENCE, "requests": 4} | options
        transport = PayingTransport(road, consumer=consumer, purse=purse, budget=budget, **given)
        async with httpx.AsyncClient(transport=transport, timeout=120) as http:
            yield Buyer(consumer, purse, road, budget, http)
