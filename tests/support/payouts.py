"""Payout wallets whose token accounts can't be paid for a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.tokens import Mint, create_mint
from support.world import World
from worktab.core.addresses import SYSTEM_PROGRAM_ID, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

MINT_AT, STATE_AT = 0, 108
UNINITIALIZED = 0
_REALLOCATE, _MEMO_EXTENSION, _MEMO_TRANSFER = 29, 30, 8


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout wallet and its token account."""

    world: World
    mint: Mint
    wallet: Keypair

    @property
    def account(self) -> Pubkey:
        """The associated token account."""
        return self.mint.account_of(self.wallet.pubkey())

    def do(self, *instructions: Instruction) -> None:
        """What the wallet, or somebody, does to the account."""
        assert self.world.send(*instructions).ok

    def write(self, at: int, data: bytes) -> None:
        """Writes into the account past every rule."""
        before = self.world.data(self.account)
        self.world.set_data(self.account, before[:at] + data + before[at + len(data) :])


Repair: TypeAlias = Callable[[], object]
Breaking: TypeAlias = Callable[[Payout], Repair]
"""Makes the account unusable and returns what repairs it."""


def frozen(payout: Payout) -> Repair:
    payout.do(payout.mint.freeze(payout.account))
    return lambda: payout.do(payout.mint.thaw(payout.account))


def closed(payout: Payout) -> Repair:
    payout.do(payout.mint.close(payout.account, payout.wallet.pubkey()))
    return lambda: payout.do(payout.mint.create_account(payout.wallet.pubkey()))


def closed_with_lamports_left(payout: Payout) -> Repair:
    repair = closed(payout)
    payout.world.runtime.airdrop(payout.account, 10**9)
    return repair


def reassigned(payout: Payout) -> Repair:
    thief, wallet = payout.world.keypair().pubkey(), payout.wallet.pubkey()
    payout.do(payout.mint.reassign(payout.account, wallet, thief))
    return lambda: payout.do(payout.mint.reassign(payout.account, thief, wallet))


def uninitialized(payout: Payout) -> Repair:
    payout.write(STATE_AT, bytes([UNINITIALIZED]))
    return lambda: payout.write(STATE_AT, bytes([1]))


def of_another_mint(payout: Payout) -> Repair:
    other = create_mint(payout.world)
    payout.write(MINT_AT, bytes(other.address))
    return lambda: payout.write(MINT_AT, bytes(payout.mint.address))


def of_another_program(payout: Payout) -> Repair:
    data, lamports = payout.world.data(payout.account), payout.world.lamports(payout.account)
    payout.world.set_account(payout.account, data, TOKEN_2022_PROGRAM_ID, lamports)
    return lambda: payout.world.set_account(payout.account, data, TOKEN_PROGRAM_ID, lamports)


def cut_short(payout: Payout) -> Repair:
    data = payout.world.data(payout.account)
    payout.world.set_data(payout.account, data[:-1])
    return lambda: payout.world.set_data(payout.account, data)


BREAKINGS = [
    frozen,
    closed,
    closed_with_lamports_left,
    reassigned,
    uninitialized,
    of_another_mint,
    of_another_program,
    cut_short,
]


def require_memos(payout: Payout, required: bool) -> Instruction:
    """Switches Token-2022's rule that an incoming transfer must carry a memo."""
    metas = [
        AccountMeta(payout.account, is_signer=False, is_writable=True),
        AccountMeta(payout.wallet.pubkey(), is_signer=True, is_writable=False),
    ]
    return Instruction(TOKEN_2022_PROGRAM_ID, bytes([_MEMO_EXTENSION, 0 if required else 1]), metas)


def make_room_for_memos(payout: Payout) -> Instruction:
    """Enlarges the token account for the rule."""
    metas = [
        AccountMeta(payout.account, is_signer=False, is_writable=True),
        AccountMeta(payout.world.payer.pubkey(), is_signer=True, is_writable=True),
        AccountMeta(SYSTEM_PROGRAM_ID, is_signer=False, is_writable=False),
        AccountMeta(payout.wallet.pubkey(), is_signer=True, is_writable=False),
    ]
    return Instruction(TOKEN_2022_PROGRAM_ID, bytes([_REALLOCATE, _MEMO_TRANSFER, 0]), metas)
