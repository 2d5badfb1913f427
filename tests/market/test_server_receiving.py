"""Requests that somebody begins and does not end: they take no more than their share, and not for long."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from support.shop import Shop
from worktab.market import server
from worktab.market.pricing import Price
from worktab.market.routes import PricedRoute
from worktab.market.server import PaidWork

SCOPE = {"type": "http", "method": "POST", "path": "/work", "raw_path": b"/work", "query_string": b"", "headers": []}


@pytest.fixture
def sold(shop: Shop) -> PaidWork:
    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("nobody paid")

    return PaidWork(nothing, shop.provider, [PricedRoute("/work", Price(0, 10), 1)])


async def status(app: PaidWork, receive: Any) -> int:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await app(SCOPE | {"http_version": "1.1", "scheme": "http", "server": ("here", 80)}, receive, send)
    found: int = sent[0]["status"]
    return found


async def whole() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def test_bodies_that_never_end_leave_no_room_for_more_of_them(
    sold: PaidWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = asyncio.Event()

    async def stalled() -> dict[str, Any]:
        await ended.wait()
        return await whole()

    slow = [asyncio.create_task(status(sold, stalled)) for _ in range(64)]
    for _ in range(3):
        await asyncio.sleep(0)
    assert await status(sold, whole) == 503

    ended.set()

    assert await asyncio.gather(*slow) == [402] * 64
    assert await status(sold, whole) == 402


async def test_a_body_that_takes_too_long_is_given_up(sold: PaidWork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_RECEIVING_SECONDS", 0.01)

    assert await status(sold, asyncio.Event().wait) == 503
    assert await status(sold, whole) == 402
