"""A network, a device whose capacity counts already, and a scene for lies about signatures."""

from __future__ import annotations

import pytest

from support.forgery import Scene, scene_of
from support.invoices import Desk
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


@pytest.fixture(params=["ed25519", "p256"])
def scene(request: pytest.FixtureRequest, world: World, network: Network) -> Scene:
    """A device and an attacker with keys of each kind."""
    return scene_of(world, network, request.param)


@pytest.fixture
def desk(world: World) -> Desk:
    """What sells by invoice and claims."""
    return Desk(world)
