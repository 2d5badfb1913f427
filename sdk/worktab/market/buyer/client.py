"""An httpx client that pays by itself."""

from __future__ import annotations

from typing import Any

import httpx

from worktab.market.buyer.budget import Budget
from worktab.market.buyer.delivery import ANSWER_LIMIT, Patience
from worktab.market.buyer.lanes import REQUESTS
from worktab.market.buyer.purse import Purse
from worktab.market.buyer.transport import PayingTransport
from worktab.market.terms import MAX_TIMEOUT_SECONDS
from worktab.roles.consumer import Consumer


def paying_client(
    consumer: Consumer,
    purse: Purse,
    budget: Budget,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    requests: int = REQUESTS,
    patience: Patience | None = None,
    limit: int = ANSWER_LIMIT,
    timeout: float = MAX_TIMEOUT_SECONDS,
    **options: Any,
) -> httpx.AsyncClient:
    """An httpx client that pays by itself; `async with` it, so that devices are left exact vouchers at the end.

    transport  sends the requests; by default httpx's own
    timeout    seconds without a sign of life after which a request is sent again; work takes time
    options    for `httpx.AsyncClient`

    The other arguments, and what requests raise, are those of `PayingTransport`.
    """
    paying = PayingTransport(
        transport or httpx.AsyncHTTPTransport(),
        consumer=consumer,
        purse=purse,
        budget=budget,
        requests=requests,
        patience=patience,
        limit=limit,
    )
    return httpx.AsyncClient(transport=paying, timeout=timeout, **options)
