"""A road to a real node that fails as told: a reverse proxy on the loopback address, with a fault for any request."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import base58
import httpx2 as httpx
from solders.signature import Signature
from solders.transaction import VersionedTransaction


@dataclass(frozen=True)
class Call:
    """A JSON-RPC request as it arrived."""

    method: str
    params: list[Any]
    body: bytes

    def reply(self, result: Any) -> Reply:
        """An answer to it."""
        return Reply(json.dumps({"jsonrpc": "2.0", "id": json.loads(self.body)["id"], "result": result}).encode())

    @property
    def raw(self) -> bytes:
        """The transaction it sends."""
        encoding = self.params[1].get("encoding", "base58")
        return base64.b64decode(self.params[0]) if encoding == "base64" else base58.b58decode(self.params[0])

    @property
    def signature(self) -> Signature:
        """The signature of the transaction it sends."""
        return VersionedTransaction.from_bytes(self.raw).signatures[0]


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def result(self) -> Any:
        """The result in a JSON-RPC answer; None for an error, or no JSON-RPC at all."""
        with suppress(ValueError):
            return json.loads(self.body).get("result")
        return None


Forward: TypeAlias = Callable[[], Awaitable[Reply | None]]
"""Passes the request on to the node and gives its answer, None if the node gave none."""

Fault: TypeAlias = Callable[[Call, Forward], Awaitable[Reply | None]]
"""What becomes of a request: the answer to it, or None to close the connection without one."""


async def none(call: Call, forward: Forward) -> Reply | None:
    """No fault."""
    return await forward()


async def drop(call: Call, forward: Forward) -> Reply | None:
    """The connection breaks before the node hears of the request."""
    return None


async def lose(call: Call, forward: Forward) -> Reply | None:
    """The node does what was asked, and the answer is lost."""
    await forward()
    return None


async def overloaded(call: Call, forward: Forward) -> Reply | None:
    """503 in place of an answer."""
    return Reply(status=503)


def busy(retry_after: str | None = None) -> Fault:
    """429 in place of an answer, with a Retry-After header if one is given."""

    async def fault(call: Call, forward: Forward) -> Reply | None:
        return Reply(status=429, headers={} if retry_after is None else {"retry-after": retry_after})

    return fault


def first(action: Callable[[], Awaitable[None]]) -> Fault:
    """Something happens just before the request reaches the node."""

    async def fault(call: Call, forward: Forward) -> Reply | None:
        await action()
        return await forward()

    return fault


def then(action: Callable[[], Awaitable[None]], *, answer: bool = True) -> Fault:
    """Something happens when the node has answered, before the answer arrives, or in place of its arrival."""

    async def fault(call: Call, forward: Forward) -> Reply | None:
        reply = await forward()
        await action()
        return reply if answer else None

    return fault


class Withheld:
    """A fault for `sendTransaction`: it is accepted, and kept until it is delivered by hand."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def __call__(self, call: Call, forward: Forward) -> Reply | None:
        self.calls.append(call)
        return call.reply(str(call.signature))

    @property
    def raws(self) -> set[bytes]:
        """The transactions withheld, each once."""
        return {call.raw for call in self.calls}


class BlackHole:
    """A fault: nothing comes back, and the node hears nothing, until it lets go of everything."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._arrived: list[asyncio.Event] = []

    async def __call__(self, call: Call, forward: Forward) -> Reply | None:
        arrived = asyncio.Event()
        self._arrived.append(arrived)
        await self._open.wait()
        try:
            return await forward()
        finally:
            arrived.set()

    async def let_go(self) -> int:
        """Everything arrives, however late; how much that was."""
        self._open.set()
        for arrived in self._arrived:
            await arrived.wait()
        return len(self._arrived)


class FaultyNode:
    """The road to one node.

    calls   every request that arrived, in order
    faults  how many requests met a fault, by method
    plan    the fault for a request that no script is left for, None for none

    What the client sees when the node itself does not run is a connection that breaks.
    """

    def __init__(self, target: str) -> None:
        self.calls: list[Call] = []
        self.faults: Counter[str] = Counter()
        self.plan: Callable[[Call], Fault | None] = lambda call: None
        self.url = ""
        self._target = target
        self._scripts: dict[str, deque[Fault]] = {}

    def on(self, method: str, *faults: Fault) -> None:
        """The faults of the next requests of a method, one each, in place of what was left of the last script."""
        self._scripts[method] = deque(faults)

    def heal(self) -> None:
        """From now on nothing fails."""
        self._scripts.clear()
        self.plan = lambda call: None

    def called(self, method: str) -> list[Call]:
        """The requests of a method that arrived."""
        return [call for call in self.calls if call.method == method]

    def sent(self) -> list[Signature]:
        """The signatures of the transactions that were sent, each once, in the order of their first sending."""
        return list(dict.fromkeys(call.signature for call in self.called("sendTransaction")))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FaultyNode]:
        """Listen on a free port of the loopback address until the block ends."""
        tasks: set[asyncio.Task[None]] = set()
        # A new connection for every request: one that a killed node left behind would be a fault nobody asked for.
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = asyncio.current_task()
                assert task is not None
                tasks.add(task)
                try:
                    while await self._serve_one(client, reader, writer):
                        pass
                except (asyncio.CancelledError, ConnectionError):
                    pass
                finally:
                    tasks.discard(task)
                    writer.close()

            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            try:
                yield self
            finally:
                server.close()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await server.wait_closed()

    async def _serve_one(
        self, client: httpx.AsyncClient, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        except asyncio.IncompleteReadError:
            return False
        length = next(int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:"))
        body = await reader.readexactly(length)
        request = json.loads(body)
        call = Call(request["method"], request.get("params") or [], body)
        self.calls.append(call)

        async def forward() -> Reply | None:
            try:
                answer = await client.post(self._target, content=body, headers={"content-type": "application/json"})
            except httpx.TransportError:
                return None
            return Reply(answer.content, answer.status_code)

        reply = await self._fault(call)(call, forward)
        if reply is None:
            return False
        lines = [f"HTTP/1.1 {reply.status} x", f"content-length: {len(reply.body)}", "content-type: application/json"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + reply.body)
        await writer.drain()
        return True

    def _fault(self, call: Call) -> Fault:
        script = self._scripts.get(call.method)
        fault = script.popleft() if script else self.plan(call) or none
        if fault is not none:
            self.faults[call.method] += 1
        return fault
