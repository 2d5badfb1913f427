//! One event per instruction: the accounts it concerns and what moved. Together they rebuild ledger and statistics.

use anchor_lang::prelude::*;

#[event]
pub struct NetworkCreated {
    pub network: Address,
    pub authority: Address,
    pub mint: Address,
    pub reward_path: u8,
}

#[event]
pub struct UpdateProposed {
    pub network: Address,
    pub kind: u8,
    pub class: u8,
    /// When the change may be applied; 0 for one that needs no delay.
    pub effective_at: i64,
    pub values: [u64; 5],
    pub key: Address,
}

#[event]
pub struct UpdateApplied {
    pub network: Address,
    pub kind: u8,
    pub class: u8,
}

#[event]
pub struct AuthorityAccepted {
    pub network: Address,
    pub authority: Address,
}

#[event]
pub struct PauseSet {
    pub network: Address,
    pub pause: u8,
}

#[event]
pub struct PoolFunded {
    pub network: Address,
    pub funder: Address,
    /// What arrived by this transfer.
    pub amount: u64,
    /// What the vault held beyond the ledger before it.
    pub surplus: u64,
}

#[event]
pub struct DeviceRegistered {
    pub network: Address,
    pub device: Address,
    pub owner: Address,
    pub index: u32,
    pub class: u8,
    pub capacity: u64,
}

#[event]
pub struct DeviceUpdated {
    pub device: Address,
    pub owner: Address,
    pub payout: Address,
    /// Capacity from the next epoch on.
    pub capacity: u64,
    pub key_changed: bool,
}

#[event]
pub struct DeviceRetired {
    pub device: Address,
    /// Whether the account closed; if not, something is still owed.
    pub closed: bool,
}

#[event(bytemuck)]
pub struct ReceiptSubmitted {
    pub device: Address,
    pub seq: u64,
    pub units: u64,
    /// New units within the epoch's capacity; 0 on the path of roots.
    pub eligible: u64,
    pub reward: u64,
}

impl ReceiptSubmitted {
    /// Logs the event from the stack: the general way allocates, and this is the hottest instruction.
    #[inline(always)]
    pub fn log(&self) {
        let mut bytes = [0; 8 + core::mem::size_of::<Self>()];
        bytes[..8].copy_from_slice(Self::DISCRIMINATOR);
        bytes[8..].copy_from_slice(bytemuck::bytes_of(self));
        sol_log_data(&[&bytes]);
    }
}

/// What a claim did with one device: 0 paid, 1 nothing owed, 2 another payout wallet, 3 disputed, 4 closed, 5 the
/// payout account can't be paid.
#[derive(Clone, Copy, AnchorSerialize)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
pub struct ClaimEntry {
    /// Index of the device; the largest u32 for one that is closed.
    pub device: u32,
    /// What the device was owed; it moved only where the outcome is 0.
    pub rewards: u64,
    pub outcome: u8,
}

#[event]
pub struct Claimed {
    pub network: Address,
    pub payout: Address,
    pub amount: u64,
    pub entries: Vec<ClaimEntry>,
}
