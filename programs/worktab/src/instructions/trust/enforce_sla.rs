use crate::errors::WorktabError;
use crate::events::SlaEnforced;
use crate::state::{lane_flag, lane_mut, lanes_mut, load_changed, sla_outcome, Device, Sla, Tab};
use anchor_lang::prelude::*;

/// Ends an SLA: nothing moves where enough was delivered, else the bond pays the consumer's tab. The lane and what the
/// bond held are free again. Anyone may call it.
#[derive(Accounts)]
pub struct EnforceSla {
    #[account(mut)]
    pub tab: UncheckedAccount,
    #[account(mut)]
    pub device: UncheckedAccount,
    #[account(mut)]
    pub sla: Account<Sla>,
    /// Who paid the account's rent.
    #[account(mut)]
    pub rent_payer: UncheckedAccount,
}

pub fn enforce_sla(ctx: &mut Context<EnforceSla>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let sla = &accounts.sla;
    let (tab_view, device_view) = (accounts.tab.account(), accounts.device.account());
    require!(
        tab_view.address() == &sla.tab
            && device_view.address() == &sla.device
            && accounts.rent_payer.address() == &sla.rent_payer,
        WorktabError::AddressMismatch
    );
    // SAFETY: accounts of three kinds are three accounts, and lanes are no part of a tab's fixed data.
    let (tab, lanes, device): (&mut Tab, _, &mut Device) = unsafe {
        (
            load_changed(*tab_view)?,
            lanes_mut(*tab_view),
            load_changed(*device_view)?,
        )
    };
    let lane = lane_mut(lanes, sla.nonce)?;
    let end = sla.end(lane, super::super::now()?)?;
    lane.flags &= !lane_flag::SLA;
    tab.credit(end.penalty)?;
    device.bond = device.bond.minus(end.penalty)?;
    device.bond_held = device.bond_held.minus(sla.held)?;
    device.open_slas = device.open_slas.saturating_sub(1);
    match end.outcome {
        sla_outcome::KEPT => device.slas_kept = device.slas_kept.saturating_add(1),
        sla_outcome::MISSED => device.slas_missed = device.slas_missed.saturating_add(1),
        _ => {}
    }
    emit!(SlaEnforced {
        sla: *sla.address(),
        tab: sla.tab,
        device: sla.device,
        nonce: sla.nonce,
        outcome: end.outcome,
        delivered: end.delivered.get(),
        penalty: end.penalty.get(),
    });
    accounts.sla.close(*accounts.rent_payer.account())?;
    Ok(())
}
