"""From a network's creation to a claim, with each kind of token."""

from __future__ import annotations

import pytest
from solders.pubkey import Pubkey

from support.svm import Svm
from support.tokens import Extension, Mint, create_mint
from support.world import World
from support.wrapped_sol import wrapped_sol
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from worktab.program.generated.events import Claimed
from worktab.program.generated.types import ClaimEntry

FUND = 1_000_000
METADATA_POINTER = Extension(64, bytes([39, 0]) + bytes([7]) * 64)


def spl_token(svm: Svm) -> Mint:
    return create_mint(svm)


def spl_token_without_decimals(svm: Svm) -> Mint:
    return create_mint(svm, decimals=0, freezable=False)


def token_2022(svm: Svm) -> Mint:
    return create_mint(svm, token_program=TOKEN_2022_PROGRAM_ID)


def token_2022_with_metadata(svm: Svm) -> Mint:
    return create_mint(svm, token_program=TOKEN_2022_PROGRAM_ID, extensions=[METADATA_POINTER], decimals=2)


KINDS = [spl_token, spl_token_without_decimals, token_2022, token_2022_with_metadata, wrapped_sol]


@pytest.fixture(params=KINDS, ids=[kind.__name__ for kind in KINDS])
def mint(request: pytest.FixtureRequest, world: World) -> Mint:
    """A mint of each kind."""
    made: Mint = request.param(world)
    return made


def amount_of(world: World, account: Pubkey) -> int:
    """Base units in a token account."""
    return int.from_bytes(world.data(account)[64:72], "little")


def test_a_network_pays_in_its_token_from_end_to_end(world: World, mint: Mint) -> None:
    network = world.network(mint=mint, fund=FUND)
    payout = world.keypair()
    devices = [world.device(network, payout=payout) for _ in range(3)]
    world.next_epoch(network)
    for device in devices:
        assert world.send(world.receipt(device, 1, 100 + device.index)).event().reward == 100 + device.index

    event = world.send(world.claim(devices, payout, network)).event()

    assert event == Claimed(
        network=network.address,
        payout=payout.pubkey(),
        amount=303,
        fee=0,
        burn=0,
        entries=tuple(ClaimEntry(index, 100 + index, 0, 0) for index in range(3)),
    )
    assert mint.balance(payout.pubkey()) == 303
    assert mint.balance(network.address) == amount_of(world, network.vault) == FUND - 303
    after = world.read_network(network)
    assert (after.pool_free, after.pool_owed, after.accounted) == (FUND - 303, 0, FUND - 303)
    assert after.token_program == mint.token_program
    assert after.decimals == world.data(mint.address)[44]


def test_a_claim_in_wrapped_sol_moves_lamports(world: World) -> None:
    mint = wrapped_sol(world)
    network = world.network(mint=mint, fund=FUND)
    device = world.device(network)
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 250)).ok
    account = mint.account_of(device.payout.pubkey())
    vault_before, account_before = world.lamports(network.vault), world.lamports(account)

    assert world.send(world.claim([device], device.payout, network)).event().amount == 250

    assert world.lamports(network.vault) == vault_before - 250
    assert world.lamports(account) == account_before + 250
    # The wallet unwraps what it was paid.
    assert world.send(mint.close(account, device.payout.pubkey())).ok
    assert world.lamports(device.payout.pubkey()) == account_before + 250


def test_lamports_sent_to_a_vault_of_wrapped_sol_do_not_disturb_a_claim(world: World) -> None:
    """Anyone can send them and have the token program count them, at any moment."""
    mint = wrapped_sol(world)
    network = world.network(mint=mint, fund=FUND)
    device = world.device(network)
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 250)).ok
    world.runtime.airdrop(network.vault, 5_000)

    assert world.send(world.claim([device], device.payout, network)).event().amount == 250
    assert mint.balance(network.address) == FUND - 250

    mint.open(network.address, 1)
    assert mint.balance(network.address) == FUND - 250 + 5_001
    assert world.read_network(network).accounted == FUND - 250


def test_two_networks_of_one_mint_keep_their_tokens_apart(world: World) -> None:
    first, second = world.network(fund=FUND), world.network(fund=FUND)
    payout = world.keypair()
    devices = [world.device(network, payout=payout) for network in (first, second)]
    world.next_epoch(first)
    for device, units in zip(devices, (100, 30), strict=True):
        assert world.send(world.receipt(device, 1, units)).ok

    result = world.send(*(world.claim([device], payout, device.network) for device in devices))

    assert result.ok
    assert world.balance(payout) == 130
    assert [world.mint.balance(network.address) for network in (first, second)] == [FUND - 100, FUND - 30]
    assert world.mint.token_program == TOKEN_PROGRAM_ID
