//! Events of bonds, SLAs, disputes and the pool's withdrawal.

use anchor_lang::prelude::*;

#[event]
pub struct BondDeposited {
    pub device: Address,
    pub amount: u64,
    /// The bond after it.
    pub bond: u64,
}

/// What leaves a bond was set, and its delay began.
#[event]
pub struct BondLeaving {
    pub device: Address,
    /// What leaves; 0 when nothing does any more.
    pub amount: u64,
    /// From when on, Unix seconds; 0 when nothing leaves.
    pub due: i64,
    /// Capacity from the next epoch on.
    pub capacity: u64,
}

#[event]
pub struct BondWithdrawn {
    pub device: Address,
    pub destination: Address,
    pub amount: u64,
    /// The bond after it.
    pub bond: u64,
}

#[event]
pub struct SlaOpened {
    pub sla: Address,
    pub tab: Address,
    pub device: Address,
    pub nonce: u32,
    pub due: u64,
    pub bps: u16,
    /// Part of the bond that it holds.
    pub held: u64,
    pub deadline: i64,
}

#[event]
pub struct SlaContested {
    pub sla: Address,
    pub device: Address,
}

#[event]
pub struct SlaVoted {
    pub sla: Address,
    pub attestor: Address,
    /// Whether the penalty is due; `None` withdraws the vote.
    pub upheld: Option<bool>,
    /// Attestors for and against the penalty now.
    pub yes: u8,
    pub no: u8,
}

#[event]
pub struct SlaEnforced {
    pub sla: Address,
    pub tab: Address,
    pub device: Address,
    pub nonce: u32,
    /// 0 kept, 1 missed, 2 excused.
    pub outcome: u8,
    pub delivered: u64,
    /// What the bond paid to the tab.
    pub penalty: u64,
}

#[event]
pub struct DisputeOpened {
    pub dispute: Address,
    pub device: Address,
    /// The challenger's tab.
    pub tab: Address,
    pub seq: u64,
    pub record_hash: [u8; 32],
    pub deposit: u64,
    pub deadline: i64,
}

#[event]
pub struct DisputeVoted {
    pub dispute: Address,
    pub attestor: Address,
    /// 0 withdrawn, 1 agrees, 2 differs, 3 withheld, 4 repeated.
    pub finding: u8,
    /// Attestors for and against the device's guilt now.
    pub guilty: u8,
    pub not_guilty: u8,
}

#[event]
pub struct DisputeResolved {
    pub dispute: Address,
    pub device: Address,
    /// The challenger's tab.
    pub tab: Address,
    /// 1 guilty, 2 not guilty, 3 undecided.
    pub verdict: u8,
    /// The consumer's tab; zero where nobody was made whole.
    pub consumer_tab: Address,
    /// What left the bond for the consumer's tab.
    pub to_consumer: u64,
    /// What went to the challenger's tab: of the deposit, and of the bond; 0 where the tab is closed, and the pool got it.
    pub deposit_back: u64,
    pub to_challenger: u64,
    /// What went to the pool: of bond and deposit, and of the rewards that were owed.
    pub to_pool: u64,
    pub forfeited: u64,
    /// What the bond gained from the deposit.
    pub to_bond: u64,
}

#[event]
pub struct DisputeClosed {
    pub dispute: Address,
    pub device: Address,
}

#[event]
pub struct PoolWithdrawn {
    pub network: Address,
    pub destination: Address,
    pub amount: u64,
}
