"""The numbers that random histories of a network are made of: ordinary ones and both sides of every edge."""

from __future__ import annotations

from hypothesis import strategies as st
from solders.pubkey import Pubkey

from support.ledger_parts import Terms
from worktab.program.generated.types import ClassTerms, DelegateTerms

DELAY = 1_000
"""Seconds that a change of parameters waits."""

WALLETS = 3
"""Payout wallets of a history."""

RATES = st.sampled_from([0, 1, 333_333, 1_000_000, 7_777_777, 2**31, 2**31 + 1, 2**62, 2**64 - 1])
CAPACITIES = st.sampled_from([0, 1, 2, 7, 1_000, 999_983, 2**32 - 1, 2**32, 2**40, 2**48])
BUDGETS = st.sampled_from([0, 1, 10, 1_000, 1_000_000, 2**32 - 1, 2**32, 2**50, 2**64 - 1])
LEAST_BONDS = st.sampled_from([0, 0, 0, 0, 1, 500])
BONDS = st.one_of(st.integers(1, 9), st.integers(1, 5_000), st.sampled_from([10**6, 2**40]))
LARGE_CAPACITIES = st.sampled_from([1_000, 999_983, 2**32 - 1, 2**32, 2**40, 2**48])
UNITS = st.one_of(st.integers(1, 20), st.integers(1, 2_000_000), st.sampled_from([2**32 - 1, 2**32, 2**40, 2**48]))
FIRST_TERMS = st.builds(
    ClassTerms,
    meter=st.just(1),
    rate=st.sampled_from([1_000_000, 333_333, 7_777_777, 2**31, 2**31 + 1]),
    max_capacity=LARGE_CAPACITIES,
    least_bond=LEAST_BONDS,
    budget=st.sampled_from([1_000_000, 999, 2**32 - 1, 2**32, 2**50, 2**64 - 1]),
)
AMOUNTS = st.one_of(st.sampled_from([10**6, 10**9, 2**40, 2**58]), st.integers(1, 5_000))
PICK = st.integers(0, 1_000)
CLASS = st.integers(0, 1)
ATTESTOR = st.integers(0, 2)
WALLET = st.integers(0, WALLETS - 1)
TERMS = st.none() | st.builds(Terms, CLASS, RATES, CAPACITIES, BUDGETS, LEAST_BONDS)
"""What to propose; None to withdraw."""

# Sales

PEOPLE = 3
"""Owners of devices, who are consumers as well."""

PERSON = st.integers(0, PEOPLE - 1)
SLOT = st.integers(1, 2)
SIGNER = st.sampled_from([0, 0, 1, 1, 2])
PART = st.sampled_from([1, 1, 2, 3, 7])
OVER = st.sampled_from([0, 0, 0, 0, 0, 1])
SOLD = st.one_of(st.integers(-1, 50), st.integers(0, 2_000_000), st.sampled_from([2**40, 2**48, 2**63]))
EXPIRES = st.sampled_from([0, 0, 1, 60, -1])
FEES = st.sampled_from([(0, 0), (500, 250), (3_000, 0), (0, 3_000), (1_500, 1_500), (1, 2_999)])
UNLIMITED = DelegateTerms(Pubkey.default(), 2**64 - 1, 0, 0, 2**64 - 1, 0, 255)
DELEGATES = st.builds(
    DelegateTerms,
    key=st.just(Pubkey.default()),
    allowance=st.sampled_from([1, 1_000, 10**6, 2**64 - 1]),
    period_limit=st.just(500_000),
    period_length=st.sampled_from([60, 3_600]),
    lane_limit=st.sampled_from([100, 10**6, 2**64 - 1]),
    expires_at=st.sampled_from([0, 0, 600]),
    classes=st.sampled_from([1, 2, 255, 255]),
) | st.just(UNLIMITED)
"""Terms of delegates; the key is put in by who uses them, and `expires_at` counts from now."""
