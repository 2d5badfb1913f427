"""Blocks of whichever chain is under test."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from worktab.chain.embedded import EmbeddedChain
from worktab.testing.chains import POLL

if TYPE_CHECKING:
    from worktab.localnet import LocalnetChain


async def pass_blocks(chain: EmbeddedChain | LocalnetChain, count: int) -> None:
    """Let `count` blocks go by: an embedded chain makes them at once, a localnet when their time has come."""
    if isinstance(chain, EmbeddedChain):
        chain.advance(slots=count)
        return
    target = await chain.block_height() + count
    while await chain.block_height() < target:
        await asyncio.sleep(POLL)
