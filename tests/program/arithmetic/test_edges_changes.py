"""propose_update: each of the five numbers of every kind of change, at the edges of the fields they end up in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import pytest
from solders.pubkey import Pubkey

from support.edges_case import EDGES, U64
from support.parties import NOBODY
from support.snapshots import snapshot
from support.world import World
from worktab.program.generated.types import Change

VALUES = sorted({*EDGES, 2, 3, 255, 256, 3_599, 3_600, 10_000, 10_001, 65_535, 65_536, (1 << 48), (1 << 48) + 1})
YEAR = 31_536_000
AT_ONCE, WITHDRAW_POOL = {0, 6, 9}, 11
Test: TypeAlias = Callable[[int], bool]


@dataclass(frozen=True)
class Kind:
    """Values that are accepted together, and for each which others would be in its place; those not named must be 0."""

    values: tuple[int, ...] = ()
    accepts: tuple[Test, ...] = ()
    key: bool = False


def upto(most: int, least: int = 0) -> Test:
    return lambda value: least <= value <= most


ANY, NOTHING = upto(U64), upto(0)
KINDS = {
    0: Kind(),
    1: Kind((1, 5, 6, 7, 8), (upto(1, 1), ANY, upto(1 << 48), ANY, ANY)),
    2: Kind((100, 200), (upto(2_800), upto(2_900))),
    3: Kind((10, 3_600, 10, 10), (upto(YEAR), upto(YEAR, 3_600), upto(10), upto(YEAR, 10))),
    4: Kind((0,), (upto(1),)),
    5: Kind(key=True),
    6: Kind(key=True),
    7: Kind((2,), (upto(2, 2),)),
    8: Kind((3,), (upto(4, 3),), key=True),
    9: Kind(key=True),
    10: Kind((2,), (upto(3, 2),)),
    11: Kind((1,), (upto(U64, 1),), key=True),
    12: Kind((1, 1), (ANY, upto(10_000))),
}
REFUSALS = {"InvalidParameter", "MeterFixed", "Overflow"}


def attempt(world: World, kind: int, place: int, value: int) -> str:
    """Proposes a change with one value in its place, applies it where it is accepted, and says what came of it."""
    attestors = tuple(world.keypair().pubkey() for _ in range(3))
    network = world.network(fund=0, attestors=attestors, threshold=2, parameter_delay=0)
    known = KINDS.get(kind, Kind())
    values = [*known.values, *(0,) * (5 - len(known.values))]
    values[place] = value
    key = (attestors[0] if kind == 9 else Pubkey(bytes([7] * 32))) if known.key else NOBODY
    before = snapshot(world)

    result = world.send(world.propose(network, Change(kind, 0, tuple(values), key)))

    if not result.ok:
        assert result.error_name in REFUSALS
        assert snapshot(world) == before
    elif kind not in AT_ONCE:
        pending = world.read_network(network).pending
        assert (pending.kind, pending.values) == (kind, tuple(values))
        applied = world.send(world.apply(network))
        assert applied.error_name == ("TokensMove" if kind == WITHDRAW_POOL else "")
    return result.error_name


@pytest.mark.parametrize("kind", [*KINDS, 13, 255])
def test_each_number_of_a_change_is_taken_within_its_range_and_nowhere_else(world: World, kind: int) -> None:
    known = KINDS.get(kind)
    for place in range(5):
        accepts = known.accepts[place] if known and place < len(known.accepts) else NOTHING
        for value in VALUES:
            accepted = attempt(world, kind, place, value) == ""
            assert accepted == (known is not None and accepts(value)), (kind, place, value)
