"""A chain, an attacker with money and no keys but its own, and a network with attestors and disputes."""

from __future__ import annotations

import pytest

from support.griefing import Griefer
from support.invoices import Desk
from support.parties import Network
from support.trust_scenes import Court, TrustWorld, court_of


@pytest.fixture
def world() -> TrustWorld:
    """A new chain; the ledger, and what SLAs and disputes promise, are checked after every transaction."""
    return TrustWorld()


@pytest.fixture
def griefer(world: TrustWorld) -> Griefer:
    """An attacker."""
    return Griefer(world)


@pytest.fixture
def court(world: TrustWorld) -> Court:
    """Three attestors of whom two must agree, a challenge delay of 600 seconds, disputes for 100 base units."""
    return court_of(world)


@pytest.fixture
def network(court: Court) -> Network:
    """Its network; half of a bond is slashed at most."""
    return court.network


@pytest.fixture
def desk(world: TrustWorld) -> Desk:
    """Where devices sell by invoice."""
    return Desk(world)
