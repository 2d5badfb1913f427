use crate::errors::WorktabError;
use crate::events::SlaContested;
use crate::state::{contest, Device, Sla};
use anchor_lang::prelude::*;

/// The device's owner contests a penalty, within the challenge delay after the deadline: a consumer might have withheld
/// its signatures. From then on the penalty needs enough attestors.
#[derive(Accounts)]
pub struct ContestSla {
    pub owner: Signer,
    pub device: Account<Device>,
    #[account(mut)]
    pub sla: Account<Sla>,
}

pub fn contest_sla(ctx: &mut Context<ContestSla>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let (device, sla) = (&accounts.device, &mut accounts.sla);
    require!(device.address() == &sla.device, WorktabError::AddressMismatch);
    require!(accounts.owner.address() == &device.owner, WorktabError::Unauthorized);
    let now = super::super::now()?;
    require!(now >= sla.deadline, WorktabError::SlaRunning);
    require!(
        sla.contested == contest::NONE && now < sla.contest_until,
        WorktabError::ContestOver
    );
    sla.contested = contest::CONTESTED;
    emit!(SlaContested {
        sla: *sla.address(),
        device: sla.device,
    });
    Ok(())
}
