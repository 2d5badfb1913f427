"""What a new chain gets before it is handed over: its time, accounts, programs, a funded wallet, a test token."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.airdrops import airdrop, balance
from worktab.chain.sending import Sender
from worktab.chain.tokens import associated_account, create_associated_account, create_mint, mint_to
from worktab.core.errors import InputError
from worktab.localnet.backends.base import Launch
from worktab.localnet.chain import LocalnetChain
from worktab.localnet.errors import NodeCannot, NodeFailed

AIRDROP: Final = 1_000 * 10**9
"""Lamports a new wallet is given: 1,000 SOL."""

DECIMALS: Final = 6
"""Decimals of the test token."""

TOKENS: Final = 1_000_000 * 10**DECIMALS
"""Base units of the test token that are minted to the wallet: 1,000,000 tokens."""

_ENOUGH = 100 * 10**9
_POLL = 0.05
_LIMIT = 30.0


@dataclass(frozen=True, slots=True)
class Rigged:
    """What is known of a chain once it is set up: its genesis hash (32 bytes) and its test token."""

    genesis_hash: bytes
    mint: Pubkey


async def rig(
    chain: LocalnetChain, launch: Launch, wallet: Keypair, *, simulates: bool, unix_time: int | None, resumed: bool
) -> Rigged:
    """Set up a chain. One that was resumed keeps what it has.

    Raises `InputError` for a time that has passed, `NodeFailed`, and what sending a transaction raises.
    """
    if simulates:
        if unix_time is not None:
            await _start_clock(chain, unix_time, resumed=resumed)
        if not resumed:
            for address, account in launch.accounts:
                await chain.set_account(address, account)
        for address, program in launch.programs:
            if await chain.program(address) != program:
                await chain.deploy(address, program)
    else:
        for address, program in launch.programs:
            if await chain.program(address) != program:
                raise NodeCannot(
                    f"The chain has another program at {address}, which this node cannot replace",
                    next_step="Start a new chain: name another ledger folder",
                )
    await _fund(chain, wallet.pubkey())
    return Rigged(await chain.genesis_hash(), await _make_mint(chain, wallet))


async def _start_clock(chain: LocalnetChain, unix_time: int, *, resumed: bool) -> None:
    """Set a new chain's clock. One that was resumed may be past that time already, and is left alone."""
    now = await chain.unix_time()
    if unix_time >= now:
        await chain.set_time(unix_time)
    elif not resumed:
        raise InputError(
            "A chain's time cannot lie behind this machine's clock",
            expected=f"{now} or later, in Unix seconds",
            got=str(unix_time),
        )


async def _fund(chain: LocalnetChain, wallet: Pubkey) -> None:
    """Give a wallet 1,000 SOL, unless it has 100 left. Raises `NodeFailed` when they do not arrive."""
    if await balance(chain, wallet) >= _ENOUGH:
        return
    if not await airdrop(chain, wallet, AIRDROP, limit=_LIMIT, poll=_POLL):
        raise NodeFailed("The node gave the wallet no lamports", expected=f"{AIRDROP} lamports")


async def _make_mint(chain: LocalnetChain, wallet: Keypair) -> Pubkey:
    """The wallet's test token, of which it gets 1,000,000 when it is made. The wallet is its mint authority."""
    owner = wallet.pubkey()
    mint = mint_key(await chain.genesis_hash(), owner)
    address = mint.pubkey()
    if await chain.account(address) is None:
        instructions = [
            *await create_mint(chain, payer=owner, mint=address, authority=owner, decimals=DECIMALS),
            create_associated_account(payer=owner, owner=owner, mint=address),
            mint_to(mint=address, target=associated_account(owner, address), authority=owner, amount=TOKENS),
        ]
        await Sender(chain, fee_payer=wallet, poll=_POLL).send(instructions, [mint])
    return address


def mint_key(genesis_hash: bytes, wallet: Pubkey) -> Keypair:
    """The key of a wallet's test token on a chain, the same after every restart. It is needed once, to make the mint.

    Another wallet could not mint that token, so it gets one of its own.
    """
    return Keypair.from_seed(hashlib.sha256(b"worktab/localnet/mint" + genesis_hash + bytes(wallet)).digest())
