"""rewards.json"""

from __future__ import annotations

from vectors.common import I64_MAX, U64_MAX, Json
from worktab.core import money


def vectors() -> Json:
    reward_cases = [
        ("nothing done", 0, 0, 1),
        ("just below one base unit", 0, 999_999, 1),
        ("exactly one base unit", 0, 1_000_000, 1),
        ("the carry completes a base unit", 999_999, 1, 1),
        ("an ordinary receipt", 123_456, 3_450_000, 2_500),
        ("a rate of zero", 999_999, U64_MAX, 0),
        ("the most units at the rate that just fits a u64", 999_999, U64_MAX, 1_000_000),
        ("the largest numbers: more than a u64", 999_999, U64_MAX, U64_MAX),
    ]
    share_cases = [
        ("half of the class", 1_000, 500, 1_000),
        ("rounded down", 1_000, 1, 3),
        ("the whole class", 1_000, 77, 77),
        ("no capacity in the class", 1_000, 0, 0),
        ("no capacity of its own", 1_000, 0, 9),
        ("the product needs 128 bits", U64_MAX, U64_MAX - 1, U64_MAX),
        ("the largest numbers", U64_MAX, U64_MAX, U64_MAX),
        ("too small a part to earn anything", 1, U64_MAX - 1, U64_MAX),
    ]
    epoch_cases = [
        ("the moment of creation", 1_790_000_000, 1_790_000_000, 3_600),
        ("the last second of the first epoch", 1_790_003_599, 1_790_000_000, 3_600),
        ("the first second of the second epoch", 1_790_003_600, 1_790_000_000, 3_600),
        ("epochs of a second, from the beginning of time to its end", I64_MAX, 0, 1),
    ]
    return {
        "description": "Reward arithmetic. A reward is before limits and may need 128 bits.",
        "rewards": [
            {
                "description": description,
                "carry": str(carry),
                "units": str(units),
                "rate": str(rate),
                "reward": str(money.reward(carry, units, rate)[0]),
                "new_carry": str(money.reward(carry, units, rate)[1]),
            }
            for description, carry, units, rate in reward_cases
        ],
        "shares": [
            {
                "description": description,
                "budget": str(budget),
                "capacity": str(capacity),
                "total": str(total),
                "share": str(money.share(budget, capacity, total)),
            }
            for description, budget, capacity, total in share_cases
        ],
        "epochs": [
            {
                "description": description,
                "now": str(now),
                "created": str(created),
                "length": str(length),
                "index": str(money.epoch_index(now, created, length)),
            }
            for description, now, created, length in epoch_cases
        ],
    }
