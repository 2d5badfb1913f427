"""Proofs over HTTP.

    GET /v1/proofs/{payout}                the proof of a payout wallet
    GET /v1/payees/{payout}/devices        its devices, each with its leaf and proof; ?start=0&limit=1000
    GET /v1/devices/{device}               the rows of a device, each with its leaf and proof
    GET /v1/epochs                         the epochs that have data here
    GET /v1/epochs/{index}/manifest        the manifest of one
    GET /v1/epochs/{index}/payees/{n}.bin  pages, as an export has them (`worktab.epochs.proofs.files`)
    GET /v1/epochs/{index}/devices/{n}.bin
    GET /v1/health                         what is served, and whether it is the newest
    GET /metrics                           for Prometheus

Proofs are of the newest final epoch, and say of which. Answers may be kept as their headers say: what is named by its
epoch never changes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from solders.pubkey import Pubkey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from worktab.core._json import json_address
from worktab.core.errors import InputError, StateError, WorktabError
from worktab.epochs.proofs.book import DeviceProof, ProofBook
from worktab.epochs.proofs.errors import DeviceUnknown, EpochNotPublished, NoFinalRoot, PayeeUnknown
from worktab.epochs.proofs.metrics import Metrics
from worktab.epochs.proofs.shelf import Shelf
from worktab.epochs.proofs.sources import proof_to_json

_FOR_EVER: Final = "public, max-age=31536000, immutable"
_MOST_DEVICES: Final = 1_000
_NOT_FOUND: Final = (PayeeUnknown, DeviceUnknown, EpochNotPublished)

_Handler = Callable[[Request], Awaitable[Response]]


def proofs_app(shelf: Shelf, *, every: float = 10.0, metrics: Metrics | None = None) -> Starlette:
    """The application that serves a shelf.

    every  seconds between two looks for a newer epoch; answers that change with it may be kept for as long
    """
    service = _Service(shelf, every, metrics or Metrics())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        watching = asyncio.create_task(shelf.watch(every, service.metrics.failed))
        yield
        watching.cancel()

    paths: dict[str, _Handler] = {
        "/v1/proofs/{payout}": service.proof,
        "/v1/payees/{payout}/devices": service.payee_devices,
        "/v1/devices/{device}": service.device,
        "/v1/epochs": service.epochs,
        "/v1/epochs/{index:int}/manifest": service.manifest,
        "/v1/epochs/{index:int}/payees/{number:int}.bin": service.payee_page,
        "/v1/epochs/{index:int}/devices/{number:int}.bin": service.device_page,
        "/v1/health": service.health,
        "/metrics": service.exposition,
    }
    routes = [Route(path, service.timed(path, handler), methods=["GET"]) for path, handler in paths.items()]
    return Starlette(routes=routes, lifespan=lifespan)


class _Service:
    def __init__(self, shelf: Shelf, every: float, metrics: Metrics) -> None:
        self.shelf, self.metrics = shelf, metrics
        self._kept_for = f"public, max-age={max(int(every), 1)}"

    def timed(self, path: str, handler: _Handler) -> _Handler:
        """The handler with its errors as answers, and its time counted."""

        async def answer(request: Request) -> Response:
            begun = time.perf_counter()
            try:
                response = await handler(request)
            except WorktabError as error:
                response = _refusal(error)
            response.headers["access-control-allow-origin"] = "*"  # wallets in browsers ask as well
            self.metrics.answered(path, response.status_code, time.perf_counter() - begun)
            return response

        return answer

    async def proof(self, request: Request) -> Response:
        book = self._book()
        payout = _address(request, "payout")
        return self._json(request, book, lambda: proof_to_json(book.root, book.proof(payout)))

    async def payee_devices(self, request: Request) -> Response:
        book, payout = self._book(), _address(request, "payout")
        start, limit = _number(request, "start", 0), min(_number(request, "limit", _MOST_DEVICES), _MOST_DEVICES)
        found = await asyncio.to_thread(book.devices, payout, start, limit)
        count = book.device_count(payout)
        return self._json(
            request,
            book,
            lambda: {
                "epoch": str(book.root.epoch),
                "payout": str(payout),
                "count": count,
                "start": start,
                "devices": [_device_json(each) for each in found],
            },
        )

    async def device(self, request: Request) -> Response:
        book = self._book()
        found = await asyncio.to_thread(book.device, _address(request, "device"))
        return self._json(
            request,
            book,
            lambda: {
                "epoch": str(book.root.epoch),
                "rows": [_device_json(each) | {"payout": str(book.proof_at(each.position).payout)} for each in found],
            },
        )

    async def epochs(self, request: Request) -> Response:
        book = self.shelf.book
        shown = [self.shelf.manifest(index) for index in self.shelf.epochs()]
        facts = [
            {
                "epoch": str(each.epoch),
                "root": each.root.hex(),
                "count": each.count,
                "total": str(each.total),
                "served": book is not None and each.epoch == book.root.epoch,
            }
            for each in shown
        ]
        return JSONResponse({"epochs": facts}, headers={"cache-control": self._kept_for})

    async def manifest(self, request: Request) -> Response:
        data = self.shelf.manifest(request.path_params["index"]).encode()
        return Response(data, media_type="application/json", headers={"cache-control": _FOR_EVER})

    async def payee_page(self, request: Request) -> Response:
        return self._page(request, ProofBook.page)

    async def device_page(self, request: Request) -> Response:
        return self._page(request, ProofBook.device_page)

    async def health(self, request: Request) -> Response:
        book, missing = self.shelf.book, self.shelf.missing
        facts = {
            "status": "ok" if book is not None and missing is None else "behind" if book is not None else "empty",
            "epoch": None if book is None else str(book.root.epoch),
            "network": None if book is None else str(book.root.network),
            "domain": None if book is None else book.root.domain.hex(),
            "root": None if book is None else book.root.root.hex(),
            "final": book is not None and self.shelf.checked,
            "missing": None if missing is None else str(missing),
        }
        return JSONResponse(facts, 200 if book is not None else 503, {"cache-control": "no-store"})

    async def exposition(self, request: Request) -> Response:
        return Response(self.metrics.render(self.shelf), media_type=Metrics.content_type)

    def _book(self) -> ProofBook:
        if self.shelf.book is None:
            raise NoFinalRoot("There is no final epoch to serve yet")
        return self.shelf.book

    def _page(self, request: Request, made: Callable[[ProofBook, int], bytes]) -> Response:
        book, index, number = self._book(), request.path_params["index"], request.path_params["number"]
        if index != book.root.epoch or number >= book.root.pages:
            raise EpochNotPublished(
                "There is no such page here",
                expected=f"epoch {book.root.epoch}, pages 0 to {book.root.pages - 1}",
                got=f"epoch {index}, page {number}",
            )
        return Response(made(book, number), media_type="application/octet-stream", headers={"cache-control": _FOR_EVER})

    def _json(self, request: Request, book: ProofBook, facts: Callable[[], dict[str, Any]]) -> Response:
        """Facts of an epoch, or that what the client has of that epoch is still what there is."""
        headers = {"etag": f'"{book.root.epoch}-{book.root.root.hex()[:16]}"', "cache-control": self._kept_for}
        answer = facts()
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return JSONResponse(answer, headers=headers)


def _device_json(proof: DeviceProof) -> dict[str, Any]:
    return {
        "device": str(proof.device),
        "position": proof.position,
        "rank": proof.rank,
        "index": proof.index,
        "units": str(proof.units),
        "reward": str(proof.reward),
        "head": proof.head.hex(),
        "seq": str(proof.seq),
        "time": str(proof.time),
        "active": proof.active,
        "leaf": proof.leaf.hex(),
        "devices_root": proof.devices_root.hex(),
        "siblings": [each.hex() for each in proof.siblings],
    }


def _address(request: Request, name: str) -> Pubkey:
    return json_address(request.path_params[name], name)


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        raise InputError(f"{name} is not a whole number", expected="digits", got=ascii(text)[:50])
    return int(text)


def _refusal(error: WorktabError) -> Response:
    status = 500
    if isinstance(error, InputError):
        status = 400
    elif isinstance(error, _NOT_FOUND):
        status = 404
    elif isinstance(error, StateError):
        status = 503
    facts = {name: fact for name, fact in error.as_dict().items() if fact}
    headers = {"cache-control": "no-store"} | ({"retry-after": "10"} if status == 503 else {})
    return JSONResponse({"error": facts}, status, headers)
