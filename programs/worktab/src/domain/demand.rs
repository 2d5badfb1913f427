//! The demand-backed reward: only units sold earn it, and at most the fee and burn that those sales paid. Selling to
//! oneself, under whatever name, then earns nothing.

use super::reward::{proportion, reward, RATE_UNITS};
use super::{Amount, Carry, Overflow, Rate, Units};

/// Units sold whose reward waits, and how much it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub units: Units,
    pub reward: Amount,
}

/// What a claim's sales are worth, and the carry after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worth {
    pub waiting: Waiting,
    pub carry: Carry,
}

/// What sales are worth that paid `taken` in fee and burn: their units at the class's rate, and never more than that.
///
/// Where they paid for less than their units, only as many wait as they paid for, and nothing is carried: units that
/// anyone can name for one base unit must not take the capacity of those that were paid for. Neither do units that are
/// worth nothing yet.
pub fn worth(units: Units, taken: Amount, carry: Carry, rate: Rate) -> Worth {
    let (units, reward, carry) = match reward(carry, units, rate) {
        Ok(full) if full.amount == Amount::ZERO => (Units::ZERO, Amount::ZERO, full.carry),
        Ok(full) if full.amount <= taken => (units, full.amount, full.carry),
        // More than they paid, or more than a number can say.
        _ => (units.min(units_for(taken, rate)), taken, Carry::ZERO),
    };
    Worth {
        waiting: Waiting { units, reward },
        carry,
    }
}

/// Units that `amount` pays for, rounded up; the rate is not zero.
#[allow(clippy::arithmetic_side_effects)] // u64 x 10^6 fits u128; the divisor is at least one
fn units_for(amount: Amount, rate: Rate) -> Units {
    let rate = u128::from(rate.get().max(1));
    let units = (u128::from(amount.get()) * u128::from(RATE_UNITS)).div_ceil(rate);
    Units(u64::try_from(units).unwrap_or(u64::MAX))
}

impl Waiting {
    /// Takes what may be paid now: `room` is what the epoch's capacity still takes, `ceiling` the most that share,
    /// budget and pool leave. Rounding is down.
    ///
    /// Anyone may claim at any time, so a limit never takes anything away: what it cuts goes on waiting.
    pub fn take(&mut self, room: Units, ceiling: Amount) -> Result<Self, Overflow> {
        let eligible = self.units.min(room);
        let due = Amount(proportion(self.reward.get(), eligible.get(), self.units.get())?);
        let taken = if due <= ceiling {
            Self {
                units: eligible,
                reward: due,
            }
        } else {
            Self {
                units: Units(proportion(eligible.get(), ceiling.get(), due.get())?),
                reward: ceiling,
            }
        };
        self.units = self.units.minus(taken.units)?;
        self.reward = self.reward.minus(taken.reward)?;
        Ok(taken)
    }
}
