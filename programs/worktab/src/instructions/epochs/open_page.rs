// The derived code binds the arguments of `#[instruction(..)]` also where it does not use them.
#![allow(unused_variables)]

use crate::errors::WorktabError;
use crate::events::PageOpened;
use crate::state::{Network, Page, LAYOUT_VERSION, PAGE_SEED, PAYEES_A_PAGE};
use anchor_lang::prelude::*;

/// Opens the page of 1,024 payees, of whom the newest final root has at least one. Anyone may; it never closes.
#[derive(Accounts)]
#[instruction(number: u32)]
pub struct OpenPage {
    #[account(mut)]
    pub payer: Signer,
    pub network: Account<Network>,
    #[account(
        init,
        payer = payer,
        seeds = [PAGE_SEED, network.address().as_ref(), &number.to_le_bytes()],
        bump
    )]
    pub page: Account<Page>,
    pub system_program: Program<System>,
}

pub fn open_page(ctx: &mut Context<OpenPage>, number: u32) -> Result<()> {
    let bump = ctx.bumps.page;
    let accounts = &mut ctx.accounts;
    let network = &accounts.network;
    let first = number.checked_mul(PAYEES_A_PAGE);
    require!(
        first.is_some_and(|first| first < network.root_count),
        WorktabError::WrongPage
    );
    let page = &mut accounts.page;
    page.network = *network.address();
    page.rent_payer = *accounts.payer.address();
    page.number = number;
    page.bump = bump;
    page.version = LAYOUT_VERSION;
    emit!(PageOpened {
        network: page.network,
        number,
    });
    Ok(())
}
