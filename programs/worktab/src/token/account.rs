//! Token accounts, read by hand in this one place: the accounts of hot instructions are loaded unchecked, because
//! loading them as typed accounts costs more than the transfer.

use super::{extensions, ASSOCIATED_TOKEN_PROGRAM};
use crate::wire::hash::sha256;
use anchor_lang::{address_eq, prelude::*};

/// What follows the bump in the hash of an associated token account's address.
const DERIVED_BY_ASSOCIATED_TOKEN: [u8; 53] = {
    let (program, marker) = (ASSOCIATED_TOKEN_PROGRAM.to_bytes(), b"ProgramDerivedAddress");
    let mut bytes = [0; 53];
    bytes.split_at_mut(32).0.copy_from_slice(&program);
    bytes.split_at_mut(32).1.copy_from_slice(marker);
    bytes
};

const ACCOUNT_SIZE: usize = 165;
const KIND_AT: usize = 165;
const KIND_ACCOUNT: u8 = 2;
const STATE_AT: usize = 108;
const STATE_INITIALIZED: u8 = 1;
/// Extension: incoming transfers must carry a memo.
const MEMO_TRANSFER: u16 = 8;

/// A token account's fields, if `data` has the size of one.
#[derive(Clone, Copy)]
pub struct TokenAccount<'a>(&'a [u8]);

impl<'a> TokenAccount<'a> {
    #[inline(always)]
    pub fn read(data: &'a [u8]) -> Option<Self> {
        let sized = data.len() == ACCOUNT_SIZE || data.get(KIND_AT) == Some(&KIND_ACCOUNT);
        sized.then_some(Self(data))
    }

    #[inline(always)]
    pub fn mint(&self) -> &'a Address {
        bytemuck_address(&self.0[..32])
    }

    #[inline(always)]
    pub fn owner(&self) -> &'a Address {
        bytemuck_address(&self.0[32..64])
    }

    #[inline(always)]
    pub fn amount(&self) -> u64 {
        let mut amount = [0; 8];
        amount.copy_from_slice(&self.0[64..72]);
        u64::from_le_bytes(amount)
    }

    /// Initialized and not frozen.
    #[inline(always)]
    fn is_open(&self) -> bool {
        self.0[STATE_AT] == STATE_INITIALIZED
    }

    #[inline(always)]
    fn requires_memo(&self) -> bool {
        self.0.len() > ACCOUNT_SIZE
            && extensions(self.0).any(|item| match item {
                Ok((kind, value)) => kind == MEMO_TRANSFER && value.first() != Some(&0),
                Err(()) => true,
            })
    }
}

#[inline(always)]
fn bytemuck_address(bytes: &[u8]) -> &Address {
    bytemuck::from_bytes(bytes)
}

/// Whether a plain transfer of `mint` to `account`, for the wallet `owner`, would succeed.
#[inline(never)]
pub fn is_payable(account: &AccountView, token_program: &Address, mint: &Address, owner: &Address) -> bool {
    if !account.owned_by(token_program) {
        return false;
    }
    // SAFETY: nothing else borrows the account while this reference lives.
    let data = unsafe { account.borrow_unchecked() };
    TokenAccount::read(data).is_some_and(|token| {
        token.is_open() && address_eq(token.mint(), mint) && address_eq(token.owner(), owner) && !token.requires_memo()
    })
}

/// Whether `address` is the associated token account of `wallet`, given the bump of its derivation.
///
/// One hash instead of a search: an account can only exist at a derived address whose bump is the canonical one,
/// because nothing but the associated token program can create it there.
#[inline(always)]
pub fn is_associated_account(
    address: &Address,
    wallet: &Address,
    token_program: &Address,
    mint: &Address,
    bump: u8,
) -> bool {
    let derived = sha256(&[
        wallet.as_ref(),
        token_program.as_ref(),
        mint.as_ref(),
        &[bump],
        &DERIVED_BY_ASSOCIATED_TOKEN,
    ]);
    address_eq(address, &Address::new_from_array(derived))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(state: u8, extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let mut data = vec![0; 165];
        data[..32].fill(1);
        data[32..64].fill(2);
        data[64..72].copy_from_slice(&7u64.to_le_bytes());
        data[STATE_AT] = state;
        if !extensions.is_empty() {
            data.push(KIND_ACCOUNT);
            for (kind, value) in extensions {
                data.extend(kind.to_le_bytes());
                data.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
                data.extend(*value);
            }
        }
        data
    }

    #[test]
    fn fields_are_read_from_their_places() {
        let data = account(1, &[]);
        let token = TokenAccount::read(&data).unwrap();
        assert_eq!(token.mint(), &Address::new_from_array([1; 32]));
        assert_eq!(token.owner(), &Address::new_from_array([2; 32]));
        assert_eq!(token.amount(), 7);
        assert!(token.is_open());
        assert!(!TokenAccount::read(&account(2, &[])).unwrap().is_open());
        assert!(!TokenAccount::read(&account(0, &[])).unwrap().is_open());
    }

    #[test]
    fn other_sizes_and_kinds_are_no_token_accounts() {
        assert!(TokenAccount::read(&account(1, &[])[..164]).is_none());
        let mut mint = account(1, &[(7, &[])]);
        mint[KIND_AT] = 1;
        assert!(TokenAccount::read(&mint).is_none());
    }

    #[test]
    fn a_required_memo_is_seen_wherever_it_stands() {
        let memo = |extensions: &[(u16, &[u8])]| TokenAccount::read(&account(1, extensions)).unwrap().requires_memo();
        assert!(memo(&[(8, &[1])]));
        assert!(!memo(&[(8, &[0])]));
        assert!(memo(&[(7, &[]), (8, &[1])]));
        assert!(!memo(&[(7, &[])]));
    }

    #[test]
    fn malformed_extensions_count_as_unusable() {
        let mut data = account(1, &[(7, &[1, 2, 3])]);
        data.pop();
        assert!(TokenAccount::read(&data).unwrap().requires_memo());
    }
}
