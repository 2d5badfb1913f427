"""A network that rewards what was sold, a device, and another's tab."""

from __future__ import annotations

import pytest

from support.demand import demand
from support.parties import Device, Network, Tab
from support.world import World


@pytest.fixture
def network(world: World) -> Network:
    """A fee of 10 percent and a burn of 5, and one base unit a work unit."""
    return demand(world)


@pytest.fixture
def device(world: World, network: Network) -> Device:
    """A device with a capacity of 1,000 units an epoch that counts already."""
    device = world.device(network)
    world.next_epoch(network)
    return device


@pytest.fixture
def tab(world: World, network: Network) -> Tab:
    """Another's tab, with 10,000,000 base units."""
    return world.tab(network, 10_000_000)
