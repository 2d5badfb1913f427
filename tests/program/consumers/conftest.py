"""A network, a device, and a tab with some money."""

from __future__ import annotations

import pytest

from support.parties import Device, Lane, Network, Tab
from support.world import World


@pytest.fixture
def network(world: World) -> Network:
    """The default network, whose lanes take an hour to close."""
    return world.network()


@pytest.fixture
def device(world: World, network: Network) -> Device:
    """A device of class 0."""
    return world.device(network)


@pytest.fixture
def tab(world: World, network: Network) -> Tab:
    """A tab with a balance of 1,000 base units, its rent paid by the world's payer."""
    return world.tab(network, 1_000)


@pytest.fixture
def lane(world: World, tab: Tab, device: Device) -> Lane:
    """The consumer's lane for the device, with 100 base units."""
    return world.lane(tab, device, 100)
