"""Budgets: what is refused before anything is signed, and what is counted."""

from __future__ import annotations

import pytest

from worktab.core.errors import InputError
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.errors import BudgetExceeded


def test_what_is_out_counts_until_it_is_charged_or_released() -> None:
    budget = Budget(100)
    budget.hold("a", 40)
    budget.hold("b", 50)
    assert (budget.out, budget.left) == (90, 10)
    budget.charge("a", 15)
    assert (budget.charged, budget.out, budget.left) == (15, 50, 35)
    budget.release("b")
    assert (budget.charged, budget.out, budget.left) == (15, 0, 85)
    budget.release("b")
    budget.charge("never held", 5)
    assert (budget.charged, budget.left) == (20, 80)


def test_a_request_holds_once() -> None:
    budget = Budget(100)
    budget.hold("a", 60)
    budget.hold("a", 100)
    assert (budget.out, budget.left) == (100, 0)
    with pytest.raises(BudgetExceeded) as caught:
        budget.hold("a", 101)
    assert (caught.value.expected, budget.out) == ("at most 100 base units of 100", 100)


@pytest.mark.parametrize(("amount", "units", "rate"), [(101, 10, 1), (51, 10, 1), (10, 10, 2_001), (10, 4_999, 0)])
def test_terms_above_a_limit_are_refused(amount: int, units: int, rate: int) -> None:
    budget = Budget(100, per_request=50, rate=2_000)
    budget.require(50, 50_000, 2_000)
    budget.require(10, 5_000, 0)
    with pytest.raises(BudgetExceeded) as caught:
        budget.require(amount, units, rate)
    assert caught.value.code == "budget_exceeded"
    assert (budget.charged, budget.out) == (0, 0)


@pytest.mark.parametrize("limits", [{"total": -1}, {"total": 1, "per_request": -1}, {"total": 1, "rate": 1 << 64}])
def test_limits_are_u64(limits: dict[str, int]) -> None:
    with pytest.raises(InputError):
        Budget(**limits)


def test_it_tells_what_it_holds() -> None:
    budget = Budget(100)
    budget.hold("a", 10)
    assert repr(budget) == "Budget(total=100, charged=0, out=10)"
