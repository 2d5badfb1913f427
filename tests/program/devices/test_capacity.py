"""When a capacity counts: from the next epoch on, for the device and for its class, through every kind of change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.parties import CLASS, EPOCH, Device, Network
from support.world import World
from worktab.program.generated.events import DeviceUpdated
from worktab.program.generated.types import ClassTerms

U64 = 2**64 - 1


def of_device(world: World, device: Device) -> tuple[int, int, int]:
    held = world.read_device(device)
    return held.capacity, held.next_capacity, held.capacity_epoch


def of_class(world: World, network: Network) -> tuple[int, int, int]:
    held = world.read_network(network).classes[0]
    return held.total_capacity, held.next_total_capacity, held.epoch


def test_a_registration_counts_from_the_next_epoch(world: World) -> None:
    network = world.network()
    first = world.device(network, capacity=100)
    world.next_epoch(network, before=1)
    second = world.device(network, capacity=50)

    assert of_device(world, first) == (0, 100, 1)
    assert of_device(world, second) == (0, 50, 1)
    assert of_class(world, network) == (0, 150, 0)

    world.advance(1)
    third = world.device(network, capacity=7)
    assert of_device(world, third) == (0, 7, 2)
    assert of_class(world, network) == (150, 157, 1)
    assert world.read_device(third).epoch == 1


@pytest.mark.parametrize(
    ("seconds", "eligible"), [(EPOCH - 1, 0), (EPOCH, 100), (2 * EPOCH - 1, 100), (9 * EPOCH, 100)]
)
def test_work_is_eligible_from_the_first_second_of_that_epoch(world: World, seconds: int, eligible: int) -> None:
    network = world.network()
    device = world.device(network, capacity=100)
    world.advance(seconds)

    event = world.send(world.receipt(device, 1, 500, consent=device.owner)).event()

    assert (event.eligible, event.reward) == (eligible, eligible)


@pytest.mark.parametrize("capacity", [0, 40, 99, 101, CLASS.max_capacity])
def test_an_update_counts_from_the_next_epoch(world: World, capacity: int) -> None:
    network = world.network()
    device = world.device(network, capacity=100)
    world.device(network, capacity=1_000)
    world.next_epoch(network)

    event = world.send(world.update(device, capacity=capacity)).event()

    assert event == DeviceUpdated(device.address, device.owner.pubkey(), device.payout.pubkey(), capacity, False)
    assert of_device(world, device) == (100, capacity, 2)
    assert of_class(world, network) == (1_100, 1_000 + capacity, 1)

    world.next_epoch(network, before=1)
    event = world.send(world.receipt(device, 1, 100)).event()
    assert event.eligible == 100

    world.advance(1)
    event = world.send(world.receipt(device, 2, 3_000_000, consent=device.owner)).event()
    assert event.eligible == capacity
    assert of_class(world, network) == (1_000 + capacity, 1_000 + capacity, 2)


def test_the_last_of_several_updates_in_an_epoch_counts(world: World) -> None:
    network = world.network()
    device = world.device(network, capacity=100)
    world.next_epoch(network)

    for capacity in (7, 300, 0, 200):
        assert world.send(world.update(device, capacity=capacity)).ok
        assert of_device(world, device) == (100, capacity, 2)
        assert of_class(world, network) == (100, capacity, 1)


def test_an_update_before_the_first_epoch_counts_in_the_registrations_place(world: World) -> None:
    network = world.network()
    device = world.device(network, capacity=100)

    assert world.send(world.update(device, capacity=30)).ok

    assert of_device(world, device) == (0, 30, 1)
    assert of_class(world, network) == (0, 30, 0)


def test_epochs_without_any_instruction_are_stepped_over(world: World) -> None:
    network = world.network()
    device = world.device(network, capacity=100)
    world.advance(7 * EPOCH)
    assert world.send(world.update(device, capacity=60)).ok
    assert of_device(world, device) == (100, 60, 8)
    assert of_class(world, network) == (100, 60, 7)

    world.advance(5 * EPOCH)
    assert world.send(world.update(device, capacity=61)).ok
    assert of_device(world, device) == (60, 61, 13)
    assert of_class(world, network) == (60, 61, 12)


@pytest.mark.parametrize("capacity", [CLASS.max_capacity + 1, U64])
def test_a_rise_over_the_largest_is_refused(world: World, capacity: int) -> None:
    network = world.network()
    device = world.device(network, capacity=100)

    assert world.send(world.update(device, capacity=capacity)).error_name == "CapacityTooLarge"
    assert of_class(world, network) == (0, 100, 0)


def test_a_device_over_a_lowered_largest_may_stay_or_fall_but_not_rise(world: World) -> None:
    network = world.network()
    device = world.device(network, capacity=100)
    world.patch_class(network, max_capacity=50)

    for capacity, error in (
        (101, "CapacityTooLarge"),
        (100, ""),
        (80, ""),
        (81, "CapacityTooLarge"),
        (50, ""),
        (51, "CapacityTooLarge"),
    ):
        assert world.send(world.update(device, capacity=capacity)).error_name == error, capacity


def test_capacity_needs_the_least_bond(world: World) -> None:
    network = world.network(classes=(replace(CLASS, least_bond=500),))
    planned, terms = world.plan(network, capacity=1)
    assert world.send(world.possession(planned), world.register(planned, terms)).error_name == "BondTooSmall"
    device = world.device(network, capacity=0)

    for bond, error in ((0, "BondTooSmall"), (499, "BondTooSmall"), (500, ""), (501, "")):
        world.patch_device(device, bond=bond, next_capacity=0)
        world.patch_class(network, next_total_capacity=0)
        assert world.send(world.update(device, capacity=1), check=False).error_name == error, bond


def test_a_device_under_a_raised_bond_may_stay_or_fall_but_not_rise(world: World) -> None:
    network = world.network()
    device = world.device(network, capacity=100)
    world.patch_class(network, least_bond=1)

    for capacity, error in (
        (101, "BondTooSmall"),
        (100, ""),
        (80, ""),
        (81, "BondTooSmall"),
        (0, ""),
        (1, "BondTooSmall"),
    ):
        assert world.send(world.update(device, capacity=capacity)).error_name == error, capacity


def test_a_capacity_over_the_largest_is_told_before_the_bond(world: World) -> None:
    network = world.network(classes=(replace(CLASS, max_capacity=10, least_bond=500),))
    device, terms = world.plan(network, capacity=11)

    assert world.send(world.possession(device), world.register(device, terms)).error_name == "CapacityTooLarge"


def test_a_clock_that_steps_back_gains_nothing(world: World) -> None:
    network = world.network()
    device = world.device(network, capacity=100)
    world.next_epoch(network)
    assert world.send(world.update(device, capacity=200)).ok
    assert of_class(world, network) == (100, 200, 1)

    world.advance(-1)
    assert world.send(world.update(device, capacity=300)).ok
    late = world.device(network, capacity=5)

    assert of_device(world, device) == (100, 300, 2)
    assert of_device(world, late) == (0, 5, 2)
    assert of_class(world, network) == (100, 305, 1)


def test_a_clock_before_the_networks_creation_is_its_first_epoch(world: World) -> None:
    network = world.network()
    world.advance(-1_000_000)

    device = world.device(network, capacity=100)

    assert of_device(world, device) == (0, 100, 1)


def test_classes_count_apart(world: World) -> None:
    network = world.network(classes=(CLASS, CLASS))
    world.device(network, class_=0, capacity=1)
    world.advance(3 * EPOCH)
    world.device(network, class_=1, capacity=2)

    first, second = world.read_network(network).classes[:2]
    assert (first.total_capacity, first.next_total_capacity, first.epoch, first.devices) == (0, 1, 0, 1)
    assert (second.total_capacity, second.next_total_capacity, second.epoch, second.devices) == (0, 2, 3, 1)


def test_a_class_total_beyond_its_range_is_refused(world: World) -> None:
    network = world.network()
    device = world.device(network, capacity=100)
    world.patch_class(network, next_total_capacity=U64 - 1)

    assert world.send(world.update(device, capacity=102)).error_name == "Overflow"
    assert world.send(world.update(device, capacity=101)).ok
    assert of_class(world, network) == (0, U64, 0)


def test_the_share_of_an_epoch_follows_the_capacities_that_count_in_it(world: World) -> None:
    network = world.network(classes=(ClassTerms(1, 10_000_000, 1_000, 0, 900),))
    first, second = world.device(network, capacity=100), world.device(network, capacity=200)
    world.next_epoch(network)
    assert world.send(world.update(first, capacity=400)).ok

    rewards = [
        world.send(world.receipt(each, 1, units, consent=each.owner)).event().reward
        for each, units in ((first, 100), (second, 200))
    ]
    assert rewards == [300, 600]

    world.next_epoch(network)
    rewards = [
        world.send(world.receipt(each, 2, units, consent=each.owner)).event().reward
        for each, units in ((first, 500), (second, 400))
    ]
    assert rewards == [600, 300]
