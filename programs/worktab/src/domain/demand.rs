//! The demand-backed reward: only units sold earn it, and at most the fee and burn that those sales paid. Selling to
//! oneself, under whatever name, then earns nothing.

use super::reward::{proportion, reward};
use super::{Amount, Carry, Overflow, Rate, Units};

/// What sales are worth that paid `taken` in fee and burn: their units at the class's rate, and never more than that.
/// And the carry after them: none where the sales paid for less than their units.
pub fn worth(units: Units, taken: Amount, carry: Carry, rate: Rate) -> (Amount, Carry) {
    match reward(carry, units, rate) {
        Ok(full) if full.amount <= taken => (full.amount, full.carry),
        // More than they paid, or more than a number can say.
        _ => (taken, Carry::ZERO),
    }
}

/// Units sold whose reward waits, and how much it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub units: Units,
    pub reward: Amount,
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
