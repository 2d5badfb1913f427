//! A naive Merkle tree over payees (PROTOCOL section 5, "Roots"): every level is kept, and nothing is shared with the
//! program's verifier.

use sha2::{Digest, Sha256};

/// One payee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payee {
    pub position: u32,
    pub payout: [u8; 32],
    pub lifetime_reward: u64,
    pub devices_root: [u8; 32],
}

/// All levels of a tree, the leaves first.
pub struct Tree {
    pub domain: [u8; 32],
    pub epoch: u64,
    pub payees: Vec<Payee>,
    levels: Vec<Vec<[u8; 32]>>,
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

impl Tree {
    /// The tree of these payees, whose positions rise; positions that nobody has are empty.
    pub fn new(domain: [u8; 32], epoch: u64, payees: Vec<Payee>) -> Self {
        let count = payees.last().map_or(1, |last| last.position as usize + 1);
        let mut level = vec![[0; 32]; count.next_power_of_two()];
        for payee in &payees {
            let mut leaf = vec![0];
            leaf.extend(domain);
            leaf.extend(epoch.to_le_bytes());
            leaf.extend(payee.position.to_le_bytes());
            leaf.extend(payee.payout);
            leaf.extend(payee.lifetime_reward.to_le_bytes());
            leaf.extend(payee.devices_root);
            level[payee.position as usize] = hash(&leaf);
        }
        let mut levels = vec![level];
        while levels[levels.len() - 1].len() > 1 {
            let below = &levels[levels.len() - 1];
            let above = below
                .chunks(2)
                .map(|pair| hash(&[&[1][..], &pair[0], &pair[1]].concat()))
                .collect();
            levels.push(above);
        }
        Self {
            domain,
            epoch,
            payees,
            levels,
        }
    }

    pub fn root(&self) -> [u8; 32] {
        self.levels[self.levels.len() - 1][0]
    }

    /// Positions, used or empty: the highest one and 1.
    pub fn count(&self) -> u32 {
        self.payees.last().map_or(1, |last| last.position + 1)
    }

    /// The siblings of a position, the lowest first, each behind the prefix of nodes.
    pub fn proof(&self, position: u32) -> Vec<u8> {
        let mut proof = Vec::new();
        for (height, level) in self.levels[..self.levels.len() - 1].iter().enumerate() {
            proof.push(1);
            proof.extend(level[(position as usize >> height) ^ 1]);
        }
        proof
    }
}
