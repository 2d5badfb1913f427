//! Newtypes for what must never be mixed up. All arithmetic is checked, except statistics, which saturate.
//!
//! The checks compare first and then add or subtract: the same result as the standard library's checked operations, in
//! half the instructions on chain, where an overflow flag has to be computed apart. The tests compare the two.

use bytemuck::{Pod, Zeroable};

/// An amount, a count or a time left its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

/// The largest value, made away from the path of sums that fit: the compiler would turn the choice between two values
/// into flags, at twice the cost.
#[cold]
#[inline(never)]
fn full() -> u64 {
    core::hint::black_box(u64::MAX)
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Pod, Zeroable)]
        #[cfg_attr(feature = "idl-build", derive(anchor_lang::IdlType))]
        #[repr(transparent)]
        pub struct $name(pub u64);

        impl $name {
            pub const ZERO: Self = Self(0);

            #[inline(always)]
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The sum, or `Overflow`.
            #[inline(always)]
            pub fn plus(self, other: Self) -> Result<Self, Overflow> {
                if self.0 > !other.0 {
                    return Err(Overflow);
                }
                Ok(Self(self.0.wrapping_add(other.0)))
            }

            /// The sum where `other` is part of what a limit leaves above `self`, so that it can't leave the range.
            #[inline(always)]
            pub fn plus_within_limit(self, other: Self) -> Self {
                debug_assert!(self.0.checked_add(other.0).is_some());
                Self(self.0.wrapping_add(other.0))
            }

            /// Whether a limit leaves room for `more` above `self`.
            #[inline(always)]
            pub fn leaves_room(self, more: Self, limit: Self) -> bool {
                self.0 <= limit.0 && more.0 <= limit.0.wrapping_sub(self.0)
            }

            /// The difference, or `Overflow` below zero.
            #[inline(always)]
            pub fn minus(self, other: Self) -> Result<Self, Overflow> {
                if other.0 > self.0 {
                    return Err(Overflow);
                }
                Ok(Self(self.0.wrapping_sub(other.0)))
            }

            /// The difference where `other` is known to be no larger.
            #[inline(always)]
            pub fn minus_part(self, other: Self) -> Self {
                debug_assert!(other.0 <= self.0);
                Self(self.0.wrapping_sub(other.0))
            }

            /// The difference, or zero where the other is larger.
            #[inline(always)]
            pub fn less(self, other: Self) -> Self {
                if other.0 > self.0 {
                    return Self::ZERO;
                }
                Self(self.0.wrapping_sub(other.0))
            }

            /// The sum, stopping at the largest value. For statistics only.
            #[inline(always)]
            pub fn saturating_plus(self, other: Self) -> Self {
                if self.0 > !other.0 {
                    return Self(full());
                }
                Self(self.0.wrapping_add(other.0))
            }
        }
    };
}

quantity! {
    /// A number of jobs or of receipts.
    Count
}
quantity! {
    /// Token base units.
    Amount
}
quantity! {
    /// Work units, in the measure of the device's class.
    Units
}
quantity! {
    /// Work units a device (or a class) may be rewarded for in one epoch.
    Capacity
}
quantity! {
    /// Base units paid for 1,000,000 work units.
    Rate
}
quantity! {
    /// Millionths of a base unit earned but not yet paid; always below 1,000,000.
    Carry
}
