"""An ingest over real HTTP on the chain under test, whose clock is the chain's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from support.fleet import Fleet
from worktab.agent.serving import Server
from worktab.ingest.app import ingest_app
from worktab.ingest.intake import Intake
from worktab.ingest.mirroring import Mirror
from worktab.ingest.opening import open_store
from worktab.ingest.store import ReceiptStore
from worktab.roles.reading import NetworkReader


@dataclass
class IngestService:
    """A running ingest.

    store   what it holds
    mirror  its view of the chain: `await refresh()` brings it up to date
    """

    url: str
    store: ReceiptStore
    mirror: Mirror
    intake: Intake


@asynccontextmanager
async def ingest_service(fleet: Fleet, store: Path) -> AsyncIterator[IngestService]:
    """An ingest for the fleet's network, until the block ends."""
    opened = open_store(str(store))
    try:
        mirror = Mirror(opened, NetworkReader(fleet.chain, fleet.network))
        await mirror.refresh()
        clock = _Clock(fleet)
        intake = Intake(opened, mirror=mirror, clock=lambda: clock.now)
        server = Server.listen(clock.before(ingest_app(intake)), "127.0.0.1", 0, grace=1)
        await server.start()
        try:
            yield IngestService(server.url, opened, mirror, intake)
        finally:
            await server.stop()
            await intake.close()
    finally:
        opened.close()


class _Clock:
    """The chain's clock, read before every request."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet, self.now = fleet, 0

    def before(self, app: ASGIApp) -> Any:
        async def read(scope: Scope, receive: Receive, send: Send) -> None:
            self.now = await self._fleet.chain.unix_time()
            await app(scope, receive, send)

        return read
