"""Answers of strangers over HTTP: nothing packed is unpacked, nothing endless is read to the end."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from support.hostile_server import Answering, dripping, endless, hostile, leading, packed
from worktab.core.answers import UnfitAnswer, ask

MOST = 100_000


async def fetch(url: str, *, seconds: float = 60, most: int = MOST) -> bytes:
    async with httpx.AsyncClient(timeout=120) as client, ask(client, url, most=most, seconds=seconds) as answer:
        assert answer.status == 200
        return await answer.body()


def answering(body: bytes, heads: list[bytes] | None = None) -> Answering:
    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        if heads is not None:
            heads.append(head.lower())
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

    return answer


async def test_an_answer_is_asked_for_unpacked_and_read() -> None:
    heads: list[bytes] = []
    async with hostile(answering(b"records", heads)) as url:
        assert await fetch(url) == b"records"
    assert [line for line in heads[0].split(b"\r\n") if b"accept-encoding" in line] == [b"accept-encoding: identity"]


async def test_a_packed_answer_is_refused() -> None:
    async with hostile(packed) as url:
        with pytest.raises(UnfitAnswer) as caught:
            await fetch(url)
    assert (caught.value.expected, caught.value.got) == ("content-encoding identity", "'gzip, gzip'")


async def test_an_answer_may_fill_its_limit_and_no_more() -> None:
    async with hostile(answering(bytes(MOST))) as url:
        assert await fetch(url) == bytes(MOST)
        with pytest.raises(UnfitAnswer) as caught:
            await fetch(url, most=MOST - 1)
    assert caught.value.expected == f"at most {MOST - 1} bytes"


async def test_an_endless_answer_is_left_at_its_limit() -> None:
    async with hostile(endless) as url:
        with pytest.raises(UnfitAnswer) as caught:
            await fetch(url)
    assert caught.value.expected == f"at most {MOST} bytes"


async def test_an_answer_that_drips_is_left_in_time() -> None:
    async with hostile(dripping) as url:
        with pytest.raises(UnfitAnswer) as caught:
            await fetch(url, seconds=0.3, most=1 << 30)
    assert caught.value.expected == "at most 0.3 seconds"


async def test_headers_that_drip_are_left_in_time() -> None:
    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nx: ")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.005)

    async with hostile(answer) as url:
        with pytest.raises(UnfitAnswer, match="takes too long"):
            await fetch(url, seconds=0.3)


async def test_redirects_are_followed_on_the_same_server_alone() -> None:
    async with hostile(leading("/elsewhere")) as url:
        assert await fetch(url) == b"found"
    async with hostile(answering(b"secret")) as other, hostile(leading(other)) as url:
        with pytest.raises(UnfitAnswer, match="leads to another server") as caught:
            await fetch(url)
        assert caught.value.got == other
    async with hostile(leading("/")) as url:
        with pytest.raises(UnfitAnswer, match="leads in circles"):
            await fetch(url)
