"""Bringing a paid request to a device: again and again, unchanged, until there is an answer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import httpx

_SURELY_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_MAY_PASS: Final = frozenset({502, 503, 504})

ANSWER_LIMIT: Final = 32 << 20
"""The largest body that is read, bytes, where a caller names no other limit."""

ANSWER_SECONDS: Final = 600.0
"""Seconds that a body may take from its first byte to its last, where a caller names no other time."""

_HEADERS_LIMIT: Final = 64 << 10
"""The largest headers of an answer that are looked at, bytes."""


class Oversized(httpx.RequestError):
    """An answer was not read: it is larger than allowed, or packed, so that nobody knows how large it is."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to try.

    tries    sendings of one request in all
    first    seconds of the first pause at most; each later one may last twice as long as the one before
    longest  seconds that no pause exceeds, whatever a server asks for
    sleep    pauses for so many seconds
    """

    tries: int = 5
    first: float = 0.2
    longest: float = 10.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def pause(self, attempt: int, asked: float = 0.0) -> None:
        """Wait after attempt number `attempt`, counted from 0; half of the pause is chance."""
        own = self.first * 2**attempt * (1 + random.random()) / 2  # noqa: S311 - not for a secret
        await self.sleep(min(max(own, asked), self.longest))


@dataclass(frozen=True, slots=True)
class Delivered:
    """How a request ended.

    response  the answer, whole; None where none came
    failure   what kept it away, else what the last attempt before it met
    unsure    whether the device may have taken an earlier sending without an answer to it
    sendings  how often it was sent
    """

    response: httpx.Response | None
    failure: Exception | None
    unsure: bool
    sendings: int


async def deliver(
    transport: httpx.AsyncBaseTransport, request: httpx.Request, patience: Patience, limit: int = ANSWER_LIMIT
) -> Delivered:
    """Send a request until it is answered whole, or patience ends. Answers that say "not now" count as none.

    limit  bytes that an answer may have; a larger one ends it
    """
    failure: Exception | None = None
    unsure = False
    for attempt in range(patience.tries):
        asked = 0.0
        try:
            response = await read(await transport.handle_async_request(request), limit)
        except Oversized as error:
            return Delivered(None, error, True, attempt + 1)
        except httpx.RequestError as error:
            failure, unsure = error, unsure or not isinstance(error, _SURELY_NOT_SENT)
        else:
            if response.status_code not in _MAY_PASS or attempt + 1 == patience.tries:
                return Delivered(response, failure, unsure, attempt + 1)
            header = response.headers.get("retry-after", "")
            asked = float(header) if header.isdecimal() else 0.0
        if attempt + 1 < patience.tries:
            await patience.pause(attempt, asked)
    return Delivered(None, failure, unsure, patience.tries)


async def read(response: httpx.Response, limit: int = ANSWER_LIMIT, seconds: float = ANSWER_SECONDS) -> httpx.Response:
    """The response with its whole body.

    Raises `Oversized` where that is packed or has more than `limit` bytes, of which no more were read, and
    `httpx.RequestError` where it breaks off or takes longer than `seconds`.
    """
    raw = bytearray()
    try:
        require_small_headers(response)
        packed = response.headers.get("content-encoding", "identity").strip().lower()
        if packed not in ("", "identity"):
            raise Oversized(f"The answer is packed ({ascii(packed)[:50]}), though only identity was asked for")
        assert isinstance(response.stream, httpx.AsyncByteStream)
        async with asyncio.timeout(seconds):
            async for chunk in response.stream:
                if len(raw) + len(chunk) > limit:
                    raise Oversized(f"The answer has more than {limit} bytes")
                raw += chunk
    except TimeoutError as error:
        raise httpx.ReadTimeout(f"The answer took more than {seconds:g} seconds") from error
    finally:
        await response.aclose()
    return httpx.Response(
        response.status_code, headers=response.headers, content=bytes(raw), extensions=dict(response.extensions)
    )


def require_small_headers(response: httpx.Response) -> None:
    """Raises `Oversized` for an answer whose headers are too large to be looked at."""
    if sum(len(name) + len(value) for name, value in response.headers.raw) > _HEADERS_LIMIT:
        raise Oversized(f"The answer's headers have more than {_HEADERS_LIMIT} bytes")


def unread(response: httpx.Response) -> httpx.Response:
    """A response that was read, for a caller who may want to read it piece by piece."""
    return httpx.Response(
        response.status_code, headers=response.headers, stream=response.stream, extensions=response.extensions
    )
