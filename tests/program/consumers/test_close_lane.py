"""Closing a lane: announced and then, after the network's delay, ended; or ended at once by the device's owner."""

from __future__ import annotations

import pytest

from support.builders import read_only, signed, unsigned
from support.consumers import CLOSE_DELAY, LANE_RENT, U64
from support.effects import effects
from support.lanes import LaneState
from support.parties import Device, Lane, Network, Tab
from support.world import World


def assert_untouched(world: World, lane: Lane) -> None:
    """The lane is open and full, as it was opened."""
    number = next((at for at, each in enumerate(world.read_tab(lane.tab).delegates, 1) if each.lanes), 0)
    assert world.lanes(lane.tab) == (LaneState(lane.device.index, lane.nonce, reserved=100, signer=number),)
    assert world.read_tab(lane.tab).balance == 900


def test_a_first_call_announces_the_end(world: World, lane: Lane) -> None:
    changes = effects(world, world.close_lane(lane))

    closing = LaneState(lane.device.index, lane.nonce, reserved=100, close_at=world.now + CLOSE_DELAY)
    assert changes == {lane.tab.address: {"lanes": (closing,)}}


def test_a_second_call_after_the_delay_ends_the_lane(world: World, lane: Lane) -> None:
    world.must(world.voucher(lane, 30))
    world.must(world.close_lane(lane))
    world.advance(CLOSE_DELAY)

    changes = effects(world, world.close_lane(lane))

    assert changes == {
        lane.tab.address: {"balance": 70, "lanes": (), "lamports": -LANE_RENT},
        world.payer.pubkey(): {"lamports": LANE_RENT},
    }


def test_the_events_say_when_and_what_came_back(world: World, lane: Lane) -> None:
    world.must(world.voucher(lane, 30))
    started = world.send(world.close_lane(lane)).event()
    world.advance(CLOSE_DELAY)
    ended = world.send(world.close_lane(lane)).event()

    tab, index = lane.tab.address, lane.device.index
    assert type(started).__name__ == "LaneCloseStarted"
    assert (started.tab, started.index, started.nonce) == (tab, index, lane.nonce)
    assert started.close_at == world.now
    assert type(ended).__name__ == "LaneClosed"
    assert (ended.tab, ended.index, ended.nonce, ended.returned) == (tab, index, lane.nonce, 70)


def test_the_delay_is_waited_to_the_second_and_not_prolonged(world: World, lane: Lane) -> None:
    world.must(world.close_lane(lane))
    for seconds in (0, 1, CLOSE_DELAY - 2):
        world.advance(seconds)
        assert world.send(world.close_lane(lane)).error_name == "LaneNotDue"
    assert world.lanes(lane.tab)[0].close_at == world.now + 1

    world.advance(1)

    assert world.send(world.close_lane(lane)).ok


def test_a_clock_that_steps_back_ends_nothing_early(world: World, lane: Lane) -> None:
    world.must(world.close_lane(lane))
    world.advance(-10)

    assert world.send(world.close_lane(lane)).error_name == "LaneNotDue"


def test_the_delay_is_the_networks_when_the_end_is_announced(world: World, device: Device, lane: Lane) -> None:
    network = lane.tab.network
    second = world.lane(lane.tab, device, 10)
    world.must(world.close_lane(lane))
    world.patch_network(network, lane_close_delay=10 * CLOSE_DELAY)
    world.must(world.close_lane(second))
    world.advance(CLOSE_DELAY)

    assert world.send(world.close_lane(lane)).ok
    assert world.send(world.close_lane(second)).error_name == "LaneNotDue"


def test_both_calls_in_one_transaction_end_nothing(world: World, lane: Lane) -> None:
    result = world.send(world.close_lane(lane), world.close_lane(lane))

    assert (result.error_name, result.instruction) == ("LaneNotDue", 1)
    assert_untouched(world, lane)


def test_an_ended_lane_does_not_end_again(world: World, lane: Lane) -> None:
    world.must(world.waive(lane))

    assert world.send(world.close_lane(lane)).error_name == "LaneNotFound"
    assert world.send(world.waive(lane)).error_name == "LaneNotFound"
    result = world.send(world.waive(world.lane(lane.tab, lane.device, 1)), world.waive(lane))
    assert (result.error_name, result.instruction) == ("LaneNotFound", 1)


def test_an_empty_lane_ends_and_gives_back_its_rent(world: World, lane: Lane) -> None:
    world.must(world.voucher(lane, 100))

    changes = effects(world, world.waive(lane))

    assert changes[lane.tab.address] == {"lanes": (), "lamports": -LANE_RENT}


def test_lanes_behind_an_ended_one_move_up(world: World, tab: Tab, device: Device) -> None:
    lanes = [world.lane(tab, device, 10 + at) for at in range(5)]
    expected = [LaneState(device.index, lane.nonce, reserved=10 + at) for at, lane in enumerate(lanes)]
    for at in (2, 0, 2, 1, 0):
        lane = lanes.pop(at)
        del expected[at]
        world.must(world.waive(lane))
        assert world.lanes(tab) == tuple(expected)
    assert world.read_tab(tab).balance == 1_000


# Who


def test_the_devices_owner_ends_a_lane_at_once(world: World, lane: Lane) -> None:
    world.must(world.voucher(lane, 30))

    changes = effects(world, world.waive(lane))

    assert changes == {
        lane.tab.address: {"balance": 70, "lanes": (), "lamports": -LANE_RENT},
        world.payer.pubkey(): {"lamports": LANE_RENT},
    }


def test_the_devices_owner_ends_a_closing_lane_at_once(world: World, lane: Lane) -> None:
    world.must(world.close_lane(lane))

    assert world.send(world.waive(lane)).event().returned == 100


def test_an_owner_must_show_the_lanes_own_device(world: World, lane: Lane) -> None:
    owner = lane.device.owner
    second = world.device(lane.tab.network, owner=owner)
    foreign = world.device(world.network(), owner=owner)
    assert foreign.index == lane.device.index

    assert world.send(world.waive(lane, device=second.address)).error_name == "ForeignLane"
    assert world.send(world.waive(lane, device=foreign.address)).error_name == "WrongNetwork"
    assert world.send(world.close_lane(lane, signer=owner)).error_name == "Unauthorized"
    assert_untouched(world, lane)


def test_a_former_owner_waives_nothing(world: World, lane: Lane) -> None:
    heir = world.keypair()
    world.must(world.update(lane.device, new_owner=heir.pubkey()))

    assert world.send(world.waive(lane)).error_name == "Unauthorized"
    assert world.send(world.close_lane(lane, signer=heir, device=lane.device.address)).ok


def test_the_device_beside_a_consumer_changes_nothing(world: World, lane: Lane) -> None:
    with_device = world.close_lane(lane, device=lane.device.address)
    assert type(world.send(with_device).event()).__name__ == "LaneCloseStarted"
    assert world.send(with_device).error_name == "LaneNotDue"


def test_a_consumer_who_owns_the_device_ends_its_lane_at_once(world: World, network: Network, device: Device) -> None:
    lane = world.lane(world.tab(network, 100, consumer=device.owner), device, 100)

    assert type(world.send(world.waive(lane)).event()).__name__ == "LaneClosed"


def test_consumer_and_the_lanes_delegate_may_close_by_turns(world: World, tab: Tab, device: Device) -> None:
    lane = world.lane(tab, device, 100, signer=world.delegate(tab, 2))

    assert world.send(world.close_lane(lane, signer=tab.consumer)).ok
    world.advance(CLOSE_DELAY)
    assert world.send(world.close_lane(lane)).ok

    assert (world.lanes(tab), world.slot_of(tab, 2).lanes) == ((), 0)


def test_a_delegate_closes_its_own_lanes_alone(world: World, tab: Tab, device: Device, lane: Lane) -> None:
    first, second = world.delegate(tab, 1), world.delegate(tab, 2)
    theirs = world.lane(tab, device, 10, signer=first)

    assert world.send(world.close_lane(lane, signer=first)).error_name == "Unauthorized"
    assert world.send(world.close_lane(theirs, signer=second)).error_name == "Unauthorized"

    assert [each.close_at for each in world.lanes(tab)] == [0, 0]


def test_a_stranger_closes_nothing(world: World, lane: Lane) -> None:
    device = lane.device
    for somebody in (world.payer, device.payout, lane.tab.network.authority, world.keypair()):
        for shown in (None, device.address):
            close = world.close_lane(lane, device=shown) if shown else world.close_lane(lane)
            metas = list(close.accounts)
            metas[0] = type(metas[0])(somebody.pubkey(), is_signer=True, is_writable=False)
            close = type(close)(close.program_id, close.data, metas)
            assert world.send(signed(close, somebody.pubkey())).error_name == "Unauthorized"
    assert_untouched(world, lane)


def test_the_signer_signs(world: World, lane: Lane) -> None:
    for close in (world.close_lane(lane), world.waive(lane)):
        assert world.send(unsigned(close, close.accounts[0].pubkey)).error == "MissingRequiredSignature"
    assert_untouched(world, lane)


# Accounts


def test_a_network_or_tab_of_another_is_refused(world: World, lane: Lane) -> None:
    """A network with a shorter delay would end the lane too soon."""
    other = world.network()
    foreign = world.tab(other, consumer=lane.tab.consumer)

    assert world.send(world.close_lane(lane, network=other.address)).error_name == "WrongNetwork"
    assert world.send(world.waive(lane, network=other.address)).error_name == "WrongNetwork"
    assert world.send(world.close_lane(lane, tab=foreign.address)).error_name == "WrongNetwork"
    assert world.send(world.close_lane(lane, tab=foreign.address, network=other.address)).error_name == "LaneNotFound"
    assert_untouched(world, lane)


def test_another_consumers_tab_is_refused(world: World, lane: Lane) -> None:
    victim = world.lane(world.tab(lane.tab.network, 1_000), lane.device, 100)
    assert victim.nonce == lane.nonce

    assert world.send(world.close_lane(lane, tab=victim.tab.address)).error_name == "Unauthorized"
    assert_untouched(world, victim)


@pytest.mark.parametrize("account", ["network", "tab", "device"])
def test_accounts_of_another_kind_are_refused(world: World, lane: Lane, account: str) -> None:
    network = lane.tab.network
    kinds = {"network": network.address, "tab": lane.tab.address, "device": lane.device.address}
    wrong = [address for kind, address in kinds.items() if kind != account]
    for address in (*wrong, network.vault, world.keypair().pubkey()):
        assert not world.send(world.waive(lane, **{account: address})).ok, address
    assert_untouched(world, lane)


def test_a_read_only_tab_is_refused(world: World, lane: Lane) -> None:
    for close in (world.close_lane(lane), world.waive(lane)):
        assert not world.send(read_only(close, lane.tab.address)).ok
    assert_untouched(world, lane)


def test_a_read_only_rent_payer_is_refused(world: World, network: Network, device: Device) -> None:
    opener = world.keypair(lamports=100_000_000)
    tab = world.tab_of(network)
    world.must(world.open_tab(tab, payer=opener.pubkey()), world.deposit(tab, 1_000))
    lane = world.lane(tab, device, 100)

    assert not world.send(read_only(world.waive(lane, rent_payer=opener.pubkey()), opener.pubkey())).ok
    assert_untouched(world, lane)


# The largest numbers


def test_a_balance_that_would_leave_the_range_keeps_the_lane(world: World, tab: Tab, lane: Lane) -> None:
    world.patch_tab(tab, balance=U64 - 99)
    assert world.send(world.waive(lane), check=False).error_name == "Overflow"
    world.patch_tab(tab, balance=U64 - 100)

    assert world.send(world.waive(lane), check=False).ok

    assert world.read_tab(tab).balance == U64


def test_a_time_that_no_lane_can_hold_is_refused(world: World, lane: Lane) -> None:
    """Times of lanes end in the year 2106. From then on only the device's owner could end one."""
    last = (1 << 32) - 1 - CLOSE_DELAY
    world.now = last + 1
    assert world.send(world.close_lane(lane)).error_name == "Overflow"
    world.now = last

    assert world.send(world.close_lane(lane)).ok

    assert world.lanes(lane.tab)[0].close_at == (1 << 32) - 1


def test_a_clock_far_before_its_time_announces_nothing(world: World, lane: Lane) -> None:
    world.now = -CLOSE_DELAY - 1

    assert world.send(world.close_lane(lane)).error_name == "Overflow"
    assert_untouched(world, lane)


def test_a_lane_announced_to_end_at_zero_is_announced(world: World, lane: Lane) -> None:
    """An end at zero would read as none; no clock stands so early, and a second call announces a true one."""
    world.now = -CLOSE_DELAY
    world.must(world.close_lane(lane))
    assert world.lanes(lane.tab)[0].close_at == 0
    world.now = 1_800_000_000
    world.must(world.close_lane(lane))

    assert world.lanes(lane.tab)[0].close_at == 1_800_000_000 + CLOSE_DELAY


def test_no_pause_keeps_a_lane_open(world: World, lane: Lane) -> None:
    world.patch_network(lane.tab.network, pause=31)

    assert world.send(world.close_lane(lane)).ok
    world.advance(CLOSE_DELAY)
    assert world.send(world.close_lane(lane)).ok
