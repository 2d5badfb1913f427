"""The localnet as these tests see it: addresses, a wallet, and what anchorpy has no call for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Self

import httpx
from solana.rpc.async_api import AsyncClient
from solders.clock import Clock
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.sysvar import CLOCK

from worktab.core.addresses import TOKEN_PROGRAM_ID, associated_token_address


@dataclass(frozen=True, slots=True)
class Node:
    """A node with the program deployed. `wallet` is funded and holds tokens of `mint`."""

    rpc: str
    genesis_hash: bytes
    wallet: Keypair
    mint: Pubkey

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Self:
        wallet = Keypair.from_bytes(bytes(facts["wallet"]))
        return cls(facts["rpc"], bytes.fromhex(facts["genesis_hash"]), wallet, Pubkey.from_string(facts["mint"]))

    def purse(self, owner: Pubkey) -> Pubkey:
        """The associated token account of a wallet."""
        return associated_token_address(owner, self.mint, TOKEN_PROGRAM_ID)[0]

    async def travel(self, connection: AsyncClient, unix_time: int) -> None:
        """Move the chain's clock forward to a time in Unix seconds, and wait until programs see it."""
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "surfnet_timeTravel",
            "params": [{"absoluteTimestamp": unix_time * 1_000}],
        }
        async with httpx.AsyncClient(timeout=120) as client:
            answer = (await client.post(self.rpc, json=body)).json()
        assert "error" not in answer, answer
        async with asyncio.timeout(120):
            while await clock(connection) < unix_time:
                await asyncio.sleep(0.05)


async def clock(connection: AsyncClient) -> int:
    """The time programs see, in Unix seconds."""
    held = (await connection.get_account_info(CLOCK)).value
    assert held is not None
    return Clock.from_bytes(held.data).unix_timestamp


async def tokens(connection: AsyncClient, account: Pubkey) -> int:
    """Base units in a token account; 0 where there is none."""
    held = (await connection.get_account_info(account)).value
    return int.from_bytes(held.data[64:72], "little") if held else 0


async def lamports(connection: AsyncClient, address: Pubkey) -> int:
    return (await connection.get_balance(address)).value
