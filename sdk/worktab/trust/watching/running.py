"""Watching without end, past whatever fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from worktab.core.errors import WorktabError
from worktab.trust.watching.acting import Look, Watcher

_LONGEST: Final = 16
"""How many times as long as usual it waits at most after failures in a row."""


async def watch(
    watcher: Watcher,
    stop: asyncio.Event,
    *,
    every: float,
    told: Callable[[Look], None] = lambda look: None,
    failed: Callable[[WorktabError], None] = lambda error: None,
) -> None:
    """Look again and again until `stop` is set; a look under way then comes to its end.

    every   seconds between two looks; after looks that failed in a row longer, up to 16 times as long
    told    is told of every look
    failed  is told of every look that failed as a whole, such as for a node that does not answer
    """
    failures = 0
    while not stop.is_set():
        try:
            told(await watcher.look())
            failures = 0
        except WorktabError as error:
            failed(error)
            failures += 1
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every * min(2 ** max(0, failures - 1), _LONGEST))
