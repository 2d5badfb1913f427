"""A shop and a buyer on the chain under test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from support.fleet import Fleet
from support.shop import Buyer, Shop, Shops


@pytest.fixture
async def shops() -> AsyncIterator[Shops]:
    async with Shops() as opened:
        yield opened


@pytest.fixture
async def shop(shops: Shops, fleet: Fleet, tmp_path: Path) -> Shop:
    """A device that sells."""
    return await shops.start(fleet, tmp_path)


@pytest.fixture
async def http(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the shop's application."""
    async with shop.http() as client:
        yield client


@pytest.fixture
async def buyer(shop: Shop) -> Buyer:
    """Somebody with a lane for the shop's device."""
    return await shop.buyer()
