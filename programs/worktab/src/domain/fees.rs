//! Fee and burn: what earnings pay when they are claimed. Rounding is always down; what it leaves is carried, so claiming
//! often or seldom comes to the same.

use super::{Amount, Overflow};

/// Basis points in a whole.
const WHOLE: u64 = 10_000;

/// What rounding left of fee and burn, in ten-thousandths of a base unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carries {
    pub fee: u16,
    pub burn: u16,
}

/// What some earnings pay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    pub fee: Amount,
    pub burn: Amount,
    pub carries: Carries,
}

/// `n = carry + earnings x basis points` for each of the two; `n / 10^4` is paid and the rest carried. Where both
/// together would be more than the earnings, which one base unit can bring about, the burn waits.
pub fn charge(earnings: Amount, fee_bps: u16, burn_bps: u16, carries: Carries) -> Result<Charge, Overflow> {
    let (fee, fee_carry) = part(earnings, fee_bps, carries.fee)?;
    let fee = fee.min(earnings);
    let (due, burn_carry) = part(earnings, burn_bps, carries.burn)?;
    let burn = due.min(earnings.minus(fee)?);
    let waiting = due.minus(burn)?.get().checked_mul(WHOLE).ok_or(Overflow)?;
    let burn_carry = burn_carry.checked_add(waiting).ok_or(Overflow)?;
    Ok(Charge {
        fee,
        burn,
        carries: Carries {
            fee: u16::try_from(fee_carry).map_err(|_| Overflow)?,
            burn: u16::try_from(burn_carry).map_err(|_| Overflow)?,
        },
    })
}

#[allow(clippy::arithmetic_side_effects)] // u64 x u16 + u16 fits u128; the divisor is a constant
fn part(earnings: Amount, bps: u16, carry: u16) -> Result<(Amount, u64), Overflow> {
    // 64-bit arithmetic where it is enough: 128-bit division costs hundreds of compute units.
    if earnings.get() <= u64::from(u32::MAX) {
        let n = earnings.get() * u64::from(bps) + u64::from(carry);
        return Ok((Amount(n / WHOLE), n % WHOLE));
    }
    let n = u128::from(earnings.get()) * u128::from(bps) + u128::from(carry);
    let paid = u64::try_from(n / u128::from(WHOLE)).map_err(|_| Overflow)?;
    let left = u64::try_from(n % u128::from(WHOLE)).map_err(|_| Overflow)?;
    Ok((Amount(paid), left))
}
