"""The smallest real transactions: transfers between fresh keys, without any program of our own."""

from __future__ import annotations

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from worktab.chain.protocol import Chain

SOL = 1_000_000_000


def pay(source: Keypair, target: Pubkey, lamports: int) -> Instruction:
    """An instruction that moves lamports."""
    return transfer(TransferParams(from_pubkey=source.pubkey(), to_pubkey=target, lamports=lamports))


async def signed(chain: Chain, payer: Keypair, *instructions: Instruction) -> VersionedTransaction:
    """A transaction with the chain's newest blockhash, signed by its payer alone."""
    blockhash = (await chain.latest_blockhash()).hash
    return VersionedTransaction(MessageV0.try_compile(payer.pubkey(), list(instructions), [], blockhash), [payer])


async def lamports(chain: Chain, pubkey: Pubkey) -> int:
    """An account's balance, 0 where there is no account."""
    account = await chain.account(pubkey)
    return account.lamports if account else 0
