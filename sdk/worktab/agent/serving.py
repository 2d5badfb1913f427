"""uvicorn within the daemon's event loop, without its signal handlers: the daemon has more to stop than a server."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Collection, Generator
from contextlib import contextmanager
from typing import Final, Self

import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worktab.agent.errors import Stopping
from worktab.core.errors import StateError

_BACKLOG: Final = 512


class Server:
    """One application on one port. Made by `Server.listen`."""

    def __init__(self, app: ASGIApp, listening: socket.socket, host: str, grace: int, kept: Collection[str]) -> None:
        """Use `Server.listen`."""
        self._ending = _Ending(app, kept)
        self._listening = listening
        self._host = host
        self._server = _Quiet(
            uvicorn.Config(
                self._ending,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=grace,
                backlog=_BACKLOG,
            )
        )
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def listen(cls, app: ASGIApp, host: str, port: int, *, grace: int, kept: Collection[str] = ()) -> Self:
        """Bind a port, 0 for a free one; nothing is answered before `start`.

        grace  seconds that requests under way have to end when it is stopped
        kept   paths that are answered until it stops, also once it drains

        Raises `StateError` where it cannot be had.
        """
        try:
            listening = socket.create_server(
                (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=_BACKLOG
            )
        except OSError as error:
            raise StateError(
                f"Cannot listen on {host} port {port}", got=str(error), next_step="Choose another --host or --port"
            ) from error
        # Connections take it over. asyncio sets it for itself only on sockets that name their protocol, and without it
        # every answer on a kept connection waits 40 ms for the other side's acknowledgement.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(app, listening, host, grace, kept)

    def close(self) -> None:
        """Release the port of a server that was never started."""
        self._listening.close()

    @property
    def url(self) -> str:
        """Where it is reached."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._listening.getsockname()[1]}"

    async def start(self) -> None:
        """Answer requests from now on."""
        self._task = asyncio.create_task(self._server.serve([self._listening]))
        await self._server.up.wait()

    def drain(self) -> None:
        """Answer new requests that the device stops, but for those to the paths that are kept."""
        self._ending.draining = True

    async def stop(self, *, grace: float | None = None) -> None:
        """Take no more requests, and see those under way to their end, or to the end of the grace.

        grace  what is left of it, in seconds; by default all of it
        """
        if grace is not None:
            self._server.config.timeout_graceful_shutdown = math.ceil(grace)
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self._listening.close()


class _Ending:
    """Tells those whose request is cut off that it is, in place of an error that they would take for a final one.

    So it does for new requests while it is `draining`, but for those to the `kept` paths.
    """

    def __init__(self, app: ASGIApp, kept: Collection[str]) -> None:
        self._app, self._kept = app, frozenset(kept)
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.draining and scope["path"] not in self._kept:
            await _stopping()(scope, receive, send)
            return
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            if begun:
                raise
            await _stopping()(scope, receive, send)


def _stopping() -> JSONResponse:
    error = Stopping("The device stops")
    facts = {name: fact for name, fact in error.as_dict().items() if fact}
    return JSONResponse({"error": facts}, error.status, {"retry-after": "1", "connection": "close"})


class _Quiet(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leaves the signals to the daemon."""
        yield
