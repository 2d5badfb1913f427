//! What broken promises cost: holds and penalties of SLAs, and the parts of a slashed bond. Rounding is always down, in
//! favour of the bond.

use super::{Amount, Overflow};

/// Basis points in a whole.
pub const WHOLE_BPS: u16 = 10_000;
/// At least a quarter of a slash goes to the pool: a device that gets itself found guilty, as its own consumer and its
/// own challenger, must not get its bond back that way.
const POOL_PART: u64 = 4;
/// A dispute that attestors leave undecided costs its challenger a tenth of the deposit.
const UNDECIDED_PART: u64 = 10;

/// `floor(amount x bps / 10,000)`
pub fn part(amount: Amount, bps: u16) -> Result<Amount, Overflow> {
    let n = u128::from(amount.get()).checked_mul(u128::from(bps)).ok_or(Overflow)?;
    let part = n.checked_div(u128::from(WHOLE_BPS)).ok_or(Overflow)?;
    u64::try_from(part).map(Amount).map_err(|_| Overflow)
}

/// What a missed SLA pays: `floor((due - delivered) x bps / 10,000)`, nothing where all was delivered.
pub fn penalty(due: Amount, delivered: Amount, bps: u16) -> Result<Amount, Overflow> {
    part(due.less(delivered), bps)
}

/// What an undecided dispute gives the device out of its deposit, rounded down.
pub fn undecided_part(deposit: Amount) -> Amount {
    Amount(deposit.get() / UNDECIDED_PART)
}

/// Where a slashed part of a bond goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slash {
    /// Made whole for the record.
    pub consumer: Amount,
    /// As much again as the challenger's deposit.
    pub challenger: Amount,
    pub pool: Amount,
}

impl Slash {
    /// Takes `bps` of the bond, at most what nothing holds. The consumer comes first, then the challenger; a quarter at
    /// least, rounded up, is the pool's.
    pub fn of(bond: Amount, held: Amount, bps: u16, paid: Amount, deposit: Amount) -> Result<Self, Overflow> {
        let total = part(bond, bps)?.min(bond.minus(held)?);
        let shared = total.minus(Amount(total.get().div_ceil(POOL_PART)))?;
        let consumer = paid.min(shared);
        let challenger = deposit.min(shared.minus(consumer)?);
        Ok(Self {
            consumer,
            challenger,
            pool: total.minus(consumer)?.minus(challenger)?,
        })
    }

    /// What leaves the bond.
    pub fn total(&self) -> Result<Amount, Overflow> {
        self.consumer.plus(self.challenger)?.plus(self.pool)
    }
}
