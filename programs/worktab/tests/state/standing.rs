//! What limits leave of a receipt's reward: the short way for nearly every receipt, and the long one for those cut.

use worktab::domain::reward::{Reward, Standing};
use worktab::domain::{Amount, Capacity, Carry, Overflow, Rate, Units};

/// Carry, rate, capacity, total capacity, units, earned, budget, spent, pool.
type Limits = [u64; 9];

/// 3 base units a unit; room for 100 units, of the class's 400; 20 done and 60 earned; a share of 300 of the budget of
/// 1,200, 700 spent; 900 free.
const LIMITS: Limits = [5, 3_000_000, 100, 400, 20, 60, 1_200, 700, 900];

/// The limits with one of them changed.
fn with(place: usize, value: u64) -> Limits {
    let mut limits = LIMITS;
    limits[place] = value;
    limits
}

/// What `delta` units earn uncut, if they do; and what they earn, and whether that is cut.
fn earn(limits: Limits, delta: u64) -> Result<(Option<u64>, u64, bool), Overflow> {
    let [carry, rate, capacity, total, units, earned, budget, spent, pool] = limits;
    let (carry, rate, units) = (Carry(carry), Rate(rate), Units(units));
    let (capacity, total) = (Capacity(capacity), Capacity(total));
    let [earned, budget, spent, pool] = [earned, budget, spent, pool].map(Amount);
    let standing = Standing {
        carry: &carry,
        rate: &rate,
        capacity: &capacity,
        total_capacity: &total,
        units: &units,
        earned: &earned,
        budget: &budget,
        spent: &spent,
        pool: &pool,
    };
    let uncut = standing.uncut(Units(delta))?;
    let accrual = standing.accrue(Units(delta))?;
    if let Some(Reward { amount, carry }) = uncut {
        assert_eq!(
            (accrual.reward, accrual.carry, accrual.eligible),
            (amount, carry, Units(delta))
        );
    }
    Ok((uncut.map(|reward| reward.amount.0), accrual.reward.0, accrual.cut))
}

#[test]
fn each_limit_is_exact_on_both_ways() {
    let cases = [
        (LIMITS, 80, (Some(240), 240, false)),
        // The epoch's capacity: 80 units are left.
        (LIMITS, 81, (None, 240, true)),
        (with(4, 101), 1, (None, 0, true)),
        (with(4, 100), 0, (Some(0), 0, false)),
        // The share: 300 less 60.
        (with(5, 61), 80, (None, 239, true)),
        (with(5, 301), 80, (None, 0, true)),
        (with(5, 300), 80, (None, 0, true)),
        // The budget: 500 are left of it, or 240, or 239.
        (with(7, 960), 80, (Some(240), 240, false)),
        (with(7, 961), 80, (None, 239, true)),
        (with(7, 1_201), 80, (None, 0, true)),
        // The pool.
        (with(8, 240), 80, (Some(240), 240, false)),
        (with(8, 239), 80, (None, 239, true)),
        (with(8, 0), 80, (None, 0, true)),
        // A class without capacity shares out nothing.
        (with(3, 0), 80, (None, 0, true)),
    ];
    for (limits, delta, earned) in cases {
        assert_eq!(earn(limits, delta), Ok(earned), "{limits:?} {delta}");
    }
}

#[test]
fn what_no_number_can_hold_is_an_overflow() {
    let units = with(2, u64::MAX);
    assert_eq!(earn(units, 1 << 62), Err(Overflow));
    let mut share = LIMITS;
    share[2] = u64::MAX;
    share[3] = 1;
    assert_eq!(earn(share, 80), Err(Overflow));
}
