//! A commitment to the root of one epoch, and who approves of it.

use super::Network;
use crate::domain::{Amount, Count, EpochIndex, Seconds, Timestamp, Units};
use crate::errors::WorktabError;
use crate::wire::hash::sha256;
use anchor_lang::prelude::*;

pub const EPOCH_SEED: &[u8] = b"epoch";

/// What an attestor commits to: a root over all payees, and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
pub struct Commitment {
    /// Index of the epoch.
    pub epoch: u64,
    pub root: [u8; 32],
    /// Highest position of a payee, and one.
    pub count: u32,
    /// Sum of all payees' lifetime rewards, base units.
    pub total: u64,
    /// Sum of all devices' lifetime units.
    pub units: u64,
    /// Records that the committing attestor re-executed for this epoch.
    pub records_checked: u64,
    /// Those of them that did not agree.
    pub records_failed: u64,
    /// Milliseconds it took.
    pub check_ms: u64,
    /// Hash of the published leaf data.
    pub data: [u8; 32],
}

impl Commitment {
    /// The last seed of the Epoch account's address: the hash over all fields in their order.
    pub fn hash(&self) -> [u8; 32] {
        let numbers = [
            self.total,
            self.units,
            self.records_checked,
            self.records_failed,
            self.check_ms,
        ]
        .map(u64::to_le_bytes);
        sha256(&[
            &self.epoch.to_le_bytes(),
            &self.root,
            &self.count.to_le_bytes(),
            numbers.as_flattened(),
            &self.data,
        ])
    }
}

/// A commitment that attestors vote on. Address: `epoch`, network, u64 index, H(commitment).
#[account]
pub struct Epoch {
    pub network: Address,
    pub rent_payer: Address,
    pub root: [u8; 32],
    /// Hash of the published leaf data.
    pub data: [u8; 32],
    /// Index of the epoch.
    pub index: EpochIndex,
    /// Sum of all payees' lifetime rewards.
    pub total: Amount,
    /// Sum of all devices' lifetime units.
    pub units: Units,
    pub records_checked: Count,
    pub records_failed: Count,
    pub check_ms: Count,
    /// Slot of the commit: what attestors check is drawn from a later slot's hash.
    pub committed_slot: u64,
    /// Since when enough attestors approve; 0 while they don't.
    pub approved_at: Timestamp,
    /// The network's attestors that the votes belong to.
    pub attestor_version: u32,
    /// Payees' positions.
    pub count: u32,
    /// One bit for each of the network's attestors that approves.
    pub approvals: u16,
    /// 1 when the guardian vetoed it.
    pub vetoed: u8,
    pub bump: u8,
    pub version: u8,
    /// Zero.
    pub reserved: [u8; 3],
}

impl Epoch {
    pub fn require_of(&self, network: &Address) -> Result<()> {
        require!(&self.network == network, WorktabError::WrongNetwork);
        Ok(())
    }

    /// Sets or clears an attestor's approval. Votes of other attestors than the network has now are void.
    pub fn vote(&mut self, network: &Network, bit: u16, approves: bool, now: Timestamp) {
        if self.attestor_version != network.attestor_version {
            self.attestor_version = network.attestor_version;
            self.approvals = 0;
            self.approved_at = Timestamp(0);
        }
        if approves {
            self.approvals |= bit;
        } else {
            self.approvals &= !bit;
        }
        if !self.is_approved(network) {
            self.approved_at = Timestamp(0);
        } else if self.approved_at == Timestamp(0) {
            self.approved_at = now;
        }
    }

    fn is_approved(&self, network: &Network) -> bool {
        network.threshold > 0
            && self.attestor_version == network.attestor_version
            && self.approvals.count_ones() >= u32::from(network.threshold)
    }

    /// Refuses a commitment that too few attestors approve of, or not for long enough.
    pub fn require_final(&self, network: &Network, delay: Seconds, now: Timestamp) -> Result<()> {
        require!(self.vetoed == 0, WorktabError::CommitmentVetoed);
        require!(self.is_approved(network), WorktabError::BelowThreshold);
        require!(now >= self.approved_at.after(delay)?, WorktabError::ChallengeOpen);
        Ok(())
    }
}
