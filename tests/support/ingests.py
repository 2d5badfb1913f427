"""An ingest over real HTTP, on a clock of its own, with or without a chain behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from worktab.agent.serving import Server
from worktab.ingest.app import ingest_app
from worktab.ingest.client import IngestClient, Retries
from worktab.ingest.intake import Intake
from worktab.ingest.store import ReceiptStore


class Clock:
    """Unix seconds that stand still until they are moved."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class Ingest:
    """A running ingest, and a client of it. `pauses` are those that the client made."""

    url: str
    intake: Intake
    client: IngestClient
    pauses: list[float]


@asynccontextmanager
async def ingest(store: ReceiptStore, clock: Clock, *, port: int = 0, **options: Any) -> AsyncIterator[Ingest]:
    """An ingest until the block ends; whoever opened the store closes it."""
    intake = Intake(store, clock=clock, **options)
    server = Server.listen(ingest_app(intake), "127.0.0.1", port, grace=5)
    await server.start()
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    try:
        retries = Retries(tries=3, sleep=pause, chance=lambda: 1)
        async with IngestClient(server.url, retries=retries, most=50) as client:
            yield Ingest(server.url, intake, client, pauses)
    finally:
        await server.stop()
        await intake.close()
