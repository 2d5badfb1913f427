"""A network that takes a fee and burns, a device that sells, and a consumer with money."""

from __future__ import annotations

import pytest

from support.invoices import Desk
from support.parties import Device, Network, Tab
from support.world import World


@pytest.fixture
def network(world: World) -> Network:
    """The default network with a fee of 5 percent and a burn of 2.5 percent."""
    return world.network(fee_bps=500, burn_bps=250)


@pytest.fixture
def device(world: World, network: Network) -> Device:
    """A device of the network, with the index 1."""
    world.device(network)
    return world.device(network)


@pytest.fixture
def desk(world: World) -> Desk:
    """What makes and pays invoices."""
    return Desk(world)


@pytest.fixture
def tab(world: World, network: Network) -> Tab:
    """A tab with 1,000,000 base units."""
    return world.tab(network, 1_000_000)
