"""Payout wallets and the token accounts that their pay goes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from worktab.chain.protocol import AccountData
from worktab.chain.tokens import TokenState, create_associated_account, decode_token_account
from worktab.core.addresses import SYSTEM_PROGRAM_ID, associated_token_address
from worktab.core.errors import InputError
from worktab.program.generated.accounts import Network


class Payability(StrEnum):
    """Whether pay can go to a wallet's token account.

    READY    it is there and can be paid; whether it wants a memo is left to the program
    MISSING  it has yet to be made
    BLOCKED  it is frozen, in other hands, or something else stands at its address
    """

    READY = "ready"
    MISSING = "missing"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Wallet:
    """A payout wallet and its associated token account, with the bump of that one's derivation."""

    address: Pubkey
    account: Pubkey
    bump: int

    @classmethod
    def of(cls, payout: Pubkey, network: Network) -> Self:
        """The wallet with this address, paid in the network's mint."""
        return cls(payout, *associated_token_address(payout, network.mint, network.token_program))

    def creation(self, network: Network, payer: Pubkey) -> Instruction:
        """An instruction that makes the token account where it is missing; `payer` signs."""
        return create_associated_account(
            payer=payer, owner=self.address, mint=network.mint, program=network.token_program
        )


def payability(wallet: Wallet, found: AccountData | None, network: Network) -> Payability:
    """Whether pay can go to a wallet, by what was found at the address of its token account."""
    # Anyone may send lamports there: a plain account can still become the token account.
    if found is None or found.owner == SYSTEM_PROGRAM_ID:
        return Payability.MISSING
    try:
        held = decode_token_account(wallet.account, found)
    except InputError:
        return Payability.BLOCKED
    ours = (held.program, held.mint, held.owner, held.state)
    wanted = (network.token_program, network.mint, wallet.address, TokenState.INITIALIZED)
    return Payability.READY if ours == wanted else Payability.BLOCKED
