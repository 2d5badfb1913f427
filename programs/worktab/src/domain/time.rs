//! Time in Unix seconds, and epochs.

use super::Overflow;
use bytemuck::{Pod, Zeroable};

/// A point in time, Unix seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Pod, Zeroable)]
#[cfg_attr(feature = "idl-build", derive(anchor_lang::IdlType))]
#[repr(transparent)]
pub struct Timestamp(pub i64);

/// A length of time in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Pod, Zeroable)]
#[cfg_attr(feature = "idl-build", derive(anchor_lang::IdlType))]
#[repr(transparent)]
pub struct Seconds(pub u32);

/// The number of an epoch: `floor((now - created) / length)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Pod, Zeroable)]
#[cfg_attr(feature = "idl-build", derive(anchor_lang::IdlType))]
#[repr(transparent)]
pub struct EpochIndex(pub u64);

impl Timestamp {
    /// This time plus a delay, or `Overflow`.
    #[inline(always)]
    pub fn after(self, delay: Seconds) -> Result<Self, Overflow> {
        self.0.checked_add(i64::from(delay.0)).map(Self).ok_or(Overflow)
    }
}

impl EpochIndex {
    /// The epoch `now` lies in. A clock before `created` counts as `created`: the clock of a chain may step back a
    /// little, and nobody gains an epoch by it.
    #[inline(always)]
    pub fn at(now: Timestamp, created: Timestamp, length: Seconds) -> Result<Self, Overflow> {
        if length.0 == 0 {
            return Err(Overflow);
        }
        if now < created {
            return Ok(Self(0));
        }
        // A difference of two signed numbers, the larger first, always fits the unsigned one.
        #[allow(clippy::cast_sign_loss)]
        let elapsed = now.0.wrapping_sub(created.0) as u64;
        #[allow(clippy::arithmetic_side_effects)] // the length is not zero
        Ok(Self(elapsed / u64::from(length.0)))
    }

    #[inline(always)]
    pub fn next(self) -> Result<Self, Overflow> {
        self.0.checked_add(1).map(Self).ok_or(Overflow)
    }
}
