"""Ingests as the options name them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from worktab.cli.output import Rows, working
from worktab.core.errors import InputError, WorktabError

if TYPE_CHECKING:
    from worktab.ingest.client import IngestClient
    from worktab.ingest.enrolment_file import EnrolmentFile
    from worktab.ingest.submitting import Delivery

_URL: Final = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")
_Result = TypeVar("_Result")

TRIES: Final = 3
"""Requests made for one answer: somebody waits, or a loop tries again soon."""


@asynccontextmanager
async def connected(urls: Sequence[str] | None) -> AsyncIterator[list[IngestClient]]:
    """Clients of the ingests, each named once. Raises `InputError` for a URL that is none."""
    from worktab.ingest.client import IngestClient, Retries

    named = dict.fromkeys(each.rstrip("/") for each in urls or ())
    for each in named:
        if not _URL.fullmatch(each):
            raise InputError("This is not the address of an ingest", expected="http://.. or https://..", got=repr(each))
    async with AsyncExitStack() as held:
        yield [await held.enter_async_context(IngestClient(each, retries=Retries(TRIES))) for each in named]


def through_ingests(
    urls: Sequence[str] | None, doing: str, work: Callable[[list[IngestClient]], Awaitable[_Result]]
) -> _Result:
    """What `work` makes of the ingests, without any chain. Raises `IngestNeeded` without one."""
    from worktab.ingest.paths import IngestNeeded

    if not urls:
        raise IngestNeeded("No ingest was named")

    async def run() -> _Result:
        async with connected(urls) as ingests:
            return await work(ingests)

    with working(doing):
        return asyncio.run(run())


async def post(file: EnrolmentFile, ingests: Sequence[IngestClient]) -> tuple[Rows, WorktabError | None]:
    """Bring an enrolment to every ingest: what became of it at each, and the first failure."""
    outcomes = await asyncio.gather(*(_enrol(each, file) for each in ingests))
    rows = [
        {
            "ingest": each.url,
            "outcome": outcome if isinstance(outcome, str) else "failed",
            "error": None if isinstance(outcome, str) else str(outcome),
        }
        for each, outcome in zip(ingests, outcomes, strict=True)
    ]
    errors = [each for each in outcomes if isinstance(each, WorktabError)]
    return Rows(rows, ("ingest", "outcome", "error")), errors[0] if errors else None


def delivery_rows(deliveries: Sequence[Delivery]) -> Rows:
    """What became of a receipt at each ingest."""
    rows = [
        {
            "ingest": each.url,
            "jobs": each.seq,
            "outcome": "failed" if each.error else "posted" if each.posted else "held",
            "error": None if each.error is None else str(each.error),
        }
        for each in deliveries
    ]
    return Rows(rows, ("ingest", "jobs", "outcome", "error"))


async def _enrol(ingest: IngestClient, file: EnrolmentFile) -> str | WorktabError:
    from worktab.ingest.looking import Refused

    try:
        verdict = await ingest.enrol(file.signed)
    except WorktabError as error:
        return error
    return Refused("enrolment", ingest.url, verdict) if verdict.refused else verdict.code
