"""A device that sells WASM jobs on the chain under test, and its application."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from starlette.applications import Starlette

from support.fleet import Fleet
from support.shop import Shop
from worktab.agent.app import job_app
from worktab.agent.jobs import JobRunner
from worktab.agent.modules import Modules
from worktab.market.pricing import Price
from worktab.work.blobs import BlobStore

PRICE: Final = Price(2_000_000, minimum=10)
"""Two base units for each unit of fuel."""


class JobShop(Shop):
    """A shop whose only trade is WASM jobs."""

    app: Any
    runner: JobRunner
    modules: Modules

    def trade(self, *, allowed: Iterable[bytes] | None = None, room: int = 1 << 20, **options: Any) -> Starlette:
        """Make the application; may be called again, as after a restart."""
        self.runner = JobRunner(self.spool, BlobStore(self.folder / "blobs"), threads=2)
        self.modules = Modules(self.folder / "modules", allowed=allowed, room=room)
        app = self.app = job_app(self.provider, self.runner, self.modules, **({"price": PRICE} | options))
        return app


@asynccontextmanager
async def job_shop(fleet: Fleet, folder: Path, **options: Any) -> AsyncIterator[tuple[JobShop, httpx.AsyncClient]]:
    """A job shop and a client of its application without a socket, until the block ends."""
    shop = await JobShop.start(fleet, folder)
    try:
        async with shop.http(shop.trade(**options)) as http:
            yield shop, http
    finally:
        shop.runner.close()
        await shop.close()


def digest(module: bytes) -> bytes:
    """A module's hash."""
    return hashlib.sha256(module).digest()


def jobs_path(module: bytes) -> str:
    """Where jobs of a module are asked for."""
    return f"/v1/jobs?module={digest(module).hex()}"
