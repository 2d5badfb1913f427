"""The numbers that random histories of a network are made of: ordinary ones and both sides of every edge."""

from __future__ import annotations

from hypothesis import strategies as st

from support.ledger_model import Terms
from worktab.program.generated.types import ClassTerms

WALLETS = 3
"""Payout wallets of a history."""

RATES = st.sampled_from([0, 1, 333_333, 1_000_000, 7_777_777, 2**31, 2**31 + 1, 2**62])
CAPACITIES = st.sampled_from([0, 1, 2, 7, 1_000, 999_983, 2**32 - 1, 2**32, 2**40, 2**48])
BUDGETS = st.sampled_from([0, 1, 10, 1_000, 1_000_000, 2**32 - 1, 2**32, 2**50, 2**64 - 1])
LARGE_CAPACITIES = st.sampled_from([1_000, 999_983, 2**32 - 1, 2**32, 2**40, 2**48])
UNITS = st.one_of(st.integers(1, 20), st.integers(1, 2_000_000), st.sampled_from([2**32 - 1, 2**32, 2**40, 2**48]))
FIRST_TERMS = st.builds(
    ClassTerms,
    meter=st.just(1),
    rate=st.sampled_from([1_000_000, 333_333, 7_777_777, 2**31, 2**31 + 1]),
    max_capacity=LARGE_CAPACITIES,
    least_bond=st.just(0),
    budget=st.sampled_from([1_000_000, 999, 2**32 - 1, 2**32, 2**50, 2**64 - 1]),
)
AMOUNTS = st.one_of(st.sampled_from([10**6, 10**9, 2**40, 2**58]), st.integers(1, 5_000))
PICK = st.integers(0, 1_000)
CLASS = st.integers(0, 1)
WALLET = st.integers(0, WALLETS - 1)
TERMS = st.none() | st.builds(Terms, CLASS, RATES, CAPACITIES, BUDGETS)
"""What to propose; None to withdraw."""
