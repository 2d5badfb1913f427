"""One payment at a time on a lane, among the tasks of a process.

x402 tells a scheme when a payment is made and, mostly, how it ended; of an answer that was lost or broken it tells
nothing. So a turn also ends with the task that took it, when that task takes another, and after the longest time that
the seller may take.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable


class _Turn:
    def __init__(self) -> None:
        self._over = asyncio.Event()
        self._task = asyncio.current_task()
        if self._task is not None:
            self._task.add_done_callback(self._ended)

    @property
    def mine(self) -> bool:
        return self._task is asyncio.current_task()

    async def wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._over.wait()
        except TimeoutError:
            self.end()

    def end(self) -> None:
        if self._task is not None:
            self._task.remove_done_callback(self._ended)
        self._over.set()

    def _ended(self, _: asyncio.Task[object]) -> None:
        self._over.set()


class Turns:
    """Gives turns by name; see the module's text."""

    def __init__(self) -> None:
        self._turns: dict[Hashable, _Turn] = {}

    async def take(self, name: Hashable, seconds: float) -> None:
        """Waits until the turn of `name` is free, each earlier one for at most `seconds`, and takes it."""
        while (turn := self._turns.get(name)) is not None and not turn.mine:
            await turn.wait(seconds)
            if self._turns.get(name) is turn:
                del self._turns[name]
        self.end(name)
        self._turns[name] = _Turn()

    def end(self, name: Hashable) -> None:
        """Ends this task's turn of `name`; nothing where it has none."""
        turn = self._turns.get(name)
        if turn is not None and turn.mine:
            del self._turns[name]
            turn.end()
