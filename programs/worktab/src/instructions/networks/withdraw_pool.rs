use crate::domain::Amount;
use crate::errors::WorktabError;
use crate::events::PoolWithdrawn;
use crate::state::{ChangeKind, Network, PendingChange};
use crate::token::pay_out;
use anchor_lang::prelude::*;
use bytemuck::Zeroable;

/// Puts an announced withdrawal of the pool in force: what is still free of the amount goes to the token account that was
/// announced. Anyone may call it.
#[derive(Accounts)]
pub struct WithdrawPool {
    #[account(mut)]
    pub network: Account<Network>,
    /// The token account announced.
    #[account(mut)]
    pub destination: UncheckedAccount,
    pub mint: UncheckedAccount,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub token_program: UncheckedAccount,
}

pub fn withdraw_pool(ctx: &mut Context<WithdrawPool>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let pending = accounts.network.pending;
    require!(pending.kind == ChangeKind::WITHDRAW_POOL, WorktabError::NothingPending);
    require!(super::super::now()? >= pending.effective_at, WorktabError::NotDue);
    require!(
        accounts.destination.address().as_array() == &pending.key,
        WorktabError::AddressMismatch
    );
    accounts
        .network
        .require_vault(accounts.vault.address(), accounts.mint.address())?;
    let amount = Amount(pending.values[0]).min(accounts.network.pool_free);
    require!(amount > Amount::ZERO, WorktabError::NothingOwed);
    accounts.network.pending = PendingChange::zeroed();
    pay_out(
        &accounts.network,
        accounts.vault.account(),
        accounts.mint.account(),
        accounts.destination.account(),
        amount.get(),
    )?;
    let network = &mut accounts.network;
    network.pool_free = network.pool_free.minus(amount)?;
    network.accounted = network.accounted.minus(amount)?;
    emit!(PoolWithdrawn {
        network: *network.address(),
        destination: *accounts.destination.address(),
        amount: amount.get(),
    });
    Ok(())
}
