"""Every 64-bit number that the IDL lets a caller choose, at each edge of its range: an exact effect or a refusal."""

from __future__ import annotations

import pytest

import support.edges_money
import support.edges_terms  # noqa: F401
from support.edges_case import CASES, EDGES
from support.edges_idl import number_arguments
from support.world import World

CHANGES = "propose_update.change.values"
"""Its meaning depends on the kind of change: see `test_edges_changes`."""


def test_no_number_of_the_interface_escapes() -> None:
    assert set(CASES) | {CHANGES} == number_arguments("u64")


@pytest.mark.parametrize("value", EDGES)
@pytest.mark.parametrize("path", sorted(CASES))
def test_a_number_at_an_edge_has_its_exact_effect_or_is_refused(world: World, path: str, value: int) -> None:
    CASES[path](world, value).check(world)
