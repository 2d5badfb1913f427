"""Reserving: money moves from a tab's balance to a lane, new or the signer's own."""

from __future__ import annotations

from typing import Any

import pytest

from support.builders import read_only, signed, unsigned
from support.consumers import LANE_RENT, U64
from support.effects import effects
from support.lanes import LaneState
from support.parties import CLASS, Device, Lane, Network, Tab
from support.world import World


def assert_nothing_reserved(world: World, tab: Tab) -> None:
    """The tab still has its 1,000 base units free and no lane."""
    assert (world.read_tab(tab).balance, world.lanes(tab)) == (1_000, ())


def test_a_new_lane_takes_money_a_nonce_and_rent(world: World, tab: Tab, device: Device) -> None:
    nonce = world.read_tab(tab).nonce

    changes = effects(world, world.reserve(tab, device, 100))

    assert changes == {
        tab.address: {
            "balance": -100,
            "nonce": 1,
            "lamports": LANE_RENT,
            "lanes": (LaneState(device.index, nonce, reserved=100),),
        },
        world.payer.pubkey(): {"lamports": -LANE_RENT},
    }


def test_more_for_a_lane_takes_money_alone(world: World, tab: Tab, device: Device, lane: Lane) -> None:
    changes = effects(world, world.add(lane, 50))

    assert changes == {
        tab.address: {"balance": -50, "lanes": (LaneState(device.index, lane.nonce, reserved=150),)},
    }


def test_the_event_names_lane_and_signer(world: World, tab: Tab, device: Device) -> None:
    nonce, delegate = world.read_tab(tab).nonce, world.delegate(tab, 3)

    first = world.send(world.reserve(tab, device, 100)).event()
    second = world.send(world.reserve(tab, device, 20, signer=delegate)).event()
    third = world.send(world.reserve(tab, device, 5, nonce=nonce)).event()

    assert type(first).__name__ == "LaneReserved"
    assert (first.tab, first.index, first.nonce, first.signer, first.amount) == (
        tab.address,
        device.index,
        nonce,
        0,
        100,
    )
    assert (second.nonce, second.signer, second.amount) == (nonce + 1, 3, 20)
    assert (third.nonce, third.signer, third.amount) == (nonce, 0, 5)


def test_a_repeated_reserve_is_another_lane(world: World, tab: Tab, device: Device) -> None:
    nonce = world.read_tab(tab).nonce
    reserve = world.reserve(tab, device, 100)

    assert world.send(reserve, reserve).ok

    assert [(each.nonce, each.reserved) for each in world.lanes(tab)] == [(nonce, 100), (nonce + 1, 100)]
    assert world.read_tab(tab).balance == 800


def test_lanes_of_several_devices_stand_in_the_order_of_their_nonces(world: World, tab: Tab, device: Device) -> None:
    other, nonce = world.device(tab.network), world.read_tab(tab).nonce
    for each in (other, device, other):
        world.lane(tab, each, 10)

    found = [(lane.device, lane.nonce) for lane in world.lanes(tab)]

    assert found == [(other.index, nonce), (device.index, nonce + 1), (other.index, nonce + 2)]


def test_everything_may_be_reserved_and_no_more(world: World, tab: Tab, device: Device) -> None:
    for amount in (1_001, U64):
        assert world.send(world.reserve(tab, device, amount)).error_name == "InsufficientBalance"
    assert_nothing_reserved(world, tab)

    lane = world.lane(tab, device, 1_000)

    assert world.send(world.add(lane, 1)).error_name == "InsufficientBalance"
    assert world.read_tab(tab).balance == 0


def test_an_amount_of_zero_is_refused(world: World, tab: Tab, device: Device, lane: Lane) -> None:
    assert world.send(world.reserve(tab, device, 0)).error_name == "InvalidParameter"
    assert world.send(world.add(lane, 0)).error_name == "InvalidParameter"


def test_only_consumer_and_delegates_reserve(world: World, tab: Tab, device: Device) -> None:
    for somebody in (device.owner, device.payout, world.payer, tab.network.authority, world.keypair()):
        assert world.send(world.reserve(tab, device, 100, signer=somebody)).error_name == "Unauthorized"

    assert_nothing_reserved(world, tab)


@pytest.mark.parametrize("who", ["payer", "signer"])
def test_payer_and_signer_sign(world: World, tab: Tab, device: Device, who: str) -> None:
    payer = world.keypair(lamports=10_000_000)
    missing = payer.pubkey() if who == "payer" else tab.consumer.pubkey()

    result = world.send(unsigned(world.reserve(tab, device, 100, payer=payer.pubkey()), missing))

    assert result.error == "MissingRequiredSignature"
    assert_nothing_reserved(world, tab)


def test_a_lane_that_is_not_there_is_refused(world: World, tab: Tab, device: Device) -> None:
    nonce = world.read_tab(tab).nonce
    for wrong in (nonce, nonce - 1, 0, (1 << 32) - 1):
        assert world.send(world.reserve(tab, device, 10, nonce=wrong)).error_name == "LaneNotFound"
    lane = world.lane(tab, device, 100)
    for wrong in (lane.nonce - 1, lane.nonce + 1, 0, (1 << 32) - 1):
        assert world.send(world.reserve(tab, device, 10, nonce=wrong)).error_name == "LaneNotFound"

    assert world.lanes(tab) == (LaneState(device.index, lane.nonce, reserved=100),)


def test_a_lane_of_another_device_is_refused(world: World, tab: Tab, lane: Lane) -> None:
    other = world.device(tab.network)

    assert world.send(world.add(lane, 10, device=other.address)).error_name == "ForeignLane"


def test_only_who_signs_a_lanes_vouchers_adds_to_it(world: World, tab: Tab, device: Device, lane: Lane) -> None:
    """Else a delegate's vouchers could spend what somebody else set aside, past its limits."""
    first, second = world.delegate(tab, 1), world.delegate(tab, 2)
    theirs = world.lane(tab, device, 10, signer=first)

    assert world.send(world.add(lane, 10, signer=first)).error_name == "ForeignLane"
    assert world.send(world.add(theirs, 10, signer=second)).error_name == "ForeignLane"
    assert world.send(world.add(theirs, 10, signer=tab.consumer)).error_name == "ForeignLane"
    assert world.send(world.add(theirs, 10)).ok


def test_a_closing_lane_takes_no_more(world: World, lane: Lane) -> None:
    world.must(world.close_lane(lane))

    assert world.send(world.add(lane, 10)).error_name == "LaneClosing"


@pytest.mark.parametrize(("status", "allowed"), [(1, True), (2, False), (3, False)])
def test_only_an_active_device_is_reserved_for(
    world: World, tab: Tab, device: Device, lane: Lane, status: int, allowed: bool
) -> None:
    world.patch_device(device, status=status)

    for reserve in (world.reserve(tab, device, 10), world.add(lane, 10)):
        assert world.send(reserve).error_name == ("" if allowed else "DeviceInactive")


def test_a_pause_of_reserves_stops_them(world: World, tab: Tab, device: Device, lane: Lane) -> None:
    world.patch_network(tab.network, pause=4)
    for reserve in (world.reserve(tab, device, 10), world.add(lane, 10)):
        assert world.send(reserve).error_name == "Paused"

    world.patch_network(tab.network, pause=31 - 4)
    for reserve in (world.reserve(tab, device, 10), world.add(lane, 10)):
        assert world.send(reserve).ok


def test_accounts_of_another_network_are_refused(world: World, network: Network, tab: Tab, device: Device) -> None:
    other = world.network()
    foreign_tab, foreign_device = world.tab(other, 1_000, consumer=tab.consumer), world.device(other)

    for wrong in (
        world.reserve(tab, device, 100, network=other.address),
        world.reserve(tab, foreign_device, 100),
        world.reserve(foreign_tab, device, 100),
        world.reserve(tab, device, 100, tab=foreign_tab.address),
        world.reserve(foreign_tab, device, 100, network=network.address),
    ):
        assert world.send(wrong).error_name == "WrongNetwork"

    assert_nothing_reserved(world, tab)
    assert_nothing_reserved(world, foreign_tab)


@pytest.mark.parametrize("account", ["network", "tab", "device", "system_program"])
def test_accounts_of_another_kind_are_refused(world: World, tab: Tab, device: Device, account: str) -> None:
    kinds = {"network": tab.network.address, "tab": tab.address, "device": device.address}
    wrong = [address for kind, address in kinds.items() if kind != account]
    for address in (*wrong, tab.network.vault, world.keypair().pubkey()):
        accounts: Any = {account: address}
        assert not world.send(world.reserve(tab, device, 100, **accounts)).ok, address

    assert_nothing_reserved(world, tab)


def test_a_read_only_tab_is_refused(world: World, tab: Tab, device: Device, lane: Lane) -> None:
    for reserve in (world.reserve(tab, device, 100), world.add(lane, 100)):
        assert not world.send(read_only(reserve, tab.address)).ok

    assert world.read_tab(tab).balance == 900


def test_reserves_stop_at_the_largest_number(world: World, tab: Tab, device: Device, lane: Lane) -> None:
    """What a lane has paid and reserved together stays a number, so its vouchers can say it."""
    for paid, reserved in ((0, U64 - 9), (U64 - 9, 0), (U64 - 109, 100)):
        world.set_lanes(tab, [LaneState(device.index, lane.nonce, paid=paid, reserved=reserved)])
        assert world.send(world.add(lane, 10), check=False).error_name == "Overflow"
        assert world.transmit(world.add(lane, 9)).ok


def test_a_class_closed_to_newcomers_may_still_be_bought_from(world: World) -> None:
    """A class that gets no rewards any more still sells."""
    network = world.network(classes=(CLASS,))
    device, tab = world.device(network), world.tab(network, 10)
    world.patch_class(network, budget=0, rate=0)

    assert world.send(signed(world.reserve(tab, device, 10), tab.consumer.pubkey())).ok
