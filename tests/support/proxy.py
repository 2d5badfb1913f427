"""A TCP proxy in front of a server, which can do to connections what networks do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

Hook = Callable[[bytes], bytes]
"""What becomes of bytes on their way: these go on in place of those that came."""

_CHUNK = 1 << 16
_CONTROL = 8  # websocket opcodes from here on: close, ping, pong


class Connection:
    """One connection through a proxy.

    up, down  what becomes of bytes to the server and to the client
    """

    def __init__(self) -> None:
        self.up: Hook = bytes
        self.down: Hook = bytes
        self._writers: list[asyncio.StreamWriter] = []
        self._dropped = False
        self._flowing = asyncio.Event()
        self._flowing.set()

    def drop(self) -> None:
        """Cut both sides at once, unsent bytes included."""
        self._dropped = True
        self._flowing.set()
        for writer in self._writers:
            writer.transport.abort()

    def stall(self) -> None:
        """Hold all bytes back, in both directions; both sides stay open."""
        self._flowing.clear()

    def flow(self) -> None:
        """Let the bytes held back, and all that follow, go on."""
        self._flowing.set()

    async def _carry(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter, host: str, port: int) -> None:
        server, to_server = await asyncio.open_connection(host, port)
        self._writers = [to_client, to_server]
        if self._dropped:
            self.drop()
        await asyncio.gather(
            self._pump(client, to_server, lambda data: self.up(data)),
            self._pump(server, to_client, lambda data: self.down(data)),
        )
        self.drop()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, hook: Hook) -> None:
        try:
            while data := await source.read(_CHUNK):
                await self._flowing.wait()
                target.write(hook(data))
                await target.drain()
            await self._flowing.wait()
            target.write_eof()
        except OSError:
            self.drop()


class Proxy:
    """Forwards connections to one server.

    url          where clients connect, with the server's scheme
    connections  those that are open, oldest first
    accepted     connections so far
    prepare      called with every new connection before anything flows, to set its hooks
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._scheme, self._host, self._port = parts.scheme, parts.hostname, parts.port
        self.url = ""
        self.connections: list[Connection] = []
        self.accepted = 0
        self.prepare: Callable[[Connection], None] = lambda connection: None
        self._server: asyncio.Server | None = None
        self._own_port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        """Listen on a free port of the loopback address until the block ends."""
        await self.listen()
        self.url = f"{self._scheme}://127.0.0.1:{self._own_port}"
        try:
            yield self
        finally:
            self.refuse()
            self.drop()
            await asyncio.gather(*self._tasks)

    async def listen(self) -> None:
        """Take new connections, again."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._own_port)
        self._own_port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Take no new connections; the open ones stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def drop(self) -> None:
        """Cut every open connection."""
        for connection in self.connections:
            connection.drop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        connection = Connection()
        self.connections.append(connection)
        self.accepted += 1
        self.prepare(connection)
        try:
            await connection._carry(reader, writer, self._host, self._port)
        except OSError:
            pass
        finally:
            self.connections.remove(connection)
            self._tasks.discard(task)
            writer.close()


class Websocket:
    """A hook for a connection's `down` that can keep a websocket's messages from the client, and let pongs pass.

    deaf      whether messages are kept back
    messages  how many were sent by the server so far
    """

    def __init__(self) -> None:
        self.deaf = False
        self.messages = 0
        self._open = False
        self._bytes = b""

    def __call__(self, data: bytes) -> bytes:
        self._bytes += data
        passed = b""
        if not self._open:
            head, end, rest = self._bytes.partition(b"\r\n\r\n")
            if not end:
                return b""
            self._open, self._bytes, passed = True, rest, head + end
        while frame := self._frame():
            message = frame[0] & 0x0F < _CONTROL
            self.messages += message
            if not (message and self.deaf):
                passed += frame
        return passed

    def _frame(self) -> bytes:
        """The next whole frame, taken from the front; nothing before all of it came. Servers do not mask."""
        if len(self._bytes) < 2:
            return b""
        short = self._bytes[1] & 0x7F
        header = 2 + {126: 2, 127: 8}.get(short, 0)
        size = header + (short if header == 2 else int.from_bytes(self._bytes[2:header], "big"))
        if len(self._bytes) < size:
            return b""
        frame, self._bytes = self._bytes[:size], self._bytes[size:]
        return frame
