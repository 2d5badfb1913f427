"""Withdrawals: what is free leaves a tab, at the consumer's word alone; what lanes have reserved stays."""

from __future__ import annotations

import pytest

from support.builders import signed, unsigned
from support.consumers import U64
from support.effects import effects
from support.parties import FUNDS, Device, Lane, Network, Tab
from support.tokens import create_mint
from support.world import World
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID


def assert_nothing_moved(world: World, tab: Tab) -> None:
    """The tab and its network are as they were: 1,000 base units in the tab."""
    assert (world.read_tab(tab).balance, world.read_tab(tab).withdrawn) == (1_000, 0)
    assert world.read_network(tab.network).accounted == FUNDS + 1_000
    assert tab.network.mint.balance(tab.network.address) == FUNDS + 1_000


def test_a_withdrawal_moves_tokens_out_of_the_balance(world: World, network: Network, tab: Tab) -> None:
    withdraw = world.withdraw(tab, 400)

    changes = effects(world, withdraw)

    assert changes == {
        network.mint.account_of(tab.consumer.pubkey()): {"amount": 400},
        network.vault: {"amount": -400},
        network.address: {"accounted": -400},
        tab.address: {"balance": -400, "withdrawn": 400},
    }


def test_the_event_says_what_went_where(world: World, tab: Tab) -> None:
    event = world.send(world.withdraw(tab, 1)).event()

    assert type(event).__name__ == "Withdrawn"
    account = tab.network.mint.account_of(tab.consumer.pubkey())
    assert (event.tab, event.destination, event.amount) == (tab.address, account, 1)


def test_any_token_account_of_the_mint_may_receive(world: World, tab: Tab) -> None:
    elsewhere = tab.network.mint.open(world.keypair().pubkey())

    changes = effects(world, world.withdraw(tab, 400, destination=elsewhere))

    assert changes[elsewhere] == {"amount": 400}


def test_everything_may_leave_and_then_nothing_more(world: World, tab: Tab) -> None:
    assert world.send(world.withdraw(tab, 1_000)).ok
    assert world.send(world.withdraw(tab, 1)).error_name == "InsufficientBalance"
    assert world.read_tab(tab).balance == 0


def test_more_than_is_free_is_refused(world: World, tab: Tab) -> None:
    for amount in (1_001, U64):
        assert world.send(world.withdraw(tab, amount)).error_name == "InsufficientBalance"

    assert_nothing_moved(world, tab)


def test_a_consumer_who_withdraws_while_vouchers_are_out_leaves_what_they_are_worth(
    world: World, tab: Tab, device: Device, lane: Lane
) -> None:
    voucher = world.voucher(lane, 100)
    assert world.send(world.withdraw(tab, 901)).error_name == "InsufficientBalance"
    assert world.send(world.withdraw(tab, 900)).ok

    assert world.send(voucher).event().amount == 100

    assert world.read_device(device).earnings_owed == 100
    assert world.read_tab(tab).balance == 0


def test_an_amount_of_zero_is_refused(world: World, tab: Tab) -> None:
    assert world.send(world.withdraw(tab, 0)).error_name == "InvalidParameter"


def test_only_the_consumer_withdraws(world: World, tab: Tab, device: Device) -> None:
    delegate = world.delegate(tab)
    for somebody in (delegate, world.payer, device.owner, tab.network.authority, world.keypair()):
        withdraw = world.withdraw(tab, 400, consumer=somebody.pubkey())
        assert world.send(signed(withdraw, somebody.pubkey())).error_name == "Unauthorized"

    assert_nothing_moved(world, tab)


def test_the_consumer_signs(world: World, tab: Tab) -> None:
    result = world.send(unsigned(world.withdraw(tab, 400), tab.consumer.pubkey()))

    assert result.error == "MissingRequiredSignature"
    assert_nothing_moved(world, tab)


def test_a_tab_of_another_network_is_refused(world: World, tab: Tab) -> None:
    """The other network's vault is full; a tab there has nothing to do with it."""
    worthless = create_mint(world)
    foreign = world.tab(world.network(mint=worthless), 5_000, consumer=tab.consumer)

    assert world.send(world.withdraw(tab, 400, tab=foreign.address)).error_name == "WrongNetwork"
    assert world.send(world.withdraw(foreign, 400, tab=tab.address)).error_name == "WrongNetwork"

    assert_nothing_moved(world, tab)


@pytest.mark.parametrize("account", ["vault", "mint"])
def test_another_vault_or_mint_is_refused(world: World, tab: Tab, account: str) -> None:
    mint = create_mint(world)
    stranger = tab.network.mint.open(world.keypair().pubkey())
    wrong = {
        "vault": [world.network().vault, stranger, mint.open(tab.network.address)],
        "mint": [mint.address, stranger],
    }
    for address in wrong[account]:
        assert world.send(world.withdraw(tab, 400, **{account: address})).error_name == "AddressMismatch"

    assert_nothing_moved(world, tab)


def test_the_vault_may_not_pay_itself(world: World, tab: Tab) -> None:
    """Its balance would not fall, and what was withdrawn would lie there unaccounted."""
    result = world.send(world.withdraw(tab, 400, destination=tab.network.vault))

    assert not result.ok
    assert_nothing_moved(world, tab)


def test_what_cannot_receive_is_refused(world: World, tab: Tab) -> None:
    mint = tab.network.mint
    frozen = mint.open(world.keypair().pubkey())
    world.must(mint.freeze(frozen))
    other = create_mint(world).open(tab.consumer.pubkey())
    for destination in (frozen, other, tab.consumer.pubkey(), mint.address, tab.address):
        assert not world.send(world.withdraw(tab, 400, destination=destination)).ok

    assert_nothing_moved(world, tab)


def test_another_token_program_moves_nothing(world: World, tab: Tab) -> None:
    result = world.send(world.withdraw(tab, 400, token_program=TOKEN_2022_PROGRAM_ID))

    assert not result.ok
    assert_nothing_moved(world, tab)


@pytest.mark.parametrize("account", ["network", "tab"])
def test_what_is_no_network_or_tab_is_refused(world: World, tab: Tab, device: Device, account: str) -> None:
    for address in (device.address, tab.network.vault, tab.consumer.pubkey()):
        assert not world.send(world.withdraw(tab, 400, **{account: address})).ok

    assert_nothing_moved(world, tab)


def test_no_pause_keeps_money_in(world: World, tab: Tab) -> None:
    world.patch_network(tab.network, pause=31)

    assert world.send(world.withdraw(tab, 1_000)).ok


def test_the_total_withdrawn_stops_at_the_largest_number(world: World, tab: Tab) -> None:
    world.patch_tab(tab, withdrawn=U64 - 1)

    assert world.send(world.withdraw(tab, 400)).ok

    assert (world.read_tab(tab).balance, world.read_tab(tab).withdrawn) == (600, U64)
