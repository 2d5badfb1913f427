"""What the rules of rewards, fees, penalties and slashes promise holds for all numbers there are.

A solver looks for numbers that break a promise, and finds none. The formulas are those of `support.money_model`, which
the Rust functions equal case by case. Where only the size of a product counts, it stands as a number of its own.
"""

from __future__ import annotations

from typing import Any

import pytest
import z3

from support.money_model import CASES, RATE_UNITS, U64, WHOLE, accrued, cases, charged, earned, floor, slashed

MOST_BPS = 3_000


def numbers(names: str) -> list[Any]:
    """Any numbers of 64 bits, by name."""
    return list(z3.Ints(names))


def u64(*terms: Any) -> Any:
    return z3.And(*[z3.And(term >= 0, term <= U64) for term in terms])


def proven(given: list[Any], promise: Any) -> bool:
    """Whether no numbers keep to `given` and break `promise`; the premises themselves can be kept."""
    solver = z3.Solver()
    solver.set("timeout", 60_000)
    solver.add(*given)
    assert solver.check() == z3.sat
    solver.add(z3.Not(promise))
    return bool(solver.check() == z3.unsat)


def test_a_promise_that_does_not_hold_is_not_proven() -> None:
    [a] = numbers("a")
    assert not proven([u64(a)], a < U64)
    assert proven([u64(a)], a <= U64)


def test_rewards_lose_nothing_and_carries_stay_below_a_base_unit() -> None:
    carry, units, rate = numbers("carry units rate")
    amount, left = earned(carry, units * rate)
    given = [u64(carry, units, rate), carry < RATE_UNITS]
    assert proven(given, z3.And(amount * RATE_UNITS + left == carry + units * rate, left >= 0, left < RATE_UNITS))


def test_the_short_way_never_leaves_64_bits() -> None:
    carry, units, rate = numbers("carry units rate")
    fits = z3.And(units != 0, rate <= floor(z3.IntVal(2**63), units))
    assert proven([u64(carry, units, rate), carry < RATE_UNITS, fits], units * rate + carry <= U64)


def test_splitting_work_changes_nothing() -> None:
    carry, first, second = numbers("carry first second")
    given = [carry >= 0, carry < RATE_UNITS, first >= 0, second >= 0]
    (one, between), (all_, left) = earned(carry, first), earned(carry, first + second)
    two, end = earned(between, second)
    assert proven(given, z3.And(one + two == all_, end == left))


def test_no_reward_passes_a_limit() -> None:
    full, share, got, budget, spent, pool = numbers("full share got budget spent pool")
    paid = accrued(full, share, got, budget, spent, pool, z3.If)
    given = [u64(full, share, got, budget, spent, pool)]
    within = z3.And(got <= share, spent <= budget)
    assert proven(given, z3.And(paid >= 0, paid <= full, paid <= pool))
    assert proven([*given, within], z3.And(got + paid <= share, spent + paid <= budget))


def test_shares_are_never_more_than_the_budget_together() -> None:
    """Two shares are at most the share of both; so by induction are all, and the share of all is the budget."""
    budget, one, two, total = numbers("budget one two total")
    given = [u64(budget, one, two, total), total > 0, one + two <= total]
    x, y = numbers("x y")  # budget times each capacity
    parts = floor(x, total) + floor(y, total)
    assert proven([*given, x >= 0, y >= 0], parts <= floor(x + y, total))
    assert proven(given, floor(budget * total, total) == budget)


def charge() -> tuple[list[Any], list[Any], tuple[Any, Any, Any, Any]]:
    """A claim's terms, what holds before it, and what it takes. `fee` and `burn` are earnings times basis points."""
    earnings, fee, burn, fee_carry, burn_carry = terms = numbers("earnings fee burn fee_carry burn_carry")
    given = [u64(earnings), fee >= 0, burn >= 0, fee + burn <= MOST_BPS * earnings]
    given += [fee_carry >= 0, fee_carry < WHOLE, burn_carry >= 0, fee_carry + burn_carry < 2 * WHOLE]
    return terms, given, charged(*terms, pick=z3.If)


def test_fee_and_burn_never_take_more_than_the_earnings() -> None:
    [earnings, *_], given, (fee, burn, _, _) = charge()
    assert proven(given, z3.And(fee >= 0, burn >= 0, fee + burn <= earnings))


def test_fee_and_burn_lose_nothing() -> None:
    [_, fee_due, burn_due, fee_carry, burn_carry], given, (fee, burn, fee_left, burn_left) = charge()
    assert proven(given, fee * WHOLE + fee_left == fee_due + fee_carry)
    assert proven(given, burn * WHOLE + burn_left == burn_due + burn_carry)


def test_carries_keep_to_their_bounds_whatever_is_claimed() -> None:
    """What holds before every claim holds after it; a new device's carries are zero. So no claim is ever held up."""
    _, given, (_, _, fee_left, burn_left) = charge()
    bounds = z3.And(fee_left >= 0, fee_left < WHOLE, burn_left >= 0, fee_left + burn_left < 2 * WHOLE)
    assert proven(given, bounds)


def test_a_penalty_is_at_most_what_is_held_and_what_is_missing() -> None:
    due, delivered, due_bps, delivered_bps = numbers("due delivered due_bps delivered_bps")
    given = [u64(due, delivered), delivered <= due, due_bps >= delivered_bps, delivered_bps >= 0]
    given.append(due_bps - delivered_bps <= WHOLE * (due - delivered))
    penalty = floor(due_bps - delivered_bps, WHOLE)
    assert proven(given, z3.And(penalty >= 0, penalty <= floor(due_bps, WHOLE), penalty <= due - delivered))


def test_a_slash_never_touches_what_is_held_and_leaves_the_pool_its_quarter() -> None:
    bond, held, cut, owed, deposit = numbers("bond held cut owed deposit")
    consumer, challenger, pool = slashed(bond, held, cut, owed, deposit, z3.If)
    given = [u64(bond, held, owed, deposit), held <= bond, cut >= 0, cut <= WHOLE * bond]
    total = consumer + challenger + pool
    assert proven(given, z3.And(consumer >= 0, challenger >= 0, pool >= 0, total <= bond - held))
    assert proven(given, z3.And(consumer <= owed, challenger <= deposit, 4 * pool >= total))


def test_who_is_consumer_and_challenger_of_its_own_device_loses_a_quarter_of_the_slash() -> None:
    bond, held, cut, owed, deposit = numbers("bond held cut owed deposit")
    consumer, challenger, pool = slashed(bond, held, cut, owed, deposit, z3.If)
    given = [u64(bond, held, owed, deposit), held <= bond, cut >= 0, cut <= WHOLE * bond]
    assert proven([*given, consumer + challenger + pool > 0], pool > 0)


@pytest.mark.parametrize("area", ["reward", "limits", "charge", "slash", "penalty"])
def test_the_cases_that_rust_is_compared_with_are_the_models(area: str) -> None:
    def of(text: str) -> list[str]:
        return [line for line in text.splitlines() if f'"of": "{area}"' in line]

    assert of(CASES.read_text()) == of(cases())
    assert len(of(cases())) > 50
