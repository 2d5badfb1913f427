use crate::domain::Amount;
use crate::errors::WorktabError;
use crate::events::TabClosed;
use crate::state::{Tab, LANES_AT};
use anchor_lang::pinocchio::sysvars::{clock::Clock, Sysvar};
use anchor_lang::prelude::*;

/// Closes an empty tab; its rent goes back to who paid it. Not before the slot has passed the tab's last nonce: a tab
/// opened again starts at its slot, and must not repeat one.
#[derive(Accounts)]
pub struct CloseTab {
    pub consumer: Signer,
    #[account(mut)]
    pub tab: Account<Tab>,
    /// Who paid the tab's rent; often the consumer as well, so it may be the same account.
    #[account(mut, unsafe(dup))]
    pub rent_payer: UncheckedAccount,
}

pub fn close_tab(ctx: &mut Context<CloseTab>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let tab = &mut accounts.tab;
    require!(accounts.consumer.address() == &tab.consumer, WorktabError::Unauthorized);
    require!(
        accounts.rent_payer.address() == &tab.rent_payer,
        WorktabError::AddressMismatch
    );
    require!(
        tab.balance == Amount::ZERO && tab.current_space() == LANES_AT,
        WorktabError::TabNotEmpty
    );
    require!(u64::from(tab.nonce) < Clock::get()?.slot, WorktabError::TooSoon);
    emit!(TabClosed {
        network: tab.network,
        tab: *tab.address(),
        consumer: tab.consumer,
    });
    accounts.tab.close(*accounts.rent_payer.account())?;
    Ok(())
}
