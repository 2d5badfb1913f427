"""The chain under test behind real HTTP, with a network on it, for what runs an event loop itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from typing import Any, TypeVar

from support.chains import AnyChain
from support.fleet import Fleet
from support.rpc_server import RpcServer
from worktab.chain.embedded import EmbeddedChain

_Result = TypeVar("_Result")


class Served:
    """A fleet, and the address of a node that it can be reached at.

    node  serves an embedded chain, with faults to order; tests that use it are for that chain alone
    """

    node: RpcServer

    def __init__(self, loop: asyncio.AbstractEventLoop, stack: AsyncExitStack, fleet: Fleet) -> None:
        self._loop, self._stack = loop, stack
        self.fleet = fleet
        self.url = ""

    async def open(self, **plan: Any) -> None:
        """Start the fleet, and a node where the chain is not one already."""
        await self._stack.enter_async_context(self.fleet)
        await self.fleet.start(**plan)
        chain = self.fleet.chain
        if isinstance(chain, EmbeddedChain):
            self.node = await self.serve(chain)
            self.url = self.node.url
        else:
            self.url = chain.url

    async def serve(self, chain: EmbeddedChain) -> RpcServer:
        """Serve a chain until the end."""
        return await self._stack.enter_async_context(RpcServer(chain).running())

    def hold(self, context: AbstractAsyncContextManager[_Result]) -> _Result:
        """Enter a context where the chain lives, until the end."""
        return self.do(self._stack.enter_async_context(context))

    def time(self) -> float:
        """The chain's clock in Unix seconds."""
        return self.do(self.fleet.chain.unix_time())

    def do(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """What a coroutine gives, run where the chain lives."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)


@contextmanager
def served(chain: AnyChain, **plan: Any) -> Iterator[Served]:
    """A network by `plan` (see `Fleet.start`), served on a thread of its own until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="served-chain")
    thread.start()
    try:
        stack = AsyncExitStack()
        made = Served(loop, stack, Fleet(chain))
        try:
            made.do(made.open(**plan))
            yield made
        finally:
            made.do(stack.aclose())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
