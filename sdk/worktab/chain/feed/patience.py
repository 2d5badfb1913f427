"""Asking again until it works or time is up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from worktab.chain.feed.errors import CursorLost, NodeBehind, TransactionMissing
from worktab.core.errors import ConnectionFailed

_Result = TypeVar("_Result")

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 20.0
_LOOKS: Final = 3


@dataclass(frozen=True, slots=True)
class Pauses:
    """How pauses between attempts pass: each up to twice as long as the one before, half of it chance.

    sleep   lets so many seconds pass
    random  a number from 0 to 1
    clock   seconds from any start
    """

    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]
    clock: Callable[[], float]
    longest: float = _LONGEST_PAUSE

    async def after(self, attempts: int) -> None:
        """Pause after so many attempts in a row failed: between a quarter and half a second after the first."""
        longest = min(_FIRST_PAUSE * 2 ** min(attempts - 1, 30), self.longest)
        await self.sleep(longest * (1 + self.random()) / 2)

    async def patiently(self, seconds: float, attempt: Callable[[], Awaitable[_Result]]) -> _Result:
        """What an attempt gives, made again for so many seconds while the node does not answer or lags behind.

        A history that does not show the cursor is looked at three times: nodes are known to miss entries for a moment.
        """
        began, attempts, lost = self.clock(), 0, 0
        while True:
            try:
                return await attempt()
            except (ConnectionFailed, NodeBehind, TransactionMissing):
                if self.clock() - began >= seconds:
                    raise
            except CursorLost:
                lost += 1
                if lost == _LOOKS:
                    raise
            attempts += 1
            await self.after(attempts)
