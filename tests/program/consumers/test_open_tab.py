"""Opening a tab: its address, its rent and the nonce its lanes begin with."""

from __future__ import annotations

import pytest
from solders.keypair import Keypair

from support.builders import unsigned
from support.effects import effects
from support.parties import Network
from support.world import World
from worktab.core.addresses import find_tab
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state
from worktab.program.generated.types import Delegate

RENT = 4_732_800
"""Lamports of an account of 552 bytes."""
NO_DELEGATE = Delegate(bytes(32), *[0] * 11)


def test_a_tab_is_opened(world: World, network: Network) -> None:
    tab = world.tab_of(network)

    changes = effects(world, world.open_tab(tab))

    assert set(changes) == {tab.address, world.payer.pubkey()}
    assert changes[world.payer.pubkey()] == {"lamports": -RENT}
    assert world.lamports(tab.address) == RENT
    assert world.read_tab(tab) == state.Tab(
        network=network.address,
        consumer=tab.consumer.pubkey(),
        rent_payer=world.payer.pubkey(),
        domain=network.domain,
        balance=0,
        deposited=0,
        withdrawn=0,
        delegates=(NO_DELEGATE,) * 4,
        nonce=world.slot,
        bump=find_tab(PROGRAM_ID, network.address, tab.consumer.pubkey())[1],
        version=1,
        reserved=bytes(2),
    )
    assert world.lanes(tab) == ()


def test_the_event_names_network_tab_and_consumer(world: World, network: Network) -> None:
    tab = world.tab_of(network)

    event = world.send(world.open_tab(tab)).event()

    assert type(event).__name__ == "TabOpened"
    assert (event.network, event.tab, event.consumer) == (network.address, tab.address, tab.consumer.pubkey())


def test_a_consumer_may_pay_its_own_rent(world: World, network: Network) -> None:
    consumer = world.keypair(lamports=10_000_000)
    tab = world.tab_of(network, consumer)

    changes = effects(world, world.open_tab(tab, payer=consumer.pubkey()))

    assert changes[consumer.pubkey()] == {"lamports": -RENT}
    assert world.read_tab(tab).rent_payer == consumer.pubkey()


def test_a_sponsor_pays_for_a_consumer_without_any_lamports(world: World, network: Network) -> None:
    sponsor = world.keypair(lamports=10_000_000)
    tab = world.tab_of(network)

    result = world.send(world.open_tab(tab, payer=sponsor.pubkey()), payer=sponsor)

    assert result.ok
    assert world.lamports(sponsor.pubkey()) == 10_000_000 - RENT - result.fee
    assert world.lamports(tab.consumer.pubkey()) == 0
    assert world.read_tab(tab).rent_payer == sponsor.pubkey()


def test_a_consumer_has_one_tab_in_each_network(world: World, network: Network) -> None:
    consumer, other = world.keypair(), world.network()
    here, there = world.tab(network, consumer=consumer), world.tab(other, consumer=consumer)

    again = world.send(world.open_tab(here))

    assert here.address != there.address
    assert (again.ok, again.error_name) == (False, "Custom(0)")


def test_lamports_at_the_address_do_not_keep_a_tab_from_opening(world: World, network: Network) -> None:
    tab = world.tab_of(network)
    world.runtime.airdrop(tab.address, 1_000_000)

    changes = effects(world, world.open_tab(tab))

    assert changes[world.payer.pubkey()] == {"lamports": 1_000_000 - RENT}
    assert world.lamports(tab.address) == RENT


def test_a_rich_address_costs_the_payer_nothing_and_keeps_the_rest(world: World, network: Network) -> None:
    tab = world.tab_of(network)
    world.runtime.airdrop(tab.address, RENT + 500_000)

    changes = effects(world, world.open_tab(tab))

    assert world.payer.pubkey() not in changes
    assert world.lamports(tab.address) == RENT + 500_000


@pytest.mark.parametrize("who", ["payer", "consumer"])
def test_payer_and_consumer_sign(world: World, network: Network, who: str) -> None:
    payer = world.keypair(lamports=10_000_000)
    tab = world.tab_of(network)
    missing = payer.pubkey() if who == "payer" else tab.consumer.pubkey()

    result = world.send(unsigned(world.open_tab(tab, payer=payer.pubkey()), missing))

    assert result.error == "MissingRequiredSignature"
    assert world.account(tab.address) is None


def test_a_payer_without_the_rent_is_refused(world: World, network: Network) -> None:
    poor = world.keypair(lamports=RENT - 1)
    tab = world.tab_of(network)

    result = world.send(world.open_tab(tab, payer=poor.pubkey()))

    assert (result.ok, world.account(tab.address)) == (False, None)
    assert world.lamports(poor.pubkey()) == RENT - 1


def test_another_address_than_the_derived_one_is_refused(world: World, network: Network) -> None:
    tab, other = world.tab_of(network), world.network()
    elsewhere = [
        Keypair().pubkey(),
        world.tab_of(other, tab.consumer).address,
        world.tab_of(network).address,
    ]
    for address in elsewhere:
        result = world.send(world.open_tab(tab, tab=address))
        assert (result.ok, world.account(address)) == (False, None), result.logs


def test_what_is_no_network_is_refused(world: World, network: Network) -> None:
    device, opened = world.device(network), world.tab(network)
    for wrong in (device.address, opened.address, network.vault, world.payer.pubkey()):
        tab = world.tab_of(network)
        address = find_tab(PROGRAM_ID, wrong, tab.consumer.pubkey())[0]

        result = world.send(world.open_tab(tab, network=wrong, tab=address))

        assert (result.ok, world.account(address)) == (False, None), result.logs


def test_nonces_begin_at_the_slot(world: World, network: Network) -> None:
    for slot in (500_000_000, (1 << 32) - 1):
        world.slot = slot
        assert world.read_tab(world.tab(network)).nonce == slot

    world.slot = 1 << 32
    assert world.send(world.open_tab(world.tab_of(network))).error_name == "Overflow"


def test_a_paused_network_still_opens_tabs(world: World, network: Network) -> None:
    world.patch_network(network, pause=31)

    assert world.send(world.open_tab(world.tab_of(network))).ok
