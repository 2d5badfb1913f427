"""Amounts as text and the reward arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worktab.core.errors import InputError
from worktab.core.money import (
    MOST_FEES_BPS,
    RATE_UNITS,
    charge,
    epoch_index,
    format_amount,
    parse_amount,
    reward,
    share,
)

U64_MAX = 2**64 - 1
U64 = st.integers(0, U64_MAX)


@given(U64, st.integers(0, 255))
def test_parsing_undoes_formatting(amount: int, decimals: int) -> None:
    assert parse_amount(format_amount(amount, decimals), decimals) == amount


@pytest.mark.parametrize(
    ("text", "decimals", "amount"),
    [
        ("1.25", 6, 1_250_000),
        ("0", 6, 0),
        ("007", 0, 7),
        ("0.000001", 6, 1),
        ("1.2500000000", 2, 125),
        ("5.0", 0, 5),
        ("18446744073709551615", 0, U64_MAX),
        ("18446744073709.551615", 6, U64_MAX),
        # A float would lose the last digit.
        ("9007199254.740993", 6, 9_007_199_254_740_993),
    ],
)
def test_parse(text: str, decimals: int, amount: int) -> None:
    assert parse_amount(text, decimals) == amount


@pytest.mark.parametrize(
    ("amount", "decimals", "text"),
    [
        (1_250_000, 6, "1.25"),
        (0, 0, "0"),
        (0, 9, "0"),
        (100, 0, "100"),
        (100, 2, "1"),
        (1, 6, "0.000001"),
        (U64_MAX, 9, "18446744073.709551615"),
    ],
)
def test_format(amount: int, decimals: int, text: str) -> None:
    assert format_amount(amount, decimals) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "1.",
        ".5",
        "-1",
        "+1",
        "1,000",
        "1 000",
        " 1",
        "1\n",
        "1e6",
        "1.2.3",
        "0x10",
        "١",
        "inf",
        "9" * 21,
        1,
        1.5,
    ],
)
def test_what_is_not_an_amount(text: Any) -> None:
    with pytest.raises(InputError) as caught:
        parse_amount(text, 6)
    assert str(caught.value) == (
        f"not an amount; expected digits with at most one point, such as 1.25; got {text!r}. "
        "Write it without sign, thousands separator, exponent or spaces"
    )


def test_an_amount_is_never_rounded() -> None:
    with pytest.raises(InputError) as caught:
        parse_amount("1.0000001", 6)
    assert str(caught.value) == (
        "the amount is finer than the token; expected at most 6 decimals; got 1.0000001. "
        "Round it to what you mean; amounts are never rounded for you"
    )


def test_an_amount_fits_a_token_account() -> None:
    with pytest.raises(InputError) as caught:
        parse_amount("18446744073709.551616", 6)
    assert str(caught.value) == (
        "the amount is too large for a token account; expected at most 18446744073709.551615; "
        "got 18446744073709.551616. Check the token's decimals: they were taken to be 6"
    )


def test_ranges_of_amounts() -> None:
    with pytest.raises(InputError, match=r"^amount is out of range"):
        format_amount(2**64, 6)
    with pytest.raises(InputError, match=r"^decimals is out of range"):
        format_amount(1, 256)
    with pytest.raises(InputError, match=r"^decimals is out of range"):
        parse_amount("1", -1)


@given(st.integers(0, RATE_UNITS - 1), st.lists(st.integers(0, 2**48), max_size=12), U64)
def test_splitting_work_changes_nothing(carry: int, parts: list[int], rate: int) -> None:
    paid, rest = 0, carry
    for units in parts:
        more, rest = reward(rest, units, rate)
        paid += more
    assert (paid, rest) == reward(carry, sum(parts), rate)


@given(U64, U64, st.lists(U64, min_size=1, max_size=6))
def test_shares_never_add_up_to_more_than_the_budget(budget: int, rest: int, capacities: list[int]) -> None:
    total = sum(capacities) + rest
    if total <= U64_MAX:
        assert sum(share(budget, capacity, total) for capacity in capacities) <= budget


def test_ranges_of_rewards() -> None:
    with pytest.raises(InputError, match=r"^carry is out of range; expected below 1000000; got 1000000"):
        reward(1_000_000, 0, 0)
    with pytest.raises(InputError, match=r"^units is out of range"):
        reward(0, 2**64, 1)
    with pytest.raises(InputError, match=r"^rate is out of range"):
        reward(0, 1, -1)
    for values in ((2**64, 1, 1), (1, 2**64, 1), (1, 1, 2**64)):
        with pytest.raises(InputError, match="is out of range"):
            share(*values)


def test_ranges_of_epochs() -> None:
    with pytest.raises(InputError, match=r"^the time is before the network was created; expected at least 10; got 9"):
        epoch_index(9, 10, 60)
    with pytest.raises(InputError, match=r"^epoch length is zero"):
        epoch_index(10, 10, 0)
    with pytest.raises(InputError, match=r"^now is out of range"):
        epoch_index(2**63, 10, 60)
    with pytest.raises(InputError, match=r"^created is out of range"):
        epoch_index(10, -1, 60)


@given(st.data(), st.lists(st.integers(1, 2**40), min_size=1, max_size=12))
def test_claiming_often_or_seldom_charges_the_same(data: st.DataObject, parts: list[int]) -> None:
    fee_bps = data.draw(st.integers(0, MOST_FEES_BPS))
    burn_bps = data.draw(st.integers(0, MOST_FEES_BPS - fee_bps))
    fee = burn = 0
    rest = (0, 0)
    for earnings in parts:
        charged = charge(earnings, fee_bps, burn_bps, *rest)
        assert charged.fee + charged.burn <= earnings
        fee, burn, rest = fee + charged.fee, burn + charged.burn, charged[2:]
        assert rest[0] < 10_000
        assert rest[1] < 20_000
    assert fee * 10_000 + rest[0] == sum(parts) * fee_bps
    assert burn * 10_000 + rest[1] == sum(parts) * burn_bps


def test_ranges_of_charges() -> None:
    assert charge(2**64 - 1, 3_000, 0) == (5_534_023_222_112_865_484, 0, 5_000, 0)
    for fee, burn in ((3_001, 0), (0, 3_001), (1_501, 1_500)):
        with pytest.raises(InputError, match=r"^fee and burn are out of range; expected at most 3000 together"):
            charge(1, fee, burn)
    for carries in ((10_000, 0), (0, 20_000)):
        with pytest.raises(InputError, match=r"^a carry is out of range"):
            charge(1, 0, 0, *carries)
    with pytest.raises(InputError, match=r"^earnings is out of range"):
        charge(2**64, 0, 0)


@pytest.mark.parametrize(
    ("carry", "units", "rate", "paid", "rest"),
    [
        (0, 3, 1_500_000, 4, 500_000),
        (500_000, 1, 1_500_000, 2, 0),
        (999_999, 1, 1, 1, 0),
        (999_998, 1, 1, 0, 999_999),
        (7, 0, U64_MAX, 0, 7),
        (7, U64_MAX, 0, 0, 7),
        # The largest of all does not fit a u64, and is told exactly.
        (999_999, U64_MAX, U64_MAX, 340_282_366_920_938_463_426_481_119_284_350, 108_224),
    ],
)
def test_rewards_by_hand(carry: int, units: int, rate: int, paid: int, rest: int) -> None:
    assert reward(carry, units, rate) == (paid, rest)


@pytest.mark.parametrize(
    ("budget", "capacity", "total", "most"),
    [
        (1_000, 1, 3, 333),
        (1_000, 2, 3, 666),
        (1_000, 3, 3, 1_000),
        (1, 1, 2, 0),
        (1, 2, 1, 2),
        (1_000, 5, 0, 0),
        (0, 5, 5, 0),
        # A float would say 2^64.
        (U64_MAX, U64_MAX, U64_MAX, U64_MAX),
        (U64_MAX, U64_MAX - 1, U64_MAX, U64_MAX - 1),
    ],
)
def test_shares_by_hand(budget: int, capacity: int, total: int, most: int) -> None:
    assert share(budget, capacity, total) == most


@pytest.mark.parametrize(
    ("asked", "charged"),
    [
        ((1_999, 250, 100), (49, 19, 9_750, 9_900)),
        ((1_000, 250, 100, 9_750, 9_900), (25, 10, 9_750, 9_900)),
        # The fee takes the one base unit there is, and what is due of the burn waits.
        ((1, 1_500, 1_500, 9_999, 10_000), (1, 0, 1_499, 11_500)),
        ((1, 1, 2_999, 9_999, 9_999), (1, 0, 0, 12_998)),
        # No more is burned than there is.
        ((1, 0, 3_000, 9_999, 19_999), (0, 1, 9_999, 12_999)),
        ((0, 3_000, 0, 9_999, 19_999), (0, 0, 9_999, 19_999)),
        ((U64_MAX, 0, 3_000), (0, 5_534_023_222_112_865_484, 0, 5_000)),
    ],
)
def test_charges_by_hand(asked: tuple[int, ...], charged: tuple[int, ...]) -> None:
    assert charge(*asked) == charged


@pytest.mark.parametrize(
    ("now", "created", "length", "epoch"),
    [
        (10, 10, 60, 0),
        (69, 10, 60, 0),
        (70, 10, 60, 1),
        (190, 10, 60, 3),
        # A float would round up.
        (2**63 - 1, 0, 1, 2**63 - 1),
        (2**63 - 1, 2**63 - 1, 2**63 - 1, 0),
    ],
)
def test_epochs_by_hand(now: int, created: int, length: int, epoch: int) -> None:
    assert epoch_index(now, created, length) == epoch


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        (lambda: parse_amount("0", 256), "decimals is out of range; expected 0 to 2^8 - 1; got 256"),
        (lambda: reward(2**64, 0, 0), "carry is out of range; expected 0 to 2^64 - 1; got 18446744073709551616"),
        (lambda: reward(-1, 0, 0), "carry is out of range; expected 0 to 2^64 - 1; got -1"),
        (lambda: reward(0, 0, 2**64), "rate is out of range; expected 0 to 2^64 - 1; got 18446744073709551616"),
        (lambda: charge(0, 2**16, 0), "fee is out of range; expected 0 to 2^16 - 1; got 65536"),
        (lambda: charge(0, 0, 2**16), "burn is out of range; expected 0 to 2^16 - 1; got 65536"),
        (lambda: charge(0, 0, 0, 2**16), "fee carry is out of range; expected 0 to 2^16 - 1; got 65536"),
        (lambda: charge(0, 0, 0, 0, 2**16), "burn carry is out of range; expected 0 to 2^16 - 1; got 65536"),
        (
            lambda: charge(0, 1, 3_000),
            "fee and burn are out of range; expected at most 3000 together; got 1 and 3000",
        ),
        (
            lambda: charge(0, 0, 0, 3, 20_000),
            "a carry is out of range; expected below 10,000 and 20,000; got 3, 20000",
        ),
        (lambda: share(-1, 0, 0), "budget is out of range; expected 0 to 2^64 - 1; got -1"),
        (lambda: share(0, -1, 0), "capacity is out of range; expected 0 to 2^64 - 1; got -1"),
        (lambda: share(0, 0, -1), "total is out of range; expected 0 to 2^64 - 1; got -1"),
        (lambda: epoch_index(0, 2**63, 1), "created is out of range; expected 0 to 2^63 - 1; got 9223372036854775808"),
        (lambda: epoch_index(0, 0, 2**63), "length is out of range; expected 0 to 2^63 - 1; got 9223372036854775808"),
        (lambda: epoch_index(0, 0, 0), "epoch length is zero; expected at least 1 second"),
    ],
    ids=range(16),
)
def test_refusals_say_what_is_wrong(call: Callable[[], object], refusal: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == refusal
