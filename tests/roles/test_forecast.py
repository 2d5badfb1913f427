"""Forecasts worked out from accounts alone, at every edge; `test_device` holds them against the program."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support.blank import blank
from worktab.core.errors import EncodingError
from worktab.program.generated.accounts import Device, Network
from worktab.program.generated.types import Class
from worktab.roles.forecast import (
    Forecast,
    Limit,
    capacity_in,
    class_epoch,
    epoch_at,
    forecast,
    pays_by_receipts,
    share_in,
    spent_in,
    total_capacity_in,
)
from worktab.roles.terms import RewardBasis, RewardPath

CREATED, LENGTH = 1_000, 60
EPOCH_5 = CREATED + 5 * LENGTH
NETWORK = blank(
    Network,
    created_at=CREATED,
    epoch_length=LENGTH,
    reward_path=RewardPath.RECEIPTS,
    basis=RewardBasis.ALL_UNITS,
    pool_free=10_000,
)
CLASS = replace(
    NETWORK.classes[0],
    meter=1,
    rate=2_000_000,
    budget=1_000,
    spent=400,
    total_capacity=200,
    next_total_capacity=300,
    epoch=5,
)
DEVICE = blank(
    Device,
    class_=0,
    units=70,
    epoch=5,
    epoch_units=60,
    epoch_rewards=120,
    capacity=100,
    next_capacity=150,
    capacity_epoch=6,
    carry=500_000,
)


def network_of(work_class: Class, **fields: Any) -> Network:
    return replace(NETWORK, classes=(work_class, *NETWORK.classes[1:]), **fields)


@pytest.mark.parametrize(
    ("now", "epoch"), [(0, 0), (CREATED, 0), (CREATED + 59, 0), (CREATED + 60, 1), (EPOCH_5 - 1, 4), (EPOCH_5, 5)]
)
def test_the_epoch_at_a_time(now: int, epoch: int) -> None:
    assert epoch_at(NETWORK, now) == epoch
    assert class_epoch(CLASS, NETWORK, now) == 5
    assert class_epoch(replace(CLASS, epoch=0), NETWORK, now) == epoch


def test_a_class_has_what_it_holds_until_its_epoch_is_over() -> None:
    assert [total_capacity_in(CLASS, epoch) for epoch in (5, 6, 7)] == [200, 300, 300]
    assert [spent_in(CLASS, epoch) for epoch in (5, 6, 7)] == [400, 0, 0]


def test_a_device_has_its_next_capacity_from_the_epoch_it_names() -> None:
    assert [capacity_in(DEVICE, epoch) for epoch in (5, 6, 7)] == [100, 150, 150]
    # floor(1,000 x 100 / 200), and floor(1,000 x 150 / 300).
    assert [share_in(DEVICE, CLASS, epoch) for epoch in (5, 6)] == [500, 500]
    assert share_in(replace(DEVICE, capacity=101), replace(CLASS, total_capacity=300), 5) == 336


@pytest.mark.parametrize(
    ("path", "roots_from", "now", "pays"),
    [
        (RewardPath.RECEIPTS, 0, EPOCH_5, True),
        (RewardPath.ROOTS, 6, EPOCH_5, True),
        (RewardPath.ROOTS, 5, EPOCH_5, False),
        (RewardPath.ROOTS, 5, EPOCH_5 - 1, True),
    ],
)
def test_receipts_pay_until_the_epoch_in_which_roots_begin(path: int, roots_from: int, now: int, pays: bool) -> None:
    assert pays_by_receipts(replace(NETWORK, reward_path=path, roots_from=roots_from), now) is pays


NEXT = EPOCH_5 + LENGTH


@pytest.mark.parametrize(
    ("terms", "network", "device", "units", "expected"),
    [
        # 10 new units at 2 base units, and half a base unit that was left.
        ({}, {}, {}, 80, Forecast(10, 10, 20, 20, (), NEXT)),
        ({"rate": 2_550_000}, {}, {}, 80, Forecast(10, 10, 26, 26, (), NEXT)),
        ({}, {}, {}, 70, Forecast(0, 0, 0, 0, (), NEXT)),
        # An older receipt than the newest.
        ({}, {}, {}, 69, Forecast(0, 0, 0, 0, (), NEXT)),
        # 40 of the capacity's 100 are left.
        ({}, {}, {}, 110, Forecast(40, 40, 80, 80, (), NEXT)),
        ({}, {}, {}, 111, Forecast(41, 40, 82, 80, (Limit.CAPACITY,), NEXT)),
        ({"rate": 0}, {}, {}, 111, Forecast(41, 40, 0, 0, (), NEXT)),
        ({}, {}, {"epoch_units": 101}, 80, Forecast(10, 0, 20, 0, (Limit.CAPACITY,), NEXT)),
        # 120 of the share are used: 140, so that 20 are left, and one less.
        ({"budget": 280, "spent": 0}, {}, {}, 80, Forecast(10, 10, 20, 20, (), NEXT)),
        ({"budget": 278, "spent": 0}, {}, {}, 80, Forecast(10, 10, 20, 19, (Limit.SHARE,), NEXT)),
        ({"budget": 200, "spent": 0}, {}, {}, 80, Forecast(10, 10, 20, 0, (Limit.SHARE,), NEXT)),
        # The class has 20 left of its budget, and one less, and less than none.
        ({"spent": 980}, {}, {}, 80, Forecast(10, 10, 20, 20, (), NEXT)),
        ({"spent": 981}, {}, {}, 80, Forecast(10, 10, 20, 19, (Limit.BUDGET,), NEXT)),
        ({"spent": 1_001}, {}, {}, 80, Forecast(10, 10, 20, 0, (Limit.BUDGET,), NEXT)),
        ({}, {"pool_free": 20}, {}, 80, Forecast(10, 10, 20, 20, (), NEXT)),
        ({}, {"pool_free": 19}, {}, 80, Forecast(10, 10, 20, 19, (Limit.POOL,), NEXT)),
        (
            {"spent": 981},
            {"pool_free": 19},
            {"epoch_rewards": 481},
            120,
            Forecast(50, 40, 100, 19, (Limit.CAPACITY, Limit.SHARE, Limit.BUDGET, Limit.POOL), NEXT),
        ),
        # What the device and the class did in the epoch before binds no more.
        ({"epoch": 4, "spent": 1_000}, {}, {}, 80, Forecast(10, 10, 20, 20, (), NEXT)),
        ({}, {}, {"epoch": 4, "epoch_units": 100}, 170, Forecast(100, 100, 200, 200, (), NEXT)),
        ({}, {}, {"epoch": 4, "epoch_rewards": 500}, 80, Forecast(10, 10, 20, 20, (), NEXT)),
        ({"budget": 20, "spent": 0}, {}, {"epoch": 4}, 80, Forecast(10, 10, 20, 10, (Limit.SHARE,), NEXT)),
        # The class is ahead of the clock: its epoch counts.
        ({"epoch": 6}, {}, {}, 221, Forecast(151, 150, 302, 300, (Limit.CAPACITY,), NEXT + LENGTH)),
        # Receipts accrue nothing once roots pay, and where only sales are rewarded.
        ({}, {"reward_path": RewardPath.ROOTS, "roots_from": 5}, {}, 111, Forecast(41, 0, 0, 0, (), NEXT)),
        ({}, {"basis": RewardBasis.SOLD_UNITS}, {}, 111, Forecast(41, 0, 0, 0, (), NEXT)),
    ],
    ids=range(24),
)
def test_a_forecast_at_each_limit(
    terms: dict[str, int], network: dict[str, int], device: dict[str, int], units: int, expected: Forecast
) -> None:
    given = network_of(replace(CLASS, **terms), **network)  # type: ignore[arg-type]
    told = forecast(given, replace(DEVICE, **device), units, EPOCH_5)  # type: ignore[arg-type]
    assert told == expected
    assert (told.cut, told.lost) == (bool(expected.limits), expected.full_reward - expected.reward)


@pytest.mark.parametrize(
    ("network", "device", "refusal"),
    [
        ({"reward_path": 9}, {}, "The reward path is not known; expected one of 1, 2; got 9"),
        ({"basis": 9}, {}, "The basis is not known; expected one of 1, 2; got 9"),
        ({}, {"class_": 8}, "The class is not known; expected 0 to 7; got 8"),
    ],
    ids=["path", "basis", "class"],
)
def test_what_this_release_does_not_know_is_not_forecast(
    network: dict[str, int], device: dict[str, int], refusal: str
) -> None:
    with pytest.raises(EncodingError) as caught:
        forecast(network_of(CLASS, **network), replace(DEVICE, **device), 80, EPOCH_5)  # type: ignore[arg-type]
    assert str(caught.value) == f"{refusal}. A newer release of this package may know it"
