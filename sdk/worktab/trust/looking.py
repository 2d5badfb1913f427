"""Looking at many things at once, none of which holds up another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Looks(Generic[K, T]):
    """Looks under way, by what they are at: a task for each, so many of them at a time."""

    def __init__(self, at_once: int) -> None:
        self._gate = asyncio.Semaphore(at_once)
        self._tasks: dict[K, asyncio.Task[T]] = {}

    def start(self, key: K, look: Callable[[], Awaitable[T]]) -> None:
        """Look at it, unless that is under way."""
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._look(look))

    async def wait(self, patience: float | None) -> dict[K, T]:
        """What came of looks that ended, after so many seconds at most; None waits for all.

        Raises what a look raised.
        """
        try:
            if self._tasks:
                await asyncio.wait(self._tasks.values(), timeout=patience)
        except BaseException:
            await self.close()
            raise
        ended = {key: task for key, task in self._tasks.items() if task.done()}
        for key in ended:
            del self._tasks[key]
        failed = [error for error in (task.exception() for task in ended.values()) if error is not None]
        if failed:
            raise failed[0]
        return {key: task.result() for key, task in ended.items()}

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = tuple(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self, look: Callable[[], Awaitable[T]]) -> T:
        async with self._gate:
            return await look()
