"""Background work: it goes on after failures, with growing pauses, and ends when it is told to."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from worktab.agent.loops import LONGEST, Loop
from worktab.core.errors import ConnectionFailed


async def pauses_of(work: Any, count: int, **options: Any) -> list[float]:
    """The first pauses of a loop."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == count:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await Loop("test", work, 10, sleep=sleep, chance=lambda: 1.0, **options).run()
    return pauses


async def test_failures_make_the_pauses_longer_and_a_success_ends_that(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = iter([None, ConnectionFailed("away"), RuntimeError("bug"), ConnectionFailed("away"), None])
    failures: list[Exception] = []

    async def work() -> None:
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome

    assert await pauses_of(work, 5, failed=failures.append) == [10, 10, 20, 40, 10]
    assert [str(each)[:4] for each in failures] == ["away", "bug", "away"]
    # Only what was not foreseen is told with its traceback.
    assert [bool(record.exc_info) for record in caplog.records] == [False, True, False]


async def test_what_is_due_sooner_shortens_the_pause() -> None:
    due = iter([None, 3.0, 30.0, 3.0])
    outcomes = iter([None, None, None, ConnectionFailed("away")])

    async def work() -> None:
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome

    assert await pauses_of(work, 4, due=lambda: next(due)) == [10, 3, 10, 3]


async def test_a_pause_has_an_end_and_a_part_of_it_is_chance() -> None:
    async def work() -> None:
        raise ConnectionFailed("away")

    assert (await pauses_of(work, 40))[-1] == LONGEST
    assert Loop("test", work, 10, chance=lambda: 0.0).pause(2) == 10.0
    assert Loop("test", work, 3_600, chance=lambda: 1.0).pause(9) == 3_600.0
