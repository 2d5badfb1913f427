use crate::domain::Timestamp;
use crate::errors::WorktabError;
use crate::events::UpdateProposed;
use crate::state::{Change, ChangeKind, Network, PendingChange};
use anchor_lang::prelude::*;
use bytemuck::Zeroable;

#[derive(Accounts)]
pub struct ProposeUpdate {
    #[account(mut)]
    pub network: Account<Network>,
    pub authority: Signer,
}

pub fn propose_update(ctx: &mut Context<ProposeUpdate>, change: Change) -> Result<()> {
    let accounts = &mut ctx.accounts;
    require!(
        accounts.authority.address() == &accounts.network.authority,
        WorktabError::Unauthorized
    );
    let effective_at = match change.kind {
        ChangeKind::NONE => {
            change.only(0, false)?;
            accounts.network.pending = PendingChange::zeroed();
            Timestamp(0)
        }
        ChangeKind::AUTHORITY => {
            change.only(0, true)?;
            accounts.network.pending_authority = change.key;
            Timestamp(0)
        }
        ChangeKind::REMOVE_ATTESTOR => {
            change.apply(&mut accounts.network, super::super::now()?)?;
            Timestamp(0)
        }
        _ => {
            let now = super::super::now()?;
            change.apply(&mut Box::new(*accounts.network), now)?;
            let due = now.after(accounts.network.parameter_delay)?;
            accounts.network.pending = PendingChange::new(&change, due);
            due
        }
    };
    emit!(UpdateProposed {
        network: *accounts.network.address(),
        kind: change.kind,
        class: change.class,
        effective_at: effective_at.0,
        values: change.values,
        key: change.key,
    });
    Ok(())
}
