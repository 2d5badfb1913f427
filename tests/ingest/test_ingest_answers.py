"""Answers that no ingest gives: a client ends with a typed error, whatever a server says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from support.hostile_server import Answering, dripping, endless, hostile, packed
from support.ingest import Party, start
from worktab.core.answers import UnfitAnswer
from worktab.core.errors import ConnectionFailed, EncodingError
from worktab.ingest.client import IngestClient, Retries
from worktab.ingest.verdicts import Verdict

ONE = Party.make(1)
RECEIPT = ONE.receipt(1, 10, start(1))

Ask = Callable[[IngestClient], Awaitable[object]]


@asynccontextmanager
async def answering(body: bytes) -> AsyncIterator[IngestClient]:
    """A client of a server that answers everything with this."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        sizes = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await reader.readexactly(int(sizes[0]) if sizes else 0)
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, IngestClient(f"http://127.0.0.1:{port}", retries=Retries(tries=1)) as client:
        yield client


@asynccontextmanager
async def asking(answer: Answering, seconds: float) -> AsyncIterator[IngestClient]:
    async with hostile(answer) as url, IngestClient(url, retries=Retries(tries=1), seconds=seconds) as client:
        yield client


async def submit(client: IngestClient) -> object:
    return await client.submit([RECEIPT])


async def submit_continuous(client: IngestClient) -> object:
    return await client.submit_continuous(RECEIPT, [bytes(32)])


async def enrol(client: IngestClient) -> object:
    return await client.enrol(ONE.enrolment())


async def newest(client: IngestClient) -> object:
    return await client.newest(ONE.address)


async def epoch(client: IngestClient) -> object:
    return await client.epoch()


async def facts(client: IngestClient) -> object:
    return await client.facts()


NONSENSE = [None, 1, "x", [], {}, {"results": None}, {"results": 1}, {"results": []}, {"results": [1]}]
MORE = [{"results": [{}]}, {"results": [{"code": "else"}]}, {"results": [[]]}, {"code": 1}, {"epoch": "-1"}]


@pytest.mark.parametrize("ask", [submit_continuous, enrol, newest, epoch, facts])
@pytest.mark.parametrize("answer", [*NONSENSE, *MORE], ids=json.dumps)
async def test_json_that_is_no_answer_is_a_typed_error(ask: Ask, answer: object) -> None:
    async with answering(json.dumps(answer).encode()) as client:
        with pytest.raises(EncodingError):
            await ask(client)


@pytest.mark.parametrize("body", [b"", b"\x03", b"\xff", b"\x00\x00", b"<html>"])
async def test_bytes_that_are_no_verdicts_are_a_typed_error(body: bytes) -> None:
    async with answering(body) as client:
        with pytest.raises(EncodingError, match="not that of an ingest"):
            await submit(client)


async def test_verdicts_are_read() -> None:
    async with answering(bytes([Verdict.FORK])) as client:
        assert await submit(client) == [Verdict.FORK]
    async with answering(b'{"results": [{"code": "older"}]}') as client:
        assert await submit_continuous(client) is Verdict.OLDER


async def inputs(client: IngestClient) -> object:
    return await client.inputs(1)


@pytest.mark.parametrize("ask", [submit, facts, newest, inputs])
async def test_a_packed_answer_is_not_unpacked(ask: Ask) -> None:
    async with asking(packed, 60) as client:
        with pytest.raises(UnfitAnswer, match="packed"):
            await ask(client)


@pytest.mark.parametrize("ask", [submit, facts, newest])
async def test_an_endless_answer_is_left(ask: Ask) -> None:
    async with asking(endless, 60) as client:
        with pytest.raises(UnfitAnswer, match="is too large"):
            await ask(client)


@pytest.mark.parametrize("ask", [submit, facts, newest, inputs])
async def test_an_answer_that_drips_is_left_in_time(ask: Ask) -> None:
    async with asking(dripping, 0.3) as client:
        with pytest.raises((ConnectionFailed, EncodingError)):
            await ask(client)
