use crate::domain::{Amount, Units};
use crate::errors::WorktabError;
use crate::events::LaneReserved;
use crate::state::{lane_mut, lanes_mut, pause, push_lane, status, Device, Lane, Network, Tab, CONSUMER};
use anchor_lang::prelude::*;

/// Sets money aside for a device: on a new lane, or on one that this signer opened.
#[derive(Accounts)]
pub struct ReserveLane {
    /// Pays the rent of a new lane, which goes back to the tab's rent payer; may be any other account here as well,
    /// since only lamports are taken from it.
    #[account(mut, unsafe(dup))]
    pub payer: Signer,
    /// The consumer, or a delegate; it signs the lane's vouchers.
    pub signer: Signer,
    pub network: Account<Network>,
    #[account(mut)]
    pub tab: Account<Tab>,
    pub device: Account<Device>,
    pub system_program: Program<System>,
}

pub fn reserve_lane(ctx: &mut Context<ReserveLane>, nonce: Option<u32>, amount: u64) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let (network, device) = (&accounts.network, &accounts.device);
    let address = *accounts.tab.address();
    let tab = &mut accounts.tab;
    tab.require_of(network.address())?;
    device.require_of(network.address())?;
    network.require_running(pause::RESERVE)?;
    require!(device.status == status::ACTIVE, WorktabError::DeviceInactive);
    require!(amount > 0, WorktabError::InvalidParameter);
    let amount = Amount(amount);
    let signer = tab.number_of(accounts.signer.address())?;
    tab.take(amount)?;
    let held = match nonce {
        None => amount,
        Some(nonce) => {
            // SAFETY: these are the only references to the lanes.
            let lanes = unsafe { lanes_mut(*tab.view()) };
            let lane = lane_mut(lanes, nonce)?;
            require!(
                lane.index == device.index && lane.signer == signer,
                WorktabError::ForeignLane
            );
            require!(lane.close_at == 0, WorktabError::LaneClosing);
            lane.reserved = lane.reserved.plus(amount)?;
            lane.paid.plus(lane.reserved)?
        }
    };
    if signer != CONSUMER {
        let now = super::super::now()?;
        if let Some(delegate) = tab.delegate_mut(signer)? {
            delegate.charge(amount, device.class, now)?;
            require!(held <= delegate.lane_limit, WorktabError::LaneLimitExceeded);
            if nonce.is_none() {
                delegate.hold()?;
            }
        }
    }
    let nonce = match nonce {
        Some(nonce) => nonce,
        None => {
            let nonce = tab.next_nonce()?;
            let lane = Lane {
                index: device.index,
                nonce,
                paid: Amount::ZERO,
                reserved: amount,
                units: Units::ZERO,
                close_at: 0,
                signer,
                flags: 0,
                zero: [0; 2],
            };
            push_lane(tab, lane, accounts.payer.account())?;
            nonce
        }
    };
    emit!(LaneReserved {
        tab: address,
        index: device.index,
        nonce,
        signer,
        amount: amount.get(),
    });
    Ok(())
}
