// The derived code binds the arguments of `#[instruction(..)]` also where it does not use them.
#![allow(unused_variables)]

use crate::domain::slash::{part, WHOLE_BPS};
use crate::domain::{Amount, Overflow, Seconds, Timestamp};
use crate::errors::WorktabError;
use crate::events::SlaOpened;
use crate::state::{
    lane_flag, lane_mut, lanes_mut, pause, status, Ballot, Device, Network, Sla, SlaTerms, Tab, LAYOUT_VERSION,
    MAX_DELAY, SLA_SEED,
};
use anchor_lang::prelude::*;

/// A device's owner promises a consumer to deliver on a lane by a deadline. Both sign. Until it ends, the lane can't be
/// closed, and a part of the bond that would pay the penalty can't leave.
#[derive(Accounts)]
#[instruction(terms: SlaTerms)]
pub struct OpenSla {
    /// Pays the rent; may be any other account here as well, since only lamports are taken from it.
    #[account(mut, unsafe(dup))]
    pub payer: Signer,
    pub consumer: Signer,
    /// The device's.
    pub owner: Signer,
    pub network: Account<Network>,
    #[account(mut)]
    pub tab: Account<Tab>,
    #[account(mut)]
    pub device: Account<Device>,
    #[account(
        init,
        payer = payer,
        seeds = [SLA_SEED, tab.address().as_ref(), &terms.nonce.to_le_bytes()],
        bump
    )]
    pub sla: Account<Sla>,
    pub system_program: Program<System>,
}

pub fn open_sla(ctx: &mut Context<OpenSla>, terms: SlaTerms) -> Result<()> {
    let bump = ctx.bumps.sla;
    let accounts = &mut ctx.accounts;
    let (network, tab, device, sla) = (
        &accounts.network,
        &mut accounts.tab,
        &mut accounts.device,
        &mut accounts.sla,
    );
    tab.require_of(network.address())?;
    device.require_of(network.address())?;
    network.require_running(pause::RESERVE)?;
    let (consumer, owner) = (accounts.consumer.address(), accounts.owner.address());
    require!(
        consumer == &tab.consumer && owner == &device.owner,
        WorktabError::Unauthorized
    );
    // A promise to oneself would only decorate the device's statistics.
    require!(consumer != owner, WorktabError::WrongParty);
    require!(device.status == status::ACTIVE, WorktabError::DeviceInactive);
    require!(device.open_disputes == 0, WorktabError::DisputeOpen);
    let now = super::super::now()?;
    let deadline = Timestamp(terms.deadline);
    require!(
        terms.due > 0
            && terms.bps <= WHOLE_BPS
            // A penalty can be contested, which takes attestors and time.
            && (terms.bps == 0 || (network.attestor_count > 0 && network.challenge_delay.0 > 0))
            && deadline > now
            && deadline <= now.after(Seconds(MAX_DELAY))?,
        WorktabError::InvalidParameter
    );
    let due = Amount(terms.due);
    // SAFETY: these are the only references to the lanes.
    let lanes = unsafe { lanes_mut(*tab.view()) };
    let lane = lane_mut(lanes, terms.nonce)?;
    require!(lane.index == device.index, WorktabError::ForeignLane);
    require!(lane.close_at == 0, WorktabError::LaneClosing);
    require!(due <= lane.reserved, WorktabError::OverReserve);
    lane.flags |= lane_flag::SLA;

    let held = part(due, terms.bps)?;
    let class = network.classes.get(usize::from(device.class));
    let least = class.map_or(Amount::ZERO, |class| class.least_bond);
    // What no least bond stands behind any more would be out of a dispute's reach.
    let promised = held == Amount::ZERO || held.plus(least)? <= device.bond_free();
    require!(promised, WorktabError::BondHeld);
    device.bond_held = device.bond_held.plus(held)?;
    device.open_slas = device.open_slas.checked_add(1).ok_or(Overflow)?;

    sla.network = *network.address();
    sla.tab = *tab.address();
    sla.device = *device.address();
    sla.rent_payer = *accounts.payer.address();
    sla.due = due;
    sla.paid_before = lane.paid;
    sla.held = held;
    sla.start = now;
    sla.set_dates(deadline, network.challenge_delay)?;
    sla.votes = Ballot::new(network);
    sla.threshold = network.threshold;
    sla.nonce = terms.nonce;
    sla.bps = terms.bps;
    sla.bump = bump;
    sla.version = LAYOUT_VERSION;
    emit!(SlaOpened {
        sla: *sla.address(),
        tab: sla.tab,
        device: sla.device,
        nonce: terms.nonce,
        due: terms.due,
        bps: terms.bps,
        held: held.get(),
        deadline: terms.deadline,
    });
    Ok(())
}
