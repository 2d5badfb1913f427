//! Everything this program knows about SPL Token and Token-2022: which mints it holds, which accounts it pays, and the
//! transfers and burns it makes.

mod account;
mod mint;
mod transfer;

pub use account::{is_associated_account, is_payable, TokenAccount};
pub use mint::require_safe_mint;
pub use transfer::{balance, burn_from, create_vault, pay_out, take_in};

use anchor_lang::prelude::*;
use anchor_lang::{address, Id};

/// Wrapped SOL, in either token program.
pub const NATIVE_MINTS: [Address; 2] = [
    address!("So11111111111111111111111111111111111111112"),
    address!("9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXejP"),
];
pub const ASSOCIATED_TOKEN_PROGRAM: Address = address!("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

/// Whether an address is one of the two token programs.
pub fn is_token_program(address: &Address) -> bool {
    *address == Token::id() || *address == Token2022::id()
}

/// Token-2022's extensions of an account whose data is longer than the plain one: `(type, value)` pairs.
///
/// Both mints and accounts keep their kind at byte 165 and the extensions from byte 166, as u16 type, u16 length,
/// value. Malformed data ends the walk with an error item.
fn extensions(data: &[u8]) -> impl Iterator<Item = core::result::Result<(u16, &[u8]), ()>> {
    const START: usize = 166;
    let mut rest = data.get(START..).unwrap_or(&[]);
    core::iter::from_fn(move || {
        if rest.len() < 4 {
            return None;
        }
        let kind = u16::from_le_bytes([rest[0], rest[1]]);
        let size = usize::from(u16::from_le_bytes([rest[2], rest[3]]));
        if kind == 0 {
            return None;
        }
        match rest.get(4..).and_then(|after| after.split_at_checked(size)) {
            Some((value, after)) => {
                rest = after;
                Some(Ok((kind, value)))
            }
            None => {
                rest = &[];
                Some(Err(()))
            }
        }
    })
}
