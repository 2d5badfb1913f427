"""A network and a device whose capacity counts already."""

from __future__ import annotations

import pytest

from support.parties import Device, Network
from support.world import World


@pytest.fixture
def network(world: World) -> Network:
    """The default network: one base unit a work unit, 1,000,000 base units an epoch, 10,000,000 in the pool."""
    return world.network()


@pytest.fixture
def device(world: World, network: Network) -> Device:
    """An Ed25519 device with a capacity of 1,000 units an epoch, in the second epoch of its network."""
    device = world.device(network)
    world.next_epoch(network)
    return device
