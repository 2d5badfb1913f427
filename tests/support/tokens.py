"""Mints and token accounts made by the token programs themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountParams, create_account

from support.svm import Svm
from worktab.core.addresses import (
    ASSOCIATED_TOKEN_PROGRAM_ID,
    SYSTEM_PROGRAM_ID,
    TOKEN_PROGRAM_ID,
    associated_token_address,
)

DECIMALS = 6
MINT_SIZE = 82
EXTENDED_MINT_SIZE = 166

_TRANSFER, _SET_AUTHORITY, _MINT_TO, _CLOSE, _FREEZE, _THAW, _INITIALIZE_MINT_2 = 3, 6, 7, 9, 10, 11, 20
_ACCOUNT_OWNER = 2


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension of a Token-2022 mint: the bytes its value takes, and the data of the instruction that makes it."""

    size: int
    data: bytes

    def instruction(self, mint: Pubkey, token_program: Pubkey) -> Instruction:
        """The instruction, to be sent between the mint's creation and its initialization."""
        return Instruction(token_program, self.data, [_writable(mint)])


@dataclass(frozen=True, slots=True)
class Mint:
    """A mint; `authority` mints and, if there is a freeze authority, freezes."""

    svm: Svm
    address: Pubkey
    token_program: Pubkey
    authority: Keypair

    def account_of(self, wallet: Pubkey) -> Pubkey:
        """The wallet's associated token account."""
        return associated_token_address(wallet, self.address, self.token_program)[0]

    def bump_of(self, wallet: Pubkey) -> int:
        """The bump of the derivation of `account_of`."""
        return associated_token_address(wallet, self.address, self.token_program)[1]

    def open(self, wallet: Pubkey, amount: int = 0) -> Pubkey:
        """The wallet's associated token account, created where it is missing, with `amount` base units more."""
        account = self.account_of(wallet)
        self.svm.must(self.create_account(wallet), [self.mint_to(account, amount)] if amount else [])
        return account

    def create_account(self, wallet: Pubkey) -> Instruction:
        """Creates the wallet's associated token account unless it exists."""
        metas = [
            AccountMeta(self.svm.payer.pubkey(), is_signer=True, is_writable=True),
            _writable(self.account_of(wallet)),
            *(_readable(each) for each in (wallet, self.address, SYSTEM_PROGRAM_ID, self.token_program)),
        ]
        return Instruction(ASSOCIATED_TOKEN_PROGRAM_ID, bytes([1]), metas)

    def mint_to(self, account: Pubkey, amount: int) -> Instruction:
        """New tokens into a token account."""
        metas = [_writable(self.address), _writable(account), _signer(self.authority.pubkey())]
        return Instruction(self.token_program, bytes([_MINT_TO]) + amount.to_bytes(8, "little"), metas)

    def transfer(self, source: Pubkey, target: Pubkey, owner: Pubkey, amount: int) -> Instruction:
        """A plain transfer between two token accounts."""
        metas = [_writable(source), _writable(target), _signer(owner)]
        return Instruction(self.token_program, bytes([_TRANSFER]) + amount.to_bytes(8, "little"), metas)

    def freeze(self, account: Pubkey) -> Instruction:
        """Freezes a token account."""
        metas = [_writable(account), _readable(self.address), _signer(self.authority.pubkey())]
        return Instruction(self.token_program, bytes([_FREEZE]), metas)

    def thaw(self, account: Pubkey) -> Instruction:
        """Undoes `freeze`."""
        metas = [_writable(account), _readable(self.address), _signer(self.authority.pubkey())]
        return Instruction(self.token_program, bytes([_THAW]), metas)

    def close(self, account: Pubkey, owner: Pubkey) -> Instruction:
        """Closes an empty token account."""
        metas = [_writable(account), _writable(owner), _signer(owner)]
        return Instruction(self.token_program, bytes([_CLOSE]), metas)

    def reassign(self, account: Pubkey, owner: Pubkey, new_owner: Pubkey) -> Instruction:
        """Gives a token account of the SPL Token program to another wallet; its address stays."""
        data = bytes([_SET_AUTHORITY, _ACCOUNT_OWNER, 1]) + bytes(new_owner)
        return Instruction(self.token_program, data, [_writable(account), _signer(owner)])

    def balance(self, wallet: Pubkey) -> int:
        """What the wallet's associated token account holds; 0 where it has none."""
        account = self.svm.account(self.account_of(wallet))
        return token_amount(account.data) if account else 0


def create_mint(
    svm: Svm,
    *,
    token_program: Pubkey = TOKEN_PROGRAM_ID,
    extensions: Sequence[Extension] = (),
    decimals: int = DECIMALS,
    freezable: bool = True,
) -> Mint:
    """A mint made by its token program."""
    mint, authority = svm.keypair(), svm.keypair()
    size = EXTENDED_MINT_SIZE + sum(4 + each.size for each in extensions) if extensions else MINT_SIZE
    key = bytes(authority.pubkey())
    freeze = b"\1" + key if freezable else b"\0"
    svm.must(
        create_account(
            CreateAccountParams(
                from_pubkey=svm.payer.pubkey(),
                to_pubkey=mint.pubkey(),
                lamports=svm.runtime.minimum_balance_for_rent_exemption(size),
                space=size,
                owner=token_program,
            )
        ),
        [each.instruction(mint.pubkey(), token_program) for each in extensions],
        Instruction(token_program, bytes([_INITIALIZE_MINT_2, decimals]) + key + freeze, [_writable(mint.pubkey())]),
    )
    return Mint(svm, mint.pubkey(), token_program, authority)


def token_amount(data: bytes) -> int:
    """The balance that a token account's data states, base units."""
    return int.from_bytes(data[64:72], "little")


def _writable(address: Pubkey) -> AccountMeta:
    return AccountMeta(address, is_signer=False, is_writable=True)


def _readable(address: Pubkey) -> AccountMeta:
    return AccountMeta(address, is_signer=False, is_writable=False)


def _signer(address: Pubkey) -> AccountMeta:
    return AccountMeta(address, is_signer=True, is_writable=False)
