//! One class of devices: what its work is measured in, what it pays, and how far its epoch is spent.

use super::MAX_CLASSES;
use crate::domain::{Amount, Capacity, EpochIndex, Overflow, Rate};
use crate::errors::{refusal, WorktabError};
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};

/// The part of a class that its network's authority chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
pub struct ClassTerms {
    /// 1 WASM fuel, 2 CPU ms, 3 GPU ms, 4 byte-hours, 5 bytes moved, 6 samples.
    pub meter: u8,
    /// Base units for 1,000,000 work units.
    pub rate: u64,
    /// Largest capacity of one device, work units an epoch.
    pub max_capacity: u64,
    /// Least bond of a device with capacity, base units.
    pub least_bond: u64,
    /// Most the class may be paid in one epoch, base units.
    pub budget: u64,
}

const LARGEST_METER: u8 = 6;
/// A device's capacity is at most what one receipt may add. It leaves room for 65,536 devices of the largest capacity
/// in a class, and for more of smaller ones; without a bound one device could fill the class's total.
const LARGEST_CAPACITY: u64 = 1 << 48;

/// A class as a network holds it; meter 0 marks an unused slot.
#[derive(Clone, Copy, Pod, Zeroable)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
#[repr(C)]
pub struct Class {
    /// Base units for 1,000,000 work units.
    pub rate: Rate,
    /// Largest capacity of one device, work units an epoch.
    pub max_capacity: Capacity,
    /// Least bond of a device with capacity.
    pub least_bond: Amount,
    /// Most the class may be paid in one epoch.
    pub budget: Amount,
    /// Paid out of the budget in `epoch`.
    pub spent: Amount,
    /// Capacity of all devices in `epoch`.
    pub total_capacity: Capacity,
    /// Capacity of all devices from the epoch after `epoch`.
    pub next_total_capacity: Capacity,
    /// The epoch that `spent` and `total_capacity` speak of.
    pub epoch: EpochIndex,
    /// Devices registered and not retired.
    pub devices: u32,
    /// 1 WASM fuel, 2 CPU ms, 3 GPU ms, 4 byte-hours, 5 bytes moved, 6 samples; 0 unused.
    pub meter: u8,
    /// Zero.
    pub reserved: [u8; 3],
}

impl Class {
    /// The class of this number among those of a network, if it is in use.
    #[inline(always)]
    pub fn find(classes: &mut [Self; MAX_CLASSES], number: u8) -> Result<&mut Self> {
        match classes.get_mut(usize::from(number)) {
            Some(class) if class.meter != 0 => Ok(class),
            _ => Err(refusal!(UnknownClass)),
        }
    }

    /// Moves the class into `epoch`: nothing spent, and capacities announced before now count.
    #[inline(always)]
    pub fn enter(&mut self, epoch: EpochIndex) {
        if epoch > self.epoch {
            self.epoch = epoch;
            self.spent = Amount::ZERO;
            self.total_capacity = self.next_total_capacity;
        }
    }

    /// Puts the authority's terms in place; capacities and spending stay.
    pub fn set(&mut self, terms: &ClassTerms) -> Result<()> {
        require!(
            terms.meter >= 1 && terms.meter <= LARGEST_METER && terms.max_capacity <= LARGEST_CAPACITY,
            WorktabError::InvalidParameter
        );
        require!(self.meter == 0 || self.meter == terms.meter, WorktabError::MeterFixed);
        self.meter = terms.meter;
        self.rate = Rate(terms.rate);
        self.max_capacity = Capacity(terms.max_capacity);
        self.least_bond = Amount(terms.least_bond);
        self.budget = Amount(terms.budget);
        Ok(())
    }

    /// Refuses a capacity above the largest, and any at all without the least bond: capacity that costs nothing to
    /// announce would thin out everybody's share.
    pub fn require_capacity(&self, capacity: Capacity, bond: Amount) -> Result<()> {
        require!(capacity <= self.max_capacity, WorktabError::CapacityTooLarge);
        require!(
            capacity == Capacity::ZERO || bond >= self.least_bond,
            WorktabError::BondTooSmall
        );
        Ok(())
    }

    /// Replaces a device's capacity in the total of the coming epoch.
    pub fn replace_capacity(&mut self, old: Capacity, new: Capacity) -> core::result::Result<(), Overflow> {
        self.next_total_capacity = self.next_total_capacity.minus(old)?.plus(new)?;
        Ok(())
    }
}
