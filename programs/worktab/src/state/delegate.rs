//! A delegate: a key that may spend from a tab within limits, such as an agent's session key.

use crate::domain::{Amount, EpochIndex, Overflow, Seconds, Timestamp};
use crate::errors::WorktabError;
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};

/// Values of `Delegate::status`.
pub mod delegate_status {
    pub const NONE: u8 = 0;
    pub const ACTIVE: u8 = 1;
    /// May not spend; its key stays while lanes name it, so that its vouchers remain good.
    pub const REVOKED: u8 = 2;
}

/// The part of a delegate that the consumer chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
pub struct DelegateTerms {
    pub key: Address,
    /// Most it may spend in all, base units.
    pub allowance: u64,
    /// Most it may spend in one period, base units; not read where the length is 0.
    pub period_limit: u64,
    /// Length of a period in seconds; 0 for no limit by period.
    pub period_length: u32,
    /// Most one of its lanes may hold and have paid together, base units.
    pub lane_limit: u64,
    /// From when on it may no longer spend, Unix seconds; 0 for never.
    pub expires_at: i64,
    /// Classes of devices it may buy from: bit n for class n.
    pub classes: u8,
}

/// A delegate as a tab holds it; status 0 marks a free slot.
#[derive(Clone, Copy, Pod, Zeroable)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
#[repr(C)]
pub struct Delegate {
    pub key: [u8; 32],
    /// What it may still spend.
    pub allowance: Amount,
    pub period_limit: Amount,
    /// Spent in `period`.
    pub period_spent: Amount,
    /// `floor((now - set_at) / period_length)` when it spent last.
    pub period: EpochIndex,
    pub lane_limit: Amount,
    pub set_at: Timestamp,
    /// 0 for never.
    pub expires_at: Timestamp,
    /// 0 for no limit by period.
    pub period_length: Seconds,
    /// Lanes that name this slot.
    pub lanes: u16,
    /// Bit n for class n.
    pub classes: u8,
    /// 0 free, 1 active, 2 revoked.
    pub status: u8,
}

impl Delegate {
    pub fn new(terms: &DelegateTerms, lanes: u16, now: Timestamp) -> Self {
        Self {
            key: terms.key.to_bytes(),
            allowance: Amount(terms.allowance),
            period_limit: Amount(terms.period_limit),
            period_spent: Amount::ZERO,
            period: EpochIndex::default(),
            lane_limit: Amount(terms.lane_limit),
            set_at: now,
            expires_at: Timestamp(terms.expires_at),
            period_length: Seconds(terms.period_length),
            lanes,
            classes: terms.classes,
            status: delegate_status::ACTIVE,
        }
    }

    /// Takes `amount` off what may be spent; it is never given back. Refuses what any limit forbids.
    pub fn charge(&mut self, amount: Amount, class: u8, now: Timestamp) -> Result<()> {
        require!(self.status == delegate_status::ACTIVE, WorktabError::DelegateRevoked);
        require!(
            self.expires_at.0 == 0 || now < self.expires_at,
            WorktabError::DelegateExpired
        );
        require!(
            class < 8 && self.classes & (1u8 << class) != 0,
            WorktabError::ClassNotAllowed
        );
        if self.period_length.0 != 0 {
            // A clock that steps back never opens a period anew.
            let period = EpochIndex::at(now, self.set_at, self.period_length)?;
            if period > self.period {
                self.period = period;
                self.period_spent = Amount::ZERO;
            }
            require!(
                self.period_spent.leaves_room(amount, self.period_limit),
                WorktabError::PeriodLimitExceeded
            );
            self.period_spent = self.period_spent.plus_within_limit(amount);
        }
        self.allowance = self
            .allowance
            .minus(amount)
            .map_err(|_| WorktabError::AllowanceExceeded)?;
        Ok(())
    }

    /// One more lane names this slot.
    pub fn hold(&mut self) -> core::result::Result<(), Overflow> {
        self.lanes = self.lanes.checked_add(1).ok_or(Overflow)?;
        Ok(())
    }

    /// A lane that named this slot ended; a revoked slot that no lane names is free.
    pub fn release(&mut self) -> core::result::Result<(), Overflow> {
        self.lanes = self.lanes.checked_sub(1).ok_or(Overflow)?;
        if self.lanes == 0 && self.status == delegate_status::REVOKED {
            *self = Self::zeroed();
        }
        Ok(())
    }

    /// Stops new spending at once.
    pub fn revoke(&mut self) {
        if self.lanes == 0 {
            *self = Self::zeroed();
        } else {
            self.status = delegate_status::REVOKED;
        }
    }
}
