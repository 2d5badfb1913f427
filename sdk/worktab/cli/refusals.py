"""What devices say when they refuse a job; a purchase asks the next one, and its error has codes alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

import httpx

from worktab.agent.errors import JobFailed
from worktab.cli.failures import one_line
from worktab.market.buyer.delivery import read
from worktab.work.wasm import JobFailure

_TEXT: Final = 300
"""Characters of a refusal that are shown."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a device did not do the work, in its own words."""

    code: str
    text: str

    @property
    def out_of_fuel(self) -> bool:
        """Whether the job would have taken more units than it was allowed."""
        return self.code == JobFailed.code and f"({JobFailure.OUT_OF_FUEL.value})" in self.text


class Listening(httpx.AsyncBaseTransport):
    """Passes requests on, and remembers how each server refused its last one, if it did."""

    def __init__(self) -> None:
        self._transport = httpx.AsyncHTTPTransport()
        self._refusals: dict[tuple[str, str, int | None], Refusal] = {}

    def refusal(self, url: str) -> Refusal | None:
        """How the server of this address refused its last request; None where it did not."""
        return self._refusals.get(_server(httpx.URL(url)))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._refusals.pop(_server(request.url), None)
        response = await self._transport.handle_async_request(request)
        if not response.is_error or response.status_code == httpx.codes.PAYMENT_REQUIRED:
            return response
        response = await read(response)
        refusal = _told(response.content)
        if refusal is not None:
            self._refusals[_server(request.url)] = refusal
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()


def _server(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _told(body: bytes) -> Refusal | None:
    try:
        error = json.loads(body)["error"]
        code, message, got = (str(error.get(name, "")) for name in ("code", "message", "got"))
    except (ValueError, RecursionError, TypeError, LookupError, AttributeError):
        return None
    return Refusal(code, one_line(f"{message}: {got}" if got else message)[:_TEXT])
