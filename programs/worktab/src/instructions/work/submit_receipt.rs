use super::super::{now, proven_message};
use crate::domain::reward::{Reward, Standing};
use crate::domain::{Amount, Count, Timestamp, Units};
use crate::errors::{ensure, refusal};
use crate::events::ReceiptSubmitted;
use crate::state::{basis, pause, status, Class, Device, Network};
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

/// The hottest instruction. What few receipts need is in functions of its own, so that the rest keeps to registers.
#[inline(never)]
pub fn submit_receipt(ctx: &mut Context<SubmitReceipt>, receipt: Option<&[u8; MESSAGE_SIZE]>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    accounts.device.require_of(accounts.network.address())?;
    let now = now()?;
    let (network, device) = (&mut *accounts.network, &mut *accounts.device);
    network.require_running(pause::SUBMIT)?;
    ensure!(device.status == status::ACTIVE, DeviceInactive);

    let bytes = proven_message(accounts.proof.account(), &device.key(), receipt)?;
    let message = Message::parse(bytes, RECEIPT).ok_or_else(|| refusal!(WrongMessage))?;
    ensure!(message.amount() == 0, WrongMessage);
    ensure!(same(message.context(), &device.receipt_context), WrongContext);

    let (seq, units) = (Count(message.seq()), Units(message.units()));
    ensure!(seq > device.seq, StaleSequence);
    ensure!(units > device.units, UnitsNotRising);
    let (new_jobs, new_units) = (seq.minus(device.seq)?, units.minus(device.units)?);
    ensure!(new_jobs <= MAX_NEW_JOBS && new_units <= MAX_NEW_UNITS, JumpTooLarge);
    let time = Timestamp(message.time().ok_or_else(|| refusal!(TimeAhead))?);
    ensure!(time >= device.last_receipt_at, TimeBackwards);
    // A message's time is not negative, so this can't wrap.
    ensure!(time.0.wrapping_sub(MAX_AHEAD) <= now.0, TimeAhead);

    device.seq = seq;
    device.units = units;
    device.head = *message.head();
    device.last_receipt_at = time;
    network.total_jobs = network.total_jobs.saturating_plus(new_jobs);
    network.total_units = network.total_units.saturating_plus(new_units);
    if network.basis != basis::ALL_UNITS {
        log(&accounts.device, Units::ZERO, Amount::ZERO);
        return Ok(());
    }
    let epoch = network.epoch_at(now)?;
    if !network.pays_by_receipts(epoch) {
        device.units_for_roots = device.units_for_roots.plus(new_units)?;
        log(&accounts.device, Units::ZERO, Amount::ZERO);
        return Ok(());
    }

    let class = Class::find(&mut network.classes, device.class)?;
    if class.least_bond > Amount::ZERO {
        ensure!(device.bond_free() >= class.least_bond, BondTooSmall);
    }
    class.enter(epoch);
    // The class may already be in a later epoch than a clock that stepped back says.
    device.enter(class.epoch);
    let Some(Reward { amount, carry }) = standing(class, device, &network.pool_free).uncut(new_units)? else {
        return accrue_cut(ctx, new_units, receipt.is_some());
    };
    class.spent = class.spent.plus_within_limit(amount);
    device.accrue(new_units, amount, carry)?;
    network.accrue(amount)?;
    log(&accounts.device, new_units, amount);
    Ok(())
}

/// Accrues the reward of a receipt that some limit may cut.
#[cold]
#[inline(never)]
fn accrue_cut(ctx: &mut Context<SubmitReceipt>, new_units: Units, signed: bool) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let (network, device) = (&mut *accounts.network, &mut *accounts.device);
    let class = Class::find(&mut network.classes, device.class)?;
    let accrual = standing(class, device, &network.pool_free).accrue(new_units)?;
    class.spent = class.spent.plus_within_limit(accrual.reward);
    device.accrue(accrual.eligible, accrual.reward, accrual.carry)?;
    network.accrue(accrual.reward)?;
    log(&accounts.device, accrual.eligible, accrual.reward);
    // A device that signs the transaction itself accepts what it brings.
    if accrual.cut && !signed {
        require_consent(ctx)?;
    }
    Ok(())
}

fn require_consent(ctx: &mut Context<SubmitReceipt>) -> Result<()> {
    let others = ctx.remaining_accounts()?;
    let device = &*ctx.accounts.device;
    let consents = |key: &Address| key == &device.owner || key.as_ref() == device.key().native();
    let accepted = others
        .iter()
        .any(|account| account.is_signer() && consents(account.address()));
    ensure!(accepted, RewardLimited);
    Ok(())
}

/// The device's standing in the epoch that it and its class have entered.
#[inline(always)]
pub(super) fn standing<'a>(class: &'a Class, device: &'a Device, pool: &'a Amount) -> Standing<'a> {
    Standing {
        carry: &device.carry,
        rate: &class.rate,
        capacity: device.capacity_in(class.epoch),
        total_capacity: &class.total_capacity,
        units: &device.epoch_units,
        earned: &device.epoch_rewards,
        budget: &class.budget,
        spent: &class.spent,
        pool,
    }
}

#[inline(always)]
fn log(device: &Account<Device>, eligible: Units, reward: Amount) {
    ReceiptSubmitted {
        device: *device.address(),
        seq: device.seq.get(),
        units: device.units.get(),
        eligible: eligible.get(),
        reward: reward.get(),
    }
    .log();
}
