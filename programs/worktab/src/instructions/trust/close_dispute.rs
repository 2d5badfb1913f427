use crate::errors::WorktabError;
use crate::events::DisputeClosed;
use crate::state::{is_closed, verdict, Device, Dispute};
use anchor_lang::prelude::*;

/// Closes a dispute that ended guilty, once the device's account closed: nothing is left of that registration to punish. The
/// rent goes back. Anyone may call it.
#[derive(Accounts)]
pub struct CloseDispute {
    /// The device's address, where now there may be nothing, or a later registration.
    pub device: UncheckedAccount,
    #[account(mut)]
    pub dispute: Account<Dispute>,
    /// Who paid the dispute's rent.
    #[account(mut)]
    pub rent_payer: UncheckedAccount,
}

pub fn close_dispute(ctx: &mut Context<CloseDispute>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let dispute = &accounts.dispute;
    require!(
        accounts.device.address() == &dispute.device && accounts.rent_payer.address() == &dispute.rent_payer,
        WorktabError::AddressMismatch
    );
    require!(
        dispute.verdict == verdict::GUILTY && is_gone(accounts.device.account(), dispute.index)?,
        WorktabError::TooSoon
    );
    emit!(DisputeClosed {
        dispute: *dispute.address(),
        device: dispute.device,
    });
    accounts.dispute.close(*accounts.rent_payer.account())?;
    Ok(())
}

/// Whether the registration of this index ended.
fn is_gone(device: &AccountView, index: u32) -> Result<bool> {
    if is_closed(device) {
        return Ok(true);
    }
    let device = <Account<Device> as AnchorAccount>::load(*device)?;
    Ok(device.index != index)
}
