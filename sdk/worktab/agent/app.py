"""The application that sells WASM jobs.

    POST /v1/jobs?module=HASH             the job's output; input as the body, paid by vouchers
    PUT  /v1/modules                      keep the module in the body; 201 where it is new
    GET  /v1/modules                      the modules that jobs may use
    GET  /.well-known/worktab/offer       what a job costs
    GET  /healthz                         whether the device takes jobs
    POST /.well-known/worktab/voucher     where a buyer leaves the exact voucher

HASH is the module's SHA-256 in hex: as a part of the URL it is a part of what an idempotency key stands for. A request
names the most work units it may take, and so the most it may cost, in the header `WORKTAB-MAX-UNITS`. What is refused
has the body `{"error": {code, message, expected, got, next_step}}`, and is not charged; neither is a job that fails.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from worktab.agent.errors import ModuleUnknown
from worktab.agent.jobs import JobRunner
from worktab.agent.modules import Modules
from worktab.agent.uploads import Uploads
from worktab.core.errors import InputError, StorageError, WorktabError
from worktab.core.records import Meter
from worktab.market.errors import MarketError, Overloaded
from worktab.market.offers import OFFER_PATH, Offer
from worktab.market.pricing import Price
from worktab.market.provider.provider import Provider
from worktab.market.routes import PricedRequest, PricedRoute
from worktab.market.server import PaidWork
from worktab.market.wire import PAYMENT_HEADER
from worktab.work.wasm import FUEL_LIMIT, METER_VERSION, OUTPUT_LIMIT

JOBS_PATH: Final = "/v1/jobs"
MODULES_PATH: Final = "/v1/modules"
HEALTH_PATH: Final = "/healthz"

MAX_UNITS_HEADER: Final = "WORKTAB-MAX-UNITS"
"""The most work units that a request may take, in decimal digits."""


@dataclass(frozen=True, slots=True)
class JobLimits:
    """How large a job may be.

    Attributes:
        default_units: most work units of a request that names none.
        max_units: most work units that a request may name, 1 to 2^48.
        input_limit: largest input in bytes.

    Raises:
        InputError: a field is out of range.
    """

    default_units: int = 1_000_000_000
    max_units: int = 20_000_000_000
    input_limit: int = 8 << 20

    def __post_init__(self) -> None:
        for name, least, most in (
            ("max_units", 1, FUEL_LIMIT),
            ("default_units", 1, self.max_units),
            ("input_limit", 0, 1 << 30),
        ):
            if not least <= getattr(self, name) <= most:
                raise InputError(f"{name} is out of range", expected=f"{least} to {most}", got=str(getattr(self, name)))


def job_app(
    provider: Provider,
    runner: JobRunner,
    modules: Modules,
    *,
    price: Price,
    limits: JobLimits | None = None,
    description: str = "WASM jobs",
    routes: Sequence[Route] = (),
) -> Starlette:
    """A Starlette application that sells WASM jobs; whoever made provider and runner closes them.

    provider     the device's side of the payments
    runner       runs the jobs
    modules      what jobs may run
    price        of a job, by the fuel it takes
    limits       how large a job may be
    description  told in the terms
    routes       further ones, which are free
    """
    jobs = _Jobs(provider, runner, modules, price, limits or JobLimits(), description)
    return Starlette(
        routes=[
            Route(JOBS_PATH, jobs.run, methods=["POST"]),
            Route(MODULES_PATH, jobs.upload, methods=["PUT"]),
            Route(MODULES_PATH, jobs.list, methods=["GET"]),
            Route(OFFER_PATH, jobs.offer, methods=["GET"]),
            Route(HEALTH_PATH, jobs.health, methods=["GET"]),
            *routes,
        ],
        middleware=[
            Middleware(
                PaidWork,
                provider=provider,
                routes=[jobs.route],
                body_limit=jobs.limits.input_limit,
                answer_limit=OUTPUT_LIMIT,
            )
        ],
        exception_handlers={InputError: _refused, MarketError: _refused, StorageError: _refused},
    )


class _Jobs:
    def __init__(
        self,
        provider: Provider,
        runner: JobRunner,
        modules: Modules,
        price: Price,
        limits: JobLimits,
        description: str,
    ) -> None:
        self.limits = limits
        self._provider, self._runner, self._modules = provider, runner, modules
        self._uploads = Uploads(modules.limit)
        self.route = PricedRoute(
            JOBS_PATH,
            price,
            self._max_units,
            meter=Meter.WASM_FUEL,
            meter_version=METER_VERSION,
            description=description,
            mime_type="application/octet-stream",
        )

    async def run(self, request: Request) -> Response:
        """Runs one paid job."""
        digest = _digest(request.query_params.getlist("module"))
        module = await asyncio.to_thread(self._modules.get, digest)
        if module is None:
            raise _unknown(digest)
        output = await self._runner.run(request.state.worktab, module, await request.body())
        return Response(output, media_type="application/octet-stream")

    async def upload(self, request: Request) -> Response:
        """Keeps a module."""
        try:
            module = await self._uploads.read(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        digest, new = await asyncio.to_thread(self._modules.put, module)
        return JSONResponse({"module": digest.hex(), "size": len(module)}, 201 if new else 200)

    async def list(self, request: Request) -> Response:
        """The modules that jobs may use."""
        rows = [{"module": digest.hex(), "size": size} for digest, size in self._modules.list()]
        return JSONResponse({"modules": rows, "limit": self._modules.limit, "restricted": self._modules.restricted})

    async def offer(self, request: Request) -> Response:
        """What a job costs."""
        seller, modules = self._provider.seller, None
        if self._modules.restricted:
            modules = tuple(digest for digest, _ in self._modules.list())
        offer = Offer(
            url="",
            device=seller.device,
            network=seller.network,
            work_class=seller.work_class,
            meter=self.route.meter,
            meter_version=self.route.meter_version,
            price=self.route.price,
            max_units=self.limits.max_units,
            modules=modules,
        )
        return JSONResponse(offer.to_json())

    async def health(self, request: Request) -> Response:
        """Whether the device takes jobs."""
        return JSONResponse({"status": "ok", "device": str(self._provider.seller.device)})

    def _max_units(self, request: PricedRequest) -> int:
        """The most units of a request. Raises `InputError`; before it is paid, also where its module is missing."""
        if PAYMENT_HEADER.lower() not in request.headers:
            # Later, for what was bought before is answered also where its module is gone.
            query = request.query.decode("latin-1")
            digest = _digest([each[7:] for each in query.split("&") if each.startswith("module=")])
            if not self._modules.holds(digest):
                raise _unknown(digest)
        given = request.headers.get(MAX_UNITS_HEADER.lower())
        if given is None:
            return self.limits.default_units
        most = self.limits.max_units
        if not (given.isascii() and given.isdecimal() and len(given) <= 20 and 1 <= int(given) <= most):
            raise InputError(f"{MAX_UNITS_HEADER} is out of range", expected=f"1 to {most}", got=ascii(given)[:50])
        return int(given)


def _digest(given: list[str]) -> bytes:
    """The module's hash in a query. Raises `InputError`."""
    try:
        [text] = given
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != hashlib.sha256().digest_size:
        raise InputError(
            "the module is not named", expected="?module= and its SHA-256 in hex, once", got=ascii(given)[:80]
        )
    return digest


def _unknown(digest: bytes) -> ModuleUnknown:
    return ModuleUnknown("The device does not hold the module", got=digest.hex())


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, WorktabError)
    status = error.status if isinstance(error, MarketError) else 400 if isinstance(error, InputError) else 503
    facts = {key: fact for key, fact in error.as_dict().items() if fact}
    headers = {"retry-after": str(error.retry_after)} if isinstance(error, Overloaded) else None
    return JSONResponse({"error": facts}, status, headers)
