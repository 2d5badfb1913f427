"""What tests do to a chain, whichever it is: the embedded one or a node's."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias, Union

from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from worktab.chain.embedded import EmbeddedChain
from worktab.chain.protocol import AccountData, Status
from worktab.core.errors import ChainError
from worktab.testing.chains import POLL

if TYPE_CHECKING:
    from worktab.localnet import LocalnetChain

AnyChain: TypeAlias = Union[EmbeddedChain, "LocalnetChain"]

_LIMIT = 120.0


async def pass_blocks(chain: AnyChain, count: int) -> None:
    """Let `count` blocks go by: an embedded chain makes them at once, a node when their time has come."""
    if isinstance(chain, EmbeddedChain):
        chain.advance(slots=count)
        return
    target = await chain.block_height() + count
    while await chain.block_height() < target:
        await asyncio.sleep(POLL)


async def set_account(chain: AnyChain, address: Pubkey, account: AccountData) -> None:
    """Write an account as it is, past every rule. Zero lamports remove it."""
    if isinstance(chain, EmbeddedChain):
        chain.set_account(address, account)
    else:
        await chain.set_account(address, account)


async def deploy(chain: AnyChain, program_id: Pubkey, program: bytes) -> None:
    """Deploy a program."""
    if isinstance(chain, EmbeddedChain):
        chain.deploy(program_id, program)
    else:
        await chain.deploy(program_id, program)


async def land(chain: AnyChain, transaction: VersionedTransaction) -> Status:
    """Send a transaction and wait until it is in a block as firm as the chain's level."""
    await chain.send(bytes(transaction))
    limit = time.monotonic() + _LIMIT
    while True:
        [status] = await chain.statuses([transaction.signatures[0]])
        if status is not None and status.level >= chain.level:
            return status
        assert time.monotonic() < limit, "it did not land"
        await asyncio.sleep(POLL)


async def offer(chain: AnyChain, raw: bytes) -> None:
    """Send what cannot land: the embedded chain drops it without a word, a node may say why. Two blocks go by."""
    with suppress(ChainError):
        await chain.send(raw)
    await pass_blocks(chain, 2)
