use crate::domain::Amount;
use crate::errors::WorktabError;
use crate::events::BondDeposited;
use crate::state::{status, Device, Network};
use crate::token::take_in;
use anchor_lang::prelude::*;

/// Adds to a device's bond. Only its owner does: a stranger's base unit would keep a device that retires from closing.
#[derive(Accounts)]
pub struct DepositBond {
    pub owner: Signer,
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut)]
    pub device: Account<Device>,
    /// A token account the owner may spend from.
    #[account(mut)]
    pub source: UncheckedAccount,
    pub mint: UncheckedAccount,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub token_program: UncheckedAccount,
}

pub fn deposit_bond(ctx: &mut Context<DepositBond>, amount: u64) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let device = &mut accounts.device;
    device.require_of(accounts.network.address())?;
    require!(accounts.owner.address() == &device.owner, WorktabError::Unauthorized);
    require!(device.status == status::ACTIVE, WorktabError::DeviceInactive);
    require!(amount > 0, WorktabError::InvalidParameter);
    accounts
        .network
        .require_vault(accounts.vault.address(), accounts.mint.address())?;
    take_in(
        &accounts.network,
        accounts.source.account(),
        accounts.mint.account(),
        accounts.vault.account(),
        accounts.owner.account(),
        amount,
    )?;
    let amount = Amount(amount);
    device.bond = device.bond.plus(amount)?;
    accounts.network.accounted = accounts.network.accounted.plus(amount)?;
    emit!(BondDeposited {
        device: *device.address(),
        amount: amount.get(),
        bond: device.bond.get(),
    });
    Ok(())
}
