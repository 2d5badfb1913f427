//! A tab: a consumer's money in a network, who may spend it, and the lanes it is set aside on.

use super::delegate::{delegate_status, Delegate};
use super::lane::{lanes_mut, position, Lane, LANES_AT, LANE_SIZE, MAX_LANES};
use crate::domain::{Amount, Overflow};
use crate::errors::{ensure, refusal, WorktabError};
use anchor_lang::pinocchio::sysvars::{rent::Rent, Sysvar};
use anchor_lang::pinocchio::Resize;
use anchor_lang::{address_eq, prelude::*};

pub const TAB_SEED: &[u8] = b"tab";
/// Delegates a tab has room for.
pub const MAX_DELEGATES: usize = 4;
/// The signer of a lane that is the consumer itself; delegates are 1 to 4.
pub const CONSUMER: u8 = 0;

/// A tab. Address: `tab`, network, consumer. Its lanes follow, 40 bytes each, to the end of the account.
#[account]
pub struct Tab {
    pub network: Address,
    pub consumer: Address,
    /// Who paid the rent of this account, and gets it and that of its lanes back.
    pub rent_payer: Address,
    /// The network's domain.
    pub domain: [u8; 32],
    /// Free to be withdrawn, set aside or paid.
    pub balance: Amount,
    /// Deposited so far, what penalties and disputes brought among it; stops at the largest value. Less what was withdrawn,
    /// what is free and what lanes reserve, it is what was paid to devices and not refunded.
    pub deposited: Amount,
    /// Withdrawn so far, deposits of disputes among it; stops at the largest value.
    pub withdrawn: Amount,
    pub delegates: [Delegate; 4],
    /// The next lane's nonce: starts at the slot of opening and never falls.
    pub nonce: u32,
    pub bump: u8,
    pub version: u8,
    /// Zero.
    pub reserved: [u8; 2],
}

impl Tab {
    /// Whose key moves the lanes of this signer number.
    #[inline(always)]
    pub fn signer(&self, number: u8) -> Result<&Address> {
        if number == CONSUMER {
            return Ok(&self.consumer);
        }
        match self.delegates.get(usize::from(number).wrapping_sub(1)) {
            Some(delegate) => Ok(bytemuck::from_bytes(&delegate.key)),
            None => Err(refusal!(Unauthorized)),
        }
    }

    /// The signer number of a key: 0 for the consumer, 1 to 4 for a delegate, revoked ones included.
    pub fn number_of(&self, key: &Address) -> Result<u8> {
        if key == &self.consumer {
            return Ok(CONSUMER);
        }
        let names = |delegate: &Delegate| delegate.status != delegate_status::NONE && &delegate.key == key.as_array();
        match self.delegates.iter().position(names) {
            Some(slot) => Ok(u8::try_from(slot.saturating_add(1)).map_err(|_| Overflow)?),
            None => Err(WorktabError::Unauthorized.into()),
        }
    }

    /// The delegate of a signer number, `None` for the consumer.
    pub fn delegate_mut(&mut self, number: u8) -> Result<Option<&mut Delegate>> {
        if number == CONSUMER {
            return Ok(None);
        }
        let delegate = self.delegates.get_mut(usize::from(number).wrapping_sub(1));
        delegate.map(Some).ok_or_else(|| WorktabError::Unauthorized.into())
    }

    #[inline(always)]
    pub fn require_of(&self, network: &Address) -> Result<()> {
        ensure!(address_eq(&self.network, network), WrongNetwork);
        Ok(())
    }

    /// Takes `amount` out of what is free.
    pub fn take(&mut self, amount: Amount) -> Result<()> {
        self.balance = self
            .balance
            .minus(amount)
            .map_err(|_| WorktabError::InsufficientBalance)?;
        Ok(())
    }

    /// Adds what a penalty or a dispute brings.
    pub fn credit(&mut self, amount: Amount) -> core::result::Result<(), Overflow> {
        self.balance = self.balance.plus(amount)?;
        self.deposited = self.deposited.saturating_plus(amount);
        Ok(())
    }

    /// The nonce of a new lane.
    pub fn next_nonce(&mut self) -> Result<u32> {
        let nonce = self.nonce;
        self.nonce = nonce.checked_add(1).ok_or(WorktabError::NoncesExhausted)?;
        Ok(nonce)
    }
}

/// Adds a lane at the end of a tab; its rent is taken from `payer` unless the account holds more than its own.
pub fn push_lane(tab: &mut Account<Tab>, lane: Lane, payer: &AccountView) -> Result<()> {
    let size = tab.current_space().checked_add(LANE_SIZE).ok_or(Overflow)?;
    require!(size <= LANES_AT + MAX_LANES * LANE_SIZE, WorktabError::TooManyLanes);
    let mut view = *tab.view();
    // SAFETY: nobody holds a reference into the account's data; the new bytes are read only after this call.
    unsafe { view.resize_unchecked(size)? };
    tab.top_up(payer)?;
    // SAFETY: these are the only references to the lanes.
    let lanes = unsafe { lanes_mut(view) };
    if let Some(last) = lanes.last_mut() {
        *last = lane;
    }
    Ok(())
}

/// Takes the lane of this nonce out of a tab; its rent goes to `rent_payer`.
pub fn remove_lane(tab: &mut Account<Tab>, nonce: u32, mut rent_payer: AccountView) -> Result<Lane> {
    let mut view = *tab.view();
    // SAFETY: these are the only references to the lanes, and none is used after the account has shrunk.
    let lanes = unsafe { lanes_mut(view) };
    let place = position(lanes, nonce)?;
    let lane = lanes[place];
    lanes.copy_within(place.saturating_add(1).., place);
    let size = view.data_len().saturating_sub(LANE_SIZE);
    unsafe { view.resize_unchecked(size)? };
    let rent = Rent::get()?;
    let (with, without) = (
        rent.try_minimum_balance(size.saturating_add(LANE_SIZE))?,
        rent.try_minimum_balance(size)?,
    );
    // Lamports that were paid in ahead of further lanes stay.
    let freed = with
        .saturating_sub(without)
        .min(view.lamports().saturating_sub(without));
    let credited = rent_payer.lamports().checked_add(freed).ok_or(Overflow)?;
    // A wallet left with less than an account must hold would fail the transaction, and so hold the lane up: what it
    // would get stays here for further lanes, and is returned with the tab.
    if credited >= rent.try_minimum_balance(rent_payer.data_len())? {
        rent_payer.set_lamports(credited);
        let left = view.lamports().saturating_sub(freed);
        view.set_lamports(left);
    }
    Ok(lane)
}
