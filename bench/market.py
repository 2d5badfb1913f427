"""What paying costs beside the work, on both sides: no network, signing and checking included.

A real buyer buys from a real provider, both in this process, with nothing between them. The provider's part of a
request is all that its middleware does, from the header to the stored answer: read the payment, check the voucher,
store it, record the job, sign the receipt, store the answer. The buyer's part is all that its transport does around
that: sign and store the voucher, write the header, check and take in the receipt. The work itself does nothing.

Each figure is the median over many requests, in microseconds:

    cpu_us             processor time of the process, what the kernel does for it included: other programs do not count
    wall_us            with spool, book and purse on the disk: as long as it really takes, waits for the disk included
    wall_us_in_memory  with the files in memory: what is left of that with a disk that never lets wait
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from support.buyers import open_tab
from support.fleet import Fleet
from support.shop import ROUTES, Buyer, Shop
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.purchases import bought
from worktab.market.buyer.purse import Purse
from worktab.market.buyer.transport import PayingTransport
from worktab.market.provider.checking import check
from worktab.market.server import PaidWork
from worktab.testing.chains import embedded_chain

Overhead = dict[str, int]

PRICE: Final = 100
UNITS: Final = 3
"""What `/echo` costs and counts for, in `support.shop.ROUTES`."""

REQUESTS: Final = 1_000

WARM_UP: Final = 500
"""Requests before any counts: until the files' logs have the size that they keep. A log that grows costs more."""

SIDES: Final = ("provider", "buyer")
MEMORY: Final = Path("/dev/shm")


def overhead() -> dict[str, Overhead]:
    """Medians of one paid request, by side; see the module's text."""
    disk = asyncio.run(_requests(None))
    memory = asyncio.run(_requests(MEMORY)) if MEMORY.is_dir() else None
    found = {}
    for side in SIDES:
        figures = {"cpu_us": disk.cpu(side), "wall_us": disk.wall(side)}
        if memory is not None:
            figures["wall_us_in_memory"] = memory.wall(side)
        found[f"{side}_per_paid_request"] = figures
    return found


def voucher_check() -> Callable[[], object]:
    """What a provider does for a voucher on a lane that it knows, its one signature included."""
    return asyncio.run(_check())


@dataclass
class _Spent:
    """Nanoseconds of wall time and of processor time, by side, one of each for every request."""

    noted: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: {side: [] for side in SIDES})

    def wall(self, side: str) -> int:
        return round(statistics.median(wall for wall, _ in self.noted[side]) / 1_000)

    def cpu(self, side: str) -> int:
        return round(statistics.median(cpu for _, cpu in self.noted[side]) / 1_000)


@dataclass
class _Clock:
    """Sums up what blocks take."""

    wall: int = 0
    cpu: int = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        yield
        self.cpu += time.process_time_ns() - cpu
        self.wall += time.perf_counter_ns() - wall


class _Direct(httpx.AsyncBaseTransport):
    """Hands requests to an application; times the application, and itself with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.inside, self.app = _Clock(), _Clock()

    def begin(self) -> None:
        """Start to count anew."""
        self.inside, self.app = _Clock(), _Clock()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        with self.inside.running():
            body = await request.aread()
            sent: list[Any] = []

            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": body, "more_body": False}

            async def send(message: Any) -> None:
                sent.append(message)

            scope = {
                "type": "http",
                "method": request.method,
                "path": request.url.path,
                "query_string": request.url.query,
                "headers": [(name.lower(), value) for name, value in request.headers.raw],
            }
            with self.app.running():
                await self._app(scope, receive, send)
            start, whole = sent
            return httpx.Response(start["status"], headers=start["headers"], content=whole["body"])


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that does no work."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"done"})


async def _requests(folder: Path | None) -> _Spent:
    """Buys, with the files below `folder`, or where temporary files go."""
    fleet, spent = await Fleet(embedded_chain()).start(), _Spent()
    requests = WARM_UP + REQUESTS
    amount = requests * PRICE
    with tempfile.TemporaryDirectory(dir=folder) as place, Purse.open(Path(place) / "purse") as purse:
        shop = await Shop.start(fleet, Path(place))
        direct = _Direct(PaidWork(_nothing, shop.provider, ROUTES))
        consumer = await open_tab(fleet, amount)
        buyer = PayingTransport(direct, consumer=consumer, purse=purse, budget=Budget(amount), requests=requests)
        for number in range(requests):
            request = httpx.Request("POST", "http://shop/echo", content=b"work")
            direct.begin()
            whole = _Clock()
            with whole.running():
                response = await buyer.handle_async_request(request)
            assert bought(response) is not None
            if number >= WARM_UP:
                inside, app = direct.inside, direct.app
                spent.noted["provider"].append((app.wall, app.cpu))
                spent.noted["buyer"].append((whole.wall - inside.wall, whole.cpu - inside.cpu))
        await shop.close()
    return spent


async def _check() -> Callable[[], object]:
    fleet = await Fleet(embedded_chain()).start()
    with tempfile.TemporaryDirectory() as folder:
        shop = await Shop.start(fleet, Path(folder))
        payer: Buyer = await shop.buyer()
        gate = await shop.provider.tabs.gate(payer.tab, payer.nonce)
        voucher, now = payer.voucher(PRICE, UNITS), shop.provider.tabs.now()
        await shop.close()
    return lambda: check(voucher, gate, payer.totals, PRICE, UNITS, now)
