"""Every extension of a token account: room for it, what only a refused mint's accounts have, and what nobody knows."""

from __future__ import annotations

import struct

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from support.tokens import Extension, Mint, create_mint
from support.tokens_accounts import holding
from support.tokens_flow import TokenFlow
from support.tokens_kinds import flow_of, token_2022
from support.tokens_mints import extension_kinds
from support.world import World
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID

CONFIDENTIAL, NON_TRANSFERABLE, TRANSFER_DISABLED = 5, 13, 37
SWITCHED = {8, 11}
"""What a holder switches: see `test_token_holders`."""
SIZES = {2: 8, 5: 295, 7: 0, 8: 1, 11: 1, 13: 0, 15: 1, 17: 64, 27: 0}
"""Bytes of each extension of token accounts."""
UNKNOWN = {29: 0, 30: 7, 65_535: 3}
WRITTEN = [each for each in [*SIZES.items(), *UNKNOWN.items()] if each[0] not in SWITCHED]
ZK_PROGRAM = Pubkey.from_string("ZkE1Gama1Proof11111111111111111111111111111")
_PUBKEY_VALIDITY = 4


@pytest.fixture
def flow(world: World) -> TokenFlow:
    return flow_of(world, token_2022)


@pytest.mark.parametrize("kind", SIZES)
def test_room_for_an_extension_changes_no_movement(world: World, flow: TokenFlow, kind: int) -> None:
    """Any holder may enlarge its account for any of them; nothing is in it before it is switched on."""
    for movement in flow.movements():
        account = world.data(movement.account)
        world.must(holding(world, flow.mint, movement.account).make_room(kind))
        assert len(world.data(movement.account)) >= len(account)
        flow.do(movement)


@pytest.mark.parametrize(("kind", "size"), WRITTEN)
def test_an_extension_written_past_every_rule_stops_nobodys_pay(
    world: World, flow: TokenFlow, kind: int, size: int
) -> None:
    """Each byte of it is 1: what it allows is allowed. Its own account may keep its tokens in, and gets its pay."""
    for movement in flow.movements():
        extension = struct.pack("<HH", kind, size) + b"\1" * size
        world.set_data(movement.account, world.data(movement.account) + extension)
        assert extension_kinds(world.data(movement.account))[-1] == kind
        if kind == NON_TRANSFERABLE and movement.vault > 0:
            assert world.send(movement.instruction).error_number == TRANSFER_DISABLED
        else:
            flow.do(movement)


def configure_confidential(world: World, mint: Mint, owner: Pubkey) -> str:
    """A holder that wants its account confidential, and by that closed to plain transfers; its key is proven before."""
    account = mint.open(owner)
    world.must(holding(world, mint, account).make_room(CONFIDENTIAL))
    proof = world.keypair().pubkey()
    world.set_account(proof, bytes(32) + bytes([_PUBKEY_VALIDITY]) + bytes([7]) * 32, ZK_PROGRAM)
    metas = [(account, False, True), (mint.address, False, False), (proof, False, False), (owner, True, False)]
    data = bytes([27, 2]) + bytes(36) + (65_536).to_bytes(8, "little") + b"\0"
    configure = Instruction(TOKEN_2022_PROGRAM_ID, data, [AccountMeta(*each) for each in metas])
    return world.send(configure).error_name


def test_accounts_of_an_accepted_mint_are_never_confidential(world: World, flow: TokenFlow) -> None:
    """Such an account could refuse its pay by failing the claim: it takes a mint that no network is made of."""
    owner = flow.device.payout.pubkey()
    refused = create_mint(
        world,
        token_program=TOKEN_2022_PROGRAM_ID,
        extensions=[Extension(65, bytes([27, 0]) + bytes([9] * 32) + bytes([1]) + bytes(32))],
    )

    assert configure_confidential(world, flow.mint, owner) == "InvalidAccountData"
    assert configure_confidential(world, refused, owner) == ""
    for movement in flow.movements():
        flow.do(movement)
