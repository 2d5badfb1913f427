use crate::errors::WorktabError;
use crate::events::PauseSet;
use crate::state::{pause, Network};
use anchor_lang::prelude::*;

/// The guardian may stop more kinds of new work; only the authority lets them go on.
#[derive(Accounts)]
pub struct SetPause {
    #[account(mut)]
    pub network: Account<Network>,
    /// The authority or the guardian.
    pub signer: Signer,
}

pub fn set_pause(ctx: &mut Context<SetPause>, flags: u8) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let signer = accounts.signer.address();
    let network = &mut accounts.network;
    let only_adds = flags & network.pause == network.pause;
    require!(
        signer == &network.authority || (signer == &network.guardian && only_adds),
        WorktabError::Unauthorized
    );
    require!(flags & !pause::ALL == 0, WorktabError::InvalidParameter);
    network.pause = flags;
    emit!(PauseSet {
        network: *network.address(),
        pause: flags,
    });
    Ok(())
}
