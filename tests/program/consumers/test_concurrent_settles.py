"""Settlements of one tab by several providers, between other changes of it: nobody spoils anybody's."""

from __future__ import annotations

import random
from itertools import permutations

import pytest

from support.consumers import CLOSE_DELAY, entry
from support.parties import Device, Lane, Network, Tab
from support.world import World


@pytest.fixture
def devices(world: World, network: Network) -> list[Device]:
    """Two providers."""
    return [world.device(network) for _ in range(2)]


def test_two_providers_settle_in_any_order(world: World, network: Network, devices: list[Device]) -> None:
    """Vouchers signed before any of it landed."""
    for order in permutations(range(4)):
        tab = world.tab(network, 1_000)
        before = [world.read_device(device).earnings_owed for device in devices]
        one, two = (world.lane(tab, device, 100) for device in devices)
        vouchers = [
            world.voucher(one, 30),
            world.voucher(one, 50),
            world.voucher(two, 20),
            world.voucher(two, 70),
        ]

        results = [world.send(vouchers[at]).error_name for at in order]

        assert all(error in {"", "StaleVoucher"} for error in results)
        assert [lane.paid for lane in world.lanes(tab)] == [50, 70]
        gained = [world.read_device(device).earnings_owed - had for device, had in zip(devices, before, strict=True)]
        assert gained == [50, 70]


def test_settles_of_two_devices_in_one_transaction(world: World, tab: Tab, devices: list[Device]) -> None:
    one, two = (world.lane(tab, device, 100) for device in devices)

    assert world.send(world.voucher(one, 30), world.voucher(two, 20), world.voucher(one, 40)).ok

    assert [lane.paid for lane in world.lanes(tab)] == [40, 20]


def test_settles_between_reserves_and_ends_of_other_lanes(world: World, tab: Tab, devices: list[Device]) -> None:
    """The lane's place in the tab moves under each voucher that was signed before."""
    front, mine, behind = (world.lane(tab, devices[at], 100) for at in (1, 0, 1))
    first, second, third, fourth = (world.voucher(mine, amount) for amount in (10, 20, 30, 40))

    assert world.send(first).ok
    assert world.send(world.add(front, 5), world.waive(front), second).ok
    assert world.send(world.reserve(tab, devices[1], 50), third, world.waive(behind)).ok
    assert world.send(world.close_lane(mine), fourth).ok

    assert [(lane.nonce, lane.paid) for lane in world.lanes(tab)] == [(mine.nonce, 40), (behind.nonce + 1, 0)]
    assert world.read_device(devices[0]).earnings_owed == 40


def test_a_batch_beside_vouchers_of_the_same_lanes(world: World, tab: Tab, devices: list[Device]) -> None:
    one, two = (world.lane(tab, device, 100) for device in devices)
    batch = world.batch(tab, [entry(one, 50), entry(two, 60)], devices)

    assert world.send(world.voucher(one, 55), batch, world.voucher(two, 70)).ok

    assert [lane.paid for lane in world.lanes(tab)] == [55, 70]


def test_a_race_to_close_is_lost_by_neither(world: World, tab: Tab, devices: list[Device]) -> None:
    """Whether the end or the settlement comes first, what was settled is paid and the rest comes back."""
    for settled_first in (True, False):
        lane = world.lane(tab, devices[0], 100)
        world.must(world.close_lane(lane))
        world.advance(CLOSE_DELAY)
        before = world.read_tab(tab).balance
        steps = [world.voucher(lane, 100), [world.close_lane(lane)]]

        results = [world.send(each) for each in (steps if settled_first else reversed(steps))]

        assert [result.error_name for result in results] == (["", ""] if settled_first else ["", "LaneNotFound"])
        assert world.read_tab(tab).balance - before == (0 if settled_first else 100)


@pytest.mark.parametrize("seed", range(3))
def test_any_interleaving_keeps_every_base_unit(world: World, network: Network, seed: int) -> None:
    """Consumers, a delegate and providers act at random; `send` checks the ledger after each step."""
    chance = random.Random(seed)
    tab, devices = world.tab(network, 500), [world.device(network) for _ in range(3)]
    signers = [tab.consumer, world.delegate(tab, 1, allowance=200)]
    lanes: list[Lane] = []
    for _ in range(80):
        action = chance.choice(["reserve", "add", "settle", "batch", "close", "end", "withdraw", "deposit", "wait"])
        lane = chance.choice(lanes) if lanes else None
        if action == "reserve":
            signer, device = chance.choice(signers), chance.choice(devices)
            nonce = world.read_tab(tab).nonce
            if world.send(world.reserve(tab, device, chance.randint(1, 80), signer=signer)).ok:
                lanes.append(Lane(tab, device, nonce, signer))
        elif action == "withdraw":
            world.send(world.withdraw(tab, chance.randint(1, 100)))
        elif action == "deposit":
            world.send(world.deposit(tab, chance.randint(1, 100)))
        elif action == "wait":
            world.advance(chance.randint(0, CLOSE_DELAY))
        elif lane is not None and action == "add":
            world.send(world.add(lane, chance.randint(1, 80)))
        elif lane is not None and action == "settle":
            world.send(world.voucher(lane, chance.randint(0, 120)))
        elif lane is not None and action == "batch":
            mine = [each for each in lanes if each.signer is lane.signer and each.device is lane.device]
            said = [entry(each, chance.randint(0, 120)) for each in mine]
            number = signers.index(lane.signer)
            world.send(world.batch(tab, said, [lane.device], number=number, signer=lane.signer))
        elif lane is not None and action == "close":
            world.send(world.close_lane(lane))
        elif lane is not None:
            world.send(world.waive(lane))

    held = world.read_tab(tab)
    reserved = sum(lane.reserved for lane in world.lanes(tab))
    earned = sum(world.read_device(device).earnings_owed for device in devices)
    assert held.deposited - held.withdrawn == held.balance + reserved + earned
    assert earned > 0
    assert held.delegates[0].lanes == sum(lane.signer == 1 for lane in world.lanes(tab))
