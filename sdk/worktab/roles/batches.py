"""Sending for many things of which each needs an instruction, and which others may see to meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from solders.instruction import Instruction

from worktab.chain.sending import Confirmed, Sender
from worktab.core.errors import ChainError
from worktab.roles.fitting import largest_fit

T = TypeVar("T")

_MOST = 24


async def send_in_batches(
    sender: Sender,
    items: Sequence[T],
    build: Callable[[T], Instruction],
    remaining: Callable[[Sequence[T]], Awaitable[list[T]]],
    *,
    label: str,
) -> list[tuple[Sequence[T], Confirmed]]:
    """Send an instruction for each item, as many as fit one transaction; which items each transaction was for.

    remaining   those of some items that still need it. Where a transaction fails and somebody else has seen to any of
                its items, the rest is tried again

    Raises what `Sender.send` raises for a transaction all of whose items still need it.
    """
    sent: list[tuple[Sequence[T], Confirmed]] = []
    left = list(items)
    while left:
        count = largest_fit(sender, partial(_build, build, left), min(len(left), _MOST))
        batch, left = left[:count], left[count:]
        try:
            sent.append((batch, await sender.send(_build(build, batch, count), label=label)))
        except ChainError:
            still = await remaining(batch)
            if len(still) == len(batch):
                raise
            left = [*still, *left]
    return sent


def _build(build: Callable[[T], Instruction], items: Sequence[T], count: int) -> list[Instruction]:
    return [build(item) for item in items[:count]]
