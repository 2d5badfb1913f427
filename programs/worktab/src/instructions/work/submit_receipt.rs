use super::super::{now, proven_message};
use crate::domain::{reward, Amount, Timestamp, Units};
use crate::errors::WorktabError;
use crate::events::ReceiptSubmitted;
use crate::state::{pause, reward_path, status, Device, Network};
use crate::wire::hash::same;
use crate::wire::message::{Message, MESSAGE_SIZE, RECEIPT};
use anchor_lang::{address_eq, prelude::*};

/// Most jobs one receipt may add.
const MAX_SEQ_JUMP: u64 = 1 << 32;
/// Most units one receipt may add.
const MAX_UNITS_JUMP: u64 = 1 << 48;
/// How far a device's clock may run ahead, seconds.
const MAX_AHEAD: i64 = 300;

#[derive(Accounts)]
pub struct SubmitReceipt {
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut)]
    pub device: Account<Device>,
    /// The instructions sysvar, or the device's key as a signer.
    pub proof: UncheckedAccount,
    /// The device's owner or key: accepts that a limit cuts the reward.
    pub consent: Option<Signer>,
}

#[inline(always)]
pub fn submit_receipt(ctx: &mut Context<SubmitReceipt>, receipt: Option<[u8; MESSAGE_SIZE]>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let device_address = *accounts.device.address();
    accounts.device.require_of(accounts.network.address())?;
    let (network, device) = (&mut *accounts.network, &mut *accounts.device);
    network.require_running(pause::SUBMIT)?;
    require!(device.status == status::ACTIVE, WorktabError::DeviceInactive);

    let bytes = proven_message(accounts.proof.account(), &device.key(), &receipt)?;
    let message = Message::parse(bytes, RECEIPT).ok_or(WorktabError::WrongMessage)?;
    require!(message.amount() == 0, WorktabError::WrongMessage);
    require!(
        same(message.context(), &device.receipt_context),
        WorktabError::WrongContext
    );

    let now = now()?;
    let (seq, units) = (message.seq(), Units(message.units()));
    let new_jobs = match seq.checked_sub(device.seq) {
        Some(jobs) if jobs > 0 => jobs,
        _ => return Err(WorktabError::StaleSequence.into()),
    };
    let new_units = units.less(device.units);
    require!(new_units > Units::ZERO, WorktabError::UnitsNotRising);
    require!(
        new_jobs <= MAX_SEQ_JUMP && new_units.get() <= MAX_UNITS_JUMP,
        WorktabError::JumpTooLarge
    );
    let time = Timestamp(message.time().ok_or(WorktabError::TimeAhead)?);
    require!(time >= device.last_receipt_at, WorktabError::TimeBackwards);
    require!(time.0 <= now.0.saturating_add(MAX_AHEAD), WorktabError::TimeAhead);

    device.seq = seq;
    device.units = units;
    device.head = *message.head();
    device.last_receipt_at = time;
    network.total_receipts = network.total_receipts.saturating_add(1);
    network.total_jobs = network.total_jobs.saturating_add(new_jobs);
    network.total_units = network.total_units.saturating_plus(new_units);

    let (eligible, reward) = if network.reward_path == reward_path::RECEIPTS {
        let consent = accounts.consent.as_ref().map(|signer| signer.address());
        accrue(network, device, new_units, now, consent)?
    } else {
        (Units::ZERO, Amount::ZERO)
    };
    emit!(ReceiptSubmitted {
        device: device_address,
        seq,
        units: units.get(),
        eligible: eligible.get(),
        reward: reward.get(),
    });
    Ok(())
}

/// Accrues the reward of new units to the device; returns eligible units and the reward.
#[inline(always)]
fn accrue(
    network: &mut Network,
    device: &mut Device,
    new_units: Units,
    now: Timestamp,
    consent: Option<&Address>,
) -> Result<(Units, Amount)> {
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
    if accrual.cut {
        let accepted = consent.is_some_and(|signer| {
            address_eq(signer, &device.owner) || signer.as_ref() == device.key().native()
        });
        require!(accepted, WorktabError::RewardLimited);
    }

    class.spent = class.spent.plus(accrual.reward)?;
    device.carry = accrual.carry;
    device.epoch_units = device.epoch_units.plus(accrual.eligible)?;
    device.epoch_rewards = device.epoch_rewards.plus(accrual.reward)?;
    device.rewards_owed = device.rewards_owed.plus(accrual.reward)?;
    device.lifetime_rewards = device.lifetime_rewards.saturating_plus(accrual.reward);
    network.pool_free = network.pool_free.minus(accrual.reward)?;
    network.pool_owed = network.pool_owed.plus(accrual.reward)?;
    network.total_rewards = network.total_rewards.saturating_plus(accrual.reward);
    Ok((accrual.eligible, accrual.reward))
}
