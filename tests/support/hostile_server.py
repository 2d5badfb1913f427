"""A server on a real socket whose answers do harm: packed, endless, dripping, and leading elsewhere."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import cache

Answering = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]

PACKED_TO = 16 << 20
"""Bytes that `bomb` stands for."""


@asynccontextmanager
async def hostile(answer: Answering) -> AsyncIterator[str]:
    """The address of a server that answers every request's head so."""
    busy: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        busy.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await answer(await reader.readuntil(b"\r\n\r\n"), writer)
            await writer.drain()
        writer.close()
        busy.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for each in list(busy):
            each.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


@cache
def bomb() -> bytes:
    """Zeros, packed twice: a few hundred bytes that stand for `PACKED_TO`."""
    packed = bytes(PACKED_TO)
    for _ in range(2):
        packed = zlib.compress(packed, 9, wbits=31)
    return packed


async def packed(head: bytes, writer: asyncio.StreamWriter) -> None:
    """Sends `bomb`."""
    body = bomb()
    said = b"content-encoding: gzip\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
    writer.write(b"HTTP/1.1 200 OK\r\n" + said + body)


async def endless(head: bytes, writer: asyncio.StreamWriter) -> None:
    """Sends without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(bytes(10_000))
        await writer.drain()


async def dripping(head: bytes, writer: asyncio.StreamWriter) -> None:
    """Sends a byte at a time: no read waits for long, and the answer never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"\0")
        await writer.drain()
        await asyncio.sleep(0.005)


def leading(to: str, body: bytes = b"found") -> Answering:
    """Sends whoever asks for `/` to another address, and answers with `body` everywhere else."""

    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        if head.startswith(b"GET / "):
            writer.write(b"HTTP/1.1 302 Found\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n" % to.encode())
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

    return answer
