"""A network on the path of roots, in its second epoch."""

from __future__ import annotations

import pytest

from support.epochs import Root, Roots, roots_of
from support.parties import Network
from support.world import World


@pytest.fixture
def roots(world: World) -> Roots:
    """Three attestors of whom two must agree, a guardian, a challenge delay of 600 seconds; epoch 0 is over."""
    return roots_of(world)


@pytest.fixture
def network(roots: Roots) -> Network:
    """Its network: 1,000,000 base units an epoch, 10,000,000 in the pool."""
    return roots.network


@pytest.fixture
def root(roots: Roots) -> Root:
    """Five payees of epoch 0, who are owed 100, 200, 300, 400 and 500 base units."""
    return roots.root(0, roots.payees(100, 200, 300, 400, 500))
