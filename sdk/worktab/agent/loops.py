"""Work that is done again and again in the background; one that fails is tried later and stops no other."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from worktab.core.errors import WorktabError

_LOG: Final = logging.getLogger(__name__)

LONGEST: Final = 600.0
"""Seconds that a pause after failures has at most, where the loop's own is not longer."""


@dataclass(frozen=True)
class Loop:
    """Work with a pause after it, which grows with every failure in a row.

    name     for the log
    work     may raise whatever it likes
    every    seconds between the end of one run and the next
    failed   told of every failure
    sleep    pauses for so many seconds
    due      seconds until the next run must begin, whatever the pause; None while nothing is due
    chance   a number from 0 to 1, for the pauses after failures
    """

    name: str
    work: Callable[[], Awaitable[None]]
    every: float
    failed: Callable[[Exception], None] = lambda error: None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random
    due: Callable[[], float | None] = lambda: None

    async def run(self) -> None:
        """Work until cancelled."""
        failures = 0
        while True:
            try:
                await self.work()
                failures = 0
            except Exception as error:  # a daemon outlives whatever its parts raise
                failures += 1
                _LOG.warning(
                    "%s failed and is tried again: %s", self.name, error, exc_info=not isinstance(error, WorktabError)
                )
                self.failed(error)
            pause, due = self.pause(failures), self.due()
            await self.sleep(pause if due is None else min(pause, due))

    def pause(self, failures: int) -> float:
        """Seconds until the next run after so many failures in a row; after failures, half of it is chance."""
        if failures == 0:
            return self.every
        longest = max(LONGEST, self.every)
        return min(self.every * (1 << min(failures - 1, 20)), longest) * (1 + self.chance()) / 2
