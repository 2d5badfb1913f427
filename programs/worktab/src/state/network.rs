//! A network: its powers, its parameters, and the ledger of every token in its vault.

use super::{Class, Device, PendingChange, MAX_ATTESTORS, MAX_CLASSES};
use crate::domain::slash::WHOLE_BPS;
use crate::domain::{Amount, Count, EpochIndex, Overflow, Seconds, Timestamp, Units};
use crate::errors::{ensure, refusal, WorktabError};
use anchor_lang::{address_eq, prelude::*};

pub const NETWORK_SEED: &[u8] = b"network";

/// Flags of `Network::pause`: kinds of new work that are stopped. Nothing stops an exit.
pub mod pause {
    pub const REGISTER: u8 = 1;
    pub const SUBMIT: u8 = 2;
    pub const RESERVE: u8 = 4;
    pub const COMMIT: u8 = 8;
    pub const FINALIZE: u8 = 16;
    pub const ALL: u8 = 31;
}

/// How a network rewards: by receipts recorded on chain, or by roots.
pub mod reward_path {
    pub const RECEIPTS: u8 = 1;
    pub const ROOTS: u8 = 2;
}

/// Which units a network rewards.
pub mod basis {
    pub const ALL_UNITS: u8 = 1;
    /// Only units sold, and at most the fee and burn that those sales paid.
    pub const SOLD_UNITS: u8 = 2;
}

/// Fee and burn together take at most 30 percent.
const MAX_FEES_BPS: u16 = 3_000;
/// A consumer's lane closes after an hour at the earliest: its provider needs time to settle.
const MIN_LANE_CLOSE: u32 = 3_600;
/// Payees of a root, unless the newest one has more than half as many: a claim of one of them fits a transaction.
const MOST_NEW_PAYEES: u32 = 1 << 22;
/// Payees of any root: with a lookup table, a claim of one of them fits a transaction.
const MOST_PAYEES: u32 = 1 << 27;
/// No delay is longer than a year: a longer one is a mistake, and could never be undone in time.
pub const MAX_DELAY: u32 = 31_536_000;

/// Delays of a network, in seconds.
pub struct Delays {
    pub parameter: Seconds,
    pub lane_close: Seconds,
    pub challenge: Seconds,
    pub unbonding: Seconds,
}

/// A network. Address: `network`, creator, u64 id.
#[account]
pub struct Network {
    pub creator: Address,
    pub authority: Address,
    /// Who may accept the authority; zero when nobody was proposed.
    pub pending_authority: Address,
    /// May pause new work and veto roots; zero when there is none.
    pub guardian: Address,
    pub mint: Address,
    /// The associated token account that holds every token of the network.
    pub vault: Address,
    pub token_program: Address,
    /// Who paid this account's rent.
    pub rent_payer: Address,
    /// `H("worktab/domain" || genesis_hash || program_id || network)`
    pub domain: [u8; 32],
    pub attestors: [Address; 16],
    /// Newest final root; zero before the first.
    pub root: [u8; 32],
    /// Hash of the data that its attestors published; zero before the first.
    pub root_data: [u8; 32],
    pub id: u64,
    pub created_at: Timestamp,
    /// Free to be earned.
    pub pool_free: Amount,
    /// Rewards owed: those of devices and `root_owed`.
    pub pool_owed: Amount,
    /// Owed to payees of roots.
    pub root_owed: Amount,
    /// Fees taken and not collected.
    pub fees: Amount,
    /// What the ledger says the vault holds; the vault may hold more, never less.
    pub accounted: Amount,
    /// First epoch that roots pay for; receipts pay for those before it. Means nothing on the path of receipts.
    pub roots_from: EpochIndex,
    /// Epoch of the newest final root; means nothing before the first.
    pub root_epoch: EpochIndex,
    /// Sum of lifetime rewards in the newest final root.
    pub root_total: Amount,
    /// Lifetime units of all devices in the newest final root.
    pub root_units: Units,
    /// Records that attestors who committed final roots re-executed; stops at the largest value.
    pub records_checked: Count,
    /// Those of them that did not agree; stops at the largest value.
    pub records_failed: Count,
    /// Milliseconds it took them; stops at the largest value.
    pub check_ms: Count,
    /// Units reported by receipts; stops at the largest value.
    pub total_units: Units,
    /// Rewards accrued; stops at the largest value.
    pub total_rewards: Amount,
    /// Jobs reported by receipts; stops at the largest value.
    pub total_jobs: Count,
    /// Units sold, by vouchers and invoices, as of each device's newest claim; stops at the largest value.
    pub total_units_sold: Units,
    /// Those of them that owners sold to themselves; stops at the largest value.
    pub total_units_self_sold: Units,
    /// Revenue of devices before fee and burn, as of each device's newest claim; stops at the largest value.
    pub total_revenue: Amount,
    /// Fees that claims took; stops at the largest value.
    pub total_fees: Amount,
    /// Burnt by claims; stops at the largest value.
    pub total_burned: Amount,
    /// Slashed from bonds; stops at the largest value.
    pub total_slashed: Amount,
    /// What a challenger deposits; 0 when the network takes no disputes.
    pub dispute_deposit: Amount,
    pub pending: PendingChange,
    pub classes: [Class; 8],
    /// Length of an epoch in seconds; never changes.
    pub epoch_length: Seconds,
    pub parameter_delay: Seconds,
    pub lane_close_delay: Seconds,
    pub challenge_delay: Seconds,
    pub unbonding_delay: Seconds,
    /// Rises with every change of attestors.
    pub attestor_version: u32,
    /// Index of the next device; never reused.
    pub next_device_index: u32,
    /// Payees' positions in the newest final root; 0 before the first.
    pub root_count: u32,
    /// Disputes that ended guilty; stops at the largest value.
    pub disputes_guilty: u32,
    /// Those that ended not guilty; stops at the largest value.
    pub disputes_not_guilty: u32,
    pub fee_bps: u16,
    pub burn_bps: u16,
    /// Most of a bond that one guilty dispute slashes, basis points.
    pub slash_bps: u16,
    /// 1 receipts, 2 roots.
    pub reward_path: u8,
    /// 1 all eligible units, 2 only units sold.
    pub basis: u8,
    /// 1 when devices need an admission signature.
    pub admission: u8,
    /// Flags: 1 register, 2 submit, 4 reserve, 8 commit, 16 finalize.
    pub pause: u8,
    pub attestor_count: u8,
    /// Attestors that must agree; more than half.
    pub threshold: u8,
    /// Decimals of the mint.
    pub decimals: u8,
    pub bump: u8,
    pub version: u8,
    /// Zero; room for later versions.
    pub reserved: [u8; 25],
}

impl Network {
    #[inline(always)]
    pub fn epoch_at(&self, now: Timestamp) -> core::result::Result<EpochIndex, Overflow> {
        EpochIndex::at(now, self.created_at, self.epoch_length)
    }

    #[inline(always)]
    pub fn require_running(&self, kind: u8) -> Result<()> {
        ensure!(self.pause & kind == 0, Paused);
        Ok(())
    }

    /// The first epoch that no final root covers and that roots pay for.
    pub fn next_root_epoch(&self) -> core::result::Result<EpochIndex, Overflow> {
        if self.root_count == 0 {
            return Ok(self.roots_from);
        }
        self.root_epoch.next()
    }

    /// Refuses a root that can't become final: of an epoch that is covered, with fewer payees or a smaller lifetime total
    /// than the newest one's, or with so many more that one lying root would make all later claims too large to send.
    pub fn require_successor(&self, index: EpochIndex, count: u32, total: Amount) -> Result<()> {
        require!(index >= self.next_root_epoch()?, WorktabError::EpochCovered);
        require!(
            count > 0
                && count >= self.root_count
                && count <= MOST_NEW_PAYEES.max(self.root_count.saturating_mul(2))
                && count <= MOST_PAYEES
                && total >= self.root_total,
            WorktabError::InvalidCommitment
        );
        Ok(())
    }

    /// The most that a root of epoch `index` may add: the budgets of all classes for every epoch since the newest one.
    pub fn root_allowance(&self, index: EpochIndex) -> core::result::Result<u128, Overflow> {
        let epochs = index.next()?.0.checked_sub(self.next_root_epoch()?.0).ok_or(Overflow)?;
        let mut budgets = 0u128;
        for class in self.classes.iter().filter(|class| class.meter != 0) {
            budgets = budgets.checked_add(u128::from(class.budget.get())).ok_or(Overflow)?;
        }
        budgets.checked_mul(u128::from(epochs)).ok_or(Overflow)
    }

    /// The attestor's place among the attestors, as a bit.
    pub fn attestor_bit(&self, key: &Address) -> Result<u16> {
        let place = self.attestors().iter().position(|attestor| attestor == key);
        let bit = place
            .and_then(|place| u32::try_from(place).ok())
            .and_then(|place| 1u16.checked_shl(place));
        bit.ok_or_else(|| WorktabError::NotAttestor.into())
    }

    /// Replaces the attestors or what they must agree on; every vote cast before is void.
    pub fn change_attestors(&mut self, attestors: &[Address], threshold: u8) -> Result<()> {
        self.set_attestors(attestors, threshold)?;
        self.attestor_version = self.attestor_version.checked_add(1).ok_or(Overflow)?;
        Ok(())
    }

    /// Moves the network from the path of receipts to that of roots, from the epoch after `now` on.
    pub fn pay_by_roots(&mut self, now: Timestamp) -> Result<()> {
        require!(self.reward_path == reward_path::RECEIPTS, WorktabError::WrongRewardPath);
        // Rewards for sales follow the sales on chain, not the receipts that roots are made from.
        require!(self.basis == basis::ALL_UNITS, WorktabError::InvalidParameter);
        self.reward_path = reward_path::ROOTS;
        self.roots_from = self.epoch_at(now)?.next()?;
        Ok(())
    }

    /// Whether receipts of `epoch` accrue rewards.
    pub fn pays_by_receipts(&self, epoch: EpochIndex) -> bool {
        self.reward_path == reward_path::RECEIPTS || epoch < self.roots_from
    }

    /// Refuses accounts that are not the network's vault and mint.
    #[inline(always)]
    pub fn require_vault(&self, vault: &Address, mint: &Address) -> Result<()> {
        ensure!(
            address_eq(vault, &self.vault) && address_eq(mint, &self.mint),
            AddressMismatch
        );
        Ok(())
    }

    /// A class in use.
    #[inline(always)]
    pub fn class_mut(&mut self, number: u8) -> Result<&mut Class> {
        Class::find(&mut self.classes, number)
    }

    /// Moves a reward from what is free to what is owed.
    #[inline(always)]
    pub fn accrue(&mut self, reward: Amount) -> core::result::Result<(), Overflow> {
        self.pool_free = self.pool_free.minus(reward)?;
        self.pool_owed = self.pool_owed.plus(reward)?;
        self.total_rewards = self.total_rewards.saturating_plus(reward);
        Ok(())
    }

    /// Moves a device's sales since its last claim into the network's totals.
    pub fn count_sales(&mut self, device: &mut Device, revenue: Amount) {
        let (all, own) = device.units_uncounted();
        device.count_units();
        device.revenue_claimed = device.revenue_claimed.saturating_plus(revenue);
        self.total_units_sold = self.total_units_sold.saturating_plus(all);
        self.total_units_self_sold = self.total_units_self_sold.saturating_plus(own);
        self.total_revenue = self.total_revenue.saturating_plus(revenue);
    }

    /// Attestors in use.
    pub fn attestors(&self) -> &[Address] {
        &self.attestors[..usize::from(self.attestor_count).min(MAX_ATTESTORS)]
    }

    /// Whether `key` may admit devices: the authority, or any attestor.
    pub fn admits(&self, key: &Address) -> bool {
        key == &self.authority || self.attestors().contains(key)
    }

    pub fn set_attestors(&mut self, attestors: &[Address], threshold: u8) -> Result<()> {
        let count = attestors.len();
        require!(count <= MAX_ATTESTORS, WorktabError::InvalidParameter);
        let threshold_ok = if count == 0 {
            threshold == 0
        } else {
            usize::from(threshold) > count / 2 && usize::from(threshold) <= count
        };
        require!(threshold_ok, WorktabError::InvalidParameter);
        let mut seen = attestors;
        while let Some((first, rest)) = seen.split_first() {
            require!(
                first != &Address::default() && !rest.contains(first),
                WorktabError::InvalidParameter
            );
            seen = rest;
        }
        self.attestors = [Address::default(); MAX_ATTESTORS];
        self.attestors[..count].copy_from_slice(attestors);
        self.attestor_count = u8::try_from(count).map_err(|_| Overflow)?;
        self.threshold = threshold;
        Ok(())
    }

    pub fn set_fees(&mut self, fee_bps: u16, burn_bps: u16) -> Result<()> {
        let together = fee_bps.checked_add(burn_bps).ok_or(Overflow)?;
        require!(together <= MAX_FEES_BPS, WorktabError::InvalidParameter);
        require!(
            burn_bps == 0 || !crate::token::NATIVE_MINTS.contains(&self.mint),
            WorktabError::InvalidParameter
        );
        self.fee_bps = fee_bps;
        self.burn_bps = burn_bps;
        Ok(())
    }

    pub fn set_delays(&mut self, delays: &Delays) -> Result<()> {
        let longest = [delays.parameter, delays.lane_close, delays.challenge, delays.unbonding]
            .iter()
            .all(|delay| delay.0 <= MAX_DELAY);
        require!(
            longest && delays.lane_close.0 >= MIN_LANE_CLOSE && delays.unbonding >= delays.challenge,
            WorktabError::InvalidParameter
        );
        self.parameter_delay = delays.parameter;
        self.lane_close_delay = delays.lane_close;
        self.challenge_delay = delays.challenge;
        self.unbonding_delay = delays.unbonding;
        Ok(())
    }

    pub fn set_disputes(&mut self, deposit: u64, slash_bps: u16) -> Result<()> {
        require!(slash_bps <= WHOLE_BPS, WorktabError::InvalidParameter);
        self.dispute_deposit = Amount(deposit);
        self.slash_bps = slash_bps;
        Ok(())
    }

    pub fn set_admission(&mut self, admission: u8) -> Result<()> {
        require!(admission <= 1, WorktabError::InvalidParameter);
        self.admission = admission;
        Ok(())
    }
}

const _: () = assert!(MAX_CLASSES == 8 && MAX_ATTESTORS == 16);
