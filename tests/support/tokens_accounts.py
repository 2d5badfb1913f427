"""What the holders of token accounts may do with them: extensions, delegates, several owners."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountParams, create_account

from support.svm import Svm
from support.tokens import Mint
from worktab.core.addresses import SYSTEM_PROGRAM_ID

MEMO_PROGRAM_ID: Final = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
MEMO, CPI_GUARD = 8, 11
"""Extensions that a holder may switch."""
_APPROVE, _SET_AUTHORITY, _MULTISIG, _REALLOCATE, _WITHDRAW_EXCESS, _UNWRAP = 4, 6, 19, 29, 38, 45
_INSTRUCTION: Final = {MEMO: 30, CPI_GUARD: 34}
_MULTISIG_SIZE: Final = 355
CLOSE_ACCOUNT, ACCOUNT_OWNER = 3, 2
"""Kinds of authority over a token account."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A token account and who holds it."""

    svm: Svm
    mint: Mint
    account: Pubkey
    owner: Pubkey

    def make_room(self, *kinds: int) -> Instruction:
        """Enlarges the account for extensions."""
        metas = [
            (self.account, False, True),
            (self.svm.payer.pubkey(), True, True),
            (SYSTEM_PROGRAM_ID, False, False),
            (self.owner, True, False),
        ]
        data = bytes([_REALLOCATE]) + struct.pack(f"<{len(kinds)}H", *kinds)
        return Instruction(self.mint.token_program, data, [AccountMeta(*each) for each in metas])

    def switch(self, kind: int, on: bool) -> Instruction:
        """Switches an extension that there is room for."""
        return self._by_owner(bytes([_INSTRUCTION[kind], 0 if on else 1]))

    def approve(self, delegate: Pubkey, amount: int) -> Instruction:
        """Lets another key spend so many base units."""
        metas = [(self.account, False, True), (delegate, False, False), (self.owner, True, False)]
        data = bytes([_APPROVE]) + amount.to_bytes(8, "little")
        return Instruction(self.mint.token_program, data, [AccountMeta(*each) for each in metas])

    def hand_over(self, kind: int, key: Pubkey) -> Instruction:
        """Gives an authority over the account to another key."""
        return self._by_owner(bytes([_SET_AUTHORITY, kind, 1]) + bytes(key))

    def withdraw_lamports(self, to: Pubkey) -> Instruction:
        """Takes out lamports beyond the account's rent."""
        return self._towards(to, bytes([_WITHDRAW_EXCESS]))

    def unwrap(self, to: Pubkey) -> Instruction:
        """Turns wrapped SOL back, all there is."""
        return self._towards(to, bytes([_UNWRAP, 0]))

    def _towards(self, to: Pubkey, data: bytes) -> Instruction:
        metas = [(self.account, False, True), (to, False, True), (self.owner, True, False)]
        return Instruction(self.mint.token_program, data, [AccountMeta(*each) for each in metas])

    def _by_owner(self, data: bytes) -> Instruction:
        metas = [AccountMeta(self.account, False, True), AccountMeta(self.owner, True, False)]
        return Instruction(self.mint.token_program, data, metas)


def holding(svm: Svm, mint: Mint, account: Pubkey) -> Holding:
    """A token account, with the holder that its data name."""
    return Holding(svm, mint, account, Pubkey(svm.data(account)[32:64]))


def memo(text: str = "for the books") -> Instruction:
    """A memo of a transaction."""
    return Instruction(MEMO_PROGRAM_ID, text.encode(), [])


def by_members(instruction: Instruction, multisig: Pubkey, members: Sequence[Keypair]) -> Instruction:
    """A token program's own instruction, in the name of a multisig: its members sign."""
    metas = [
        AccountMeta(each.pubkey, each.pubkey != multisig and each.is_signer, each.is_writable)
        for each in instruction.accounts
    ]
    signing = [AccountMeta(each.pubkey(), True, False) for each in members]
    return Instruction(instruction.program_id, instruction.data, [*metas, *signing])


def create_multisig(svm: Svm, mint: Mint, signers: Sequence[Keypair], needed: int) -> Pubkey:
    """An account of the mint's token program that so many of its signers act for."""
    multisig = svm.keypair()
    params = CreateAccountParams(
        from_pubkey=svm.payer.pubkey(),
        to_pubkey=multisig.pubkey(),
        lamports=svm.runtime.minimum_balance_for_rent_exemption(_MULTISIG_SIZE),
        space=_MULTISIG_SIZE,
        owner=mint.token_program,
    )
    metas = [(multisig.pubkey(), True), *((each.pubkey(), False) for each in signers)]
    initialize = Instruction(
        mint.token_program, bytes([_MULTISIG, needed]), [AccountMeta(key, False, written) for key, written in metas]
    )
    svm.must(create_account(params), initialize)
    return multisig.pubkey()
