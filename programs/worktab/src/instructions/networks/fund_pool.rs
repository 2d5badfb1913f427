use crate::domain::Amount;
use crate::errors::WorktabError;
use crate::events::PoolFunded;
use crate::state::Network;
use crate::token::{balance, take_in};
use anchor_lang::prelude::*;

/// Adds tokens to the pool, and with them whatever the vault holds beyond the ledger. An amount of 0 only does the
/// latter.
#[derive(Accounts)]
pub struct FundPool {
    #[account(mut)]
    pub network: Account<Network>,
    pub funder: Signer,
    /// A token account the funder may spend from.
    #[account(mut)]
    pub source: UncheckedAccount,
    pub mint: UncheckedAccount,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub token_program: UncheckedAccount,
}

pub fn fund_pool(ctx: &mut Context<FundPool>, amount: u64) -> Result<()> {
    let accounts = &mut ctx.accounts;
    accounts
        .network
        .require_vault(accounts.vault.address(), accounts.mint.address())?;
    let surplus = balance(accounts.vault.account())?
        .checked_sub(accounts.network.accounted.get())
        .ok_or(WorktabError::VaultMismatch)?;
    if amount > 0 {
        take_in(
            &accounts.network,
            accounts.source.account(),
            accounts.mint.account(),
            accounts.vault.account(),
            accounts.funder.account(),
            amount,
        )?;
    }
    let network = &mut accounts.network;
    let gained = Amount(amount).plus(Amount(surplus))?;
    network.pool_free = network.pool_free.plus(gained)?;
    network.accounted = network.accounted.plus(gained)?;
    emit!(PoolFunded {
        network: *network.address(),
        funder: *accounts.funder.address(),
        amount,
        surplus,
    });
    Ok(())
}
