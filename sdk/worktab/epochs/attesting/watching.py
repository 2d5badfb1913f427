"""Attesting without end: over every epoch, past whatever fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

from worktab.core.errors import WorktabError
from worktab.epochs.attesting.attestor import EpochAttestor
from worktab.epochs.attesting.reports import Report

T = TypeVar("T")

_LOG: Final = logging.getLogger(__name__)
_LONGEST: Final = 16
"""How many times as long as usual it waits at most after failures in a row."""


async def watch(
    attestor: EpochAttestor,
    stop: asyncio.Event,
    *,
    every: float,
    commit: bool = False,
    finalize: bool = False,
    told: Callable[[Report], None] = lambda report: None,
    failed: Callable[[WorktabError], None] = lambda error: None,
) -> None:
    """Look again and again until `stop` is set; a look under way then comes to its end.

    What fails, be it the node, the disk or who publishes, is told and tried again: after `every` seconds first, then
    after longer, up to 16 times as long.

    attestor  looks
    every     seconds between two looks
    commit    see `EpochAttestor.look`
    finalize  see there
    told      is told of every look
    failed    is told of every look that failed
    """
    await repeat(lambda: attestor.look(commit=commit, finalize=finalize), stop, every=every, told=told, failed=failed)


async def repeat(
    look: Callable[[], Awaitable[T]],
    stop: asyncio.Event,
    *,
    every: float,
    told: Callable[[T], None],
    failed: Callable[[WorktabError], None],
) -> None:
    """Look again and again, as `watch` does, at whatever `look` looks at."""
    failures = 0
    while not stop.is_set():
        try:
            told(await look())
            failures = 0
        except WorktabError as error:
            _LOG.debug("A look failed: %s", error)
            failed(error)
            failures += 1
        longer = 2 ** max(0, failures - 1)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every * min(longer, _LONGEST))
