use crate::domain::{Amount, Capacity, Timestamp};
use crate::errors::WorktabError;
use crate::events::{BondLeaving, BondWithdrawn};
use crate::state::{Device, Network};
use crate::token::pay_out;
use anchor_lang::prelude::*;

/// Takes bond out, in two steps: a first call says how much is to leave and starts the unbonding delay, a second one
/// after it pays. Until then all of it answers for the device, but what is leaving no longer counts towards the least
/// bond of its class, so that all work it stood for can still be disputed.
#[derive(Accounts)]
pub struct WithdrawBond {
    pub owner: Signer,
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut)]
    pub device: Account<Device>,
    /// Any token account of the network's mint.
    #[account(mut)]
    pub destination: UncheckedAccount,
    pub mint: UncheckedAccount,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub token_program: UncheckedAccount,
}

/// `amount` is what is to leave from now on, in place of what was leaving before, 0 to keep all; `None` pays what is due.
pub fn withdraw_bond(ctx: &mut Context<WithdrawBond>, amount: Option<u64>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    accounts.device.require_of(accounts.network.address())?;
    require!(
        accounts.owner.address() == &accounts.device.owner,
        WorktabError::Unauthorized
    );
    accounts
        .network
        .require_vault(accounts.vault.address(), accounts.mint.address())?;
    let now = super::super::now()?;
    match amount {
        Some(amount) => start(accounts, Amount(amount), now),
        None => finish(accounts, now),
    }
}

fn start(accounts: &mut WithdrawBond, amount: Amount, now: Timestamp) -> Result<()> {
    let (network, device) = (&mut accounts.network, &mut accounts.device);
    require!(
        device.bond_held.leaves_room(amount, device.bond),
        WorktabError::BondHeld
    );
    device.unbonding = amount;
    device.unbonding_at = if amount == Amount::ZERO {
        Timestamp(0)
    } else {
        now.after(network.unbonding_delay)?
    };
    let epoch = network.epoch_at(now)?;
    let class = network.class_mut(device.class)?;
    if device.bond_free() < class.least_bond && device.next_capacity > Capacity::ZERO {
        device.give_up_capacity(class, epoch)?;
    }
    emit!(BondLeaving {
        device: *device.address(),
        amount: amount.get(),
        due: device.unbonding_at.0,
        capacity: device.next_capacity.get(),
    });
    Ok(())
}

fn finish(accounts: &mut WithdrawBond, now: Timestamp) -> Result<()> {
    let device = &mut accounts.device;
    let amount = device.unbonding;
    require!(amount > Amount::ZERO, WorktabError::NothingOwed);
    require!(now >= device.unbonding_at, WorktabError::BondNotDue);
    require!(device.open_disputes == 0, WorktabError::DisputeOpen);
    device.bond = device.bond.minus(amount)?;
    device.unbonding = Amount::ZERO;
    device.unbonding_at = Timestamp(0);
    let bond = device.bond.get();
    pay_out(
        &accounts.network,
        accounts.vault.account(),
        accounts.mint.account(),
        accounts.destination.account(),
        amount.get(),
    )?;
    accounts.network.accounted = accounts.network.accounted.minus(amount)?;
    emit!(BondWithdrawn {
        device: *accounts.device.address(),
        destination: *accounts.destination.address(),
        amount: amount.get(),
        bond,
    });
    Ok(())
}
