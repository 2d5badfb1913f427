//! A device: its owner and key, the newest receipt, and what it is owed.

use super::{Class, Sale};
use crate::domain::demand::worth;
use crate::domain::reward::proportion;
use crate::domain::{Amount, Capacity, Carry, Count, EpochIndex, Overflow, Rate, Timestamp, Units};
use crate::errors::{ensure, refusal, WorktabError};
use crate::wire::key::Key;
use anchor_lang::{address_eq, prelude::*};

pub const DEVICE_SEED: &[u8] = b"device";

/// Values of `Device::status`.
pub mod status {
    pub const ACTIVE: u8 = 1;
    pub const SUSPENDED: u8 = 2;
    pub const RETIRED: u8 = 3;
}

/// A device. Address: `device`, network, H(u8 key_kind, first key 33).
#[account]
pub struct Device {
    pub network: Address,
    pub owner: Address,
    /// Wallet whose associated token account is paid.
    pub payout: Address,
    /// Who paid this account's rent, and gets it back.
    pub rent_payer: Address,
    /// The network's domain.
    pub domain: [u8; 32],
    /// `H("worktab/receipt" || domain || device || u32 index)`: what a receipt's context must be.
    pub receipt_context: [u8; 32],
    /// Chain head at `seq`; zero before the first receipt.
    pub head: [u8; 32],
    /// Hash of evidence about the hardware, chosen by the owner; zero when there is none.
    pub evidence: [u8; 32],
    /// Jobs so far.
    pub seq: Count,
    /// Lifetime units by the newest receipt.
    pub units: Units,
    /// Time of the newest receipt.
    pub last_receipt_at: Timestamp,
    /// Epoch of the newest receipt.
    pub epoch: EpochIndex,
    /// Eligible units in `epoch`.
    pub epoch_units: Units,
    /// Rewards accrued in `epoch`.
    pub epoch_rewards: Amount,
    /// Capacity before `capacity_epoch`.
    pub capacity: Capacity,
    /// Capacity from `capacity_epoch` on.
    pub next_capacity: Capacity,
    pub capacity_epoch: EpochIndex,
    pub carry: Carry,
    pub rewards_owed: Amount,
    pub earnings_owed: Amount,
    pub bond: Amount,
    /// Part of the bond that SLAs hold.
    pub bond_held: Amount,
    /// Part of the bond that is leaving.
    pub unbonding: Amount,
    pub unbonding_at: Timestamp,
    /// Units sold, less those refunded; stops at the largest value.
    pub units_sold: Units,
    /// Those of them sold to the device's own owner; stops at the largest value.
    pub units_self_sold: Units,
    /// Units sold as of the newest claim: what the network's total has of them.
    pub units_counted: Units,
    /// Those of them sold to the device's own owner.
    pub self_units_counted: Units,
    /// Part of the earnings owed that the device's own owner paid.
    pub self_earnings_owed: Amount,
    /// Basis 2: units sold to others and claimed, whose reward waits.
    pub units_unrewarded: Units,
    /// Basis 2: that reward, at most the fee and burn that those sales paid.
    pub reward_waiting: Amount,
    /// Those of the lifetime units that were recorded once roots paid for work: roots pay for these and for none before.
    pub units_for_roots: Units,
    /// Rewards accrued, less those forfeited; stops at the largest value.
    pub lifetime_rewards: Amount,
    /// Earnings claimed, before fee and burn; stops at the largest value. With the earnings owed, it is the revenue.
    pub revenue_claimed: Amount,
    /// Fees that claims took from its earnings; stops at the largest value.
    pub fees_paid: Amount,
    /// Burnt out of its earnings; stops at the largest value.
    pub burned: Amount,
    /// Of this registration; never reused.
    pub index: u32,
    pub open_disputes: u32,
    pub open_slas: u32,
    /// Stops at the largest value.
    pub slas_kept: u32,
    /// Stops at the largest value.
    pub slas_missed: u32,
    /// Ten-thousandths of a base unit of fee and of burn that rounding left, below 10,000 each.
    pub fee_carry: u16,
    /// As `fee_carry`; below 20,000.
    pub burn_carry: u16,
    /// Ed25519: 32 bytes and a zero. P-256: 33 bytes, compressed.
    pub key: [u8; 33],
    /// 1 Ed25519, 2 P-256.
    pub key_kind: u8,
    pub class: u8,
    /// 1 active, 2 suspended, 3 retired.
    pub status: u8,
    pub bump: u8,
    pub version: u8,
    /// Zero; room for later versions.
    pub reserved: [u8; 2],
}

impl Device {
    #[inline(always)]
    pub fn key(&self) -> Key<'_> {
        Key {
            kind: self.key_kind,
            bytes: &self.key,
        }
    }

    #[inline(always)]
    pub fn require_of(&self, network: &Address) -> Result<()> {
        ensure!(address_eq(&self.network, network), WrongNetwork);
        Ok(())
    }

    /// The capacity that counts in `epoch`.
    #[inline(always)]
    pub fn capacity_in(&self, epoch: EpochIndex) -> &Capacity {
        if epoch >= self.capacity_epoch {
            &self.next_capacity
        } else {
            &self.capacity
        }
    }

    /// Announces a capacity for the epoch after `now`; what counts until then stays.
    pub fn announce_capacity(&mut self, capacity: Capacity, now: EpochIndex) -> core::result::Result<(), Overflow> {
        self.capacity = *self.capacity_in(now);
        self.next_capacity = capacity;
        self.capacity_epoch = now.next()?;
        Ok(())
    }

    /// Moves the device into `epoch`: nothing counted or earned yet.
    #[inline(always)]
    pub fn enter(&mut self, epoch: EpochIndex) {
        if epoch > self.epoch {
            self.epoch = epoch;
            self.epoch_units = Units::ZERO;
            self.epoch_rewards = Amount::ZERO;
        }
    }

    /// Books what the newest receipt earned within its limits.
    #[inline(always)]
    pub fn accrue(&mut self, eligible: Units, reward: Amount, carry: Carry) -> core::result::Result<(), Overflow> {
        self.carry = carry;
        self.epoch_units = self.epoch_units.plus_within_limit(eligible);
        self.epoch_rewards = self.epoch_rewards.plus_within_limit(reward);
        self.rewards_owed = self.rewards_owed.plus(reward)?;
        self.lifetime_rewards = self.lifetime_rewards.saturating_plus(reward);
        Ok(())
    }

    /// Books a sale to `buyer`: what is owed for it, and the statistics.
    #[inline(always)]
    pub fn sell(&mut self, sale: Sale, buyer: &Address) -> core::result::Result<(), Overflow> {
        if address_eq(&self.owner, buyer) {
            return self.sell_to_owner(sale);
        }
        self.book(sale)
    }

    #[inline(always)]
    fn book(&mut self, sale: Sale) -> core::result::Result<(), Overflow> {
        self.earnings_owed = self.earnings_owed.plus(sale.amount)?;
        self.units_sold = raise(self.units_sold, &mut self.units_counted, sale.units);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn sell_to_owner(&mut self, sale: Sale) -> core::result::Result<(), Overflow> {
        self.book(sale)?;
        // A part of what is owed in all, so it can't leave the range.
        self.self_earnings_owed = self.self_earnings_owed.saturating_plus(sale.amount);
        self.units_self_sold = raise(self.units_self_sold, &mut self.self_units_counted, sale.units);
        Ok(())
    }

    /// Takes a sale to `buyer` back, out of what is still owed.
    pub fn take_back(&mut self, sale: Sale, buyer: &Address) -> Result<()> {
        self.earnings_owed = self
            .earnings_owed
            .minus(sale.amount)
            .map_err(|_| WorktabError::RefundTooLarge)?;
        self.units_sold = self.units_sold.less(sale.units);
        if address_eq(&self.owner, buyer) {
            self.self_earnings_owed = self.self_earnings_owed.less(sale.amount);
            self.units_self_sold = self.units_self_sold.less(sale.units);
        }
        // Where the refunded sale was claimed long ago, others' unclaimed sales pay for it: parts stay parts.
        self.self_earnings_owed = self.self_earnings_owed.min(self.earnings_owed);
        self.units_self_sold = self.units_self_sold.min(self.units_sold);
        Ok(())
    }

    /// Units sold and not in the network's total yet: all of them, and those sold to the device's own owner.
    pub fn units_uncounted(&self) -> (Units, Units) {
        let all = self.units_sold.less(self.units_counted);
        let own = self.units_self_sold.less(self.self_units_counted);
        (all, own.min(all))
    }

    /// Notes that the network's total has all units sold so far.
    pub fn count_units(&mut self) {
        self.units_counted = self.units_counted.max(self.units_sold);
        self.self_units_counted = self.self_units_counted.max(self.units_self_sold);
    }

    /// Basis 2: what was sold to others since the last claim waits for its reward: its units at the class's rate, and at
    /// most its part of the fee and burn `taken` from all earnings.
    pub fn reward_sales(&mut self, taken: Amount, rate: Rate) -> core::result::Result<(), Overflow> {
        let others = self.earnings_owed.minus(self.self_earnings_owed)?;
        let taken = proportion(taken.get(), others.get(), self.earnings_owed.get())?;
        let (all, own) = self.units_uncounted();
        let worth = worth(all.less(own), Amount(taken), self.carry, rate);
        self.carry = worth.carry;
        self.units_unrewarded = self.units_unrewarded.saturating_plus(worth.waiting.units);
        // Not part of the ledger before it is paid, and never a reason to hold up a claim.
        self.reward_waiting = self.reward_waiting.saturating_plus(worth.waiting.reward);
        Ok(())
    }

    /// The bond that neither leaves nor is held, and so counts towards the least of the class. What leaves answers for the
    /// device until it is paid out, and no longer for new work; what SLAs hold may be gone, to an accomplice's tab as well,
    /// before a dispute is.
    #[inline(always)]
    pub fn bond_free(&self) -> Amount {
        self.bond.less(self.unbonding).less(self.bond_held)
    }

    /// Takes the device's capacity out of its class from the epoch after `now` on.
    pub fn give_up_capacity(&mut self, class: &mut Class, now: EpochIndex) -> core::result::Result<(), Overflow> {
        class.enter(now);
        class.replace_capacity(self.next_capacity, Capacity::ZERO)?;
        self.announce_capacity(Capacity::ZERO, class.epoch)
    }

    /// Whether nothing is owed, held or disputed, so that the account may close.
    pub fn is_clear(&self) -> bool {
        self.rewards_owed == Amount::ZERO
            && self.earnings_owed == Amount::ZERO
            && self.bond == Amount::ZERO
            && self.open_disputes == 0
            && self.open_slas == 0
    }
}

/// A number of units sold, raised by some more. At the largest value it stops; what was counted of it then falls by as
/// much, so that what is sold from there on is still seen.
#[inline(always)]
fn raise(sold: Units, counted: &mut Units, more: Units) -> Units {
    match sold.plus(more) {
        Ok(sum) => sum,
        Err(_) => stop(sold, counted, more),
    }
}

#[cold]
#[inline(never)]
fn stop(sold: Units, counted: &mut Units, more: Units) -> Units {
    const LARGEST: Units = Units(u64::MAX);
    *counted = counted.less(more.less(LARGEST.less(sold)));
    LARGEST
}
