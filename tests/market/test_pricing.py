"""What work costs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from worktab.core.errors import InputError
from worktab.market.pricing import Price

U64 = (1 << 64) - 1


@pytest.mark.parametrize(
    ("price", "units", "cost"),
    [
        (Price(1_000_000), 7, 7),
        (Price(1_000_000), 0, 1),
        (Price(1, 0), 0, 0),
        (Price(1, 0), 1, 1),
        (Price(1, 0), 1_000_000, 1),
        (Price(1, 0), 1_000_001, 2),
        (Price(2_500_000, 10), 3, 10),
        (Price(2_500_000, 10), 4, 10),
        (Price(2_500_000, 10), 5, 13),
        (Price.fixed(100), 0, 100),
        (Price.fixed(100), U64, 100),
        (Price(1_000_000, 0), U64, U64),
    ],
)
def test_a_cost_is_rounded_up_and_never_below_the_minimum(price: Price, units: int, cost: int) -> None:
    assert price.cost(units) == cost


def test_a_fixed_price_has_no_rate() -> None:
    assert Price.fixed(100) == Price(0, 100)
    assert Price.fixed(100).cost(1_000_000) == 100


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        (
            lambda: Price(0, 0),
            "a price of nothing; expected a rate or a minimum above 0. Leave a free route unpriced",
        ),
        (lambda: Price(-1, 1), "rate is out of range; expected 0 to 2^64 - 1; got -1"),
        (lambda: Price(1, -1), "minimum is out of range; expected 0 to 2^64 - 1; got -1"),
        (lambda: Price(1, 0).cost(-1), "units is out of range; expected 0 to 2^64 - 1; got -1"),
        (
            lambda: Price(1_000_001, 0).cost(U64),
            "cost is out of range; expected 0 to 2^64 - 1; got 18446762520453625325",
        ),
    ],
    ids=["nothing", "rate", "minimum", "units", "cost"],
)
def test_refusals_say_what_is_wrong(call: Callable[[], object], refusal: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == refusal


@pytest.mark.parametrize(("rate", "minimum"), [(-1, 1), (1, -1), (U64 + 1, 0), (1, U64 + 1), (1.5, 1)])
def test_a_price_is_two_u64(rate: int, minimum: int) -> None:
    with pytest.raises(InputError):
        Price(rate, minimum)


def test_a_cost_above_a_u64_is_refused() -> None:
    with pytest.raises(InputError, match="cost"):
        Price(1_000_001).cost(U64)
    with pytest.raises(InputError, match="units"):
        Price(1).cost(U64 + 1)
