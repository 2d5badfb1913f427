"""Lamports on test clusters."""

from __future__ import annotations

import asyncio
import time

from solders.pubkey import Pubkey

from worktab.chain.protocol import Chain


async def balance(chain: Chain, address: Pubkey) -> int:
    """The lamports at an address; 0 where there is no account."""
    account = await chain.account(address)
    return account.lamports if account else 0


async def airdrop(chain: Chain, wallet: Pubkey, lamports: int, *, limit: float, poll: float) -> bool:
    """Ask for lamports and wait until they are there; whether they came within `limit` seconds.

    poll  seconds between two looks

    Raises what `Chain.request_airdrop` raises.
    """
    held = await balance(chain, wallet)
    await chain.request_airdrop(wallet, lamports)
    until = time.monotonic() + limit
    while await balance(chain, wallet) < held + lamports:
        if time.monotonic() > until:
            return False
        await asyncio.sleep(poll)
    return True
