"""Rates, capacities, budgets and pools at their largest and their least: each receipt against the rule in numbers
without an end."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from support.edges_case import U64
from support.parties import CLASS
from support.snapshots import snapshot
from support.world import World

MILLION, LARGEST = 1_000_000, 1 << 48
RATES = (0, 1, MILLION - 1, MILLION, 1 << 32, U64)
UNITS = (1, MILLION, (1 << 32) + 1, LARGEST)
POOL = U64 - 1


@pytest.mark.parametrize("budget", [0, 1, 1 << 32, U64])
@pytest.mark.parametrize("rate", RATES)
def test_a_receipt_earns_by_the_rule_at_every_largest_and_least(rate: int, budget: int) -> None:
    """One device has all of its class's capacity; a second one as much, and so half of each share."""
    for units, capacity, shared in product(UNITS, (0, 1, LARGEST), (False, True)):
        world = World()
        terms = replace(CLASS, rate=rate, max_capacity=LARGEST, budget=budget)
        network = world.network(fund=POOL, classes=(terms,))
        device = world.device(network, capacity=capacity)
        if shared:
            world.device(network, capacity=capacity)
        world.next_epoch(network)
        eligible = min(units, capacity)
        share = budget * capacity // (capacity * (1 + shared)) if capacity else 0
        full, carry = divmod(eligible * rate, MILLION)
        wanted = min(full, share, budget, POOL)
        before = snapshot(world)

        result = world.send(world.receipt(device, 1, units, consent=device.owner))

        if full > U64:
            assert result.error_name == "Overflow"
            assert snapshot(world) == before
            continue
        event, held = result.event(), world.read_device(device)
        assert (event.eligible, event.reward, held.carry) == (eligible, wanted, carry)
        assert (held.rewards_owed, world.read_network(network).pool_free) == (wanted, POOL - wanted)


@pytest.mark.parametrize("devices", [1, 2, 3, 7])
def test_shares_of_the_largest_budget_never_add_up_to_more(world: World, devices: int) -> None:
    """Capacities that do not divide it evenly: each share is rounded down, and what is left stays in the pool."""
    terms = replace(CLASS, rate=U64, max_capacity=LARGEST, budget=U64)
    network = world.network(fund=U64, classes=(terms,))
    capacities = [MILLION * 10 + 3 * each + 1 for each in range(devices)]
    fleet = [world.device(network, capacity=capacity) for capacity in capacities]
    world.next_epoch(network)
    for device, capacity in zip(fleet, capacities, strict=True):
        receipt = world.receipt(device, 1, MILLION, consent=device.owner)
        assert world.send(receipt).event().reward == U64 * capacity // sum(capacities)

    left = U64 - sum(U64 * capacity // sum(capacities) for capacity in capacities)
    assert world.read_network(network).pool_free == left < devices
