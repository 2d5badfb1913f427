//! One event per instruction: the accounts it concerns and what moved. Together they rebuild ledger and statistics.

mod trust;

pub use trust::*;

use crate::domain::{Amount, Overflow};
use crate::state::Sale;
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

#[event]
pub struct FeesCollected {
    pub network: Address,
    pub destination: Address,
    pub amount: u64,
}

#[event]
pub struct TabOpened {
    pub network: Address,
    pub tab: Address,
    pub consumer: Address,
}

#[event]
pub struct Deposited {
    pub tab: Address,
    pub depositor: Address,
    pub amount: u64,
}

#[event]
pub struct Withdrawn {
    pub tab: Address,
    pub destination: Address,
    pub amount: u64,
}

#[event]
pub struct DelegateSet {
    pub tab: Address,
    /// 1 to 4.
    pub slot: u8,
    /// 0 free, 1 active, 2 revoked.
    pub status: u8,
    pub key: Address,
    pub allowance: u64,
    pub period_limit: u64,
    pub period_length: u32,
    pub lane_limit: u64,
    pub expires_at: i64,
    pub classes: u8,
}

#[event]
pub struct LaneReserved {
    pub tab: Address,
    /// Index of the device.
    pub index: u32,
    pub nonce: u32,
    /// 0 the consumer, 1 to 4 a delegate.
    pub signer: u8,
    pub amount: u64,
}

#[event(bytemuck)]
pub struct VoucherSettled {
    pub tab: Address,
    pub amount: u64,
    pub units: u64,
    /// Index of the device.
    pub index: u32,
    pub nonce: u32,
}

/// What one entry of a batch moved.
#[derive(Clone, Copy, AnchorSerialize)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
pub struct SettledEntry {
    /// Index of the device.
    pub index: u32,
    pub nonce: u32,
    pub amount: u64,
    pub units: u64,
}

/// Entries that moved nothing are left out.
#[event]
pub struct BatchSettled {
    pub tab: Address,
    pub entries: Vec<SettledEntry>,
}

#[event]
pub struct LaneCloseStarted {
    pub tab: Address,
    pub index: u32,
    pub nonce: u32,
    /// When the lane may end, Unix seconds.
    pub close_at: u32,
}

#[event]
pub struct LaneClosed {
    pub tab: Address,
    pub index: u32,
    pub nonce: u32,
    /// What went back to the balance.
    pub returned: u64,
}

#[event]
pub struct TabClosed {
    pub network: Address,
    pub tab: Address,
    pub consumer: Address,
}

#[event]
pub struct InvoiceCreated {
    pub invoice: Address,
    pub device: Address,
    pub consumer: Address,
    pub number: u64,
    pub amount: u64,
    pub units: u64,
    pub due: i64,
    pub head: [u8; 32],
    pub memo: [u8; 32],
}

#[event(bytemuck)]
pub struct InvoicePaid {
    pub invoice: Address,
    pub tab: Address,
    pub device: Address,
    pub amount: u64,
    pub units: u64,
}

#[event]
pub struct InvoiceVoided {
    pub invoice: Address,
    pub device: Address,
    /// What was paid and stays so.
    pub paid: u64,
}

#[event]
pub struct InvoiceRefunded {
    pub invoice: Address,
    pub tab: Address,
    pub device: Address,
    pub amount: u64,
    /// Units no longer sold.
    pub units: u64,
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

macro_rules! logged_from_stack {
    ($event:ident) => {
        impl $event {
            /// Logs the event from the stack: the general way allocates, and the instruction is hot.
            #[inline(always)]
            pub fn log(&self) {
                let mut bytes = [0; 8 + core::mem::size_of::<Self>()];
                bytes[..8].copy_from_slice(Self::DISCRIMINATOR);
                bytes[8..].copy_from_slice(bytemuck::bytes_of(self));
                sol_log_data(&[&bytes]);
            }
        }
    };
}

logged_from_stack!(ReceiptSubmitted);
logged_from_stack!(VoucherSettled);
logged_from_stack!(InvoicePaid);

#[event]
pub struct PageOpened {
    pub network: Address,
    pub number: u32,
}

#[event]
pub struct EpochCommitted {
    pub network: Address,
    /// The Epoch account; its address commits to all that follows.
    pub epoch: Address,
    pub attestor: Address,
    pub index: u64,
    pub root: [u8; 32],
    pub count: u32,
    /// Sum of lifetime rewards, base units.
    pub total: u64,
    pub units: u64,
    pub records_checked: u64,
    pub records_failed: u64,
    pub check_ms: u64,
    pub data: [u8; 32],
}

#[event]
pub struct EpochVoted {
    pub epoch: Address,
    /// Attestor or guardian.
    pub voter: Address,
    /// 0 withdrawn, 1 approved, 2 vetoed.
    pub vote: u8,
    /// Attestors that approve now.
    pub approvals: u8,
    pub records_checked: u32,
    pub records_failed: u32,
    pub check_ms: u32,
}

#[event]
pub struct EpochFinalized {
    pub network: Address,
    pub epoch: Address,
    pub index: u64,
    pub root: [u8; 32],
    pub count: u32,
    /// What the pool now owes more than before.
    pub increase: u64,
}

/// A commitment was closed that had become pointless: a final root covers its epoch.
#[event]
pub struct EpochClosed {
    pub network: Address,
    pub epoch: Address,
    pub index: u64,
}

/// A claim from the newest final root. Outcome: 0 paid, 1 nothing owed, 5 the payout account can't be paid.
#[event(bytemuck)]
pub struct RootClaimed {
    pub network: Address,
    pub payout: Address,
    /// What the payout account received.
    pub amount: u64,
    pub position: u32,
    pub outcome: u32,
}

/// What a claim did with one device: 0 paid, 1 nothing owed, 2 another payout wallet, 3 disputed (earnings are paid,
/// rewards wait), 4 closed, 5 the payout account can't be paid.
#[derive(Clone, Copy, AnchorSerialize)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
pub struct ClaimEntry {
    /// Index of the device; the largest u32 for one that is closed.
    pub device: u32,
    /// Rewards the device was owed; they moved only where the outcome is 0.
    pub rewards: u64,
    /// Earnings the device was owed, before fee and burn; they moved only where the outcome is 0 or 3.
    pub earnings: u64,
    pub outcome: u8,
}

#[event]
pub struct Claimed {
    pub network: Address,
    pub payout: Address,
    /// What the payout account received.
    pub amount: u64,
    /// Kept for the network's authority, out of the earnings.
    pub fee: u64,
    /// Destroyed, out of the earnings.
    pub burn: u64,
    pub entries: Vec<ClaimEntry>,
}

/// The bytes of a `BatchSettled`, written as the batch goes along.
pub struct BatchLog(Vec<u8>);

impl BatchLog {
    const COUNT_AT: usize = 40;
    const ENTRIES_AT: usize = 44;
    const ENTRY_SIZE: usize = core::mem::size_of::<LoggedSale>();

    /// An event with room for so many entries.
    #[inline(always)]
    pub fn new(tab: &Address, entries: usize) -> core::result::Result<Self, Overflow> {
        let size = entries
            .checked_mul(Self::ENTRY_SIZE)
            .and_then(|size| size.checked_add(Self::ENTRIES_AT))
            .ok_or(Overflow)?;
        let mut bytes = vec![0; size];
        bytes[..8].copy_from_slice(BatchSettled::DISCRIMINATOR);
        bytes[8..Self::COUNT_AT].copy_from_slice(tab.as_ref());
        Ok(Self(bytes))
    }

    /// Where the entries go, from the first on.
    #[inline(always)]
    pub fn places(&mut self) -> core::slice::IterMut<'_, LoggedSale> {
        bytemuck::cast_slice_mut(&mut self.0[Self::ENTRIES_AT..]).iter_mut()
    }

    /// The whole event, of whose places so many at the end stayed empty.
    #[inline(always)]
    pub fn bytes(&mut self, empty: usize) -> core::result::Result<&[u8], Overflow> {
        let end = self.0.len().saturating_sub(empty.saturating_mul(Self::ENTRY_SIZE));
        let entries = end.saturating_sub(Self::ENTRIES_AT) / Self::ENTRY_SIZE;
        let count = u32::try_from(entries).map_err(|_| Overflow)?;
        self.0[Self::COUNT_AT..Self::ENTRIES_AT].copy_from_slice(&count.to_le_bytes());
        Ok(&self.0[..end])
    }
}

/// A `SettledEntry` as it is logged.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, packed)]
pub struct LoggedSale {
    /// u32 index of the device and u32 nonce.
    lane: u64,
    amount: u64,
    units: u64,
}

impl LoggedSale {
    #[inline(always)]
    pub fn new(lane: u64, sale: Sale) -> Self {
        Self {
            lane,
            amount: sale.amount.get(),
            units: sale.units.get(),
        }
    }
}

/// A `RootClaimed` as it is logged: made in place, it is copied once.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct RootClaimLog {
    discriminator: [u8; 8],
    network: Address,
    payout: Address,
    amount: u64,
    position: u32,
    outcome: u32,
}

impl RootClaimLog {
    #[inline(always)]
    pub fn new(network: &Address, payout: &Address, amount: Amount, position: u32, outcome: u32) -> Self {
        const DISCRIMINATOR: [u8; 8] = match RootClaimed::DISCRIMINATOR.first_chunk() {
            Some(bytes) => *bytes,
            None => [0; 8],
        };
        Self {
            discriminator: DISCRIMINATOR,
            network: *network,
            payout: *payout,
            amount: amount.get(),
            position,
            outcome,
        }
    }

    #[inline(always)]
    pub fn bytes(&self) -> &[u8] {
        bytemuck::bytes_of(self)
    }
}

/// A `ClaimEntry` as it is logged.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, packed)]
pub struct LoggedEntry {
    pub device: u32,
    pub rewards: u64,
    pub earnings: u64,
    pub outcome: u8,
}

/// The bytes of a `Claimed`, written as the claim goes along: entries collected first and serialized then would cost
/// each device twice.
pub struct ClaimLog(Vec<u8>);

impl ClaimLog {
    const AMOUNTS_AT: usize = 72;
    const COUNT_AT: usize = 96;
    const ENTRIES_AT: usize = 100;

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
        bytes[40..Self::AMOUNTS_AT].copy_from_slice(payout.as_ref());
        bytes[Self::COUNT_AT..Self::ENTRIES_AT].copy_from_slice(&count.to_le_bytes());
        Ok(Self(bytes))
    }

    /// The entries, to be written in the order of the devices.
    #[inline(always)]
    pub fn entries(&mut self) -> impl Iterator<Item = &mut LoggedEntry> {
        let entries = self.0[Self::ENTRIES_AT..].chunks_exact_mut(core::mem::size_of::<LoggedEntry>());
        entries.map(bytemuck::from_bytes_mut)
    }

    /// The whole event, now that its amounts are known.
    #[inline(always)]
    pub fn bytes(&mut self, amount: Amount, fee: Amount, burn: Amount) -> &[u8] {
        let amounts = [amount.get(), fee.get(), burn.get()];
        self.0[Self::AMOUNTS_AT..Self::COUNT_AT].copy_from_slice(bytemuck::bytes_of(&amounts));
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Units;
    use anchor_lang::Event;

    fn logged(entries: &[ClaimEntry]) -> Vec<u8> {
        let (network, payout) = (Address::new_from_array([1; 32]), Address::new_from_array([2; 32]));
        let mut log = ClaimLog::new(&network, &payout, entries.len()).unwrap();
        for (entry, place) in entries.iter().zip(log.entries()) {
            place.device = entry.device;
            place.rewards = entry.rewards;
            place.earnings = entry.earnings;
            place.outcome = entry.outcome;
        }
        let bytes = log.bytes(Amount(0x0102_0304_0506_0708), Amount(9), Amount(10)).to_vec();
        let event = Claimed {
            network,
            payout,
            amount: 0x0102_0304_0506_0708,
            fee: 9,
            burn: 10,
            entries: entries.to_vec(),
        };
        assert_eq!(bytes, event.data());
        bytes
    }

    #[test]
    fn a_claim_is_logged_as_its_event_serializes() {
        let entry = |device, rewards, earnings, outcome| ClaimEntry {
            device,
            rewards,
            earnings,
            outcome,
        };
        assert_eq!(logged(&[]).len(), 100);
        assert_eq!(logged(&[entry(7, 9, 11, 0)]).len(), 121);
        let many = [
            entry(0, u64::MAX, 0, 1),
            entry(u32::MAX, 0, u64::MAX, 4),
            entry(0x0a0b_0c0d, 5, 6, 5),
        ];
        assert_eq!(logged(&many).len(), 163);
    }

    #[test]
    fn a_claim_from_a_root_is_logged_as_its_event_serializes() {
        let (network, payout) = (Address::new_from_array([1; 32]), Address::new_from_array([2; 32]));
        let log = RootClaimLog::new(&network, &payout, Amount(0x0102_0304_0506_0708), 9, 5);
        let event = RootClaimed {
            network,
            payout,
            amount: 0x0102_0304_0506_0708,
            position: 9,
            outcome: 5,
        };
        assert_eq!(log.bytes(), event.data());
    }

    #[test]
    fn a_batch_is_logged_as_its_event_serializes() {
        let tab = Address::new_from_array([3; 32]);
        let sales = [(7, 1, 0x0102_0304_0506_0708, 0), (8, u32::MAX, 1, u64::MAX)];
        for count in 0..=sales.len() {
            let mut log = BatchLog::new(&tab, 5).unwrap();
            let mut entries = Vec::new();
            for ((index, nonce, amount, units), place) in sales[..count].iter().zip(log.places()) {
                let sale = Sale {
                    amount: Amount(*amount),
                    units: Units(*units),
                };
                *place = LoggedSale::new(u64::from(*index) | u64::from(*nonce) << 32, sale);
                entries.push(SettledEntry {
                    index: *index,
                    nonce: *nonce,
                    amount: *amount,
                    units: *units,
                });
            }
            assert_eq!(log.bytes(5 - count).unwrap(), BatchSettled { tab, entries }.data());
        }
    }
}
