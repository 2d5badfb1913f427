"""Token amounts as text, and the program's arithmetic of rewards, fees and burns (PROTOCOL section 5).

Integers only, always exact.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from worktab.core._checks import uint
from worktab.core.errors import InputError

RATE_UNITS: Final = 1_000_000
"""A rate is base units per this many work units; a carry is always below it."""

WHOLE_BPS: Final = 10_000
"""Basis points in a whole; a carry of a fee is below it."""

MOST_FEES_BPS: Final = 3_000
"""Most that fee and burn of a network take together, in basis points."""

_AMOUNT = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,255}))?", re.ASCII)


def parse_amount(text: str, decimals: int) -> int:
    """Base units of an amount written by a person: `parse_amount("1.25", 6) == 1_250_000`.

    Digits, with one point at most. No sign, separator, exponent or space, so that nothing is read in two ways.

    Args:
        text: the amount in whole tokens.
        decimals: decimals of the token's mint, 0 to 255.

    Raises:
        InputError: not such a number, finer than one base unit, or above the largest u64.
    """
    uint(decimals, 8, "decimals")
    match = _AMOUNT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InputError(
            "not an amount",
            expected="digits with at most one point, such as 1.25",
            got=repr(text),
            next_step="Write it without sign, thousands separator, exponent or spaces",
        )
    whole, fraction = match[1], (match[2] or "").rstrip("0")
    if len(fraction) > decimals:
        raise InputError(
            "the amount is finer than the token",
            expected=f"at most {decimals} decimals",
            got=text,
            next_step="Round it to what you mean; amounts are never rounded for you",
        )
    amount = int(whole + fraction.ljust(decimals, "0"))
    if amount >= 1 << 64:
        raise InputError(
            "the amount is too large for a token account",
            expected=f"at most {format_amount((1 << 64) - 1, decimals)}",
            got=text,
            next_step=f"Check the token's decimals: they were taken to be {decimals}",
        )
    return amount


def format_amount(amount: int, decimals: int) -> str:
    """An amount in whole tokens, exact, without trailing zeros: `format_amount(1_250_000, 6) == "1.25"`.

    Args:
        amount: base units, u64.
        decimals: decimals of the token's mint, 0 to 255.

    Raises:
        InputError: an argument is out of range.
    """
    uint(amount, 64, "amount")
    uint(decimals, 8, "decimals")
    digits = str(amount).rjust(decimals + 1, "0")
    split = len(digits) - decimals
    return f"{digits[:split]}.{digits[split:]}".rstrip("0").rstrip(".")


def reward(carry: int, units: int, rate: int) -> tuple[int, int]:
    """Reward in base units for `units` eligible work units, and the new carry (PROTOCOL section 5).

    `n = carry + units * rate`; the reward is `n // 10^6`, the carry `n % 10^6`. Splitting work over several receipts
    changes neither their sum nor the last carry. Limits (share, budget, pool) are not applied; the reward may exceed
    a u64, which no limit lets through.

    Args:
        carry: millionths of a base unit left over from before, below 10^6.
        units: eligible work units, u64.
        rate: base units per 10^6 work units, u64.

    Raises:
        InputError: an argument is out of range.
    """
    uint(carry, 64, "carry")
    if carry >= RATE_UNITS:
        raise InputError("carry is out of range", expected=f"below {RATE_UNITS}", got=str(carry))
    return divmod(carry + uint(units, 64, "units") * uint(rate, 64, "rate"), RATE_UNITS)


class Charge(NamedTuple):
    """What earnings pay, in base units, and what rounding left of it, in ten-thousandths of a base unit."""

    fee: int
    burn: int
    fee_carry: int
    burn_carry: int


def charge(earnings: int, fee_bps: int, burn_bps: int, fee_carry: int = 0, burn_carry: int = 0) -> Charge:
    """Fee and burn of some earnings when they are claimed, and the new carries (PROTOCOL section 5).

    For each of the two `n = carry + earnings * bps`; `n // 10^4` is paid, the rest is carried, so claiming often or
    seldom comes to the same. Where both together would be more than the earnings, which one base unit can bring
    about, the burn waits in its carry.

    Args:
        earnings: base units, u64.
        fee_bps, burn_bps: basis points, 3,000 at most together.
        fee_carry: as `Device.fee_carry`, below 10^4.
        burn_carry: as `Device.burn_carry`, below 2 * 10^4.

    Raises:
        InputError: an argument is out of range.
    """
    uint(earnings, 64, "earnings")
    if uint(fee_bps, 16, "fee") + uint(burn_bps, 16, "burn") > MOST_FEES_BPS:
        got = f"{fee_bps} and {burn_bps}"
        raise InputError("fee and burn are out of range", expected=f"at most {MOST_FEES_BPS} together", got=got)
    if uint(fee_carry, 16, "fee carry") >= WHOLE_BPS or uint(burn_carry, 16, "burn carry") >= 2 * WHOLE_BPS:
        raise InputError(
            "a carry is out of range", expected="below 10,000 and 20,000", got=f"{fee_carry}, {burn_carry}"
        )
    fee, fee_left = divmod(fee_carry + earnings * fee_bps, WHOLE_BPS)
    due, burn_left = divmod(burn_carry + earnings * burn_bps, WHOLE_BPS)
    burn = min(due, earnings - fee)
    return Charge(fee, burn, fee_left, burn_left + (due - burn) * WHOLE_BPS)


def share(budget: int, capacity: int, total: int) -> int:
    """The most a device may earn in an epoch: `floor(budget * capacity / total)` base units (PROTOCOL section 5).

    0 when the class has no capacity. Exact also where the product needs 128 bits.

    Args:
        budget: budget of the device's class per epoch in base units, u64.
        capacity: the device's capacity in work units per epoch, u64.
        total: capacity of all devices of the class, u64.

    Raises:
        InputError: an argument is out of range.
    """
    product = uint(budget, 64, "budget") * uint(capacity, 64, "capacity")
    return product // total if uint(total, 64, "total") else 0


def epoch_index(now: int, created: int, length: int) -> int:
    """Index of the epoch at `now`: `floor((now - created) / length)` (PROTOCOL section 4).

    Args:
        now: Unix seconds, not before `created`.
        created: when the network was created, Unix seconds.
        length: epoch length of the network in seconds, above 0.

    Raises:
        InputError: an argument is out of range.
    """
    uint(now, 63, "now")
    uint(created, 63, "created")
    if uint(length, 63, "length") == 0:
        raise InputError("epoch length is zero", expected="at least 1 second")
    if now < created:
        raise InputError("the time is before the network was created", expected=f"at least {created}", got=str(now))
    return (now - created) // length
