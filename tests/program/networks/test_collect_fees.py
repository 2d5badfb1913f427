"""collect_fees: everything taken, once, to where the authority says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from support.builders import unsigned
from support.invoices import Desk, read_only, state_of
from support.parties import FUNDS, Network
from support.tokens import create_mint
from support.world import World
from support.wrapped_sol import wrapped_sol
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from worktab.program.generated.events import FeesCollected


@pytest.fixture
def desk(world: World) -> Desk:
    """What makes and pays invoices."""
    return Desk(world)


def with_fees(world: World, desk: Desk, network: Network, earnings: int = 2_000) -> Network:
    """The network once a device has claimed `earnings`."""
    device = world.device(network)
    desk.sell(device, world.tab(network, earnings), earnings)
    assert desk.claim(device).ok
    return network


@pytest.fixture
def network(world: World, desk: Desk) -> Network:
    """A network with 100 base units of fees."""
    network = with_fees(world, desk, world.network(fee_bps=500))
    assert world.read_network(network).fees == 100
    return network


@pytest.fixture
def wallet(network: Network) -> Pubkey:
    """The authority's own token account."""
    return network.mint.account_of(network.authority.pubkey())


def held(world: World, network: Network, account: Pubkey) -> tuple[int, int]:
    """Base units in an account and in the vault."""
    read = (world.data(each)[64:72] for each in (account, network.vault))
    first, second = (int.from_bytes(each, "little") for each in read)
    return first, second


def test_all_fees_go_to_the_account_named(world: World, desk: Desk, network: Network, wallet: Pubkey) -> None:
    before, (had, vault) = world.read_network(network), held(world, network, wallet)

    event = world.send(desk.collect(network, wallet)).event()

    assert event == FeesCollected(network.address, wallet, 100)
    assert held(world, network, wallet) == (had + 100, vault - 100)
    assert world.read_network(network) == replace(before, fees=0, accounted=before.accounted - 100)
    assert before.accounted == FUNDS + 100


def test_a_second_time_nothing_is_owed(world: World, desk: Desk, network: Network, wallet: Pubkey) -> None:
    collect = desk.collect(network, wallet)
    assert world.send(collect).ok
    kept = state_of(world, network.address, network.vault, wallet)

    assert world.send(collect).error_name == "NothingOwed"

    assert state_of(world, network.address, network.vault, wallet) == kept
    with_fees(world, desk, network)
    assert world.send(collect).event().amount == 100


def test_twice_in_one_transaction_pays_nothing(world: World, desk: Desk, network: Network, wallet: Pubkey) -> None:
    collect = desk.collect(network, wallet)

    result = world.send(collect, collect)

    assert (result.error_name, result.instruction) == ("NothingOwed", 1)
    assert world.read_network(network).fees == 100


def test_without_fees_nothing_is_owed(world: World, desk: Desk) -> None:
    network = world.network()
    wallet = network.mint.account_of(network.authority.pubkey())

    assert world.send(desk.collect(network, wallet)).error_name == "NothingOwed"


def test_only_the_authority_collects(world: World, desk: Desk, network: Network, wallet: Pubkey) -> None:
    for other in (world.payer, world.keypair()):
        assert world.send(desk.collect(network, wallet, authority=other.pubkey())).error_name == "Unauthorized"
    assert not world.send(unsigned(desk.collect(network, wallet), network.authority.pubkey())).ok

    assert world.read_network(network).fees == 100


def test_the_guardian_does_not_collect(world: World, desk: Desk) -> None:
    guardian = world.keypair()
    network = with_fees(world, desk, world.network(fee_bps=500, guardian=guardian.pubkey()))
    wallet = network.mint.account_of(network.authority.pubkey())

    assert world.send(desk.collect(network, wallet, authority=guardian.pubkey())).error_name == "Unauthorized"


def test_any_account_of_the_mint_will_do(world: World, desk: Desk, network: Network) -> None:
    stranger = world.keypair()
    account = network.mint.open(stranger.pubkey())

    assert world.send(desk.collect(network, account)).event().destination == account

    assert world.balance(stranger) == 100


def test_the_vault_itself_is_no_destination(world: World, desk: Desk, network: Network) -> None:
    kept = state_of(world, network.address, network.vault)

    assert not world.send(desk.collect(network, network.vault)).ok

    assert state_of(world, network.address, network.vault) == kept


def test_an_account_of_another_mint_is_no_destination(world: World, desk: Desk, network: Network) -> None:
    other = create_mint(world).open(network.authority.pubkey())

    assert not world.send(desk.collect(network, other)).ok

    assert world.read_network(network).fees == 100


def test_a_frozen_or_missing_account_is_no_destination(
    world: World, desk: Desk, network: Network, wallet: Pubkey
) -> None:
    missing = network.mint.account_of(world.keypair().pubkey())
    assert not world.send(desk.collect(network, missing)).ok
    assert world.send(network.mint.freeze(wallet)).ok
    assert not world.send(desk.collect(network, wallet)).ok
    assert world.send(network.mint.thaw(wallet)).ok

    assert world.send(desk.collect(network, wallet)).ok


def test_another_vault_or_mint_is_refused(world: World, desk: Desk, network: Network, wallet: Pubkey) -> None:
    other = with_fees(world, desk, world.network(fee_bps=500, authority=network.authority))
    mint = create_mint(world)

    assert world.send(desk.collect(network, wallet, vault=other.vault)).error_name == "AddressMismatch"
    stranger = network.mint.open(world.keypair().pubkey())
    assert world.send(desk.collect(network, wallet, vault=stranger)).error_name == "AddressMismatch"
    assert world.send(desk.collect(network, wallet, mint=mint.address)).error_name == "AddressMismatch"
    assert not world.send(desk.collect(network, wallet, token_program=TOKEN_2022_PROGRAM_ID)).ok

    assert [world.read_network(each).fees for each in (network, other)] == [100, 100]


def test_another_networks_authority_does_not_collect(
    world: World, desk: Desk, network: Network, wallet: Pubkey
) -> None:
    other = world.network()

    collect = desk.collect(network, wallet, authority=other.authority.pubkey())

    assert world.send(collect).error_name == "Unauthorized"


@pytest.mark.parametrize("name", ["network", "vault", "destination"])
def test_accounts_must_be_writable(world: World, desk: Desk, network: Network, wallet: Pubkey, name: str) -> None:
    address = {"network": network.address, "vault": network.vault, "destination": wallet}[name]

    assert not world.send(read_only(desk.collect(network, wallet), address)).ok

    assert world.read_network(network).fees == 100


def test_a_forged_network_is_refused(world: World, desk: Desk, network: Network, wallet: Pubkey) -> None:
    forged, thief = world.keypair().pubkey(), world.keypair()
    data = bytearray(world.data(network.address))
    data[40:72] = bytes(thief.pubkey())
    world.set_account(forged, bytes(data), TOKEN_PROGRAM_ID)

    collect = desk.collect(network, wallet, network=forged, authority=thief.pubkey())

    assert not world.send(collect, check=False).ok


def test_nothing_pauses_it(world: World, desk: Desk, network: Network, wallet: Pubkey) -> None:
    assert world.send(world.pause(network, 31)).ok

    assert world.send(desk.collect(network, wallet)).ok


def test_tokens_that_strayed_into_the_vault_are_no_fees(
    world: World, desk: Desk, network: Network, wallet: Pubkey
) -> None:
    assert world.send(network.mint.mint_to(network.vault, 5_000)).ok

    assert world.send(desk.collect(network, wallet)).event().amount == 100


@pytest.mark.parametrize("kind", ["token_2022", "wrapped_sol"])
def test_fees_in_other_tokens(world: World, desk: Desk, kind: str) -> None:
    mint = create_mint(world, token_program=TOKEN_2022_PROGRAM_ID) if kind == "token_2022" else wrapped_sol(world)
    network = with_fees(world, desk, world.network(mint=mint, fee_bps=500, fund=1_000))
    account = mint.open(world.keypair().pubkey())

    assert world.send(desk.collect(network, account)).event().amount == 100

    assert held(world, network, account) == (100, 1_000)
