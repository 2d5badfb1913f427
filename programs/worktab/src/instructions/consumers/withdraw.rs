use crate::domain::Amount;
use crate::errors::WorktabError;
use crate::events::Withdrawn;
use crate::state::{Network, Tab};
use crate::token::pay_out;
use anchor_lang::prelude::*;

/// Takes tokens out of a tab's balance. What lanes have reserved stays: vouchers may be out for it.
#[derive(Accounts)]
pub struct Withdraw {
    pub consumer: Signer,
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut)]
    pub tab: Account<Tab>,
    /// Any token account of the network's mint.
    #[account(mut)]
    pub destination: UncheckedAccount,
    pub mint: UncheckedAccount,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub token_program: UncheckedAccount,
}

pub fn withdraw(ctx: &mut Context<Withdraw>, amount: u64) -> Result<()> {
    let accounts = &mut ctx.accounts;
    accounts.tab.require_of(accounts.network.address())?;
    require!(
        accounts.consumer.address() == &accounts.tab.consumer,
        WorktabError::Unauthorized
    );
    accounts
        .network
        .require_vault(accounts.vault.address(), accounts.mint.address())?;
    require!(amount > 0, WorktabError::InvalidParameter);
    let amount = Amount(amount);
    let tab = &mut accounts.tab;
    tab.take(amount)?;
    tab.withdrawn = tab.withdrawn.saturating_plus(amount);
    pay_out(
        &accounts.network,
        accounts.vault.account(),
        accounts.mint.account(),
        accounts.destination.account(),
        amount.get(),
    )?;
    accounts.network.accounted = accounts.network.accounted.minus(amount)?;
    emit!(Withdrawn {
        tab: *accounts.tab.address(),
        destination: *accounts.destination.address(),
        amount: amount.get(),
    });
    Ok(())
}
