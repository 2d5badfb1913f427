"""The service that devices post receipts to; `worktab.ingest.wire` lists its routes.

What is refused as a whole has the body `{"error": {code, message, expected, got, next_step}}`.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

import numpy as np
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Send

from worktab.core._json import json_address
from worktab.core.enrolments import SignedEnrolment
from worktab.core.errors import EncodingError, InputError, StorageError, WorktabError
from worktab.ingest.errors import BodyTooLarge, IngestError, NoSuchDevice, Overloaded, TooManyRequests, TooSlow
from worktab.ingest.intake import Intake, told
from worktab.ingest.limits import Buckets, Turns
from worktab.ingest.rows import RECEIPT, Rows
from worktab.ingest.verdicts import Verdict
from worktab.ingest.wire import (
    DEVICES_PATH,
    END,
    ENROLMENTS_PATH,
    HEALTH_PATH,
    INPUTS_PATH,
    METRICS_PATH,
    NETWORK_PATH,
    RECEIPTS_PATH,
    ROWS_TYPE,
    encode_page,
    receipt_to_json,
    results_to_json,
    rows_of,
    rows_of_json,
    verdict_to_json,
)

_JSON_FACTOR: Final = 4
"""A receipt in JSON is at most so many times as large as its row, without record hashes."""

_ENROLMENT_LIMIT: Final = 16_384
_ENROLMENT_COST: Final = 10
_PIECE: Final = 1 << 16
_LARGEST_EPOCH: Final = 1 << 62


def ingest_app(intake: Intake) -> Starlette:
    """A Starlette application that takes receipts; whoever made the intake and its store closes them."""
    service = _Service(intake)
    return Starlette(
        routes=[
            Route(RECEIPTS_PATH, service.receipts, methods=["POST"]),
            Route(ENROLMENTS_PATH, service.enrolments, methods=["POST"]),
            Route(DEVICES_PATH + "/{device}", service.device, methods=["GET"]),
            Route(INPUTS_PATH, service.inputs, methods=["GET"]),
            Route(NETWORK_PATH, service.network, methods=["GET"]),
            Route(HEALTH_PATH, service.health, methods=["GET"]),
            Route(METRICS_PATH, service.metrics, methods=["GET"]),
        ],
        exception_handlers={InputError: service.refused, IngestError: service.refused, StorageError: service.refused},
    )


class _Service:
    def __init__(self, intake: Intake) -> None:
        self._intake, self._store, self._limits = intake, intake.store, intake.limits
        self._clients = Buckets(self._limits.client_rate, self._limits.client_burst, time.monotonic)
        self._device_wait = math.ceil(60 / self._limits.device_rate)
        self._receiving = Turns("requests", self._limits.receiving, self._limits.client_receiving)
        self._exporting = Turns("exports", self._limits.exports, self._limits.client_exports)
        self._reading = asyncio.Semaphore(self._limits.reading)

    async def receipts(self, request: Request) -> Response:
        """Takes receipts."""
        client = self._admit(request)
        as_rows = request.headers.get("content-type", "").partition(";")[0].strip() == ROWS_TYPE
        most = self._limits.rows * RECEIPT.itemsize
        body = await self._body(request, client, most if as_rows else most * _JSON_FACTOR)
        if as_rows:
            rows, hashes = rows_of(body), None
        else:
            rows, hashes = await asyncio.to_thread(lambda: rows_of_json(_json(body)))
        if len(rows) > self._limits.rows:
            raise BodyTooLarge("These are too many receipts", expected=f"at most {self._limits.rows}")
        self._clients.take(client, len(rows) - 1)
        verdicts = await self._intake.receipts(rows, hashes)
        return self._answer(request, rows, verdicts)

    def _answer(self, request: Request, rows: Rows, verdicts: Any) -> Response:
        limited = verdicts == Verdict.RATE_LIMITED
        headers = {"retry-after": str(self._device_wait)} if limited.any() else {}
        status = 429 if limited.all() else 200
        if ROWS_TYPE in request.headers.get("accept", ""):
            return Response(verdicts.tobytes(), status, headers, ROWS_TYPE)
        return JSONResponse({"results": results_to_json(rows, verdicts.tolist())}, status, headers)

    async def enrolments(self, request: Request) -> Response:
        """Takes one enrolment."""
        client = self._admit(request)
        self._clients.take(client, _ENROLMENT_COST - 1)
        signed = SignedEnrolment.from_json(_json(await self._body(request, client, _ENROLMENT_LIMIT)))
        verdict = await self._intake.enrol(signed)
        return JSONResponse({"device": str(signed.device), **verdict_to_json(verdict)})

    async def device(self, request: Request) -> Response:
        """What is known of a device."""
        self._admit(request)
        device = bytes(json_address(request.path_params["device"], "device"))
        return JSONResponse(await asyncio.to_thread(self._device, device))

    def _device(self, device: bytes) -> dict[str, Any]:
        kept = self._store.registrations(np.frombuffer(device, "u1").reshape(1, 32))
        if not len(kept):
            raise NoSuchDevice("The device is not known")
        row, newest = kept["row"][0], self._store.newest(device)
        fork = [receipt_to_json(each.tobytes()) for each in self._store.fork(device)]
        return {
            "time": str(self._intake.now()),
            "enrolled": bool(row["enrolled"]),
            "index": int(row["index"]),
            "class": int(row["class"]),
            "serial": str(row["serial"]),
            "newest": receipt_to_json(newest[0].tobytes()) if len(newest) else None,
            "fork": fork or None,
        }

    async def inputs(self, request: Request) -> Response:
        """The inputs of an epoch."""
        client = self._admit(request)
        epoch, after = _epoch(request.query_params.get("epoch")), request.query_params.get("after")
        start = b"" if after is None else bytes(json_address(after, "after"))
        await asyncio.to_thread(lambda: self._store.facts)
        self._exporting.require(client)
        return _Export(self._parts(client, epoch, start), self._limits.page_seconds)

    async def _parts(self, client: str, epoch: int, after: bytes) -> AsyncGenerator[bytes]:
        pages = self._store.pages(epoch, after=after)
        with self._exporting.turn(client):
            while True:
                async with self._reading:
                    page = await asyncio.to_thread(next, pages, None)
                if page is None:
                    break
                yield encode_page(page)
            yield END

    async def network(self, request: Request) -> Response:
        """The network."""
        facts = await asyncio.to_thread(lambda: self._store.facts)
        return JSONResponse({**facts.to_json(), "epoch": str(facts.epoch(self._intake.now()))})

    async def health(self, request: Request) -> Response:
        """Whether receipts are taken."""
        facts = await asyncio.to_thread(lambda: self._store.facts)
        return JSONResponse({"status": "ok", "network": str(facts.network)})

    async def metrics(self, request: Request) -> Response:
        """What is counted."""
        metrics = self._intake.metrics
        return Response(metrics.render(), media_type=metrics.content_type)

    def _admit(self, request: Request) -> str:
        """The client of a request. Raises `TooManyRequests`."""
        client = request.client.host if request.client else ""
        if seconds := self._clients.wait(client):
            raise TooManyRequests("Too many receipts from this address", seconds)
        self._clients.take(client)
        return client

    async def _body(self, request: Request, client: str, most: int) -> bytes:
        """A request's body. Anyone can send one, so only so many at once, and not for long."""
        too_large = BodyTooLarge("The request is too large", expected=f"at most {most} bytes")
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most:
            raise too_large
        self._receiving.require(client)
        seconds = self._limits.body_seconds(int(length) or most)
        body = bytearray()
        try:
            with self._receiving.turn(client):
                async with asyncio.timeout(seconds):
                    async for chunk in request.stream():
                        body += chunk
                        if len(body) > most:
                            raise too_large
        except TimeoutError:
            raise TooSlow("The request took too long", expected=f"{seconds:g} seconds") from None
        except ClientDisconnect:
            raise TooSlow("The request did not come to its end") from None  # nobody reads it
        return bytes(body)

    async def refused(self, request: Request, error: Exception) -> Response:
        """What is answered in place of a result."""
        assert isinstance(error, WorktabError)
        if isinstance(error, StorageError):
            error = Overloaded("The store fails", got=error.message)
        self._intake.metrics.refused.labels(error.code).inc()
        status, seconds = (error.status, error.retry_after) if isinstance(error, IngestError) else (400, 0)
        headers = {"retry-after": str(seconds)} if seconds else None
        return JSONResponse({"error": told(error)}, status, headers)


class _Export(StreamingResponse):
    """Parts, each of which is taken in time: who does not take one gets no more, and asks again after the last."""

    def __init__(self, parts: AsyncGenerator[bytes], seconds: float) -> None:
        super().__init__(parts, media_type=ROWS_TYPE)
        self._parts, self._seconds = parts, seconds

    async def stream_response(self, send: Send) -> None:
        """See `StreamingResponse`."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            async with aclosing(self._parts) as parts:
                async for part in parts:
                    async with asyncio.timeout(self._seconds):
                        # What the socket does not take is held in pieces, not whole.
                        for at in range(0, len(part), _PIECE):
                            piece = part[at : at + _PIECE]
                            await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError:
            return  # the connection is cut
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise EncodingError("the body is no JSON", got=f"{len(body)} bytes") from None


def _epoch(text: str | None) -> int:
    if text is None or not (text.isascii() and text.isdecimal()) or len(text) > 19 or int(text) > _LARGEST_EPOCH:
        raise InputError("epoch is out of range", expected="?epoch= and its number", got=ascii(text)[:50])
    return int(text)
