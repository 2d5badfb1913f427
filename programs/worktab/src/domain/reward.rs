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
    // 64-bit arithmetic where it is enough: 128-bit division costs hundreds of compute units.
    if carry.0 < RATE_UNITS && fits(rate.0, units.0) {
        let n = units.0.wrapping_mul(rate.0).wrapping_add(carry.0);
        return Ok(Reward {
            amount: Amount(n / RATE_UNITS),
            carry: Carry(n % RATE_UNITS),
        });
    }
    wide_reward(carry, units, rate)
}

/// Whether the product of two numbers is at most 2^63, which leaves a carry its room. A limit of 2^64 - 1 would say more,
/// but the compiler makes a product of 128 bits of it.
#[inline(always)]
fn fits(a: u64, b: u64) -> bool {
    const LARGEST: u64 = 1 << 63;
    #[allow(clippy::arithmetic_side_effects)] // the divisor is not zero
    let fits = b != 0 && a <= LARGEST / b;
    fits
}

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
    proportion(budget.0, capacity.0, total.0).map(Amount)
}

/// `floor(value x part / whole)`, zero where the whole is.
#[inline(always)]
pub fn proportion(value: u64, part: u64, whole: u64) -> Result<u64, Overflow> {
    if whole == 0 {
        return Ok(0);
    }
    if fits(value, part) {
        #[allow(clippy::arithmetic_side_effects)] // the whole is not zero
        return Ok(value.wrapping_mul(part) / whole);
    }
    wide_proportion(value, part, whole)
}

#[inline(never)]
#[allow(clippy::arithmetic_side_effects)] // u64 x u64 fits u128; the caller refuses a zero whole
fn wide_proportion(value: u64, part: u64, whole: u64) -> Result<u64, Overflow> {
    let n = u128::from(value) * u128::from(part) / u128::from(whole);
    u64::try_from(n).map_err(|_| Overflow)
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

/// Where a device stands in its epoch. By reference: each number is read where it is compared.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    pub carry: &'a Carry,
    pub rate: &'a Rate,
    /// Work units the epoch takes from the device, and from all of its class.
    pub capacity: &'a Capacity,
    pub total_capacity: &'a Capacity,
    /// Units the epoch took from the device, and what it earned by them.
    pub units: &'a Units,
    pub earned: &'a Amount,
    /// The class's budget, and what all its devices earned of it.
    pub budget: &'a Amount,
    pub spent: &'a Amount,
    /// What is free in the pool.
    pub pool: &'a Amount,
}

impl Standing<'_> {
    /// What `delta` new units earn if no limit cuts it: of nearly every receipt, and without working out to what a limit
    /// would.
    #[inline(always)]
    pub fn uncut(&self, delta: Units) -> Result<Option<Reward>, Overflow> {
        if !self.units.leaves_room(delta, Units(self.capacity.0)) {
            return Ok(None);
        }
        let reward = reward(*self.carry, delta, *self.rate)?;
        let fits = reward.amount <= *self.pool
            && self.spent.leaves_room(reward.amount, *self.budget)
            && self.earned.leaves_room(reward.amount, self.share()?);
        Ok(fits.then_some(reward))
    }

    /// What `delta` new units earn once every limit is applied.
    pub fn accrue(&self, delta: Units) -> Result<Accrual, Overflow> {
        accrue(delta, self.room(), *self.carry, *self.rate, self.ceiling()?)
    }

    /// What the epoch's capacity still takes.
    pub fn room(&self) -> Units {
        Units(self.capacity.0).less(*self.units)
    }

    /// The most that share, budget and pool leave.
    pub fn ceiling(&self) -> Result<Amount, Overflow> {
        Ok(self
            .share()?
            .less(*self.earned)
            .min(self.budget.less(*self.spent))
            .min(*self.pool))
    }

    #[inline(always)]
    fn share(&self) -> Result<Amount, Overflow> {
        share(*self.budget, *self.capacity, *self.total_capacity)
    }
}

/// Applies the limits to `delta` new units: `room` is what the epoch's capacity still takes, `ceiling` the most that
/// share, budget and pool leave.
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
