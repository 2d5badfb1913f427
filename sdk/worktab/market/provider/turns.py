"""One request at a time on each lane, and no more than a machine can take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from worktab.market.errors import Overloaded


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Turns:
    """Gives turns by name.

    most       turns taken and waited for in all
    most_each  of these, on one name
    """

    def __init__(self, most: int, most_each: int) -> None:
        self._most, self._most_each = most, most_each
        self._turns: dict[Hashable, _Turn] = {}
        self._users = 0

    @asynccontextmanager
    async def take(self, name: Hashable) -> AsyncIterator[None]:
        """Waits for the turn of `name`, and holds it. Raises `Overloaded` where too many wait already."""
        turn = self._turns.get(name)
        if self._users >= self._most or (turn is not None and turn.users >= self._most_each):
            raise Overloaded("Too many requests at once", expected=f"at most {self._most}, {self._most_each} on a lane")
        turn = self._turns.setdefault(name, _Turn())
        turn.users += 1
        self._users += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.users -= 1
            self._users -= 1
            if turn.users == 0:
                del self._turns[name]
