use crate::domain::Overflow;
use crate::events::TabOpened;
use crate::state::{Network, Tab, LAYOUT_VERSION, TAB_SEED};
use anchor_lang::pinocchio::sysvars::{clock::Clock, Sysvar};
use anchor_lang::prelude::*;

/// Opens a consumer's tab. Its nonces start at the slot, so that no lane of an earlier tab of the same address shares
/// one with a lane of this tab.
#[derive(Accounts)]
pub struct OpenTab {
    /// Pays the rent of the tab, and gets it and that of every lane back; may be any other account here as well, since
    /// only lamports are taken from it.
    #[account(mut, unsafe(dup))]
    pub payer: Signer,
    pub consumer: Signer,
    pub network: Account<Network>,
    #[account(
        init,
        payer = payer,
        seeds = [TAB_SEED, network.address().as_ref(), consumer.address().as_ref()],
        bump
    )]
    pub tab: Account<Tab>,
    pub system_program: Program<System>,
}

pub fn open_tab(ctx: &mut Context<OpenTab>) -> Result<()> {
    let bump = ctx.bumps.tab;
    let accounts = &mut ctx.accounts;
    let address = *accounts.tab.address();
    let (network, tab) = (&accounts.network, &mut accounts.tab);
    tab.network = *network.address();
    tab.consumer = *accounts.consumer.address();
    tab.rent_payer = *accounts.payer.address();
    tab.domain = network.domain;
    tab.nonce = u32::try_from(Clock::get()?.slot).map_err(|_| Overflow)?;
    tab.bump = bump;
    tab.version = LAYOUT_VERSION;
    emit!(TabOpened {
        network: *network.address(),
        tab: address,
        consumer: *accounts.consumer.address(),
    });
    Ok(())
}
