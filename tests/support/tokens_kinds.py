"""Every kind of plain token there is: both programs, decimals at both ends, and wrapped SOL of either."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from support.svm import Svm
from support.tokens import Mint, create_mint
from support.tokens_flow import BURN_BPS, TokenFlow
from support.world import World
from support.wrapped_sol import WrappedSol, wrapped_sol
from worktab.core.addresses import SYSTEM_PROGRAM_ID, TOKEN_2022_PROGRAM_ID

NATIVE_MINT_2022: Final = Pubkey.from_string("9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXejP")
_CREATE_NATIVE_MINT = 31


def spl_token(svm: Svm) -> Mint:
    return create_mint(svm)


def spl_token_without_decimals(svm: Svm) -> Mint:
    return create_mint(svm, decimals=0)


def spl_token_with_255_decimals(svm: Svm) -> Mint:
    return create_mint(svm, decimals=255)


def token_2022(svm: Svm) -> Mint:
    return create_mint(svm, token_program=TOKEN_2022_PROGRAM_ID)


def token_2022_without_decimals(svm: Svm) -> Mint:
    return create_mint(svm, token_program=TOKEN_2022_PROGRAM_ID, decimals=0)


def token_2022_with_255_decimals(svm: Svm) -> Mint:
    return create_mint(svm, token_program=TOKEN_2022_PROGRAM_ID, decimals=255)


def wrapped_sol_2022(svm: Svm) -> Mint:
    """Token-2022's own mint of wrapped SOL, made by the program as on a cluster."""
    metas = [(svm.payer.pubkey(), True, True), (NATIVE_MINT_2022, False, True), (SYSTEM_PROGRAM_ID, False, False)]
    create = Instruction(TOKEN_2022_PROGRAM_ID, bytes([_CREATE_NATIVE_MINT]), [AccountMeta(*each) for each in metas])
    svm.must(create)
    return WrappedSol(svm, NATIVE_MINT_2022, TOKEN_2022_PROGRAM_ID, svm.payer)


ISSUED: Final[tuple[Callable[[Svm], Mint], ...]] = (
    spl_token,
    spl_token_without_decimals,
    spl_token_with_255_decimals,
    token_2022,
    token_2022_without_decimals,
    token_2022_with_255_decimals,
)
"""Tokens that somebody may mint and freeze."""
NATIVE: Final[tuple[Callable[[Svm], Mint], ...]] = (wrapped_sol, wrapped_sol_2022)
"""Lamports as tokens."""


def flow_of(world: World, making: Callable[[Svm], Mint]) -> TokenFlow:
    """A scene of this kind of token; one of wrapped SOL burns nothing."""
    mint = making(world)
    return TokenFlow(world, mint, burn_bps=0 if isinstance(mint, WrappedSol) else BURN_BPS)


def name_of(making: Callable[[Svm], Mint]) -> str:
    """A kind's name in a test's."""
    return making.__name__.replace("_", " ")
