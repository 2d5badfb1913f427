"""A whole life of a network by clocks at the ends of their range: before Unix time, at its beginning and at its end."""

from __future__ import annotations

from typing import Final

import pytest

from support.edges_life import TIME_BEGINS, TIME_ENDS, Life
from support.edges_steps import ABSENT, STEPS, live
from support.world import World

U32: Final = (1 << 32) - 1
EVERYTHING: Final = {
    "pool": 700,
    "fees": 22,
    "consumer": 500,
    "bond": 300,
    "payout": 507,
    "payee": 30,
    "vault": 1_008_930,
}
NO_RECEIPT: Final = EVERYTHING | {"payout": 407, "vault": 1_009_030}
UNREPORTED: Final = {"receipt": "TimeAhead", "accuse": "InvalidProof", "find": ABSENT, "resolve": ABSENT}
"""A receipt can't be dated before Unix time: its device waits for the clock."""
UNCLOSED: Final = {"close lane": "Overflow", "end lane": "Overflow"}
"""A lane can't say when it ends but in 32 bits; its device's owner ends it."""
UNENDING: Final = {
    "commit": "EpochCovered",
    "finalize": ABSENT,
    "open page": "WrongPage",
    "claim root": "NotInRoot",
    "propose pool": "Overflow",
    "take pool": "NothingPending",
}
"""What no time is left for."""

LIVES: Final[dict[str, tuple[int, dict[str, str], dict[str, int]]]] = {
    "the beginning of time": (TIME_BEGINS, UNREPORTED | UNCLOSED, NO_RECEIPT),
    "hours before Unix time": (-10_000, UNREPORTED, NO_RECEIPT),
    "a second before Unix time": (-1, {}, EVERYTHING),
    "the beginning of Unix time": (0, {}, EVERYTHING),
    "a second after it": (1, {}, EVERYTHING),
    "the last hours of 32 signed bits": ((1 << 31) - 10_000, {}, EVERYTHING),
    "the last hours of 32 bits": (U32 - 10_000, UNCLOSED, EVERYTHING),
    "the first second after 32 bits": (U32 + 1, UNCLOSED, EVERYTHING),
    "a year before the end": (
        TIME_ENDS - 31_536_000 - 60_000,
        UNCLOSED,
        EVERYTHING,
    ),
    "the last hours": (
        TIME_ENDS - 20_000,
        {"promise": "Overflow", "enforce": ABSENT} | UNCLOSED | UNENDING,
        EVERYTHING | {"pool": 0, "payee": 0, "vault": 1_009_660},
    ),
    "the last second": (
        TIME_ENDS,
        {
            "delegate": "InvalidParameter",
            "spend": "Unauthorized",
            "promise": "InvalidParameter",
            "receipt": "RewardLimited",
            "enforce": ABSENT,
            "accuse": "InvalidProof",
            "find": ABSENT,
            "resolve": ABSENT,
            "propose fees": "Overflow",
            "apply fees": "NothingPending",
            "unbond": "Overflow",
            "take bond": "NothingOwed",
            "propose roots": "Overflow",
            "apply roots": "NothingPending",
        }
        | UNCLOSED
        | UNENDING
        | {"commit": "WrongRewardPath"},
        EVERYTHING | {"pool": 0, "bond": 0, "payout": 407, "payee": 0, "vault": 1_010_060},
    ),
}


@pytest.mark.parametrize("name", LIVES)
def test_a_life_at_the_ends_of_time_pays_exactly_or_refuses_by_name(world: World, name: str) -> None:
    start, refusals, paid = LIVES[name]
    world.now = start
    life = Life(world)

    assert live(life) == refusals

    assert life.paid() == paid


def test_no_step_fails_at_an_ordinary_time(world: World) -> None:
    life = Life(world)

    assert live(life) == {}
    assert life.paid() == EVERYTHING
    assert len({step.name for step in STEPS}) == len(STEPS)


@pytest.mark.parametrize("start", [TIME_BEGINS, U32 - 3_599, U32 + 1, TIME_ENDS], ids=["begin", "u32", "late", "end"])
def test_where_a_lane_can_not_say_when_it_ends_no_money_is_caught(world: World, start: int) -> None:
    """Vouchers settle, and the device's owner ends it; the second before, the consumer can."""
    network = world.network()
    device, tab = world.device(network), world.tab(network, 100)
    lane = world.lane(tab, device, 100)
    world.now = start
    assert world.send(world.close_lane(lane)).error_name == "Overflow"
    assert world.send(world.voucher(lane, 40)).event().amount == 40
    assert world.send(world.waive(lane)).event().returned == 60
    assert world.read_tab(tab).balance == 60


def test_the_last_second_in_which_a_lane_can_announce_its_end(world: World) -> None:
    network = world.network()
    tab = world.tab(network, 100)
    lane = world.lane(tab, world.device(network), 100)
    world.now = U32 - 3_600
    assert world.send(world.close_lane(lane)).event().close_at == U32
    world.now = U32 - 1
    assert world.send(world.close_lane(lane)).error_name == "LaneNotDue"
    world.now = U32
    assert world.send(world.close_lane(lane)).event().returned == 100
