"""Chains to test on, and lamports on them."""

from __future__ import annotations

from typing import Final

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from worktab.chain.airdrops import airdrop
from worktab.chain.embedded import EmbeddedChain
from worktab.chain.protocol import Chain
from worktab.chain.sending import Sender
from worktab.core.errors import ChainError
from worktab.program.artefacts import program_binary
from worktab.program.generated import PROGRAM_ID
from worktab.roles.base import program_sender

WALLET_LAMPORTS: Final = 10 * 10**9
"""What a test's wallet has to begin with, in lamports."""

POLL: Final = 0.01
"""Seconds between two looks at a local chain for something that is about to be there."""

_AIRDROP_LIMIT: Final = 30.0


def embedded_chain() -> EmbeddedChain:
    """A new chain in this process with the program deployed."""
    chain = EmbeddedChain()
    chain.deploy(PROGRAM_ID, program_binary())
    return chain


def sender_for(chain: Chain, wallet: Keypair) -> Sender:
    """A sender whose fees `wallet` pays, and which looks often enough for a chain that makes many blocks a second."""
    return program_sender(chain, fee_payer=wallet, poll=POLL, rebroadcast=5.0)


async def fund(chain: Chain, wallet: Pubkey, lamports: int, *, funder: Keypair | None = None) -> None:
    """Give a wallet lamports and return when it has them: from `funder`, or else by an airdrop.

    Raises what `Chain.request_airdrop` or `Sender.send` raises, and `ChainError` for an airdrop that does not come.
    """
    if funder is not None:
        given = TransferParams(from_pubkey=funder.pubkey(), to_pubkey=wallet, lamports=lamports)
        await sender_for(chain, funder).send([transfer(given)], label="fund")
        return
    if not await airdrop(chain, wallet, lamports, limit=_AIRDROP_LIMIT, poll=POLL):
        raise ChainError(
            "The airdrop did not arrive",
            expected=f"{lamports} lamports within {_AIRDROP_LIMIT:.0f} seconds",
            next_step="Set ANCHOR_WALLET to a wallet with lamports",
        )
