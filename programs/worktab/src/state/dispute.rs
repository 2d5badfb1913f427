//! A dispute about one job record that a device signed.

use super::{Ballot, Device, Network};
use crate::domain::{Amount, Overflow, Timestamp};
use crate::errors::WorktabError;
use anchor_lang::prelude::*;

pub const DISPUTE_SEED: &[u8] = b"dispute";

/// Values of `Dispute::verdict`, and of a resolution's outcome.
pub mod verdict {
    pub const OPEN: u8 = 0;
    pub const GUILTY: u8 = 1;
    pub const NOT_GUILTY: u8 = 2;
    /// The deadline passed without enough votes either way.
    pub const UNDECIDED: u8 = 3;
}

/// A dispute. Address: `dispute`, device, u64 seq, record hash. One that ended guilty stays until the device's account
/// closes: nobody is punished twice for one record.
#[account]
pub struct Dispute {
    pub network: Address,
    pub device: Address,
    /// The challenger's tab: the deposit came from it, and what is due goes to it.
    pub tab: Address,
    pub rent_payer: Address,
    pub record_hash: [u8; 32],
    /// The record's place in the device's chain.
    pub seq: u64,
    pub deposit: Amount,
    pub opened_at: Timestamp,
    /// Until when attestors may vote.
    pub deadline: Timestamp,
    /// For and against the device's guilt.
    pub votes: Ballot,
    /// Index of the device's registration.
    pub index: u32,
    /// 0 open, 1 guilty.
    pub verdict: u8,
    /// What enough attestors agreed on, as soon as they did: 0 nothing yet, 1 guilty, 2 not guilty.
    pub found: u8,
    /// Attestors that had to agree at the opening; fewer never decide it.
    pub threshold: u8,
    pub bump: u8,
    pub version: u8,
    /// 1 where an attestor's word stands for the evidence that the device signed the record: it can't be found to withhold it.
    pub vouched: u8,
    /// Zero.
    pub reserved: [u8; 6],
}

impl Dispute {
    pub fn require_open(&self, network: &Address) -> Result<()> {
        require!(&self.network == network, WorktabError::WrongNetwork);
        require!(self.verdict == verdict::OPEN, WorktabError::DisputeOver);
        Ok(())
    }

    /// Takes a vote in. As soon as enough attestors agree, that stands, whatever becomes of them.
    pub fn vote(&mut self, network: &Network, bit: u16, guilty: Option<bool>) {
        self.votes.vote(network, bit, guilty);
        self.found = match self.votes.outcome(network, self.threshold) {
            Some(true) => verdict::GUILTY,
            Some(false) => verdict::NOT_GUILTY,
            None => verdict::OPEN,
        };
    }

    /// How the dispute ends now: as attestors found, or undecided after the deadline.
    pub fn end(&self, now: Timestamp) -> Result<u8> {
        if self.found != verdict::OPEN {
            return Ok(self.found);
        }
        require!(now >= self.deadline, WorktabError::DisputeUndecided);
        Ok(verdict::UNDECIDED)
    }

    /// Until when the record must be shown to resolve a guilty dispute: as long after the deadline as there was to vote, so that
    /// its consumer has that time even if the deciding vote is the last one.
    pub fn show_until(&self) -> core::result::Result<Timestamp, Overflow> {
        let length = self.deadline.0.saturating_sub(self.opened_at.0);
        self.deadline.0.checked_add(length).map(Timestamp).ok_or(Overflow)
    }

    /// After a vouched dispute that nobody decided, the device's bond stays as long as there was to vote. While it was open, nobody
    /// could show that the device signed the record, and have it found to withhold it: an accomplice among the attestors must
    /// not hold that place until the bond leaves, in the same transaction in which the dispute ends.
    pub fn leave_time(&self, device: &mut Device, now: Timestamp) -> core::result::Result<(), Overflow> {
        if self.vouched != 0 && device.unbonding > Amount::ZERO {
            let length = self.deadline.0.saturating_sub(self.opened_at.0);
            let later = now.0.checked_add(length).map(Timestamp).ok_or(Overflow)?;
            device.unbonding_at = device.unbonding_at.max(later);
        }
        Ok(())
    }

    /// Whether half of the time to vote is over.
    pub fn is_past_half(&self, now: Timestamp) -> bool {
        let length = self.deadline.0.saturating_sub(self.opened_at.0);
        now.0.saturating_sub(self.opened_at.0) >= length / 2
    }
}
