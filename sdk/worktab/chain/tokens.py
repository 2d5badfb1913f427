"""Token mints and token accounts: reading them, and the few instructions that set them up.

Both token programs are meant everywhere: SPL Token and Token-2022 share these layouts up to where extensions begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountParams, create_account
from solders.token.associated import get_associated_token_address
from solders.token.state import Mint, TokenAccount
from spl.token.constants import ACCOUNT_LEN, MINT_LEN, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

from worktab.chain.protocol import AccountData, Chain
from worktab.core.errors import InputError

# spl.token.instructions takes long to import, for pydantic's sake: the functions that need it import it themselves.

_MULTISIG_LEN = 355
_MINT_KIND, _ACCOUNT_KIND = 1, 2
_U64 = 2**64


class TokenState(IntEnum):
    """Whether a token account can be used."""

    UNINITIALIZED = 0
    INITIALIZED = 1
    FROZEN = 2


@dataclass(frozen=True, slots=True)
class MintInfo:
    """A mint. `supply` is in base units; `extensions` are the numbers of its Token-2022 extensions, in order."""

    address: Pubkey
    program: Pubkey
    decimals: int
    supply: int
    mint_authority: Pubkey | None
    freeze_authority: Pubkey | None
    extensions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TokenAccountInfo:
    """A token account. `amount` is in base units; `extensions` are the numbers of its Token-2022 extensions."""

    address: Pubkey
    program: Pubkey
    mint: Pubkey
    owner: Pubkey
    amount: int
    state: TokenState
    extensions: tuple[int, ...]


async def read_mint(chain: Chain, address: Pubkey) -> MintInfo:
    """The mint at an address. Raises `InputError` if there is none."""
    account = await chain.account(address)
    if account is None or not _is(account, MINT_LEN, _MINT_KIND):
        raise InputError(f"There is no token mint at {address}", got="another account" if account else "no account")
    try:
        mint = Mint.from_bytes(account.data[:MINT_LEN])
    except ValueError as error:
        raise InputError(f"The account at {address} is no token mint", got=str(error)) from error
    return MintInfo(
        address,
        account.owner,
        mint.decimals,
        mint.supply,
        mint.mint_authority,
        mint.freeze_authority,
        _extensions(account.data),
    )


async def read_token_account(chain: Chain, address: Pubkey) -> TokenAccountInfo | None:
    """The token account at an address, None if nothing is there. Raises `InputError` if something else is."""
    account = await chain.account(address)
    return None if account is None else decode_token_account(address, account)


def decode_token_account(address: Pubkey, account: AccountData) -> TokenAccountInfo:
    """The token account that an account at an address is. Raises `InputError` if it is something else."""
    if not _is(account, ACCOUNT_LEN, _ACCOUNT_KIND):
        raise InputError(f"The account at {address} is no token account", got=f"an account of {account.owner}")
    try:
        token = TokenAccount.from_bytes(account.data[:ACCOUNT_LEN])
    except ValueError as error:
        raise InputError(f"The account at {address} is no token account", got=str(error)) from error
    state = TokenState(int(token.state))
    return TokenAccountInfo(
        address, account.owner, token.mint, token.owner, token.amount, state, _extensions(account.data)
    )


def associated_account(owner: Pubkey, mint: Pubkey, program: Pubkey = TOKEN_PROGRAM_ID) -> Pubkey:
    """Where an owner's tokens of a mint are kept by convention (its ATA)."""
    return get_associated_token_address(owner, mint, _token_program(program))


async def create_mint(
    chain: Chain,
    *,
    payer: Pubkey,
    mint: Pubkey,
    authority: Pubkey,
    decimals: int,
    freeze_authority: Pubkey | None = None,
    program: Pubkey = TOKEN_PROGRAM_ID,
) -> list[Instruction]:
    """Instructions for a new mint without extensions; `payer` and `mint` sign. `decimals` from 0 to 255."""
    from spl.token.instructions import initialize_mint2
    from spl.token.models import InitializeMint2Params

    if not 0 <= decimals <= 255:
        raise InputError("The number of decimals is out of range", expected="0 to 255", got=str(decimals))
    space = CreateAccountParams(
        from_pubkey=payer,
        to_pubkey=mint,
        lamports=await chain.rent_exempt(MINT_LEN),
        space=MINT_LEN,
        owner=_token_program(program),
    )
    params = InitializeMint2Params(
        decimals=decimals,
        program_id=program,
        mint=mint,
        mint_authority=authority,
        freeze_authority=freeze_authority,
    )
    return [create_account(space), initialize_mint2(params)]


def create_associated_account(
    *, payer: Pubkey, owner: Pubkey, mint: Pubkey, program: Pubkey = TOKEN_PROGRAM_ID
) -> Instruction:
    """An instruction that makes an owner's ATA for a mint where it is missing; `payer` signs."""
    from spl.token.instructions import create_idempotent_associated_token_account

    return create_idempotent_associated_token_account(payer, owner, mint, _token_program(program))


def mint_to(
    *, mint: Pubkey, target: Pubkey, authority: Pubkey, amount: int, program: Pubkey = TOKEN_PROGRAM_ID
) -> Instruction:
    """An instruction that mints `amount` base units into the token account `target`; `authority` signs."""
    from spl.token import instructions
    from spl.token.models import MintToParams

    if not 0 <= amount < _U64:
        raise InputError("The amount is out of range", expected="0 to 2^64 - 1", got=str(amount))
    return instructions.mint_to(
        MintToParams(
            program_id=_token_program(program), mint=mint, dest=target, mint_authority=authority, amount=amount
        )
    )


def _token_program(program: Pubkey) -> Pubkey:
    if program not in (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID):
        raise InputError("This is no token program", expected="SPL Token or Token-2022", got=str(program))
    return program


def _is(account: AccountData, size: int, kind: int) -> bool:
    """Whether an account has the size of a plain mint or token account, or says that it is an extended one."""
    if account.owner not in (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID):
        return False
    data = account.data
    if len(data) == size:
        return True
    return len(data) > ACCOUNT_LEN and len(data) != _MULTISIG_LEN and data[ACCOUNT_LEN] == kind


def _extensions(data: bytes) -> tuple[int, ...]:
    """Type numbers of the entries (u16 type, u16 length, value) that follow the account kind; type 0 is free space."""
    found: list[int] = []
    at = ACCOUNT_LEN + 1
    while at + 4 <= len(data) and (number := int.from_bytes(data[at : at + 2], "little")):
        found.append(number)
        at += 4 + int.from_bytes(data[at + 2 : at + 4], "little")
    return tuple(found)
