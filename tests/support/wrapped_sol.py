"""Wrapped SOL as a mint of tests: its tokens are lamports that somebody put into a token account."""

from __future__ import annotations

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from support.svm import Svm
from support.tokens import Mint
from worktab.core.addresses import NATIVE_MINT_ID, TOKEN_PROGRAM_ID

_SYNC_NATIVE = 17
_NO_AUTHORITY, _SUPPLY, _DECIMALS, _INITIALIZED = bytes(36), bytes(8), bytes([9]), bytes([1])


class WrappedSol(Mint):
    """The mint of wrapped SOL, as it stands on every cluster."""

    def open(self, wallet: Pubkey, amount: int = 0) -> Pubkey:
        """The wallet's account for wrapped SOL, created where it is missing, with `amount` lamports more."""
        account = self.account_of(wallet)
        lamports = TransferParams(from_pubkey=self.svm.payer.pubkey(), to_pubkey=account, lamports=amount)
        sync = Instruction(
            self.token_program, bytes([_SYNC_NATIVE]), [AccountMeta(account, is_signer=False, is_writable=True)]
        )
        self.svm.must(self.create_account(wallet), transfer(lamports), sync)
        return account


def wrapped_sol(svm: Svm) -> WrappedSol:
    """The mint of wrapped SOL on this chain, put there as in a cluster's genesis."""
    svm.set_account(
        NATIVE_MINT_ID, _NO_AUTHORITY + _SUPPLY + _DECIMALS + _INITIALIZED + _NO_AUTHORITY, TOKEN_PROGRAM_ID
    )
    return WrappedSol(svm, NATIVE_MINT_ID, TOKEN_PROGRAM_ID, svm.payer)
