use crate::domain::Amount;
use crate::errors::WorktabError;
use crate::events::FeesCollected;
use crate::state::Network;
use crate::token::pay_out;
use anchor_lang::prelude::*;

/// Pays the fees taken so far to a token account of the authority's choice.
#[derive(Accounts)]
pub struct CollectFees {
    pub authority: Signer,
    #[account(mut)]
    pub network: Account<Network>,
    /// Any token account of the network's mint but the vault.
    #[account(mut)]
    pub destination: UncheckedAccount,
    pub mint: UncheckedAccount,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub token_program: UncheckedAccount,
}

pub fn collect_fees(ctx: &mut Context<CollectFees>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    require!(
        accounts.authority.address() == &accounts.network.authority,
        WorktabError::Unauthorized
    );
    accounts
        .network
        .require_vault(accounts.vault.address(), accounts.mint.address())?;
    let amount = accounts.network.fees;
    require!(amount > Amount::ZERO, WorktabError::NothingOwed);
    accounts.network.fees = Amount::ZERO;
    pay_out(
        &accounts.network,
        accounts.vault.account(),
        accounts.mint.account(),
        accounts.destination.account(),
        amount.get(),
    )?;
    accounts.network.accounted = accounts.network.accounted.minus(amount)?;
    emit!(FeesCollected {
        network: *accounts.network.address(),
        destination: *accounts.destination.address(),
        amount: amount.get(),
    });
    Ok(())
}
