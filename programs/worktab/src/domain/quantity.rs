//! Newtypes for what must never be mixed up. All arithmetic is checked, except statistics, which saturate.

use bytemuck::{Pod, Zeroable};

/// An amount, a count or a time left its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

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
                self.0.checked_add(other.0).map(Self).ok_or(Overflow)
            }

            /// The difference, or `Overflow` below zero.
            #[inline(always)]
            pub fn minus(self, other: Self) -> Result<Self, Overflow> {
                self.0.checked_sub(other.0).map(Self).ok_or(Overflow)
            }

            /// The difference, or zero where the other is larger.
            #[inline(always)]
            pub fn less(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }

            /// The sum, stopping at the largest value. For statistics only.
            #[inline(always)]
            pub fn saturating_plus(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }
    };
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
