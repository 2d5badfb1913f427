use super::super::{now, proven_message};
use crate::domain::reward::{self, Accrual};
use crate::domain::{Amount, Count, Timestamp, Units};
use crate::errors::WorktabError;
use crate::events::ReceiptSubmitted;
use crate::state::{pause, reward_path, status, Device, Network};
use crate::wire::hash::same;
use crate::wire::message::{Message, MESSAGE_SIZE, RECEIPT};
use anchor_lang::prelude::*;

/// Most jobs one receipt may add.
const MAX_NEW_JOBS: Count = Count(1 << 32);
/// Most units one receipt may add.
const MAX_NEW_UNITS: Units = Units(1 << 48);
/// How far a device's clock may run ahead, seconds.
const MAX_AHEAD: i64 = 300;

/// A signature of the device's owner or key accepts that a limit cuts the reward. It is looked for among the remaining
/// accounts, and only where a limit does: an account of its own would cost every receipt.
#[derive(Accounts)]
pub struct SubmitReceipt {
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut)]
    pub device: Account<Device>,
    /// The instructions sysvar, or the device's key as a signer.
    pub proof: UncheckedAccount,
}

#[inline(always)]
pub fn submit_receipt(ctx: &mut Context<SubmitReceipt>, receipt: Option<&[u8; MESSAGE_SIZE]>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    accounts.device.require_of(accounts.network.address())?;
    let (network, device) = (&mut *accounts.network, &mut *accounts.device);
    network.require_running(pause::SUBMIT)?;
    require!(device.status == status::ACTIVE, WorktabError::DeviceInactive);

    let bytes = proven_message(accounts.proof.account(), &device.key(), receipt)?;
    let message = Message::parse(bytes, RECEIPT).ok_or(WorktabError::WrongMessage)?;
    require!(message.amount() == 0, WorktabError::WrongMessage);
    require!(
        same(message.context(), &device.receipt_context),
        WorktabError::WrongContext
    );

    let now = now()?;
    let (seq, units) = (Count(message.seq()), Units(message.units()));
    require!(seq > device.seq, WorktabError::StaleSequence);
    require!(units > device.units, WorktabError::UnitsNotRising);
    let (new_jobs, new_units) = (seq.less(device.seq), units.less(device.units));
    require!(
        new_jobs <= MAX_NEW_JOBS && new_units <= MAX_NEW_UNITS,
        WorktabError::JumpTooLarge
    );
    let time = Timestamp(message.time().ok_or(WorktabError::TimeAhead)?);
    require!(time >= device.last_receipt_at, WorktabError::TimeBackwards);
    // A message's time is not negative, so this can't wrap.
    require!(time.0.wrapping_sub(MAX_AHEAD) <= now.0, WorktabError::TimeAhead);

    device.seq = seq;
    device.units = units;
    device.head = *message.head();
    device.last_receipt_at = time;
    network.total_jobs = network.total_jobs.saturating_plus(new_jobs);
    network.total_units = network.total_units.saturating_plus(new_units);

    let (eligible, reward) = if network.reward_path == reward_path::RECEIPTS {
        let accrual = accrue(network, device, new_units, now)?;
        // A device that signs the transaction itself accepts what it brings.
        if accrual.cut && receipt.is_none() {
            require_consent(ctx)?;
        }
        (accrual.eligible, accrual.reward)
    } else {
        (Units::ZERO, Amount::ZERO)
    };
    ReceiptSubmitted {
        device: *ctx.accounts.device.address(),
        seq: seq.get(),
        units: units.get(),
        eligible: eligible.get(),
        reward: reward.get(),
    }
    .log();
    Ok(())
}

/// Accrues the reward of new units to the device.
#[inline(always)]
fn accrue(network: &mut Network, device: &mut Device, new_units: Units, now: Timestamp) -> Result<Accrual> {
    let epoch = network.epoch_at(now)?;
    let pool_free = network.pool_free;
    let class = network.class_mut(device.class)?;
    require!(device.bond >= class.least_bond, WorktabError::BondTooSmall);
    class.enter(epoch);
    // The class may already be in a later epoch than a clock that stepped back says.
    let epoch = class.epoch;
    device.enter(epoch);

    let capacity = device.capacity_in(epoch);
    let share = reward::share(class.budget, capacity, class.total_capacity)?;
    let ceiling = share
        .less(device.epoch_rewards)
        .min(class.budget.less(class.spent))
        .min(pool_free);
    let room = Units(capacity.get()).less(device.epoch_units);
    let accrual = reward::accrue(new_units, room, device.carry, class.rate, ceiling)?;

    class.spent = class.spent.plus_within_limit(accrual.reward);
    device.carry = accrual.carry;
    device.epoch_units = device.epoch_units.plus_within_limit(accrual.eligible);
    device.epoch_rewards = device.epoch_rewards.plus_within_limit(accrual.reward);
    device.rewards_owed = device.rewards_owed.plus(accrual.reward)?;
    device.lifetime_rewards = device.lifetime_rewards.saturating_plus(accrual.reward);
    network.pool_free = network.pool_free.minus(accrual.reward)?;
    network.pool_owed = network.pool_owed.plus(accrual.reward)?;
    network.total_rewards = network.total_rewards.saturating_plus(accrual.reward);
    Ok(accrual)
}

#[inline(never)]
fn require_consent(ctx: &mut Context<SubmitReceipt>) -> Result<()> {
    let others = ctx.remaining_accounts()?;
    let device = &*ctx.accounts.device;
    let consents = |key: &Address| key == &device.owner || key.as_ref() == device.key().native();
    let accepted = others
        .iter()
        .any(|account| account.is_signer() && consents(account.address()));
    require!(accepted, WorktabError::RewardLimited);
    Ok(())
}
