//! Reward arithmetic: what a receipt earns, and a device's share of its class's budget. Rounding is always down; the
//! part of a base unit that rounding leaves is carried, so splitting work changes nothing.

use super::{Amount, Capacity, Carry, Overflow, Rate, Units};

/// A rate is per this many units.
pub const RATE_UNITS: u64 = 1_000_000;

/// What new units earn before any limit on the amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reward {
    pub amount: Amount,
    pub carry: Carry,
}

/// `n = carry + units x rate`; the reward is `n / 10^6` and the carry the rest.
#[inline(always)]
pub fn reward(carry: Carry, units: Units, rate: Rate) -> Result<Reward, Overflow> {
    // 64-bit arithmetic when nothing can overflow: 128-bit division costs hundreds of compute units.
    if units.0 <= u64::from(u32::MAX) && rate.0 <= NARROW_RATE && carry.0 < RATE_UNITS {
        // At most (2^32 - 1) x 2^31 + 10^6, below 2^64.
        #[allow(clippy::arithmetic_side_effects)]
        let n = units.0 * rate.0 + carry.0;
        return Ok(Reward {
            amount: Amount(n / RATE_UNITS),
            carry: Carry(n % RATE_UNITS),
        });
    }
    wide_reward(carry, units, rate)
}

const NARROW_RATE: u64 = 1 << 31;

#[inline(never)]
#[allow(clippy::arithmetic_side_effects)] // u64 x u64 + u64 fits u128; the divisor is a constant
fn wide_reward(carry: Carry, units: Units, rate: Rate) -> Result<Reward, Overflow> {
    let n = u128::from(units.0) * u128::from(rate.0) + u128::from(carry.0);
    let amount = u64::try_from(n / u128::from(RATE_UNITS)).map_err(|_| Overflow)?;
    let carry = u64::try_from(n % u128::from(RATE_UNITS)).map_err(|_| Overflow)?;
    Ok(Reward {
        amount: Amount(amount),
        carry: Carry(carry),
    })
}

/// A device's share of its class's budget in an epoch: `floor(budget x capacity / total)`, zero where the class has no
/// capacity.
#[inline(always)]
pub fn share(budget: Amount, capacity: Capacity, total: Capacity) -> Result<Amount, Overflow> {
    if total.0 == 0 {
        return Ok(Amount::ZERO);
    }
    if capacity == total {
        return Ok(budget);
    }
    if budget.0 <= u64::from(u32::MAX) && capacity.0 <= u64::from(u32::MAX) {
        #[allow(clippy::arithmetic_side_effects)] // 32-bit factors; total is not zero
        return Ok(Amount(budget.0 * capacity.0 / total.0));
    }
    wide_share(budget, capacity, total)
}

#[inline(never)]
#[allow(clippy::arithmetic_side_effects)] // u64 x u64 fits u128; the caller refuses a zero total
fn wide_share(budget: Amount, capacity: Capacity, total: Capacity) -> Result<Amount, Overflow> {
    let n = u128::from(budget.0) * u128::from(capacity.0) / u128::from(total.0);
    u64::try_from(n).map(Amount).map_err(|_| Overflow)
}

/// What a receipt earns once every limit is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accrual {
    /// New units within the epoch's capacity.
    pub eligible: Units,
    pub reward: Amount,
    pub carry: Carry,
    /// Whether a limit took something away: units over capacity that had a price, or an amount over `ceiling`.
    pub cut: bool,
}

/// Applies the limits to `delta` new units: `room` is what the epoch's capacity still takes, `ceiling` the most that
/// share, budget and pool leave.
#[inline(always)]
pub fn accrue(delta: Units, room: Units, carry: Carry, rate: Rate, ceiling: Amount) -> Result<Accrual, Overflow> {
    let eligible = delta.min(room);
    let Reward { amount, carry } = reward(carry, eligible, rate)?;
    Ok(Accrual {
        eligible,
        reward: amount.min(ceiling),
        carry,
        cut: (eligible < delta && rate > Rate::ZERO) || amount > ceiling,
    })
}
