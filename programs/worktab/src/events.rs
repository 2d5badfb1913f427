//! One event per instruction: the accounts it concerns and what moved. Together they rebuild ledger and statistics.

use crate::domain::{Amount, Overflow};
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};

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

/// A `ClaimEntry` as it is logged.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, packed)]
pub struct LoggedEntry {
    pub device: u32,
    pub rewards: u64,
    pub outcome: u8,
}

/// The bytes of a `Claimed`, written as the claim goes along: entries collected first and serialized then would cost
/// each device twice.
pub struct ClaimLog(Vec<u8>);

impl ClaimLog {
    const AMOUNT_AT: usize = 72;
    const COUNT_AT: usize = 80;
    const ENTRIES_AT: usize = 84;

    /// An event of so many entries, all zero yet.
    #[inline(always)]
    pub fn new(network: &Address, payout: &Address, entries: usize) -> core::result::Result<Self, Overflow> {
        let count = u32::try_from(entries).map_err(|_| Overflow)?;
        let size = entries
            .checked_mul(core::mem::size_of::<LoggedEntry>())
            .and_then(|size| size.checked_add(Self::ENTRIES_AT))
            .ok_or(Overflow)?;
        let mut bytes = vec![0; size];
        bytes[..8].copy_from_slice(Claimed::DISCRIMINATOR);
        bytes[8..40].copy_from_slice(network.as_ref());
        bytes[40..Self::AMOUNT_AT].copy_from_slice(payout.as_ref());
        bytes[Self::COUNT_AT..Self::ENTRIES_AT].copy_from_slice(&count.to_le_bytes());
        Ok(Self(bytes))
    }

    /// The entries, to be written in the order of the devices.
    #[inline(always)]
    pub fn entries(&mut self) -> impl Iterator<Item = &mut LoggedEntry> {
        let entries = self.0[Self::ENTRIES_AT..].chunks_exact_mut(core::mem::size_of::<LoggedEntry>());
        entries.map(bytemuck::from_bytes_mut)
    }

    /// The whole event, now that its amount is known.
    #[inline(always)]
    pub fn bytes(&mut self, amount: Amount) -> &[u8] {
        self.0[Self::AMOUNT_AT..Self::COUNT_AT].copy_from_slice(&amount.get().to_le_bytes());
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anchor_lang::Event;

    fn logged(entries: &[ClaimEntry]) -> Vec<u8> {
        let (network, payout) = (Address::new_from_array([1; 32]), Address::new_from_array([2; 32]));
        let mut log = ClaimLog::new(&network, &payout, entries.len()).unwrap();
        for (entry, place) in entries.iter().zip(log.entries()) {
            place.device = entry.device;
            place.rewards = entry.rewards;
            place.outcome = entry.outcome;
        }
        let bytes = log.bytes(Amount(0x0102_0304_0506_0708)).to_vec();
        let event = Claimed {
            network,
            payout,
            amount: 0x0102_0304_0506_0708,
            entries: entries.to_vec(),
        };
        assert_eq!(bytes, event.data());
        bytes
    }

    #[test]
    fn a_claim_is_logged_as_its_event_serializes() {
        let entry = |device, rewards, outcome| ClaimEntry {
            device,
            rewards,
            outcome,
        };
        assert_eq!(logged(&[]).len(), 84);
        assert_eq!(logged(&[entry(7, 9, 0)]).len(), 97);
        let many = [entry(0, u64::MAX, 1), entry(u32::MAX, 0, 4), entry(0x0a0b_0c0d, 5, 5)];
        assert_eq!(logged(&many).len(), 123);
    }
}
