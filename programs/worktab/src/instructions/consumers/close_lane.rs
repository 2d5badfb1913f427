use crate::domain::Overflow;
use crate::errors::WorktabError;
use crate::events::{LaneCloseStarted, LaneClosed};
use crate::state::{lane_flag, lane_mut, lanes_mut, remove_lane, Device, Lane, Network, Tab};
use anchor_lang::prelude::*;

/// Ends a lane, and gives what is left of it back to the balance: at once where the device's owner signs; else the
/// consumer, or the delegate who signs the lane's vouchers, starts the lane delay with a first call and ends the lane
/// with a second one after it. Vouchers settle until then.
#[derive(Accounts)]
pub struct CloseLane {
    /// The consumer, the lane's delegate, or the device's owner.
    pub signer: Signer,
    pub network: Account<Network>,
    #[account(mut)]
    pub tab: Account<Tab>,
    /// Who paid the tab's rent; may be the signer as well.
    #[account(mut, unsafe(dup))]
    pub rent_payer: UncheckedAccount,
    /// The lane's device, where its owner signs.
    pub device: Option<Account<Device>>,
}

pub fn close_lane(ctx: &mut Context<CloseLane>, nonce: u32) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let address = *accounts.tab.address();
    let tab = &mut accounts.tab;
    tab.require_of(accounts.network.address())?;
    require!(
        accounts.rent_payer.address() == &tab.rent_payer,
        WorktabError::AddressMismatch
    );
    // SAFETY: these are the only references to the lanes.
    let lanes = unsafe { lanes_mut(*tab.view()) };
    let lane = lane_mut(lanes, nonce)?;
    require!(lane.flags & lane_flag::SLA == 0, WorktabError::LaneHeld);
    let signer = accounts.signer.address();
    if !waives(&accounts.device, signer, tab, lane)? {
        let number = tab.number_of(signer)?;
        require!(
            number == crate::state::CONSUMER || number == lane.signer,
            WorktabError::Unauthorized
        );
        let now = super::super::now()?;
        if lane.close_at == 0 {
            let close_at = now.after(accounts.network.lane_close_delay)?;
            lane.close_at = u32::try_from(close_at.0).map_err(|_| Overflow)?;
            emit!(LaneCloseStarted {
                tab: address,
                index: lane.index,
                nonce,
                close_at: lane.close_at,
            });
            return Ok(());
        }
        require!(now.0 >= i64::from(lane.close_at), WorktabError::LaneNotDue);
    }
    let lane = remove_lane(tab, nonce, *accounts.rent_payer.account())?;
    tab.balance = tab.balance.plus(lane.reserved)?;
    if let Some(delegate) = tab.delegate_mut(lane.signer)? {
        delegate.release()?;
    }
    emit!(LaneClosed {
        tab: address,
        index: lane.index,
        nonce,
        returned: lane.reserved.get(),
    });
    Ok(())
}

/// Whether the owner of the lane's device signs, who gives up what is not settled.
fn waives(device: &Option<Account<Device>>, signer: &Address, tab: &Tab, lane: &Lane) -> Result<bool> {
    let Some(device) = device else {
        return Ok(false);
    };
    device.require_of(&tab.network)?;
    require!(device.index == lane.index, WorktabError::ForeignLane);
    Ok(signer == &device.owner)
}
