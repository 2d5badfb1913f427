//! The demand-backed reward: only units sold earn it, and at most the fee and burn that those sales paid. Selling to
//! oneself, under whatever name, then earns nothing.

use super::reward::{reward, Reward};
use super::{Amount, Carry, Overflow, Rate, Units};

/// What sales earn at a claim, and what stays for a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earned {
    pub reward: Amount,
    /// Units that the reward is for.
    pub rewarded: Units,
    pub carry: Carry,
    /// Units that wait for another epoch, and the fee and burn behind them.
    pub units: Units,
    pub backing: Amount,
}

/// `units` were sold and `backing` was paid on them; `room` is what the epoch's capacity still takes, `ceiling` the most
/// that share, budget and pool leave.
///
/// Anyone may claim at any time, so a limit never takes units away: what it cuts waits.
pub fn earn(
    units: Units,
    backing: Amount,
    room: Units,
    carry: Carry,
    rate: Rate,
    ceiling: Amount,
) -> Result<Earned, Overflow> {
    let eligible = units.min(room);
    let Reward { amount, carry: rest } = reward(carry, eligible, rate)?;
    let (amount, rest) = if amount > backing {
        (backing, Carry::ZERO)
    } else {
        (amount, rest)
    };
    let (reward, rewarded, carry) = if amount <= ceiling {
        (amount, eligible, rest)
    } else {
        (ceiling, used_up(eligible, ceiling, amount)?, carry)
    };
    let units = units.minus(rewarded)?;
    // What sales paid beyond their reward does not back later ones.
    let backing = if units == Units::ZERO {
        Amount::ZERO
    } else {
        backing.minus(reward)?
    };
    Ok(Earned {
        reward,
        rewarded,
        carry,
        units,
        backing,
    })
}

/// The units that `ceiling` pays for where all of them would earn `amount`: rounded up, so that none is paid twice.
#[allow(clippy::arithmetic_side_effects)] // u64 x u64 + u64 fits u128; the amount is above a ceiling, so not zero
fn used_up(units: Units, ceiling: Amount, amount: Amount) -> Result<Units, Overflow> {
    let n = u128::from(units.get()) * u128::from(ceiling.get()) + u128::from(amount.get() - 1);
    u64::try_from(n / u128::from(amount.get()))
        .map(Units)
        .map_err(|_| Overflow)
}
