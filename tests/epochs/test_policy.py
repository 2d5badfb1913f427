"""Policies: exact integers, roundings, caps and budgets, against the same rules written for one device at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from support.receipts import class_terms, wallet
from worktab.core.errors import StorageError
from worktab.epochs.attesting.sources import MOST_MANIFEST
from worktab.epochs.errors import PolicyError
from worktab.epochs.manifest import canonical
from worktab.epochs.policy import ClassWork, FixedRate, ShareOfBudget, policy_of, read_policy
from worktab.epochs.sums import U64_MAX, divided, products, scaled, sums, total

U64 = st.one_of(st.integers(0, U64_MAX), st.integers(0, 10**7), st.sampled_from([0, 1, 2**32, 2**63, U64_MAX]))


def u64(*values: int) -> Any:
    return np.array(values, np.uint64)


def work(
    units: list[int],
    *,
    capacity: list[int] | None = None,
    epochs: list[int] | None = None,
    carry: list[int] | None = None,
    rate: int = 2_000_000,
    budget: int = 1_000_000,
    number: int = 0,
) -> ClassWork:
    size = len(units)
    return ClassWork(
        number,
        class_terms(rate=rate),
        budget,
        u64(*units),
        u64(*(capacity or [U64_MAX] * size)),
        u64(*(epochs or [1] * size)),
        u64(*(carry or [0] * size)),
    )


@given(st.lists(U64, min_size=1, max_size=40))
def test_sums_are_exact(values: list[int]) -> None:
    assert total(u64(*values)) == sum(values)


@given(st.lists(st.tuples(U64, U64), min_size=1, max_size=40))
def test_products_and_sums_stop_at_the_largest_number(pairs: list[tuple[int, int]]) -> None:
    left, right = zip(*pairs, strict=True)
    expected = [min(a * b, U64_MAX) for a, b in pairs]
    assert products(u64(*left), u64(*right)).tolist() == expected
    assert sums(u64(*left), u64(*right)).tolist() == [min(a + b, U64_MAX) for a, b in pairs]


@given(st.lists(U64, min_size=1, max_size=40), U64, st.integers(1, 2**80))
@example([2], 2**63, 2**64 + 1)
def test_scaling_is_exact(values: list[int], factor: int, divisor: int) -> None:
    assert scaled(u64(*values), factor, divisor).tolist() == [min(v * factor // divisor, U64_MAX) for v in values]


@given(st.lists(st.tuples(U64, st.integers(0, 999_999)), min_size=1, max_size=40), U64)
def test_division_is_exact_and_keeps_the_rest(rows: list[tuple[int, int]], factor: int) -> None:
    values, carries = zip(*rows, strict=True)
    quotients, rests = divided(u64(*values), factor, 10**6, u64(*carries))
    expected = [divmod(carry + value * factor, 10**6) for value, carry in rows]
    assert quotients.tolist() == [min(quotient, U64_MAX) for quotient, _ in expected]
    assert rests.tolist() == [rest for _, rest in expected]


def test_a_fixed_rate_rounds_down_and_carries_the_rest() -> None:
    rewards, carry = FixedRate().rewards(work([3, 1, 0], carry=[0, 999_999, 5], rate=1_500_000))
    assert rewards.tolist() == [4, 2, 0]
    assert carry.tolist() == [500_000, 499_999, 5]


def test_splitting_work_changes_nothing() -> None:
    whole, rest = FixedRate().rewards(work([7], rate=333_333))
    first, carry = FixedRate().rewards(work([4], rate=333_333))
    second, last = FixedRate().rewards(work([3], carry=carry.tolist(), rate=333_333))
    assert (first + second).tolist() == whole.tolist() == [2]
    assert last.tolist() == rest.tolist() == [333_331]


def test_a_fixed_rate_is_capped_by_the_capacity() -> None:
    rewards, _ = FixedRate().rewards(work([500, 500, 500], capacity=[100, 300, 1_800], epochs=[1, 3, 9]))
    assert rewards.tolist() == [200, 600, 1_000]


def test_a_fixed_rate_beyond_the_budget_is_scaled_down_for_everyone() -> None:
    rewards, _ = FixedRate().rewards(work([10, 20, 30], budget=100))
    # 20 + 40 + 60 = 120 are due: floor(20 x 100 / 120), floor(40 x 100 / 120), floor(60 x 100 / 120).
    assert rewards.tolist() == [16, 33, 50]
    whole, _ = FixedRate().rewards(work([10, 20, 20], budget=100))
    assert whole.tolist() == [20, 40, 40]


def test_a_share_of_the_budget_goes_by_units() -> None:
    rewards, carry = ShareOfBudget().rewards(work([1, 1, 1], carry=[7, 8, 9], budget=100))
    assert rewards.tolist() == [33, 33, 33]
    assert carry.tolist() == [7, 8, 9]


def test_a_share_counts_units_within_capacity_and_is_capped() -> None:
    given = work([100, 300, 1_000], capacity=[1_000, 1_000, 200], epochs=[1, 1, 2], budget=600)
    rewards, _ = ShareOfBudget().rewards(given)
    assert rewards.tolist() == [100, 300, 200]
    capped, _ = ShareOfBudget({0: 90, 1: 1}).rewards(given)
    assert capped.tolist() == [90, 90, 180]
    other, _ = ShareOfBudget({1: 90}).rewards(given)
    assert other.tolist() == [100, 300, 200]


def test_a_cap_is_exact_where_floats_are_not() -> None:
    rewards, _ = ShareOfBudget({0: 2**53 + 1}).rewards(work([1], budget=2**60))
    assert (rewards.tolist(), rewards.dtype) == ([2**53 + 1], np.uint64)


def test_whose_unit_is_the_only_one_gets_the_whole_budget() -> None:
    rewards, _ = ShareOfBudget().rewards(work([1], budget=100))
    assert rewards.tolist() == [100]


def test_no_eligible_units_get_nothing() -> None:
    rewards, _ = ShareOfBudget().rewards(work([5, 6], capacity=[0, 0]))
    assert rewards.tolist() == [0, 0]


DEVICES = st.lists(st.tuples(U64, U64, st.integers(1, 1_000), st.integers(0, 999_999)), min_size=1, max_size=30)


@given(DEVICES, U64, U64)
def test_a_fixed_rate_is_what_it_says_for_any_numbers(
    devices: list[tuple[int, int, int, int]], rate: int, budget: int
) -> None:
    units, capacity, epochs, carry = map(list, zip(*devices, strict=True))
    rewards, carries = FixedRate().rewards(
        work(units, capacity=capacity, epochs=epochs, carry=carry, rate=rate, budget=budget)
    )
    numbers = [left + min(u, c) * rate for u, c, _, left in devices]
    due = [min(number // 10**6, budget) for number in numbers]
    together = sum(due)
    expected = due if together <= budget else [each * budget // together for each in due]
    assert rewards.tolist() == expected
    assert carries.tolist() == [number % 10**6 for number in numbers]
    assert sum(rewards.tolist()) <= budget


@given(DEVICES, U64, st.none() | U64)
def test_a_share_is_what_it_says_for_any_numbers(
    devices: list[tuple[int, int, int, int]], budget: int, cap: int | None
) -> None:
    units, capacity, epochs, carry = map(list, zip(*devices, strict=True))
    policy = ShareOfBudget({} if cap is None else {0: cap})
    rewards, carries = policy.rewards(work(units, capacity=capacity, epochs=epochs, carry=carry, budget=budget))
    eligible = [min(u, c) for u, c, _, _ in devices]
    together = max(sum(eligible), 1)
    shares = [each * budget // together for each in eligible]
    assert rewards.tolist() == [
        share if cap is None else min(share, cap * e) for share, (_, _, e, _) in zip(shares, devices, strict=True)
    ]
    assert carries.tolist() == carry
    assert sum(rewards.tolist()) <= budget


def test_policies_are_read_in_any_spelling_and_written_in_one(tmp_path: Path) -> None:
    json, toml = tmp_path / "policy.json", tmp_path / "policy.toml"
    json.write_text('{"caps": {"0": 1000, "3": "7"}, "policy": "share-of-budget"}')
    toml.write_text('policy = "share-of-budget"\n[caps]\n0 = 1000\n3 = "7"\n')
    assert read_policy(json) == read_policy(toml) == ShareOfBudget({0: 1_000, 3: 7})
    assert read_policy(toml).to_json() == {"policy": "share-of-budget", "caps": {"0": "1000", "3": "7"}}
    assert policy_of(read_policy(toml).to_json()) == read_policy(json)
    assert policy_of({"policy": "fixed-rate"}) == FixedRate()
    assert policy_of(FixedRate().to_json()) == FixedRate()


def test_devices_are_excluded_in_one_order_and_nobody_is_nothing(tmp_path: Path) -> None:
    one, two = sorted((wallet("one"), wallet("two")), key=bytes)
    toml = tmp_path / "policy.toml"
    toml.write_text(f'policy = "fixed-rate"\nexclude = ["{two}", "{one}", "{two}"]\n')
    policy = read_policy(toml)
    assert policy == FixedRate((one, two)) == FixedRate((two, one, one))
    assert policy.to_json() == {"policy": "fixed-rate", "exclude": [str(one), str(two)]}
    assert policy_of(policy.to_json()) == policy
    share = policy_of({"policy": "share-of-budget", "caps": {"0": 1}, "exclude": [str(one)]})
    assert share == ShareOfBudget({0: 1}, (one,))
    assert share.to_json() == {"policy": "share-of-budget", "caps": {"0": "1"}, "exclude": [str(one)]}
    assert policy_of({"policy": "fixed-rate", "exclude": []}).to_json() == {"policy": "fixed-rate"}
    assert ShareOfBudget().to_json() == {"policy": "share-of-budget", "caps": {}}
    assert policy_of({"policy": "share-of-budget"}) == ShareOfBudget()


def test_a_manifest_has_room_for_all_that_may_be_excluded() -> None:
    many = [Pubkey(number.to_bytes(2, "big") * 16) for number in range(20_001)]
    policy = FixedRate(tuple(many[1:]))
    assert len(canonical(policy.to_json())) < MOST_MANIFEST - 10_000
    with pytest.raises(PolicyError) as caught:
        FixedRate(tuple(many))
    told = (caught.value.message, caught.value.expected, caught.value.got)
    assert told == ("too many devices are excluded", "20000 or fewer", "20001")


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"policy": "fixed-rate", "exclude": "x"},
        {"policy": "fixed-rate", "exclude": ["x"]},
        {"policy": "fixed-rate", "exclude": [1]},
        {"policy": "share-of-budget", "exclude": None},
        [],
        {},
        {"policy": "else"},
        {"policy": "fixed-rate", "caps": {"0": 1}},
        {"policy": "fixed-rate", "rate": 1},
        {"policy": "share-of-budget", "cap": 1},
        {"policy": "share-of-budget", "caps": 1},
        {"policy": "share-of-budget", "caps": {"8": 1}},
        {"policy": "share-of-budget", "caps": {"0": -1}},
        {"policy": "share-of-budget", "caps": {"0": 1.5}},
        {"policy": "share-of-budget", "caps": {"0": True}},
        {"policy": "share-of-budget", "caps": {"0": 1 << 64}},
        {"policy": "share-of-budget", "caps": {"0": "9" * 400}},
        {"policy": "share-of-budget", "caps": {"x": "1"}},
    ],
)
def test_what_is_no_policy_is_refused(value: object) -> None:
    with pytest.raises(PolicyError):
        policy_of(value)


def test_the_largest_cap_is_read_as_a_number_and_as_digits() -> None:
    for cap in (U64_MAX, str(U64_MAX)):
        assert policy_of({"policy": "share-of-budget", "caps": {"7": cap}}) == ShareOfBudget({7: U64_MAX})


NO_POLICY = (
    "no policy that is known; "
    'expected {"policy": "fixed-rate"} or {"policy": "share-of-budget", "caps": {"CLASS": "BASE UNITS"}}; got '
)


@pytest.mark.parametrize(
    ("value", "refusal"),
    [
        ({"policy": "else"}, NO_POLICY + "{'policy': 'else'}"),
        # No more than 200 characters of a stranger's text.
        ("x" * 300, NO_POLICY + "'" + "x" * 199),
        (
            {"policy": "fixed-rate", "exclude": "y" * 300},
            'the devices excluded are no list; expected ["ADDRESS", ..]; got ' + "'" + "y" * 99,
        ),
        (
            {"policy": "fixed-rate", "exclude": ["x"]},
            "a device excluded has no address; expected an address; got 'x'",
        ),
        (
            {"policy": "share-of-budget", "caps": {"0": "z" * 300}},
            "a number in the policy is none; expected digits; got '" + "z" * 99,
        ),
        (
            {"policy": "share-of-budget", "caps": {"8": 5}},
            "a cap is out of range; expected a class from 0 to 7, and base units below 2^64; got 8: 5",
        ),
    ],
    ids=["unknown", "long", "no list", "no address", "no number", "no class"],
)
def test_refusals_say_what_is_wrong(value: object, refusal: str) -> None:
    with pytest.raises(PolicyError) as caught:
        policy_of(value)
    assert str(caught.value).removesuffix(f". {caught.value.next_step}") == refusal


def test_files_that_hold_none_are_refused(tmp_path: Path) -> None:
    broken = tmp_path / "policy.toml"
    broken.write_text("policy = ")
    with pytest.raises(PolicyError) as caught:
        read_policy(broken)
    assert caught.value.message == f"{broken} is neither JSON nor TOML"
    assert caught.value.got.startswith("Invalid value")
    missing = tmp_path / "none.json"
    with pytest.raises(StorageError) as unread:
        read_policy(missing)
    assert unread.value.message == f"The policy {missing} can't be read"
    assert unread.value.got == f"[Errno 2] No such file or directory: '{missing}'"
