//! A device: its owner and key, the newest receipt, and what it is owed.

use crate::domain::{Amount, Capacity, Carry, Count, EpochIndex, Overflow, Timestamp, Units};
use crate::errors::{ensure, refusal};
use crate::wire::key::Key;
use anchor_lang::{address_eq, prelude::*};

pub const DEVICE_SEED: &[u8] = b"device";

/// Values of `Device::status`.
pub mod status {
    pub const ACTIVE: u8 = 1;
    pub const SUSPENDED: u8 = 2;
    pub const RETIRED: u8 = 3;
}

/// A device. Address: `device`, network, H(u8 key_kind, first key 33).
#[account]
pub struct Device {
    pub network: Address,
    pub owner: Address,
    /// Wallet whose associated token account is paid.
    pub payout: Address,
    /// Who paid this account's rent, and gets it back.
    pub rent_payer: Address,
    /// The network's domain.
    pub domain: [u8; 32],
    /// `H("worktab/receipt" || domain || device || u32 index)`: what a receipt's context must be.
    pub receipt_context: [u8; 32],
    /// Chain head at `seq`; zero before the first receipt.
    pub head: [u8; 32],
    /// Hash of evidence about the hardware, chosen by the owner; zero when there is none.
    pub evidence: [u8; 32],
    /// Jobs so far.
    pub seq: Count,
    /// Lifetime units by the newest receipt.
    pub units: Units,
    /// Time of the newest receipt.
    pub last_receipt_at: Timestamp,
    /// Epoch of the newest receipt.
    pub epoch: EpochIndex,
    /// Eligible units in `epoch`.
    pub epoch_units: Units,
    /// Rewards accrued in `epoch`.
    pub epoch_rewards: Amount,
    /// Capacity before `capacity_epoch`.
    pub capacity: Capacity,
    /// Capacity from `capacity_epoch` on.
    pub next_capacity: Capacity,
    pub capacity_epoch: EpochIndex,
    pub carry: Carry,
    pub rewards_owed: Amount,
    pub earnings_owed: Amount,
    pub bond: Amount,
    /// Part of the bond that agreements hold.
    pub bond_held: Amount,
    /// Part of the bond that is leaving.
    pub unbonding: Amount,
    pub unbonding_at: Timestamp,
    /// Units sold; stops at the largest value.
    pub units_sold: Units,
    /// Units sold to the device's own owner; stops at the largest value.
    pub units_self_sold: Units,
    /// Rewards accrued; stops at the largest value.
    pub lifetime_rewards: Amount,
    /// Revenue before fee and burn; stops at the largest value.
    pub lifetime_revenue: Amount,
    /// Of this registration; never reused.
    pub index: u32,
    pub open_disputes: u32,
    pub slas_kept: u32,
    pub slas_missed: u32,
    /// Ed25519: 32 bytes and a zero. P-256: 33 bytes, compressed.
    pub key: [u8; 33],
    /// 1 Ed25519, 2 P-256.
    pub key_kind: u8,
    pub class: u8,
    /// 1 active, 2 suspended, 3 retired.
    pub status: u8,
    pub bump: u8,
    pub version: u8,
    /// Zero; room for later versions.
    pub reserved: [u8; 34],
}

impl Device {
    #[inline(always)]
    pub fn key(&self) -> Key<'_> {
        Key {
            kind: self.key_kind,
            bytes: &self.key,
        }
    }

    #[inline(always)]
    pub fn require_of(&self, network: &Address) -> Result<()> {
        ensure!(address_eq(&self.network, network), WrongNetwork);
        Ok(())
    }

    /// The capacity that counts in `epoch`.
    #[inline(always)]
    pub fn capacity_in(&self, epoch: EpochIndex) -> &Capacity {
        if epoch >= self.capacity_epoch {
            &self.next_capacity
        } else {
            &self.capacity
        }
    }

    /// Announces a capacity for the epoch after `now`; what counts until then stays.
    pub fn announce_capacity(&mut self, capacity: Capacity, now: EpochIndex) -> core::result::Result<(), Overflow> {
        self.capacity = *self.capacity_in(now);
        self.next_capacity = capacity;
        self.capacity_epoch = now.next()?;
        Ok(())
    }

    /// Moves the device into `epoch`: nothing counted or earned yet.
    #[inline(always)]
    pub fn enter(&mut self, epoch: EpochIndex) {
        if epoch > self.epoch {
            self.epoch = epoch;
            self.epoch_units = Units::ZERO;
            self.epoch_rewards = Amount::ZERO;
        }
    }

    /// Books what the newest receipt earned within its limits.
    #[inline(always)]
    pub fn accrue(&mut self, eligible: Units, reward: Amount, carry: Carry) -> core::result::Result<(), Overflow> {
        self.carry = carry;
        self.epoch_units = self.epoch_units.plus_within_limit(eligible);
        self.epoch_rewards = self.epoch_rewards.plus_within_limit(reward);
        self.rewards_owed = self.rewards_owed.plus(reward)?;
        self.lifetime_rewards = self.lifetime_rewards.saturating_plus(reward);
        Ok(())
    }

    /// Whether nothing is owed, held or disputed, so that the account may close.
    pub fn is_clear(&self) -> bool {
        self.rewards_owed == Amount::ZERO
            && self.earnings_owed == Amount::ZERO
            && self.bond == Amount::ZERO
            && self.open_disputes == 0
    }
}
