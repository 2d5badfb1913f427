"""Closing a tab: once nothing is in it, and once its slot is behind its nonces."""

from __future__ import annotations

import pytest

from support.builders import read_only, signed, unsigned
from support.effects import effects
from support.parties import Device, Network, Tab
from support.world import World


@pytest.fixture
def empty(world: World, network: Network) -> Tab:
    """A tab without money or lanes, opened two slots ago."""
    tab = world.tab(network)
    world.slot += 2
    return tab


def test_a_closed_tab_gives_its_rent_back(world: World, empty: Tab) -> None:
    rent = world.lamports(empty.address)

    changes = effects(world, world.close_tab(empty))

    assert changes[world.payer.pubkey()] == {"lamports": rent}
    assert changes[empty.address]["lamports"] == -rent
    assert world.account(empty.address) is None


def test_the_event_names_network_tab_and_consumer(world: World, empty: Tab) -> None:
    event = world.send(world.close_tab(empty)).event()

    assert type(event).__name__ == "TabClosed"
    assert (event.network, event.tab, event.consumer) == (
        empty.network.address,
        empty.address,
        empty.consumer.pubkey(),
    )


def test_a_consumer_who_paid_the_rent_gets_it_back(world: World, network: Network) -> None:
    consumer = world.keypair(lamports=10_000_000)
    tab = world.tab_of(network, consumer)
    world.must(world.open_tab(tab, payer=consumer.pubkey()))
    world.slot += 1

    world.must(world.close_tab(tab, rent_payer=consumer.pubkey()))

    assert world.lamports(consumer.pubkey()) == 10_000_000


def test_money_keeps_a_tab_open(world: World, empty: Tab) -> None:
    world.must(world.deposit(empty, 1))

    assert world.send(world.close_tab(empty)).error_name == "TabNotEmpty"
    assert world.send(world.withdraw(empty, 1), world.close_tab(empty)).ok


def test_lanes_keep_a_tab_open_even_empty_ones(world: World, tab: Tab, device: Device) -> None:
    lane = world.lane(tab, device, 1_000)
    world.slot += 10
    assert world.send(world.close_tab(tab)).error_name == "TabNotEmpty"
    world.must(world.voucher(lane, 1_000))
    assert world.read_tab(tab).balance == 0

    assert world.send(world.close_tab(tab)).error_name == "TabNotEmpty"
    assert world.send(world.waive(lane), world.close_tab(tab)).ok


def test_delegates_without_lanes_do_not_keep_a_tab_open(world: World, empty: Tab) -> None:
    world.delegate(empty, 1)

    assert world.send(world.close_tab(empty)).ok


def test_a_tab_does_not_close_in_the_slot_of_its_nonce(world: World, network: Network) -> None:
    tab = world.tab(network)
    opened = world.slot
    assert world.send(world.close_tab(tab)).error_name == "TooSoon"
    world.patch_tab(tab, nonce=opened + 5)
    for slot in (opened + 4, opened + 5):
        world.slot = slot
        assert world.send(world.close_tab(tab)).error_name == "TooSoon"

    world.slot = opened + 6

    assert world.send(world.close_tab(tab)).ok


def test_a_tab_at_the_end_of_its_nonces_waits_for_the_slot_to_come(world: World, empty: Tab) -> None:
    world.patch_tab(empty, nonce=(1 << 32) - 1)

    assert world.send(world.close_tab(empty)).error_name == "TooSoon"
    world.slot = 1 << 32
    assert world.send(world.close_tab(empty)).ok


def test_a_closed_tab_does_not_close_again(world: World, empty: Tab) -> None:
    world.must(world.close_tab(empty))

    assert not world.send(world.close_tab(empty)).ok
    result = world.send(world.open_tab(empty), world.close_tab(empty))
    assert (result.error_name, result.instruction) == ("TooSoon", 1)


def test_a_closed_tab_takes_no_more_money(world: World, empty: Tab) -> None:
    deposit = world.deposit(empty, 5)

    result = world.send(world.close_tab(empty), deposit)

    assert (result.ok, result.instruction) == (False, 1)
    assert world.read_tab(empty).balance == 0


def test_a_tab_revived_in_its_last_transaction_is_none(world: World, empty: Tab, device: Device) -> None:
    """Lamports sent back to its address right after it closed leave an account of the system program."""
    world.must(world.close_tab(empty))
    world.runtime.airdrop(empty.address, 10_000_000)
    account = world.account(empty.address)
    assert account is not None
    assert account.data == b""

    assert not world.send(world.reserve(empty, device, 1)).ok
    assert world.send(world.open_tab(empty)).ok
    assert world.read_tab(empty).nonce == world.slot


def test_only_the_consumer_closes(world: World, empty: Tab) -> None:
    delegate = world.delegate(empty, 1)
    for somebody in (delegate, world.payer, empty.network.authority, world.keypair()):
        close = world.close_tab(empty, consumer=somebody.pubkey())
        assert world.send(signed(close, somebody.pubkey())).error_name == "Unauthorized"
    missing = world.send(unsigned(world.close_tab(empty), empty.consumer.pubkey()))

    assert missing.error == "MissingRequiredSignature"
    assert world.account(empty.address) is not None


def test_another_rent_payer_is_refused(world: World, empty: Tab) -> None:
    for wrong in (empty.consumer.pubkey(), world.keypair().pubkey(), empty.network.address):
        assert world.send(world.close_tab(empty, rent_payer=wrong)).error_name == "AddressMismatch"
    assert world.account(empty.address) is not None


def test_what_is_no_tab_or_read_only_is_refused(world: World, empty: Tab, device: Device) -> None:
    for address in (device.address, empty.network.address, empty.network.vault, world.keypair().pubkey()):
        assert not world.send(world.close_tab(empty, tab=address)).ok
    assert not world.send(read_only(world.close_tab(empty), empty.address)).ok

    assert world.account(empty.address) is not None


def test_no_pause_keeps_a_tab_open(world: World, empty: Tab) -> None:
    world.patch_network(empty.network, pause=31)

    assert world.send(world.close_tab(empty)).ok
