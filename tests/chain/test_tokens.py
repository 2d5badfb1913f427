"""Token helpers against the real token programs."""

from __future__ import annotations

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountParams, create_account
from spl.token.constants import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from spl.token.instructions import freeze_account, initialize_mint2
from spl.token.models import FreezeAccountParams, InitializeMint2Params

from support.chains import AnyChain, set_account
from support.transfers import SOL
from worktab.chain.protocol import AccountData
from worktab.chain.sending import Sender
from worktab.chain.tokens import (
    MintInfo,
    TokenAccountInfo,
    TokenState,
    associated_account,
    create_associated_account,
    create_mint,
    mint_to,
    read_mint,
    read_token_account,
)
from worktab.core.errors import InputError

MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
MINT_CLOSE_AUTHORITY, IMMUTABLE_OWNER = 3, 7


@pytest.fixture
def chain(worktab_chain: AnyChain) -> AnyChain:
    return worktab_chain


@pytest.fixture
def payer(worktab_wallet: Keypair) -> Keypair:
    return worktab_wallet


@pytest.fixture
def sender(worktab_sender: Sender) -> Sender:
    return worktab_sender


@pytest.mark.parametrize(
    ("program", "extensions"), [(TOKEN_PROGRAM_ID, ()), (TOKEN_2022_PROGRAM_ID, (IMMUTABLE_OWNER,))]
)
async def test_from_a_new_mint_to_a_frozen_account(
    chain: AnyChain, sender: Sender, payer: Keypair, program: Pubkey, extensions: tuple[int, ...]
) -> None:
    mint, owner, authority = Keypair(), Keypair().pubkey(), Keypair()
    target = associated_account(owner, mint.pubkey(), program)
    created = await create_mint(
        chain,
        payer=payer.pubkey(),
        mint=mint.pubkey(),
        authority=authority.pubkey(),
        decimals=6,
        freeze_authority=payer.pubkey(),
        program=program,
    )
    await sender.send(created, [mint])
    assert await read_token_account(chain, target) is None

    open_account = create_associated_account(payer=payer.pubkey(), owner=owner, mint=mint.pubkey(), program=program)
    mint_all = mint_to(
        mint=mint.pubkey(), target=target, authority=authority.pubkey(), amount=2**64 - 1, program=program
    )
    await sender.send([open_account, open_account, mint_all], [authority])

    assert await read_mint(chain, mint.pubkey()) == MintInfo(
        mint.pubkey(), program, 6, 2**64 - 1, authority.pubkey(), payer.pubkey(), ()
    )
    expected = TokenAccountInfo(target, program, mint.pubkey(), owner, 2**64 - 1, TokenState.INITIALIZED, extensions)
    assert await read_token_account(chain, target) == expected

    freeze = FreezeAccountParams(program_id=program, account=target, mint=mint.pubkey(), authority=payer.pubkey())
    await sender.send([freeze_account(freeze)])
    frozen = await read_token_account(chain, target)
    assert frozen is not None
    assert frozen.state is TokenState.FROZEN


async def test_a_mints_extensions_are_listed(chain: AnyChain, sender: Sender, payer: Keypair) -> None:
    mint, size = Keypair(), 165 + 1 + 4 + 32
    space = CreateAccountParams(
        from_pubkey=payer.pubkey(),
        to_pubkey=mint.pubkey(),
        lamports=await chain.rent_exempt(size),
        space=size,
        owner=TOKEN_2022_PROGRAM_ID,
    )
    set_close_authority = Instruction(
        TOKEN_2022_PROGRAM_ID, b"\x19\x01" + bytes(payer.pubkey()), [AccountMeta(mint.pubkey(), False, True)]
    )
    params = InitializeMint2Params(
        decimals=2, program_id=TOKEN_2022_PROGRAM_ID, mint=mint.pubkey(), mint_authority=payer.pubkey()
    )
    await sender.send([create_account(space), set_close_authority, initialize_mint2(params)], [mint])
    found = await read_mint(chain, mint.pubkey())
    assert (found.decimals, found.freeze_authority, found.extensions) == (2, None, (MINT_CLOSE_AUTHORITY,))
    with pytest.raises(InputError, match="no token account"):
        await read_token_account(chain, mint.pubkey())


@pytest.mark.parametrize(
    ("owner", "data"),
    [
        (MEMO, bytes(82)),
        (TOKEN_PROGRAM_ID, bytes(81)),
        (TOKEN_PROGRAM_ID, bytes(355)),
        (TOKEN_2022_PROGRAM_ID, bytes(355)),
        (TOKEN_2022_PROGRAM_ID, bytes(170)),
    ],
)
async def test_other_accounts_are_neither_mint_nor_token_account(chain: AnyChain, owner: Pubkey, data: bytes) -> None:
    key = Keypair().pubkey()
    await set_account(chain, key, AccountData(SOL, owner, data))
    with pytest.raises(InputError, match="There is no token mint"):
        await read_mint(chain, key)
    with pytest.raises(InputError, match="no token account"):
        await read_token_account(chain, key)


async def test_accounts_of_the_right_size_that_are_damaged_are_refused(chain: AnyChain) -> None:
    mint, account = Keypair().pubkey(), Keypair().pubkey()
    await set_account(chain, mint, AccountData(SOL, TOKEN_PROGRAM_ID, b"\xff" * 82))
    await set_account(chain, account, AccountData(SOL, TOKEN_PROGRAM_ID, b"\xff" * 165))
    with pytest.raises(InputError, match="is no token mint"):
        await read_mint(chain, mint)
    with pytest.raises(InputError, match="is no token account"):
        await read_token_account(chain, account)


async def test_a_mint_that_is_not_there_is_an_error(chain: AnyChain) -> None:
    with pytest.raises(InputError, match="got no account"):
        await read_mint(chain, Keypair().pubkey())


async def test_arguments_are_checked(chain: AnyChain) -> None:
    key = Keypair().pubkey()
    with pytest.raises(InputError, match="no token program"):
        associated_account(key, key, MEMO)
    with pytest.raises(InputError, match="no token program"):
        create_associated_account(payer=key, owner=key, mint=key, program=MEMO)
    for amount in (-1, 2**64):
        with pytest.raises(InputError, match="out of range"):
            mint_to(mint=key, target=key, authority=key, amount=amount)
    for decimals in (-1, 256):
        with pytest.raises(InputError, match="out of range"):
            await create_mint(chain, payer=key, mint=key, authority=key, decimals=decimals)


def test_the_associated_account_is_derived_from_owner_program_and_mint() -> None:
    owner, mint = Keypair().pubkey(), Keypair().pubkey()
    ata_program = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
    for program in (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID):
        derived, _ = Pubkey.find_program_address([bytes(owner), bytes(program), bytes(mint)], ata_program)
        assert associated_account(owner, mint, program) == derived
