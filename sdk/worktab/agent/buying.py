"""Buying WASM jobs from devices' daemons: the cheapest that answers, within a budget, to be begun again after a crash.

Between `worktab.market.offers.buy`, which chooses, and `PayingTransport`, which pays, is what a job needs: its module
is brought to a device that lacks it, each device is asked for as many units as are left to pay it for, and the log of
the purchase is written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from worktab.agent.app import JOBS_PATH, MAX_UNITS_HEADER, MODULES_PATH, JobLimits
from worktab.agent.errors import JobFailed, ModuleRefused, ModuleUnknown
from worktab.agent.purchases import PurchaseLog
from worktab.core.money import RATE_UNITS
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.delivery import Patience, read
from worktab.market.buyer.errors import BudgetExceeded
from worktab.market.buyer.lanes import REQUESTS
from worktab.market.buyer.purchases import UNPAID, bought
from worktab.market.buyer.purse import Purse
from worktab.market.buyer.transport import PayingTransport
from worktab.market.errors import MarketError, error_class
from worktab.market.offers import Delivery, Offer, Order, buy, cheapest
from worktab.market.pricing import Price
from worktab.market.terms import MAX_TIMEOUT_SECONDS
from worktab.market.wire import KEY_HEADER, PAYMENT_HEADER, Payment
from worktab.roles.consumer import Consumer

_OURS: Final[Mapping[str, type[MarketError]]] = {each.code: each for each in (JobFailed, ModuleRefused, ModuleUnknown)}


@dataclass(frozen=True, slots=True)
class Job:
    """A module and its input; `max_units` are the most work units it may take, None for as many as can be paid."""

    module: bytes
    input: bytes
    max_units: int | None = None

    @property
    def module_hash(self) -> bytes:
        """The module's 32-byte SHA-256."""
        return hashlib.sha256(self.module).digest()

    @property
    def input_hash(self) -> bytes:
        """The input's 32-byte SHA-256."""
        return hashlib.sha256(self.input).digest()

    @property
    def path(self) -> str:
        """Where it is asked for, on every device's server."""
        return f"{JOBS_PATH}?module={self.module_hash.hex()}"

    @property
    def work(self) -> str:
        """What is bought, in words."""
        return f"module {self.module_hash.hex()}, input {self.input_hash.hex()}"


def affordable(price: Price, amount: int) -> int:
    """The most work units that cost no more than `amount` base units, 0 to 2^64 - 1."""
    if amount < price.minimum:
        return 0
    return min(amount * RATE_UNITS // price.rate, 2**64 - 1) if price.rate else 2**64 - 1


async def buy_job(
    consumer: Consumer,
    purse: Purse,
    budget: Budget,
    job: Job,
    offers: Iterable[Offer],
    log: PurchaseLog,
    *,
    verify: int = 0,
    requests: int = REQUESTS,
    patience: Patience | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Delivery:
    """Buy a job from the cheapest device that answers, and compare the result with `verify` further devices'.

    consumer   whose tab pays: the consumer itself, or a delegate
    purse      where lanes and vouchers are kept
    budget     what may be spent in all; what the log says went out before is counted first
    offers     of the devices to choose from, as `fetch_offers` gives them
    log        of the purchase
    transport  sends the requests; by default httpx's own

    The other arguments are those of `paying_client`. Raises what `worktab.market.offers.buy` raises, `StorageError`,
    and `BudgetExceeded` where the budget pays no device for a single unit.
    """
    known = {each.url: each for each in offers}
    log.count_in(budget)
    most = _most_units(job, known.values(), budget)
    noting = _Noting(transport or httpx.AsyncHTTPTransport(), log)
    paying = PayingTransport(
        noting, consumer=consumer, purse=purse, budget=budget, requests=requests, patience=patience
    )
    jobs = _JobTransport(paying, noting, job, known, most)
    order = Order(job.path, job.input, most, job.module_hash, job.input_hash)
    began = {each.url for each in log.asked}
    async with httpx.AsyncClient(transport=jobs, timeout=MAX_TIMEOUT_SECONDS) as client:
        return await buy(client, known, order, verify=verify, first=began)


def _most_units(job: Job, offers: Iterable[Offer], budget: Budget) -> int:
    """How many units to ask for: as told, or as many as the budget buys at the cheapest device, within reason."""
    if job.max_units is not None:
        return job.max_units
    limit = _limit(budget) + budget.charged + budget.out  # before a crash it was as much
    units = [min(affordable(each.price, limit), each.max_units) for each in cheapest(offers, 0, module=job.module_hash)]
    most = min(max(units, default=JobLimits().default_units), JobLimits().default_units)
    if most < 1:
        raise BudgetExceeded(
            "No device does a single unit of work for the budget",
            got=f"{limit} base units",
            next_step="Raise the budget, or the limit for a request",
        )
    return most


def _limit(budget: Budget) -> int:
    """Base units that one request may cost now."""
    return budget.left if budget.per_request is None else min(budget.left, budget.per_request)


class _Noting(httpx.AsyncBaseTransport):
    """Notes in the log what is signed for, before it leaves.

    sent  how many requests left with a payment
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, log: PurchaseLog) -> None:
        self._transport, self.log, self.sent = transport, log, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        header = request.headers.get(PAYMENT_HEADER)
        if header is not None:
            self.log.sign(request.headers[KEY_HEADER], Payment.from_header(header).accepted.amount)
            self.sent += 1
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._transport.aclose()


class _JobTransport(httpx.AsyncBaseTransport):
    """Asks devices for one job, by its log; other requests pass."""

    def __init__(
        self, paying: PayingTransport, noting: _Noting, job: Job, offers: Mapping[str, Offer], most: int
    ) -> None:
        self._paying, self._noting, self._log = paying, noting, noting.log
        self._job, self._most = job, most
        self._offers = {url.rstrip("/") + job.path: offer for url, offer in offers.items()}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        offer = self._offers.get(str(request.url))
        if offer is None or UNPAID in request.extensions:
            return await self._paying.handle_async_request(request)
        response = await self._ask(request, offer)
        if _refusal(response) is ModuleUnknown:
            await self._upload(request)
            response = await self._ask(request, offer)
        refusal = _refusal(response)
        if refusal is not None:
            facts = {name: str(fact) for name, fact in json.loads(response.content)["error"].items()}
            told = {name: facts.get(name, "") for name in ("expected", "got", "next_step")}
            raise refusal(facts.get("message", refusal.code), **told)
        return response

    async def aclose(self) -> None:
        await self._paying.aclose()

    async def _ask(self, request: httpx.Request, offer: Offer) -> httpx.Response:
        """Ask one device for the job, and note what it charged."""
        budget, asked = self._paying.budget, self._log.ask(offer.url)
        # What an earlier run signed for is counted again by this request, if it gets so far.
        held = asked.amount if asked.price is None else 0
        budget.release(asked.key)
        sent, charged = self._noting.sent, budget.charged
        request.headers[KEY_HEADER] = asked.key
        request.headers[MAX_UNITS_HEADER] = str(self._units(offer))
        try:
            response = await self._paying.handle_async_request(request)
        finally:
            if self._noting.sent == sent:
                budget.hold(asked.key, held)
        proof = bought(response)
        if proof is not None and asked.price is None:
            if budget.charged == charged:  # the purse took it in, and the run ended before the log did
                budget.charge(asked.key, proof.receipt.price)
            self._log.keep(self._job.module, self._job.input)
            self._log.charge(offer.url, proof.receipt.price, proof.receipt)
        return response if response.is_success else await read(response)

    def _units(self, offer: Offer) -> int:
        if self._job.max_units is not None:
            return self._job.max_units
        return max(1, min(self._most, affordable(offer.price, _limit(self._paying.budget))))

    async def _upload(self, request: httpx.Request) -> None:
        """Bring the module to a device that lacks it. Where it is not taken, the next request says why."""
        put = httpx.Request(
            "PUT",
            request.url.copy_with(raw_path=MODULES_PATH.encode()),
            content=self._job.module,
            extensions={**request.extensions, UNPAID: True},
        )
        await read(await self._paying.handle_async_request(put))


def _refusal(response: httpx.Response) -> type[MarketError] | None:
    """The error that a device's answer stands for; None where it is none that is known."""
    if response.is_success or response.status_code == httpx.codes.PAYMENT_REQUIRED:
        return None
    try:
        code = str(json.loads(response.content)["error"]["code"])
    except (ValueError, TypeError, LookupError):
        return None
    return _OURS.get(code) or error_class(code)
