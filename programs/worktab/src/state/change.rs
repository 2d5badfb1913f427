//! Changes to a network's parameters. Each waits the parameter delay; one can be pending at a time.

use super::{reward_path, ClassTerms, Delays, Network, MAX_CLASSES};
use crate::domain::{Seconds, Timestamp};
use crate::errors::WorktabError;
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};

/// What a change is about. Numbers are frozen.
pub struct ChangeKind;

impl ChangeKind {
    /// Nothing: cancels what is pending.
    pub const NONE: u8 = 0;
    /// Terms of class `class`: values are meter, rate, largest capacity, least bond, budget.
    pub const CLASS: u8 = 1;
    /// values are fee and burn in basis points.
    pub const FEES: u8 = 2;
    /// values are the parameter, lane close, challenge and unbonding delays in seconds.
    pub const DELAYS: u8 = 3;
    /// values[0] is 1 when devices need an admission signature, else 0.
    pub const ADMISSION: u8 = 4;
    /// `key` is the new guardian.
    pub const GUARDIAN: u8 = 5;
    /// `key` is proposed as the next authority, at once; it must accept. Zero withdraws the proposal.
    pub const AUTHORITY: u8 = 6;
    /// values[0] is 2: rewards are paid by roots from the epoch after the change is applied. There is no way back.
    pub const REWARD_PATH: u8 = 7;
    /// `key` becomes an attestor, and values[0] the number that must agree.
    pub const ADD_ATTESTOR: u8 = 8;
    /// `key` is no longer an attestor, at once. The number that must agree stays, or falls to those that are left.
    pub const REMOVE_ATTESTOR: u8 = 9;
    /// values[0] attestors must agree.
    pub const THRESHOLD: u8 = 10;
    /// values[0] base units leave the free pool for the token account `key`; withdraw_pool puts it in force.
    pub const WITHDRAW_POOL: u8 = 11;
    /// values are a challenger's deposit in base units, 0 for no disputes, and what a guilty one slashes in basis points.
    pub const DISPUTES: u8 = 12;
}

/// A change as proposed. Values that a kind does not name are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
pub struct Change {
    /// 0 none, 1 class, 2 fees, 3 delays, 4 admission, 5 guardian, 6 authority, 7 reward path, 8 add attestor,
    /// 9 remove attestor, 10 threshold, 11 withdraw pool, 12 disputes.
    pub kind: u8,
    /// Number of the class; only with kind 1.
    pub class: u8,
    pub values: [u64; 5],
    pub key: Address,
}

/// The one change a network is waiting for; kind 0 when there is none.
#[derive(Clone, Copy, Pod, Zeroable)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
#[repr(C)]
pub struct PendingChange {
    pub effective_at: Timestamp,
    pub values: [u64; 5],
    pub key: [u8; 32],
    pub kind: u8,
    pub class: u8,
    /// Zero.
    pub reserved: [u8; 6],
}

impl PendingChange {
    pub fn new(change: &Change, effective_at: Timestamp) -> Self {
        Self {
            effective_at,
            values: change.values,
            key: change.key.to_bytes(),
            kind: change.kind,
            class: change.class,
            reserved: [0; 6],
        }
    }

    pub fn change(&self) -> Change {
        Change {
            kind: self.kind,
            class: self.class,
            values: self.values,
            key: Address::new_from_array(self.key),
        }
    }
}

impl Change {
    /// Puts the change into a network. Called on a copy when a change is proposed, so that one that can't be applied
    /// is refused at once, and on the network itself when it is due.
    pub fn apply(&self, network: &mut Network, now: Timestamp) -> Result<()> {
        let [a, b, c, d, e] = self.values;
        match self.kind {
            ChangeKind::CLASS => {
                require!(usize::from(self.class) < MAX_CLASSES, WorktabError::UnknownClass);
                self.only(5, false)?;
                network.classes[usize::from(self.class)].set(&ClassTerms {
                    meter: narrow(a)?,
                    rate: b,
                    max_capacity: c,
                    least_bond: d,
                    budget: e,
                })
            }
            ChangeKind::FEES => {
                self.only(2, false)?;
                network.set_fees(narrow(a)?, narrow(b)?)
            }
            ChangeKind::DELAYS => {
                self.only(4, false)?;
                network.set_delays(&Delays {
                    parameter: Seconds(narrow(a)?),
                    lane_close: Seconds(narrow(b)?),
                    challenge: Seconds(narrow(c)?),
                    unbonding: Seconds(narrow(d)?),
                })
            }
            ChangeKind::ADMISSION => {
                self.only(1, false)?;
                network.set_admission(narrow(a)?)
            }
            ChangeKind::GUARDIAN => {
                self.only(0, true)?;
                network.guardian = self.key;
                Ok(())
            }
            ChangeKind::REWARD_PATH => {
                self.only(1, false)?;
                require!(a == u64::from(reward_path::ROOTS), WorktabError::InvalidParameter);
                network.pay_by_roots(now)
            }
            ChangeKind::ADD_ATTESTOR => {
                self.only(1, true)?;
                let mut attestors = network.attestors().to_vec();
                attestors.push(self.key);
                network.change_attestors(&attestors, narrow(a)?)
            }
            ChangeKind::REMOVE_ATTESTOR => {
                self.only(0, true)?;
                let mut attestors = network.attestors().to_vec();
                attestors.retain(|attestor| attestor != &self.key);
                require!(attestors.len() < network.attestors().len(), WorktabError::NotAttestor);
                let left = u8::try_from(attestors.len()).map_err(|_| WorktabError::Overflow)?;
                let threshold = network.threshold.min(left);
                network.change_attestors(&attestors, threshold)
            }
            ChangeKind::THRESHOLD => {
                self.only(1, false)?;
                let attestors = network.attestors().to_vec();
                network.change_attestors(&attestors, narrow(a)?)
            }
            ChangeKind::WITHDRAW_POOL => {
                self.only(1, true)?;
                require!(
                    a > 0 && self.key != Address::default() && self.key != network.vault,
                    WorktabError::InvalidParameter
                );
                Ok(())
            }
            ChangeKind::DISPUTES => {
                self.only(2, false)?;
                network.set_disputes(a, narrow(b)?)
            }
            _ => Err(WorktabError::InvalidParameter.into()),
        }
    }

    /// Refuses values that this kind of change does not read: a mistake must not pass for a choice.
    pub fn only(&self, values: usize, key: bool) -> Result<()> {
        let unused = self.values.iter().skip(values).all(|value| *value == 0)
            && (key || self.key == Address::default())
            && (self.kind == ChangeKind::CLASS || self.class == 0);
        require!(unused, WorktabError::InvalidParameter);
        Ok(())
    }
}

fn narrow<T: TryFrom<u64>>(value: u64) -> Result<T> {
    T::try_from(value).map_err(|_| WorktabError::InvalidParameter.into())
}
