"""Answers over HTTP from servers that nobody trusts.

What they send is read as it comes over the wire, and counted before it is kept. An answer that is packed is refused,
since a few bytes of it may stand for any number; one that is too large, or does not end in time, is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpx

from worktab.core.errors import ConnectionFailed

_CONNECT: Final = 10.0
_SILENCE: Final = 60.0
_HOPS: Final = 5
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class UnfitAnswer(ConnectionFailed):
    """An answer over HTTP was not read: it is packed, too large, too slow, or leads to another server."""

    code = "unfit_answer"
    default_next_step = "Ask another server, or tell whoever runs this one"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose body is still to be read.

    Attributes:
        status: of HTTP.
        url: whence it came, after redirects.
        most: bytes that its body may have.
    """

    status: int
    url: str
    most: int
    _response: httpx.Response

    @property
    def ok(self) -> bool:
        """Whether it has what was asked for."""
        return self.status == httpx.codes.OK

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, piece by piece. Raises `UnfitAnswer` above `most` bytes, before more are given."""
        size = 0
        async for chunk in self._response.aiter_raw():
            size += len(chunk)
            if size > self.most:
                raise UnfitAnswer(f"{self.url} is too large", expected=f"at most {self.most} bytes")
            yield chunk

    async def body(self) -> bytes:
        """The whole body. Raises `UnfitAnswer` above `most` bytes."""
        return b"".join([chunk async for chunk in self.chunks()])


@asynccontextmanager
async def ask(
    client: httpx.AsyncClient,
    url: str | httpx.URL,
    *,
    most: int,
    seconds: float,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[Answer]:
    """GET something, and read the answer within the block.

    Redirects are followed on the same server only, and from HTTP to HTTPS on the same host.

    Args:
        client: makes the requests.
        url: what is asked for.
        most: bytes that the body may have.
        seconds: that all of it may take, what the block does with it included.
        headers: of the requests.

    Raises:
        UnfitAnswer: it is packed, too large, too slow, or leads elsewhere.
        httpx.HTTPError: there is no answer, or it breaks off.
        httpx.InvalidURL: this is no address.
    """
    where = httpx.URL(url)
    try:
        async with asyncio.timeout(seconds):
            response = await _final(client, where, seconds, {**(headers or {}), "Accept-Encoding": "identity"})
            try:
                require_unpacked(response)
                yield Answer(response.status_code, str(response.url), most, response)
            finally:
                await response.aclose()
    except TimeoutError as error:
        raise UnfitAnswer(f"{where} takes too long", expected=f"at most {seconds:g} seconds") from error


def require_unpacked(response: httpx.Response) -> None:
    """Raises `UnfitAnswer` for an answer that is packed: `identity` alone was asked for."""
    packed = response.headers.get("content-encoding", "").strip().lower()
    if packed not in ("", "identity"):
        raise UnfitAnswer("The answer is packed", expected="content-encoding identity", got=ascii(packed)[:50])


async def read_answer(response: httpx.Response, most: int) -> httpx.Response:
    """A response that was not read yet with its whole body, of `most` bytes at most; it is closed.

    Raises:
        UnfitAnswer: it is packed or too large.
        httpx.HTTPError: it breaks off.
    """
    try:
        require_unpacked(response)
        body = await Answer(response.status_code, str(response.url), most, response).body()
    finally:
        await response.aclose()
    return httpx.Response(response.status_code, headers=response.headers, content=body, request=response.request)


async def _final(
    client: httpx.AsyncClient, url: httpx.URL, seconds: float, headers: Mapping[str, str]
) -> httpx.Response:
    timeout = httpx.Timeout(min(_CONNECT, seconds), read=min(_SILENCE, seconds))
    request = client.build_request("GET", url, headers=headers, timeout=timeout)
    for _ in range(_HOPS):
        response = await client.send(request, stream=True, follow_redirects=False)
        if response.next_request is None:
            return response
        await response.aclose()
        if not _same_server(request.url, response.next_request.url):
            raise UnfitAnswer(
                f"{url} leads to another server",
                expected=f"an answer of {request.url.host}",
                got=str(response.next_request.url)[:200],
                next_step="Pass the address that it leads to, if you trust that server",
            )
        request = response.next_request
    raise UnfitAnswer(f"{url} leads in circles", expected=f"at most {_HOPS - 1} redirects")


def _same_server(one: httpx.URL, other: httpx.URL) -> bool:
    if one.host != other.host:
        return False
    return _place(one) == _place(other) or (_place(one), _place(other)) == (("http", 80), ("https", 443))


def _place(url: httpx.URL) -> tuple[str, int | None]:
    return url.scheme, url.port or _DEFAULT_PORTS.get(url.scheme)
