"""Every number that the IDL lets a caller choose, at each edge of its range: an exact effect or a refusal by name."""

from __future__ import annotations

import pytest

import support.edges_money
import support.edges_narrow
import support.edges_terms  # noqa: F401
from support.edges_case import CASES, EDGES
from support.edges_idl import number_arguments
from support.world import World

CHANGES = "propose_update.change.values"
"""Its meaning depends on the kind of change: see `test_edges_changes`."""
RANGES = {
    "u64": EDGES,
    "u32": (0, 1, (1 << 16) - 1, 1 << 16, 1 << 31, (1 << 32) - 2, (1 << 32) - 1),
    "u16": (0, 1, 255, 256, 3_000, 3_001, 10_000, 10_001, 1 << 15, (1 << 16) - 1),
}
TRIED = [(path, value) for kind, edges in RANGES.items() for path in sorted(number_arguments(kind)) for value in edges]


def test_no_number_of_the_interface_escapes() -> None:
    assert set(CASES) | {CHANGES} == {path for path, _ in TRIED}


@pytest.mark.parametrize(("path", "value"), [each for each in TRIED if each[0] != CHANGES])
def test_a_number_at_an_edge_has_its_exact_effect_or_is_refused(world: World, path: str, value: int) -> None:
    CASES[path](world, value).check(world)
