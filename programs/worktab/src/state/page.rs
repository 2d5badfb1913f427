//! A page of payees: what each has claimed of its lifetime reward.

use crate::domain::Amount;
use anchor_lang::prelude::*;

pub const PAGE_SEED: &[u8] = b"page";
/// Payees of one page.
pub const PAYEES_A_PAGE: u32 = 1_024;

/// Watermarks of 1,024 payees; never closed. Address: `page`, network, u32 number.
#[account]
pub struct Page {
    pub network: Address,
    pub rent_payer: Address,
    /// The page holds the positions from `1024 x number` on.
    pub number: u32,
    pub bump: u8,
    pub version: u8,
    /// Zero.
    pub reserved: [u8; 2],
    /// Paid so far of each payee's lifetime reward.
    pub claimed: [Amount; 1024],
}

const _: () = assert!(PAYEES_A_PAGE == 1024);
