//! Mints: only those whose tokens can't be taken, frozen by default, taxed or moved by somebody else's rules.

use super::{extensions, is_token_program};
use crate::errors::WorktabError;
use anchor_lang::prelude::*;
use anchor_lang::Id;

const MINT_SIZE: usize = 82;
const KIND_AT: usize = 165;
const KIND_MINT: u8 = 1;

/// Extensions that only describe a mint. Every other one, known or not, is refused: a transfer hook, a transfer fee, a
/// permanent delegate, non-transferable, confidential, pausable or default-frozen tokens, and a close authority, which
/// would let an empty mint come back with other rules.
const HARMLESS: [u16; 8] = [
    10, // interest-bearing (a way to display amounts)
    18, // metadata pointer
    19, // metadata
    20, // group pointer
    21, // group
    22, // group member pointer
    23, // group member
    25, // scaled amount (a way to display amounts)
];

/// Refuses a mint this program can't hold safely; returns its decimals.
pub fn require_safe_mint(mint: &AccountView) -> Result<u8> {
    // SAFETY: nothing else borrows the mint while this reference lives.
    let data = unsafe { mint.borrow_unchecked() };
    let owner = *mint.owner();
    require!(
        is_token_program(&owner) && safe_mint_data(data, owner == Token2022::id()),
        WorktabError::UnsafeMint
    );
    Ok(data[44])
}

fn safe_mint_data(data: &[u8], extended: bool) -> bool {
    let initialized = data.len() >= MINT_SIZE && data[45] == 1;
    let plain = data.len() == MINT_SIZE;
    let harmless = extended
        && data.get(KIND_AT) == Some(&KIND_MINT)
        && extensions(data).all(|item| item.is_ok_and(|(kind, _)| HARMLESS.contains(&kind)));
    initialized && (plain || harmless)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mint(kinds: &[u16]) -> Vec<u8> {
        let mut data = vec![0; 166];
        data[45] = 1;
        data[165] = 1;
        for kind in kinds {
            data.extend(kind.to_le_bytes());
            data.extend(4u16.to_le_bytes());
            data.extend([9; 4]);
        }
        data
    }

    #[test]
    fn plain_mints_pass_and_uninitialized_ones_do_not() {
        let mut data = vec![0; 82];
        assert!(!safe_mint_data(&data, false));
        data[45] = 1;
        assert!(safe_mint_data(&data, false) && safe_mint_data(&data, true));
        assert!(!safe_mint_data(&data[..81], false));
    }

    #[test]
    fn each_extension_is_judged_by_the_list() {
        for kind in 1..=64 {
            assert_eq!(safe_mint_data(&mint(&[kind]), true), HARMLESS.contains(&kind), "{kind}");
            assert_eq!(
                safe_mint_data(&mint(&[18, kind]), true),
                HARMLESS.contains(&kind),
                "18, {kind}"
            );
        }
        assert!(
            !safe_mint_data(&mint(&[18]), false),
            "a plain token program's mint has no extensions"
        );
    }

    #[test]
    fn malformed_extensions_are_refused() {
        let mut cut = mint(&[18]);
        cut.pop();
        assert!(!safe_mint_data(&cut, true));
        let mut account = mint(&[]);
        account[165] = 2;
        assert!(!safe_mint_data(&account, true));
    }
}
