"""submit_receipt: what is carried, what is shared, and what an epoch's edge changes."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from support.parties import CLASS, EPOCH, FUNDS, NOBODY, Device, Network
from support.world import World
from worktab.program.generated.types import Change

THIRD = 333_333
"""A rate of 0.333333 base units a work unit."""


def network_of(world: World, **terms: Any) -> Network:
    """A network of one class; `terms` replace those of the default class."""
    return world.network(classes=(replace(CLASS, **terms),))


def earn(world: World, device: Device, *units: int) -> list[int]:
    """The rewards of receipts that add these units, each relayed by a stranger."""
    rewards = []
    for added in units:
        before = world.read_device(device)
        event = world.send(world.receipt(device, before.seq + 1, before.units + added)).event()
        rewards.append(event.reward)
    return rewards


@pytest.mark.parametrize("seed", range(4))
def test_splitting_work_into_many_receipts_earns_the_same(world: World, seed: int) -> None:
    network = network_of(world, rate=THIRD)
    whole, split = world.device(network), world.device(network)
    world.next_epoch(network)
    cuts = sorted(random.Random(seed).sample(range(1, 1_000), 40 if seed else 999))
    parts = [end - start for start, end in pairwise([0, *cuts, 1_000])]

    # 1,000 x 0.333333 = 333.333
    assert earn(world, whole, 1_000) == [333]
    assert sum(earn(world, split, *parts)) == 333

    one, many = world.read_device(whole), world.read_device(split)
    assert (one.rewards_owed, one.carry) == (many.rewards_owed, many.carry) == (333, 333_000)
    assert (one.epoch_rewards, one.epoch_units) == (many.epoch_rewards, many.epoch_units) == (333, 1_000)


def test_each_receipt_pays_whole_base_units_and_carries_the_rest(world: World) -> None:
    device = world.device(network_of(world, rate=THIRD))
    world.next_epoch(device.network)

    assert earn(world, device, 1, 1, 1, 1, 2, 5) == [0, 0, 0, 1, 0, 2]

    assert world.read_device(device).carry == 11 * THIRD - 3_000_000


def test_what_is_carried_lives_on_in_later_epochs(world: World) -> None:
    device = world.device(network_of(world, rate=THIRD))
    rewards = []
    for units in (2, 1, 1):
        world.next_epoch(device.network)
        rewards += earn(world, device, units)

    assert rewards == [0, 0, 1]
    after = world.read_device(device)
    assert (after.carry, after.epoch_units, after.epoch_rewards, after.epoch) == (333_332, 1, 1, 3)


@pytest.mark.parametrize("rate", [1, 999_999, 1_000_001, 2**31, 2**31 + 1, 2**40])
def test_the_reward_is_exact_at_every_size(world: World, rate: int) -> None:
    """Small numbers are multiplied in 64 bits, large ones in 128."""
    network = world.network(fund=2**63, classes=(replace(CLASS, rate=rate, max_capacity=2**48, budget=2**63),))
    device = world.device(network, capacity=2**48)
    world.next_epoch(network)
    carry = 0
    for units in (2**32 - 1, 2**32, 1, 2**41 + 12_345):
        reward, carry = divmod(carry + units * rate, 1_000_000)

        assert earn(world, device, units) == [reward]

        assert world.read_device(device).carry == carry


@pytest.mark.parametrize(
    ("budget", "capacity", "other"),
    [
        (1_000, 1_000, 2_000),
        (999, 1, 2),
        (2**32 - 1, 2**32 - 1, 2**32 - 2),
        (2**32, 3, 4),
        (1_000_000_007, 2**32, 2**33 + 1),
        (2**62, 2**40 + 1, 2**41),
        (2**62, 1, 2**48),
        (2**60, 1_000_000, 2_000_000),
        (2**32 - 1, 2**40, 2**41),
    ],
)
def test_a_share_is_rounded_down_at_every_size(world: World, budget: int, capacity: int, other: int) -> None:
    # Work is worth so much that a few units reach the share.
    terms = replace(CLASS, rate=2**62, max_capacity=2**48, budget=budget)
    network = world.network(fund=2**63, classes=(terms,))
    first, second = world.device(network, capacity=capacity), world.device(network, capacity=other)
    world.next_epoch(network)
    shares = [budget * each // (capacity + other) for each in (capacity, other)]

    for device, share in zip((first, second), shares, strict=True):
        cut = world.send(world.receipt(device, 1, 1_000_000, consent=device.owner)).event()
        assert cut.reward == share

    assert world.read_network(network).classes[0].spent == sum(shares) <= budget


def test_devices_share_a_budget_by_their_capacity(world: World) -> None:
    network = network_of(world, budget=1_000)
    small, large = world.device(network, capacity=1_000), world.device(network, capacity=3_000)
    world.next_epoch(network)

    assert earn(world, small, 250) == [250]
    assert world.send(world.receipt(small, 2, 251)).error_name == "RewardLimited"
    assert earn(world, large, 750) == [750]
    assert world.send(world.receipt(large, 2, 751)).error_name == "RewardLimited"

    after = world.read_network(network)
    assert (after.classes[0].spent, after.pool_free, after.pool_owed) == (1_000, FUNDS - 1_000, 1_000)


def test_classes_have_budgets_of_their_own(world: World) -> None:
    network = world.network(classes=(replace(CLASS, budget=100), replace(CLASS, budget=200, rate=2_000_000)))
    first, second = world.device(network, class_=0), world.device(network, class_=1)
    world.next_epoch(network)

    assert earn(world, first, 100) == [100]
    assert earn(world, second, 100) == [200]

    assert world.send(world.receipt(first, 2, 101)).error_name == "RewardLimited"
    assert [each.spent for each in world.read_network(network).classes] == [100, 200, 0, 0, 0, 0, 0, 0]


def test_a_share_that_nobody_uses_stays_in_the_pool(world: World) -> None:
    network = network_of(world, budget=1_000)
    busy, _ = world.device(network), world.device(network)
    for epoch in range(1, 4):
        world.next_epoch(network)
        assert earn(world, busy, 500) == [500]
        over = world.receipt(busy, 10 * epoch, 500 * epoch + 1)
        assert world.send(over).error_name == "RewardLimited"

    assert world.read_network(network).pool_free == FUNDS - 1_500


def test_limits_start_anew_at_the_first_second_of_an_epoch(world: World) -> None:
    network = network_of(world, budget=800)
    device = world.device(network, capacity=500)
    world.next_epoch(network)
    assert earn(world, device, 500) == [500]

    world.next_epoch(network, before=1)
    assert world.send(world.receipt(device, 2, 501)).error_name == "RewardLimited"
    world.advance(1)
    assert earn(world, device, 1) == [1]

    after, class_ = world.read_device(device), world.read_network(network).classes[0]
    assert (after.epoch, after.epoch_units, after.epoch_rewards) == (2, 1, 1)
    assert (class_.epoch, class_.spent, class_.total_capacity) == (2, 1, 500)


def test_epochs_without_receipts_add_nothing_up(world: World) -> None:
    device = world.device(network_of(world, budget=800), capacity=500)
    world.next_epoch(device.network)
    world.advance(9 * EPOCH)

    assert world.send(world.receipt(device, 1, 501)).error_name == "RewardLimited"
    assert earn(world, device, 500) == [500]
    assert world.read_device(device).epoch == world.epoch(device.network) == 10


def test_a_change_of_capacity_counts_from_the_next_epoch(world: World) -> None:
    network = network_of(world, budget=1_200)
    device, other = world.device(network, capacity=300), world.device(network, capacity=300)
    world.next_epoch(network)
    assert world.send(world.update(device, capacity=900)).ok
    assert world.send(world.receipt(device, 1, 301)).error_name == "RewardLimited"
    assert earn(world, device, 300) == [300]

    world.next_epoch(network)
    assert world.send(world.update(device, capacity=100)).ok
    # A share of 900 in 1,200 units, and the other's 300.
    assert earn(world, device, 900) == [900]
    assert earn(world, other, 300) == [300]

    world.next_epoch(network)
    assert world.send(world.receipt(device, 9, 1_301)).error_name == "RewardLimited"
    assert earn(world, device, 100) == [100]


def test_the_share_of_a_device_that_left_is_free_from_the_next_epoch(world: World) -> None:
    network = network_of(world, budget=1_000)
    device, leaving = world.device(network), world.device(network)
    world.next_epoch(network)
    assert world.send(world.retire(leaving)).ok

    assert world.send(world.receipt(device, 1, 501)).error_name == "RewardLimited"
    world.next_epoch(network)
    assert earn(world, device, 1_000) == [1_000]


def test_a_clock_that_steps_back_over_an_edge_opens_no_epoch_again(world: World) -> None:
    network = network_of(world, budget=1_000)
    device, other = world.device(network), world.device(network)
    world.next_epoch(network)
    assert earn(world, device, 200) == [200]
    world.next_epoch(network)
    assert earn(world, device, 500) == [500]

    world.advance(-1)

    assert world.epoch(network) == 1
    early = world.receipt(device, 3, 701, time=world.now + 1)
    assert world.send(early).error_name == "RewardLimited"
    assert earn(world, other, 500) == [500]
    class_ = world.read_network(network).classes[0]
    assert (class_.epoch, class_.spent) == (2, 1_000)
    assert [world.read_device(each).epoch for each in (device, other)] == [2, 2]

    world.advance(1)
    assert world.send(world.receipt(other, 2, 501)).error_name == "RewardLimited"
    world.next_epoch(network)
    assert earn(world, device, 500) == [500]


def test_a_clock_before_the_network_began_counts_as_its_beginning(world: World) -> None:
    device = world.device(network_of(world))
    world.advance(-2 * EPOCH)

    assert world.send(world.receipt(device, 1, 1)).error_name == "RewardLimited"
    assert world.send(world.receipt(device, 1, 1, consent=device.owner)).event().eligible == 0
    assert world.read_device(device).epoch == 0


def test_a_rate_that_changed_prices_what_is_reported_from_then_on(world: World) -> None:
    network = world.network(parameter_delay=0)
    device = world.device(network)
    world.next_epoch(network)
    assert earn(world, device, 10) == [10]

    dearer = Change(1, 0, (CLASS.meter, 2_500_000, CLASS.max_capacity, 0, CLASS.budget), NOBODY)
    assert world.send(world.propose(network, dearer), world.apply(network)).ok

    assert earn(world, device, 1, 1) == [2, 3]
