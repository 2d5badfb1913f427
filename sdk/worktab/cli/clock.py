"""`worktab clock`: the time that programs see, and moving it on a localnet."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from worktab.cli.options import Json, Url, examples
from worktab.cli.output import emit, working
from worktab.core.errors import InputError

app = typer.Typer()

_END_OF_9999: Final = 253_402_300_799
"""The last second, in Unix seconds, that has a date in ISO 8601's usual form."""


@app.command(
    epilog=examples("worktab clock", "worktab clock --advance 3600", "worktab clock --set 2027-06-01T12:00:00Z --json")
)
def clock(
    advance: Annotated[int | None, typer.Option(metavar="SECONDS", min=0, help="Let so many seconds pass.")] = None,
    set_to: Annotated[
        str | None,
        typer.Option("--set", metavar="TIME", help="Go to a later time: Unix seconds, or such as 2027-06-01T12:00Z."),
    ] = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Show a chain's time, or move it, which only a localnet allows, and only forward."""
    from worktab.cli.parsing import unix_time

    if advance is not None and set_to is not None:
        raise InputError("The clock is told to do two things", expected="--advance or --set", got="both")
    target = None if set_to is None else unix_time(set_to, "--set")
    with working("Asking the chain"):
        facts = _run(url, advance, target)
    emit(facts, as_json=as_json)


def _run(url: str | None, advance: int | None, target: int | None) -> dict[str, Any]:
    import asyncio
    from datetime import UTC, datetime

    from worktab.chain.rpc import LOCAL_URL
    from worktab.cli.connecting import TRIES
    from worktab.localnet import LocalnetChain

    async def run() -> dict[str, Any]:
        async with LocalnetChain(url or LOCAL_URL, tries=TRIES) as chain:
            if advance is not None:
                await chain.advance(advance)
            if target is not None:
                await chain.set_time(target)
            now = await chain.unix_time()
            return {
                "unix_time": now,
                "time": datetime.fromtimestamp(now, UTC).isoformat() if now <= _END_OF_9999 else None,
                "slot": await chain.slot(),
                "block_height": await chain.block_height(),
            }

    return asyncio.run(run())
