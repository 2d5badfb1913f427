"""fund_pool: what arrives, what was there already, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from support.builders import unsigned
from support.parties import Network
from support.tokens import Mint, create_mint
from support.world import World
from worktab.core.addresses import SYSTEM_PROGRAM_ID, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import instructions as ix
from worktab.program.generated.events import PoolFunded

U64 = 2**64 - 1


@pytest.fixture(params=[TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID], ids=["token", "token-2022"])
def network(world: World, request: pytest.FixtureRequest) -> Network:
    """An empty network of either token program."""
    return world.network(mint=create_mint(world, token_program=request.param), fund=0)


def stray(world: World, network: Network, amount: int) -> None:
    """Tokens sent to the vault past the program."""
    world.must(network.mint.mint_to(network.vault, amount))


def test_the_tokens_arrive_in_the_pool(world: World, network: Network) -> None:
    before = world.read_network(network)

    event = world.send(world.fund(network, 100)).event()

    assert event == PoolFunded(network.address, network.authority.pubkey(), amount=100, surplus=0)
    assert world.read_network(network) == replace(before, pool_free=100, accounted=100)
    assert network.mint.balance(network.address) == 100
    assert network.mint.balance(network.authority.pubkey()) == 0

    assert world.send(world.fund(network, 11)).ok
    assert world.read_network(network) == replace(before, pool_free=111, accounted=111)


def test_anybody_funds(world: World, network: Network) -> None:
    stranger = world.keypair()
    source = network.mint.open(stranger.pubkey(), 30)

    fund = world.fund(network, 20, funder=stranger.pubkey(), source=source)

    assert world.send(fund).event() == PoolFunded(network.address, stranger.pubkey(), amount=20, surplus=0)
    assert network.mint.balance(stranger.pubkey()) == 10
    assert world.read_network(network).pool_free == 20


def test_a_stray_transfer_is_credited_by_the_next_funding(world: World, network: Network) -> None:
    assert world.send(world.fund(network, 100)).ok
    stray(world, network, 7)
    assert world.read_network(network).accounted == 100

    event = world.send(world.fund(network, 10)).event()

    assert (event.amount, event.surplus) == (10, 7)
    held = world.read_network(network)
    assert (held.pool_free, held.accounted, network.mint.balance(network.address)) == (117, 117, 117)


def test_an_amount_of_zero_credits_strays_alone(world: World, network: Network) -> None:
    stray(world, network, 7)

    event = world.send(world.fund(network, 0)).event()

    assert event == PoolFunded(network.address, network.authority.pubkey(), amount=0, surplus=7)
    held = world.read_network(network)
    assert (held.pool_free, held.accounted) == (7, 7)

    before = world.data(network.address)
    event = world.send(world.fund(network, 0)).event()
    assert (event.amount, event.surplus) == (0, 0)
    assert world.data(network.address) == before


def test_with_an_amount_of_zero_the_source_is_not_looked_at(world: World, network: Network) -> None:
    stranger = world.keypair()
    stray(world, network, 7)

    fund = world.fund(network, 0, funder=stranger.pubkey(), source=world.keypair().pubkey())

    assert world.send(fund).event().surplus == 7


def test_what_is_owed_is_no_surplus(world: World) -> None:
    network = world.network(fund=1_000)
    device = world.device(network)
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 400)).ok

    assert world.send(world.fund(network, 1)).event().surplus == 0

    held = world.read_network(network)
    assert (held.pool_free, held.pool_owed, held.accounted) == (601, 400, 1_001)


def test_funding_in_one_transaction_twice_counts_twice(world: World, network: Network) -> None:
    source = network.mint.open(network.authority.pubkey(), 3)
    first, second = world.fund(network, 1), world.fund(network, 2)

    result = world.send(first, second)

    assert [(each.amount, each.surplus) for each in result.events if isinstance(each, PoolFunded)] == [(1, 0), (2, 0)]
    assert world.read_network(network).pool_free == 3
    assert source == network.mint.account_of(network.authority.pubkey())


def refused(world: World, network: Network, name: str, amount: int = 5, **accounts: Pubkey) -> None:
    before = world.data(network.address), network.mint.balance(network.address)
    fund = world.fund(network, amount, **accounts)
    assert world.send(fund).error_name == name
    assert (world.data(network.address), network.mint.balance(network.address)) == before


def test_the_wrong_vault_or_mint_is_refused(world: World, network: Network) -> None:
    other = world.network(mint=network.mint, fund=0)
    refused(world, network, "AddressMismatch", vault=other.vault)
    refused(world, network, "AddressMismatch", vault=network.mint.open(world.keypair().pubkey()))
    refused(world, network, "AddressMismatch", mint=create_mint(world).address)


def test_the_vault_is_no_source(world: World, network: Network) -> None:
    stray(world, network, 7)

    for amount in (0, 5):
        refused(world, network, "ConstraintDuplicateMutableAccount", amount, source=network.vault)


def test_only_the_sources_owner_spends_from_it(world: World, network: Network) -> None:
    thief = world.keypair()
    rich = network.mint.open(world.keypair().pubkey(), 100)

    refused(world, network, "Custom(4)", source=rich, funder=thief.pubkey())
    fund = unsigned(world.fund(network, 5), network.authority.pubkey())
    assert world.send(fund).error == "MissingRequiredSignature"


def test_a_source_without_enough_is_refused(world: World, network: Network) -> None:
    poor = world.keypair()
    source = network.mint.open(poor.pubkey(), 4)

    refused(world, network, "Custom(1)", source=source, funder=poor.pubkey())


def test_a_frozen_source_is_refused(world: World, network: Network) -> None:
    funder = world.keypair()
    source = network.mint.open(funder.pubkey(), 100)
    world.must(network.mint.freeze(source))

    refused(world, network, "Custom(17)", source=source, funder=funder.pubkey())


def test_a_source_of_another_mint_is_refused(world: World, network: Network) -> None:
    funder = world.keypair()
    worthless: Mint = create_mint(world, token_program=network.mint.token_program)

    refused(world, network, "Custom(3)", source=worthless.open(funder.pubkey(), 100), funder=funder.pubkey())


def test_without_the_token_program_nothing_moves(world: World, network: Network) -> None:
    other = TOKEN_PROGRAM_ID if network.mint.token_program == TOKEN_2022_PROGRAM_ID else TOKEN_2022_PROGRAM_ID
    for program in (other, SYSTEM_PROGRAM_ID):
        refused(world, network, "MissingAccount", token_program=program)


def test_a_vault_that_holds_less_than_the_ledger_says_is_refused(world: World, network: Network) -> None:
    assert world.send(world.fund(network, 10)).ok
    world.patch_network(network, pool_free=11, accounted=11)

    assert world.send(world.fund(network, 5), check=False).error_name == "VaultMismatch"


def test_a_pool_beyond_its_range_is_refused(world: World, network: Network) -> None:
    # The vault and the ledger agree; only the sum of the pool leaves its range.
    world.patch_network(network, pool_free=U64 - 4)
    source = network.mint.open(network.authority.pubkey(), 10)
    fund = ix.fund_pool(
        ix.FundPoolAccounts(
            network=network.address,
            funder=network.authority.pubkey(),
            source=source,
            mint=network.mint.address,
            vault=network.vault,
            token_program=network.mint.token_program,
        ),
        amount=5,
    )

    assert world.send(fund, check=False).error_name == "Overflow"
    world.patch_network(network, pool_free=U64 - 5)
    assert world.send(fund, check=False).ok
    assert world.read_network(network).pool_free == U64


def test_the_largest_amount_a_token_can_have_fits(world: World, network: Network) -> None:
    assert world.send(world.fund(network, U64)).event().amount == U64
    held = world.read_network(network)
    assert (held.pool_free, held.accounted) == (U64, U64)


def test_another_kind_of_account_is_no_network(world: World) -> None:
    network = world.network()
    device = world.device(network)

    renamed, elsewhere = world.keypair().pubkey(), world.keypair().pubkey()
    data = world.data(network.address)
    world.set_account(renamed, bytes(8) + data[8:], PROGRAM_ID)
    world.set_account(elsewhere, data, SYSTEM_PROGRAM_ID)
    for impostor, error in (
        (device.address, "AccountDataTooSmall"),
        (renamed, "InvalidAccountData"),
        (elsewhere, "IllegalOwner"),
        (world.mint.open(world.keypair().pubkey()), "AccountDataTooSmall"),
        (world.keypair(lamports=10**9).pubkey(), "AccountDataTooSmall"),
        (world.keypair().pubkey(), "AccountDataTooSmall"),
    ):
        assert world.send(world.fund(network, 5, network=impostor)).error == error
