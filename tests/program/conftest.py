"""What the tests of the on-chain program share."""

from __future__ import annotations

import pytest

from support.world import World


@pytest.fixture
def world() -> World:
    """A new chain with the program deployed."""
    return World()
