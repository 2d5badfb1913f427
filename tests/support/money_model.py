"""The program's money arithmetic as formulas over all integers (PROTOCOL section 5), for numbers and for proofs alike.

Each function takes plain integers, or terms of a solver together with its `pick` (if-then-else). The Rust functions are
compared with them case by case: `arithmetic.json`, which this writes, is read by `programs/worktab/tests/model.rs`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, Final

CASES: Final = Path(__file__).parent.parent / "proofs" / "arithmetic.json"
U64: Final = 2**64 - 1
RATE_UNITS: Final = 1_000_000
WHOLE: Final = 10_000

Pick = Callable[[Any, Any, Any], Any]


def pick(condition: Any, yes: Any, no: Any) -> Any:
    """If-then-else of plain integers."""
    return yes if condition else no


def floor(value: Any, divisor: Any) -> Any:
    """The quotient rounded down, of integers or of terms; the divisor is positive."""
    return value // divisor if isinstance(value, int) and isinstance(divisor, int) else value / divisor


def least(a: Any, b: Any, pick: Pick = pick) -> Any:
    return pick(a <= b, a, b)


def earned(carry: Any, work: Any) -> tuple[Any, Any]:
    """Reward and carry of `work`, which is units times rate."""
    return floor(carry + work, RATE_UNITS), (carry + work) % RATE_UNITS


def accrued(full: Any, share: Any, earned: Any, budget: Any, spent: Any, pool: Any, pick: Pick = pick) -> Any:
    """What limits leave of a reward."""
    left = least(pick(share > earned, share - earned, 0), pick(budget > spent, budget - spent, 0), pick)
    return least(full, least(left, pool, pick), pick)


def charged(
    earnings: Any, fee_due: Any, burn_due: Any, fee_carry: Any, burn_carry: Any, pick: Pick = pick
) -> tuple[Any, Any, Any, Any]:
    """Fee, burn and their carries; what is due is earnings times basis points."""
    fee_sum, burn_sum = fee_due + fee_carry, burn_due + burn_carry
    fee = least(floor(fee_sum, WHOLE), earnings, pick)
    due = floor(burn_sum, WHOLE)
    burn = least(due, earnings - fee, pick)
    return fee, burn, fee_sum % WHOLE, burn_sum % WHOLE + (due - burn) * WHOLE


def slashed(bond: Any, held: Any, cut: Any, owed: Any, deposit: Any, pick: Pick = pick) -> tuple[Any, Any, Any]:
    """Consumer's, challenger's and pool's part of a slash; the cut is bond times basis points."""
    total = least(floor(cut, WHOLE), bond - held, pick)
    shared = total - floor(total + 3, 4)
    consumer = least(owed, shared, pick)
    challenger = least(deposit, shared - consumer, pick)
    return consumer, challenger, total - consumer - challenger


NUMBERS = [0, 1, 3, 9_999, 10_000, 999_999, 1_000_001, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, U64 - 1, U64]


def _cases() -> Iterator[dict[str, Any]]:
    for carry, units, rate in product([0, 1, 999_999], NUMBERS, NUMBERS):
        amount, left = earned(carry, units * rate)
        yield {"of": "reward", "in": [carry, units, rate], "out": [amount, left] if amount <= U64 else None}
    for full, capacity, budget in product(NUMBERS[::2], NUMBERS[1::2], NUMBERS[::3]):
        share = budget * capacity // (capacity + 7)
        spent, got, pool = budget // 3, share // 2, budget // 2
        out = accrued(full, share, got, budget, spent, pool) if capacity + 7 <= U64 else None
        if out is not None:
            numbers = [full, capacity, capacity + 7, budget, spent, got, pool]
            yield {"of": "limits", "in": numbers, "out": [out]}
    for earnings, (fee, burn), (fee_carry, burn_carry) in product(
        NUMBERS[1:],
        [(0, 0), (3_000, 0), (0, 3_000), (1_500, 1_500), (1, 2_999)],
        [(0, 0), (9_999, 10_000), (0, 19_999)],
    ):
        out4 = charged(earnings, earnings * fee, earnings * burn, fee_carry, burn_carry)
        yield {"of": "charge", "in": [earnings, fee, burn, fee_carry, burn_carry], "out": list(out4)}
    for bond, bps, owed in product(NUMBERS, [0, 1, 5_000, 10_000], NUMBERS[::2]):
        held, deposit = bond // 3, owed // 2 + 1
        yield {
            "of": "slash",
            "in": [bond, held, bps, owed, deposit],
            "out": list(slashed(bond, held, bond * bps, owed, deposit)),
        }
    for due, part, bps in product(NUMBERS, [0, 1, 2, 3], [0, 1, 9_999, 10_000]):
        delivered = due * part // 3
        held, penalty = due * bps // WHOLE, (due - delivered) * bps // WHOLE
        yield {"of": "penalty", "in": [due, delivered, bps], "out": [held, penalty]}


def cases() -> str:
    """The file of cases: numbers are text, since they pass what JSON readers take exactly."""
    lines = []
    for case in _cases():
        out = None if case["out"] is None else [str(number) for number in case["out"]]
        lines.append(json.dumps({"of": case["of"], "in": [str(number) for number in case["in"]], "out": out}))
    return "[\n" + ",\n".join(lines) + "\n]\n"


if __name__ == "__main__":
    CASES.write_text(cases())
