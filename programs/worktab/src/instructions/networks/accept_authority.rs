use crate::errors::WorktabError;
use crate::events::AuthorityAccepted;
use crate::state::{Network, PendingChange};
use anchor_lang::prelude::*;
use bytemuck::Zeroable;

#[derive(Accounts)]
pub struct AcceptAuthority {
    #[account(mut)]
    pub network: Account<Network>,
    pub new_authority: Signer,
}

pub fn accept_authority(ctx: &mut Context<AcceptAuthority>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let authority = *accounts.new_authority.address();
    // The zero address can't sign, so an empty proposal is accepted by nobody.
    require!(
        authority == accounts.network.pending_authority,
        WorktabError::Unauthorized
    );
    accounts.network.authority = authority;
    accounts.network.pending_authority = Address::default();
    // What the last authority announced is not the new one's word.
    accounts.network.pending = PendingChange::zeroed();
    emit!(AuthorityAccepted {
        network: *accounts.network.address(),
        authority,
    });
    Ok(())
}
