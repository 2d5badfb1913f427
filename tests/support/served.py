"""A network on an embedded chain behind real HTTP, on a thread of its own, for what runs an event loop itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from support.fleet import Fleet
from support.rpc_server import RpcServer

_Result = TypeVar("_Result")


class Served:
    """A fleet, and the node it can be reached at."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fleet: Fleet, node: RpcServer) -> None:
        self._loop = loop
        self.fleet = fleet
        self.node = node

    @property
    def url(self) -> str:
        """The node's address."""
        return self.node.url

    def time(self) -> float:
        """The chain's clock in Unix seconds."""
        return self.do(self.fleet.chain.unix_time())

    def do(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """What a coroutine gives, run where the chain lives."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


@contextmanager
def served(**plan: Any) -> Iterator[Served]:
    """A network by `plan` (see `Fleet.start`), served until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="served-chain")
    thread.start()

    def do(work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    try:
        fleet = do(Fleet.start(**plan))
        node = RpcServer(fleet.chain)
        running = node.running()
        do(running.__aenter__())
        try:
            yield Served(loop, fleet, node)
        finally:
            do(running.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
