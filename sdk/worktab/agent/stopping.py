"""The last settling of a daemon that stops, which may not come back."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Final

from worktab.market.provider.book import Book
from worktab.market.provider.settling import Settlement, SettlePolicy, Settler, Settling
from worktab.market.provider.tabs import Tabs

EXACT_SECONDS: Final = 5.0
"""How long a daemon that stops waits for exact vouchers."""

_LOOK_EVERY: Final = 0.05


async def exact_vouchers(book: Book, policy: SettlePolicy) -> bool:
    """Wait for a while until every lane that is worth settling has an exact voucher; whether they have.

    Raises `StorageError`.
    """
    end, worth = time.monotonic() + EXACT_SECONDS, max(policy.enough, policy.least)
    while any(lane.exact is None and lane.unsettled >= worth for lane in await book.unsettled()):
        if time.monotonic() >= end:
            return False
        await asyncio.sleep(_LOOK_EVERY)
    return True


async def settle_last(book: Book, tabs: Tabs, settler: Settler, policy: SettlePolicy) -> list[Settlement]:
    """Settle what is worth it by the policy, and wait for no exact voucher any more.

    Without one the newest request's voucher moves a little more than is charged, which counts toward the lane's later
    requests.

    Raises `StorageError`.
    """
    return await Settling(book, tabs, settler, replace(policy, exact_wait=0)).settle()
