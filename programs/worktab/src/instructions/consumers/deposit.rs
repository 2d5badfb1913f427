use crate::domain::Amount;
use crate::errors::WorktabError;
use crate::events::Deposited;
use crate::state::{Network, Tab};
use crate::token::take_in;
use anchor_lang::prelude::*;

/// Puts tokens into a tab; anyone may.
#[derive(Accounts)]
pub struct Deposit {
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut)]
    pub tab: Account<Tab>,
    pub depositor: Signer,
    /// A token account the depositor may spend from.
    #[account(mut)]
    pub source: UncheckedAccount,
    pub mint: UncheckedAccount,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub token_program: UncheckedAccount,
}

pub fn deposit(ctx: &mut Context<Deposit>, amount: u64) -> Result<()> {
    let accounts = &mut ctx.accounts;
    accounts.tab.require_of(accounts.network.address())?;
    accounts
        .network
        .require_vault(accounts.vault.address(), accounts.mint.address())?;
    require!(amount > 0, WorktabError::InvalidParameter);
    take_in(
        &accounts.network,
        accounts.source.account(),
        accounts.mint.account(),
        accounts.vault.account(),
        accounts.depositor.account(),
        amount,
    )?;
    let amount = Amount(amount);
    let (network, tab) = (&mut accounts.network, &mut accounts.tab);
    network.accounted = network.accounted.plus(amount)?;
    tab.balance = tab.balance.plus(amount)?;
    tab.deposited = tab.deposited.saturating_plus(amount);
    emit!(Deposited {
        tab: *tab.address(),
        depositor: *accounts.depositor.address(),
        amount: amount.get(),
    });
    Ok(())
}
