//! Votes of a network's attestors for and against something.

use super::Network;
use bytemuck::{Pod, Zeroable};

/// One bit for each attestor that votes one way, and one for each that votes the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[cfg_attr(feature = "idl-build", derive(anchor_lang::IdlType))]
#[repr(C)]
pub struct Ballot {
    /// The network's attestors that the votes belong to.
    pub attestor_version: u32,
    pub yes: u16,
    pub no: u16,
}

impl Ballot {
    /// Votes of nobody yet.
    pub fn new(network: &Network) -> Self {
        Self {
            attestor_version: network.attestor_version,
            yes: 0,
            no: 0,
        }
    }

    /// Replaces an attestor's vote; `None` withdraws it. Votes of other attestors than the network has now are void.
    pub fn vote(&mut self, network: &Network, bit: u16, vote: Option<bool>) {
        if self.attestor_version != network.attestor_version {
            *self = Self::new(network);
        }
        self.yes &= !bit;
        self.no &= !bit;
        match vote {
            Some(true) => self.yes |= bit,
            Some(false) => self.no |= bit,
            None => {}
        }
    }

    /// Attestors that vote one way and the other.
    pub fn counts(&self) -> (u8, u8) {
        let count = |votes: u16| u8::try_from(votes.count_ones()).unwrap_or(u8::MAX);
        (count(self.yes), count(self.no))
    }

    /// What enough of the network's attestors of now agree on: as many as must agree now, and as many as had to when the
    /// question was put, so that nobody decides it by removing attestors. More than half must agree, so it is never both.
    pub fn outcome(&self, network: &Network, threshold: u8) -> Option<bool> {
        let enough = |votes: u16| votes.count_ones() >= u32::from(network.threshold.max(threshold));
        if network.threshold == 0 || self.attestor_version != network.attestor_version {
            None
        } else if enough(self.yes) {
            Some(true)
        } else if enough(self.no) {
            Some(false)
        } else {
            None
        }
    }
}
