"""Deposits: tokens into the vault, and the same amount into a tab's balance."""

from __future__ import annotations

from typing import Any

import pytest
from solders.keypair import Keypair

from support.builders import unsigned
from support.consumers import U64
from support.effects import effects
from support.parties import FUNDS, Network, Tab
from support.tokens import create_mint
from support.world import World
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID


def assert_nothing_moved(world: World, tab: Tab) -> None:
    """The tab and its network are as they were: 1,000 base units in the tab."""
    assert (world.read_tab(tab).balance, world.read_tab(tab).deposited) == (1_000, 1_000)
    assert world.read_network(tab.network).accounted == FUNDS + 1_000
    assert tab.network.mint.balance(tab.network.address) == FUNDS + 1_000


def test_a_deposit_moves_tokens_into_the_balance(world: World, network: Network, tab: Tab) -> None:
    deposit = world.deposit(tab, 400)

    changes = effects(world, deposit)

    assert changes == {
        network.mint.account_of(tab.consumer.pubkey()): {"amount": -400},
        network.vault: {"amount": 400},
        network.address: {"accounted": 400},
        tab.address: {"balance": 400, "deposited": 400},
    }


def test_the_event_says_who_deposited_what(world: World, tab: Tab) -> None:
    event = world.send(world.deposit(tab, 400)).event()

    assert type(event).__name__ == "Deposited"
    assert (event.tab, event.depositor, event.amount) == (tab.address, tab.consumer.pubkey(), 400)


def test_anybody_may_deposit_and_only_the_consumer_gains(world: World, network: Network, tab: Tab) -> None:
    sponsor = world.keypair()

    changes = effects(world, world.deposit(tab, 7, depositor=sponsor))

    assert changes[network.mint.account_of(sponsor.pubkey())] == {"amount": -7}
    assert changes[tab.address] == {"balance": 7, "deposited": 7}


def test_a_repeated_deposit_is_another_deposit(world: World, tab: Tab) -> None:
    deposit = world.deposit(tab, 5)
    world.deposit(tab, 5)

    assert world.send(deposit, deposit).ok

    assert world.read_tab(tab).balance == 1_010


def test_tokens_of_token_2022_are_deposited_and_withdrawn(world: World) -> None:
    network = world.network(mint=create_mint(world, token_program=TOKEN_2022_PROGRAM_ID))
    tab = world.tab(network, 300)

    withdraw = world.withdraw(tab, 120)

    assert effects(world, withdraw)[tab.address] == {"balance": -120, "withdrawn": 120}
    assert network.mint.balance(tab.consumer.pubkey()) == 120


def test_an_amount_of_zero_is_refused(world: World, tab: Tab) -> None:
    assert world.send(world.deposit(tab, 0)).error_name == "InvalidParameter"


def test_more_than_the_depositor_has_is_refused(world: World, tab: Tab) -> None:
    mint, consumer = tab.network.mint, tab.consumer.pubkey()
    deposit = world.deposit(tab, 400)
    world.must(mint.transfer(mint.account_of(consumer), mint.open(world.keypair().pubkey()), consumer, 1))

    result = world.send(deposit)

    assert (result.ok, result.error) == (False, "Custom(1)")
    assert_nothing_moved(world, tab)


def test_somebody_elses_tokens_are_refused(world: World, tab: Tab) -> None:
    victim = tab.network.mint.open(world.keypair().pubkey(), 500)

    result = world.send(world.deposit(tab, 500, source=victim))

    assert (result.ok, result.error) == (False, "Custom(4)")
    assert_nothing_moved(world, tab)


def test_the_vault_is_no_source(world: World, tab: Tab) -> None:
    result = world.send(world.deposit(tab, 500, source=tab.network.vault))

    assert not result.ok
    assert_nothing_moved(world, tab)


def test_the_depositor_signs(world: World, tab: Tab) -> None:
    result = world.send(unsigned(world.deposit(tab, 400), tab.consumer.pubkey()))

    assert result.error == "MissingRequiredSignature"
    assert_nothing_moved(world, tab)


def test_a_tab_of_another_network_is_refused(world: World, tab: Tab) -> None:
    foreign = world.tab(world.network(), consumer=tab.consumer)

    result = world.send(world.deposit(tab, 400, tab=foreign.address))

    assert result.error_name == "WrongNetwork"
    assert world.read_tab(foreign).balance == 0


@pytest.mark.parametrize("account", ["vault", "mint"])
def test_another_vault_or_mint_is_refused(world: World, tab: Tab, account: str) -> None:
    mint = create_mint(world)
    stranger = tab.network.mint.open(world.keypair().pubkey())
    wrong = {
        "vault": [world.network().vault, stranger, mint.open(tab.network.address)],
        "mint": [mint.address, stranger],
    }
    for address in wrong[account]:
        accounts: Any = {account: address}
        assert world.send(world.deposit(tab, 400, **accounts)).error_name == "AddressMismatch", address

    assert_nothing_moved(world, tab)


def test_tokens_of_another_mint_are_refused(world: World, tab: Tab) -> None:
    worthless = create_mint(world)
    source = worthless.open(tab.consumer.pubkey(), 400)

    result = world.send(world.deposit(tab, 400, source=source))

    assert not result.ok
    assert_nothing_moved(world, tab)


def test_another_token_program_moves_nothing(world: World, tab: Tab) -> None:
    """The transfer is asked of the program recorded for the network, whatever is passed."""
    for program in (TOKEN_2022_PROGRAM_ID, Keypair().pubkey()):
        assert not world.send(world.deposit(tab, 400, token_program=program)).ok

    assert_nothing_moved(world, tab)


@pytest.mark.parametrize("account", ["network", "tab"])
def test_what_is_no_network_or_tab_is_refused(world: World, tab: Tab, account: str) -> None:
    device = world.device(tab.network)
    for address in (device.address, tab.network.vault, tab.consumer.pubkey()):
        accounts: Any = {account: address}
        assert not world.send(world.deposit(tab, 400, **accounts)).ok

    assert_nothing_moved(world, tab)


def test_a_balance_stops_at_the_largest_number(world: World, tab: Tab) -> None:
    deposit = world.deposit(tab, 400)
    for field in ("balance", "accounted"):
        before = world.read_network(tab.network)
        if field == "balance":
            world.patch_tab(tab, balance=U64 - 399)
        else:
            world.patch_tab(tab, balance=1_000)
            world.patch_network(tab.network, accounted=U64 - 399)
        assert world.send(deposit, check=False).error_name == "Overflow"
        world.patch_network(tab.network, accounted=before.accounted)

    assert_nothing_moved(world, tab)
    world.patch_tab(tab, deposited=U64 - 399)
    assert world.send(deposit).ok
    assert (world.read_tab(tab).balance, world.read_tab(tab).deposited) == (1_400, U64)


def test_a_paused_network_still_takes_deposits(world: World, tab: Tab) -> None:
    world.patch_network(tab.network, pause=31)

    assert world.send(world.deposit(tab, 400)).ok
