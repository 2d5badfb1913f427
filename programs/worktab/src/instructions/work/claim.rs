use crate::domain::demand::Waiting;
use crate::domain::fees::{charge, Carries};
use crate::domain::{Amount, Units};
use crate::errors::{ensure, refusal};
use crate::events::{ClaimLog, LoggedEntry};
use crate::state::{basis, is_closed, status, Class, Device, Network};
use crate::token::{burn_from, is_associated_account, is_payable, pay_out};
use anchor_lang::{address_eq, prelude::*, sol_log_data, AccountView};

/// Pays one payout wallet what any number of its devices are owed, rewards and earnings, in one transfer. Anyone may
/// call it. Earnings pay fee and burn; rewards do not.
///
/// Devices follow as remaining accounts. One that can't be paid now is skipped, with its pay still owed: it never
/// blocks another.
#[derive(Accounts)]
pub struct Claim {
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut)]
    pub vault: UncheckedAccount,
    /// Writable where something is burned; where nothing is, claims of networks that share a mint run side by side.
    pub mint: UncheckedAccount,
    /// The payout wallet; only its address matters.
    pub payout: UncheckedAccount,
    /// The wallet's associated token account.
    #[account(mut)]
    pub payout_account: UncheckedAccount,
    pub token_program: UncheckedAccount,
}

mod outcome {
    pub const PAID: u8 = 0;
    pub const NOTHING_OWED: u8 = 1;
    pub const OTHER_PAYOUT: u8 = 2;
    pub const DISPUTED: u8 = 3;
    pub const CLOSED: u8 = 4;
    pub const UNPAYABLE: u8 = 5;
}

#[inline(always)]
pub fn claim(ctx: &mut Context<Claim>, payout_bump: u8) -> Result<()> {
    let devices = ctx.remaining_accounts()?;
    let accounts = &mut ctx.accounts;
    let network_view = *accounts.network.view();
    let payout = accounts.payout.address();
    let network = &mut *accounts.network;
    network.require_vault(accounts.vault.address(), accounts.mint.address())?;
    let payout_account = accounts.payout_account.account();
    ensure!(
        is_associated_account(
            payout_account.address(),
            payout,
            &network.token_program,
            &network.mint,
            payout_bump
        ),
        WrongPayoutAccount
    );
    let payable = is_payable(payout_account, &network.token_program, &network.mint, payout);

    let mut log = ClaimLog::new(network_view.address(), payout, devices.len())?;
    let mut claiming = Claiming {
        network,
        address: network_view.address(),
        payout,
        payable,
        total: Payment::default(),
    };
    for (account, entry) in devices.iter().zip(log.entries()) {
        claiming.collect(*account, entry)?;
    }
    let Payment { amount, fee, burn } = claiming.total;
    if amount.get() | burn.get() != 0 {
        let (vault, mint) = (accounts.vault.account(), accounts.mint.account());
        if amount > Amount::ZERO {
            pay_out(&accounts.network, vault, mint, payout_account, amount.get())?;
        }
        if burn > Amount::ZERO {
            burn_from(&accounts.network, vault, mint, burn.get())?;
        }
        accounts.network.accounted = accounts.network.accounted.minus(amount)?.minus(burn)?;
    }
    sol_log_data(&[log.bytes(amount, fee, burn)]);
    Ok(())
}

/// What a claim moves.
#[derive(Default)]
struct Payment {
    /// To the payout account.
    amount: Amount,
    /// To the network's fees.
    fee: Amount,
    burn: Amount,
}

/// A claim on its way.
struct Claiming<'a> {
    network: &'a mut Network,
    address: &'a Address,
    payout: &'a Address,
    payable: bool,
    total: Payment,
}

impl Claiming<'_> {
    /// Takes what one device is owed, or notes why not.
    #[inline(never)]
    fn collect(&mut self, account: AccountView, entry: &mut LoggedEntry) -> Result<()> {
        // It may have closed between the building of the claim and its landing.
        if is_closed(&account) {
            entry.device = u32::MAX;
            entry.outcome = outcome::CLOSED;
            return Ok(());
        }
        require!(account.is_writable(), ErrorCode::ConstraintMut);
        // SAFETY: one device is held at a time, so a device named twice is not borrowed twice; the declared accounts
        // are others, which `remaining_accounts` checks.
        let mut device = unsafe { <Account<Device> as AnchorAccount>::load_mut(account)? };
        let device = &mut *device;
        device.require_of(self.address)?;
        let (rewards, earnings) = (device.rewards_owed, device.earnings_owed);
        entry.device = device.index;
        entry.rewards = rewards.get();
        entry.earnings = earnings.get();
        if rewards.get() | earnings.get() | device.units_unrewarded.get() == 0 {
            entry.outcome = outcome::NOTHING_OWED;
            return Ok(());
        }
        if !address_eq(&device.payout, self.payout) {
            entry.outcome = outcome::OTHER_PAYOUT;
            return Ok(());
        }
        if !self.payable {
            entry.outcome = outcome::UNPAYABLE;
            return Ok(());
        }
        if earnings > Amount::ZERO {
            self.collect_earnings(device)?;
        }
        if device.open_disputes != 0 {
            entry.outcome = outcome::DISPUTED;
            return Ok(());
        }
        entry.outcome = outcome::PAID;
        device.rewards_owed = Amount::ZERO;
        self.network.pool_owed = self.network.pool_owed.minus(rewards)?;
        self.total.amount = self.total.amount.plus(rewards)?;
        if device.units_unrewarded > Units::ZERO {
            let sold = self.reward_sales(device)?;
            self.total.amount = self.total.amount.plus(sold)?;
            entry.rewards = rewards.plus(sold)?.get();
            if entry.rewards | entry.earnings == 0 {
                entry.outcome = outcome::NOTHING_OWED;
            }
        }
        Ok(())
    }

    /// Takes a device's earnings, less fee and burn, and moves its sales into the network's totals.
    #[inline(never)]
    fn collect_earnings(&mut self, device: &mut Device) -> Result<()> {
        let (network, total) = (&mut *self.network, &mut self.total);
        let earnings = device.earnings_owed;
        let carries = Carries {
            fee: device.fee_carry,
            burn: device.burn_carry,
        };
        let charge = charge(earnings, network.fee_bps, network.burn_bps, carries)?;
        let taken = charge.fee.plus(charge.burn)?;
        if network.basis == basis::SOLD_UNITS {
            let rate = Class::find(&mut network.classes, device.class)?.rate;
            device.reward_sales(taken, rate)?;
        }
        device.fee_carry = charge.carries.fee;
        device.burn_carry = charge.carries.burn;
        device.earnings_owed = Amount::ZERO;
        device.self_earnings_owed = Amount::ZERO;
        network.fees = network.fees.plus(charge.fee)?;
        network.count_sales(device, earnings);
        device.fees_paid = device.fees_paid.saturating_plus(charge.fee);
        device.burned = device.burned.saturating_plus(charge.burn);
        network.total_fees = network.total_fees.saturating_plus(charge.fee);
        network.total_burned = network.total_burned.saturating_plus(charge.burn);
        total.amount = total.amount.plus(earnings.minus(taken)?)?;
        total.fee = total.fee.plus(charge.fee)?;
        total.burn = total.burn.plus(charge.burn)?;
        Ok(())
    }

    /// The demand-backed reward of a device's sales, taken out of the pool. What a limit cuts waits for a later claim.
    #[inline(never)]
    fn reward_sales(&mut self, device: &mut Device) -> Result<Amount> {
        let network = &mut *self.network;
        let epoch = network.epoch_at(super::super::now()?)?;
        let pool = network.pool_free;
        let class = Class::find(&mut network.classes, device.class)?;
        if device.status != status::ACTIVE || device.bond_free() < class.least_bond {
            return Ok(Amount::ZERO);
        }
        class.enter(epoch);
        device.enter(class.epoch);
        let standing = super::submit_receipt::standing(class, device, &pool);
        let mut waiting = Waiting {
            units: device.units_unrewarded,
            reward: device.reward_waiting,
        };
        let earned = waiting.take(standing.room(), standing.ceiling()?)?;
        class.spent = class.spent.plus_within_limit(earned.reward);
        device.units_unrewarded = waiting.units;
        device.reward_waiting = waiting.reward;
        device.epoch_units = device.epoch_units.plus_within_limit(earned.units);
        device.epoch_rewards = device.epoch_rewards.plus_within_limit(earned.reward);
        device.lifetime_rewards = device.lifetime_rewards.saturating_plus(earned.reward);
        network.pool_free = network.pool_free.minus(earned.reward)?;
        network.total_rewards = network.total_rewards.saturating_plus(earned.reward);
        Ok(earned.reward)
    }
}
