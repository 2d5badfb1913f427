"""How many lanes a tab has room and nonces for, and how each is found among them."""

from __future__ import annotations

import random

import pytest

from support.consumers import U64, entry
from support.lanes import LaneState
from support.parties import Device, Lane, Network, Tab
from support.world import World

MOST = 1_024
LAST = (1 << 32) - 1


def fill(world: World, tab: Tab, device: Device, nonces: list[int], reserved: int = 10) -> list[Lane]:
    """Writes lanes of these nonces into a tab past every rule, its counter behind them."""
    world.set_lanes(tab, [LaneState(device.index, nonce, reserved=reserved) for nonce in nonces])
    world.patch_tab(tab, nonce=nonces[-1] + 1)
    return [Lane(tab, device, nonce, tab.consumer) for nonce in nonces]


# Nonces


def test_the_last_nonce_but_one_is_the_last(world: World, tab: Tab, device: Device) -> None:
    world.patch_tab(tab, nonce=LAST - 1)

    lane = world.lane(tab, device, 10)

    assert (lane.nonce, world.read_tab(tab).nonce) == (LAST - 1, LAST)
    assert world.send(world.reserve(tab, device, 10)).error_name == "NoncesExhausted"
    assert world.send(world.add(lane, 10)).ok
    assert world.send(world.voucher(lane, 20)).ok
    assert world.send(world.waive(lane)).ok


def test_a_tab_without_nonces_opens_no_lane_ever_again(world: World, tab: Tab, device: Device) -> None:
    world.patch_tab(tab, nonce=LAST)
    key = world.delegate(tab)

    for signer in (tab.consumer, key):
        assert world.send(world.reserve(tab, device, 10, signer=signer)).error_name == "NoncesExhausted"

    assert (world.read_tab(tab).nonce, world.read_tab(tab).balance) == (LAST, 1_000)
    assert world.slot_of(tab).allowance == U64
    assert world.send(world.withdraw(tab, 1_000)).ok


def test_a_batch_reaches_the_last_lane_there_can_be(world: World, tab: Tab, device: Device) -> None:
    world.patch_tab(tab, nonce=LAST - 1)
    lane = world.lane(tab, device, 10)

    assert world.send(world.batch(tab, [entry(lane, 10)], [device])).ok


# Room


def test_a_tab_has_room_for_1024_lanes(world: World, tab: Tab, device: Device) -> None:
    first = world.read_tab(tab).nonce
    fill(world, tab, device, list(range(first, first + MOST - 1)), reserved=0)

    lane = world.lane(tab, device, 10)

    assert (len(world.lanes(tab)), lane.nonce) == (MOST, first + MOST - 1)
    assert world.send(world.reserve(tab, device, 10)).error_name == "TooManyLanes"
    assert world.send(world.add(lane, 10)).ok
    assert world.read_tab(tab).balance == 980


def test_room_that_becomes_free_is_used_again(world: World, tab: Tab, device: Device) -> None:
    first = world.read_tab(tab).nonce
    lanes = fill(world, tab, device, list(range(first, first + MOST)), reserved=0)
    world.must(world.waive(lanes[500]))

    assert world.send(world.reserve(tab, device, 10)).ok

    found = world.lanes(tab)
    assert len(found) == MOST
    assert [each.nonce for each in found] == [*range(first, first + 500), *range(first + 501, first + MOST + 1)]


def test_every_lane_of_a_full_tab_settles(world: World, tab: Tab, device: Device) -> None:
    first = world.read_tab(tab).nonce
    lanes = fill(world, tab, device, list(range(first, first + MOST)), reserved=0)
    chosen = [0, 1, 511, 512, 1_022, 1_023]
    world.set_lanes(
        tab,
        [LaneState(device.index, lane.nonce, reserved=10 * (at in chosen)) for at, lane in enumerate(lanes)],
    )
    world.patch_tab(tab, balance=1_000 - 60)

    for at in chosen:
        assert world.send(world.voucher(lanes[at], 10)).event().nonce == first + at

    assert world.read_device(device).earnings_owed == 60
    assert [at for at, lane in enumerate(world.lanes(tab)) if lane.paid] == chosen


def test_many_lanes_opened_in_one_transaction(world: World, tab: Tab, device: Device) -> None:
    first = world.read_tab(tab).nonce
    reserves = [world.reserve(tab, device, 10 + at) for at in range(25)]

    assert world.send(*reserves).ok

    expected = [LaneState(device.index, first + at, reserved=10 + at) for at in range(25)]
    assert world.lanes(tab) == tuple(expected)


# Finding


@pytest.mark.parametrize("seed", range(4))
def test_each_lane_is_found_while_others_around_it_end(world: World, network: Network, seed: int) -> None:
    """By guess as long as none in front of it ended, by search afterwards; the wrong lane is never paid from."""
    chance = random.Random(seed)
    tab, devices = world.tab(network, 10_000), [world.device(network) for _ in range(3)]
    lanes: list[Lane] = []
    paid: dict[int, int] = {}
    ended: list[Lane] = []
    for _ in range(60):
        action = chance.choice(["open", "settle", "settle", "end"]) if lanes else "open"
        if action == "open":
            lanes.append(world.lane(tab, chance.choice(devices), 100))
            paid[lanes[-1].nonce] = 0
        elif action == "settle":
            lane = chance.choice(lanes)
            if paid[lane.nonce] < 100:
                paid[lane.nonce] = chance.randint(paid[lane.nonce] + 1, 100)
                assert world.send(world.voucher(lane, paid[lane.nonce])).event().nonce == lane.nonce
        else:
            ended.append(lanes.pop(chance.randrange(len(lanes))))
            assert world.send(world.waive(ended[-1])).event().returned == 100 - paid[ended[-1].nonce]
        found = [(lane.device, lane.nonce, lane.paid) for lane in world.lanes(tab)]
        assert found == [(lane.device.index, lane.nonce, paid[lane.nonce]) for lane in lanes]

    for lane in ended:
        assert world.send(world.voucher(lane, 100)).error_name == "LaneNotFound"
    for device in devices:
        mine = [lane for lane in lanes + ended if lane.device is device]
        assert world.read_device(device).earnings_owed == sum(paid[lane.nonce] for lane in mine)


@pytest.mark.parametrize(
    "nonces",
    [[0], [0, LAST - 1], [5, 6, 7], [5, 9, 10, 4_000_000_000], [LAST - 3, LAST - 2, LAST - 1], [1, 3, 5, 7, 9]],
    ids=str,
)
def test_nonces_anywhere_are_found_and_no_others(world: World, tab: Tab, device: Device, nonces: list[int]) -> None:
    world.patch_tab(tab, balance=1_000 - 10 * len(nonces))
    lanes = fill(world, tab, device, nonces)
    for lane in lanes:
        assert world.send(world.voucher(lane, 5)).event().nonce == lane.nonce

    around = {near % (1 << 32) for nonce in nonces for near in (nonce - 1, nonce + 1)} | {0, 1 << 31, LAST}
    for nonce in around - set(nonces):
        stranger = Lane(tab, device, nonce, tab.consumer)
        assert world.send(world.voucher(stranger, 6)).error_name == "LaneNotFound"
        assert world.send(world.add(stranger, 1)).error_name == "LaneNotFound"
        assert world.send(world.close_lane(stranger)).error_name == "LaneNotFound"
    assert [lane.paid for lane in world.lanes(tab)] == [5] * len(nonces)
