"""Exact arithmetic on columns of u64: numpy where it can't overflow, Python's integers where it could."""

from __future__ import annotations

from typing import Final

import numpy as np

from worktab.ingest.rows import Rows

U64_MAX: Final = (1 << 64) - 1
_LOW: Final = np.uint64((1 << 32) - 1)
_HALF: Final = np.uint64(32)


def total(values: Rows) -> int:
    """The exact sum of u64 values, which may pass the u64."""
    high, low = values >> _HALF, values & _LOW
    return (int(high.sum(dtype=np.uint64)) << 32) + int(low.sum(dtype=np.uint64))


def scaled(values: Rows, factor: int, divisor: int) -> Rows:
    """`min(floor(value * factor / divisor), 2^64 - 1)` of every u64 value."""
    if divisor <= U64_MAX:
        return divided(values, factor, divisor, np.uint64(0))[0]
    # What is left over may be no u64.
    quotients = (min(value * factor // divisor, U64_MAX) for value in values.tolist())
    return np.fromiter(quotients, np.uint64, len(values))


def divided(values: Rows, factor: int, divisor: int, carry: Rows | np.uint64) -> tuple[Rows, Rows]:
    """Quotients and remainders of `carry + value * factor` by `divisor`; quotients stop at 2^64 - 1.

    Args:
        values: u64.
        factor, divisor: integers, the divisor a u64 above 0.
        carry: u64, below `divisor`.
    """
    largest = int(values.max(initial=0)) * factor + int(np.max(carry, initial=0))
    if largest <= U64_MAX:
        whole = values * np.uint64(factor) + carry
        return whole // np.uint64(divisor), whole % np.uint64(divisor)
    carries = np.broadcast_to(carry, values.shape).tolist()
    parts = [divmod(left + value * factor, divisor) for value, left in zip(values.tolist(), carries, strict=True)]
    quotients = np.fromiter((min(quotient, U64_MAX) for quotient, _ in parts), np.uint64, len(parts))
    return quotients, np.array([rest for _, rest in parts], np.uint64)


def sums(left: Rows, right: Rows) -> Rows:
    """`min(left + right, 2^64 - 1)` of u64 columns."""
    with np.errstate(over="ignore"):
        wrapped = left + right
    return np.where(wrapped < left, np.uint64(U64_MAX), wrapped)


def products(left: Rows, right: Rows) -> Rows:
    """`min(left * right, 2^64 - 1)` of u64 columns."""
    if int(left.max(initial=0)) * int(right.max(initial=0)) <= U64_MAX:
        return left * right
    with np.errstate(over="ignore"):
        wrapped = left * right
    # Division undoes a multiplication exactly unless it wrapped.
    over = (left != 0) & (wrapped // np.maximum(left, np.uint64(1)) != right)
    return np.where(over, np.uint64(U64_MAX), wrapped)
