//! An SLA: a device's promise to deliver on one lane by a deadline, with a part of its bond behind it.

use super::{Ballot, Lane};
use crate::domain::slash::penalty;
use crate::domain::{Amount, Overflow, Timestamp};
use crate::errors::WorktabError;
use anchor_lang::prelude::*;

pub const SLA_SEED: &[u8] = b"sla";

/// What consumer and owner agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
pub struct SlaTerms {
    /// Nonce of the lane.
    pub nonce: u32,
    /// What vouchers must have moved by the deadline, base units; not 0, at most what the lane reserves.
    pub due: u64,
    /// Penalty for what is not delivered, basis points, 10,000 at most; 0 where the network has no attestors or no challenge
    /// delay.
    pub bps: u16,
    /// Unix seconds, at most a year ahead.
    pub deadline: i64,
}

/// Values of `Sla::contested`.
pub mod contest {
    pub const NONE: u8 = 0;
    pub const CONTESTED: u8 = 1;
    /// Enough attestors said that the penalty is due.
    pub const UPHELD: u8 = 2;
    /// Enough attestors said that it is not.
    pub const DISMISSED: u8 = 3;
}

/// An SLA. Address: `sla`, tab, u32 lane nonce.
#[account]
pub struct Sla {
    pub network: Address,
    pub tab: Address,
    pub device: Address,
    pub rent_payer: Address,
    /// What vouchers must have moved since the opening.
    pub due: Amount,
    /// What the lane had paid at the opening.
    pub paid_before: Amount,
    /// Part of the device's bond that it holds.
    pub held: Amount,
    pub start: Timestamp,
    pub deadline: Timestamp,
    /// Until when the owner may contest a penalty: the deadline and the network's challenge delay at the opening.
    pub contest_until: Timestamp,
    /// Until when attestors may decide a contested one: a challenge delay later.
    pub decide_until: Timestamp,
    /// For and against the penalty, where it is contested.
    pub votes: Ballot,
    /// Nonce of the lane.
    pub nonce: u32,
    /// Penalty for what is not delivered, basis points.
    pub bps: u16,
    /// 0 not contested, 1 contested, 2 upheld by attestors, 3 dismissed by them.
    pub contested: u8,
    /// Attestors that had to agree at the opening; fewer never decide it.
    pub threshold: u8,
    pub bump: u8,
    pub version: u8,
    /// Zero.
    pub reserved: [u8; 6],
}

/// How an SLA ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlaEnd {
    pub delivered: Amount,
    pub penalty: Amount,
    pub outcome: u8,
}

/// Values of `SlaEnd::outcome`.
pub mod sla_outcome {
    pub const KEPT: u8 = 0;
    pub const MISSED: u8 = 1;
    /// Not delivered, contested, and attestors did not say that the penalty is due: it counts neither way.
    pub const EXCUSED: u8 = 2;
}

impl Sla {
    /// How the SLA ends now; refused where that is still open. One that is kept ends at once, also before its deadline.
    pub fn end(&self, lane: &Lane, now: Timestamp) -> Result<SlaEnd> {
        let delivered = lane.paid.minus(self.paid_before)?;
        let end = |penalty, outcome| SlaEnd {
            delivered,
            penalty,
            outcome,
        };
        if delivered >= self.due {
            return Ok(end(Amount::ZERO, sla_outcome::KEPT));
        }
        require!(now >= self.deadline, WorktabError::SlaRunning);
        let excused = match self.contested {
            contest::NONE => {
                require!(now >= self.contest_until, WorktabError::SlaRunning);
                false
            }
            contest::CONTESTED => {
                require!(now >= self.decide_until, WorktabError::SlaRunning);
                true
            }
            decided => decided == contest::DISMISSED,
        };
        if excused {
            return Ok(end(Amount::ZERO, sla_outcome::EXCUSED));
        }
        let penalty = penalty(self.due, delivered, self.bps)?;
        Ok(end(penalty, sla_outcome::MISSED))
    }

    /// Sets the dates that follow from the deadline.
    pub fn set_dates(
        &mut self,
        deadline: Timestamp,
        challenge: crate::domain::Seconds,
    ) -> core::result::Result<(), Overflow> {
        self.deadline = deadline;
        self.contest_until = deadline.after(challenge)?;
        self.decide_until = self.contest_until.after(challenge)?;
        Ok(())
    }
}
