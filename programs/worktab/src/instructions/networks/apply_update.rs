use crate::errors::WorktabError;
use crate::events::UpdateApplied;
use crate::state::{ChangeKind, Network, PendingChange};
use anchor_lang::prelude::*;
use bytemuck::Zeroable;

/// Anyone may apply a change that is due: it was announced, and its author could withdraw it until now.
#[derive(Accounts)]
pub struct ApplyUpdate {
    #[account(mut)]
    pub network: Account<Network>,
}

pub fn apply_update(ctx: &mut Context<ApplyUpdate>) -> Result<()> {
    let network = &mut ctx.accounts.network;
    let pending = network.pending;
    require!(pending.kind != ChangeKind::NONE, WorktabError::NothingPending);
    require!(pending.kind != ChangeKind::WITHDRAW_POOL, WorktabError::TokensMove);
    let now = super::super::now()?;
    require!(now >= pending.effective_at, WorktabError::NotDue);
    pending.change().apply(network, now)?;
    network.pending = PendingChange::zeroed();
    emit!(UpdateApplied {
        network: *network.address(),
        kind: pending.kind,
        class: pending.class,
    });
    Ok(())
}
