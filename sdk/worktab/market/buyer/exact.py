"""Exact vouchers: what a device settles in place of one for the most that a request could have cost."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import httpx
from solders.keypair import Keypair

from worktab.market.buyer.delivery import read
from worktab.market.buyer.lane_state import Place
from worktab.market.buyer.purchases import voucher_for
from worktab.market.buyer.purse import Purse
from worktab.market.wire import VOUCHER_PATH, dump

_EVERY: Final = 64
_ANSWER: Final = 64 << 10
_PATIENCE: Final = dict.fromkeys(("connect", "read", "write", "pool"), 5.0)


class ExactVouchers:
    """Leaves each device, now and then and at the end, the voucher for exactly what is charged."""

    def __init__(self, transport: httpx.AsyncBaseTransport, key: Keypair, purse: Purse) -> None:
        self._transport = transport
        self._key = key
        self._purse = purse
        self._sellers: dict[Place, tuple[httpx.URL, int]] = {}

    async def count(self, place: Place, url: httpx.URL) -> None:
        """Note a paid request to a seller; the caller holds the place's lock."""
        count = self._sellers.get(place, (url, 0))[1] + 1
        self._sellers[place] = (url, count)
        if count % _EVERY == 0:
            await self._leave(place, url)

    async def finish(self) -> None:
        """Leave one with every seller that was paid."""
        while self._sellers:
            place, (url, _) = self._sellers.popitem()
            async with self._purse.locks.hold(place.name):
                await self._leave(place, url)

    async def _leave(self, place: Place, url: httpx.URL) -> None:
        lane = self._purse.lane(place)
        # A device that lost its book knows of less than is charged, and takes no voucher for that as exact.
        if lane is None or lane.pending or lane.behind or lane.charged.amount <= lane.left:
            return
        body = dump(voucher_for(self._key, lane).to_json())
        request = httpx.Request(
            "POST",
            url.join(VOUCHER_PATH),
            headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
            content=body,
            extensions={"timeout": _PATIENCE},
        )
        # A device that cannot be reached, or refuses, has the newest voucher all the same.
        with suppress(httpx.RequestError):
            response = await read(await self._transport.handle_async_request(request), _ANSWER)
            if response.is_success:
                self._purse.leave(lane)
