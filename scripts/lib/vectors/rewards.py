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
    charge_cases = [
        ("nothing charged", 1_000, 0, 0, 0, 0),
        ("a fee and a burn", 1_000_000, 250, 100, 0, 0),
        ("rounded down and carried", 39, 250, 100, 0, 0),
        ("the carries complete a base unit each", 1_000, 3, 7, 7_000, 3_000),
        ("more than the earnings: the burn waits", 1, 1_500, 1_500, 9_999, 9_999),
        ("what waited is burnt also where nothing burns any more", 5, 0, 0, 0, 12_999),
        ("nothing earned, nothing paid of what waits", 0, 1_500, 1_500, 9_999, 19_999),
        ("the largest numbers", U64_MAX, 2_999, 1, 9_999, 19_999),
        ("the last earnings that 64 bits are enough for", 2**32 - 1, 1_234, 1_766, 5_000, 5_000),
        ("the first that they are not", 2**32, 1_234, 1_766, 5_000, 5_000),
    ]
    epoch_cases = [
        ("the moment of creation", 1_790_000_000, 1_790_000_000, 3_600),
        ("the last second of the first epoch", 1_790_003_599, 1_790_000_000, 3_600),
        ("the first second of the second epoch", 1_790_003_600, 1_790_000_000, 3_600),
        ("epochs of a second, from the beginning of time to its end", I64_MAX, 0, 1),
    ]
    return {
        "description": "Reward and fee arithmetic. A reward is before limits and may need 128 bits.",
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
        "charges": [
            {
                "description": description,
                "earnings": str(earnings),
                "fee_bps": fee_bps,
                "burn_bps": burn_bps,
                "fee_carry": fee_carry,
                "burn_carry": burn_carry,
                "fee": str(charged.fee),
                "burn": str(charged.burn),
                "new_fee_carry": charged.fee_carry,
                "new_burn_carry": charged.burn_carry,
            }
            for description, earnings, fee_bps, burn_bps, fee_carry, burn_carry in charge_cases
            for charged in [money.charge(earnings, fee_bps, burn_bps, fee_carry, burn_carry)]
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
