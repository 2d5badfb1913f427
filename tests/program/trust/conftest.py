"""A network with attestors, a bonded device and a consumer with a lane."""

from __future__ import annotations

import pytest

from support.parties import Device, Lane, Network, Tab
from support.trust_scenes import Court, TrustWorld, court_of


@pytest.fixture
def world() -> TrustWorld:
    """A new chain; after every transaction devices count the SLAs and disputes that there are."""
    return TrustWorld()


@pytest.fixture
def court(world: TrustWorld) -> Court:
    """Three attestors of whom two must agree, a challenge delay of 600 seconds, disputes for 100 base units."""
    return court_of(world)


@pytest.fixture
def network(court: Court) -> Network:
    """Its network; half of a bond is slashed at most."""
    return court.network


@pytest.fixture
def device(court: Court) -> Device:
    """A device with a bond of 1,000."""
    return court.device()


@pytest.fixture
def tab(world: TrustWorld, network: Network) -> Tab:
    """A consumer's tab with 10,000 base units."""
    return world.tab(network, 10_000)


@pytest.fixture
def lane(world: TrustWorld, tab: Tab, device: Device) -> Lane:
    """A lane of that tab for that device, with 1,000 base units."""
    return world.lane(tab, device, 1_000)
