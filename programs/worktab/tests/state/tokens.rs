//! Token accounts and mints, as the two token programs keep them.

use super::runtime::{Buffer, Given};
use super::{key, refused};
use anchor_lang::prelude::{Address, Token, Token2022};
use anchor_lang::Id;
use sha2::{Digest, Sha256};
use worktab::errors::WorktabError;
use worktab::token::{balance, is_associated_account, is_payable, is_token_program, require_safe_mint};
use worktab::token::{ASSOCIATED_TOKEN_PROGRAM, NATIVE_MINTS};

const MINT: u8 = 5;
const OWNER: u8 = 6;

/// A token account of 7 base units with extensions of these kinds and first bytes.
fn account(extensions: &[(u16, u8)]) -> Vec<u8> {
    let mut data = vec![0; 165];
    data[..32].fill(MINT);
    data[32..64].fill(OWNER);
    data[64] = 7;
    data[108] = 1;
    extend(data, 2, extensions)
}

fn mint(extensions: &[(u16, u8)]) -> Vec<u8> {
    let mut data = vec![0; 82];
    data[44] = 9;
    data[45] = 1;
    if !extensions.is_empty() {
        data.resize(165, 0);
    }
    extend(data, 1, extensions)
}

fn extend(mut data: Vec<u8>, kind: u8, extensions: &[(u16, u8)]) -> Vec<u8> {
    if !extensions.is_empty() {
        data.push(kind);
    }
    for (kind, first) in extensions {
        data.extend(kind.to_le_bytes());
        data.extend([2, 0, *first, 0]);
    }
    data
}

fn payable(data: Vec<u8>, program: Address, mint: u8, owner: u8) -> bool {
    let mut buffer = Buffer::new(&[Given::new(1, Token::id(), data)]);
    is_payable(&buffer.view(0), &program, &key(mint), &key(owner))
}

#[test]
fn the_two_token_programs_are_known() {
    for (address, known) in [
        (Token::id(), true),
        (Token2022::id(), true),
        (ASSOCIATED_TOKEN_PROGRAM, false),
        (key(0), false),
    ] {
        assert_eq!(is_token_program(&address), known);
    }
    assert_eq!(
        NATIVE_MINTS.map(|mint| mint.to_string()),
        [
            "So11111111111111111111111111111111111111112",
            "9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXejP"
        ]
    );
}

#[test]
fn an_open_account_of_the_owner_is_payable() {
    assert!(payable(account(&[]), Token::id(), MINT, OWNER));
    assert!(payable(account(&[(7, 1)]), Token::id(), MINT, OWNER));
    assert!(payable(account(&[(8, 0)]), Token::id(), MINT, OWNER));
}

#[test]
fn any_other_account_is_not_payable() {
    assert!(
        !payable(account(&[]), Token2022::id(), MINT, OWNER),
        "another program's"
    );
    assert!(!payable(account(&[]), Token::id(), 9, OWNER), "of another mint");
    assert!(!payable(account(&[]), Token::id(), MINT, 9), "of another owner");
    assert!(
        !payable(account(&[(8, 1)]), Token::id(), MINT, OWNER),
        "a memo is required"
    );
    assert!(
        !payable(account(&[(7, 1), (8, 1)]), Token::id(), MINT, OWNER),
        "a memo, later"
    );
    for state in [0, 2] {
        let mut data = account(&[]);
        data[108] = state;
        assert!(!payable(data, Token::id(), MINT, OWNER), "uninitialized or frozen");
    }
    assert!(!payable(account(&[])[..164].to_vec(), Token::id(), MINT, OWNER));
    let mut multisig = account(&[(7, 1)]);
    multisig[165] = 0;
    assert!(!payable(multisig, Token::id(), MINT, OWNER));
}

#[test]
fn an_extension_that_is_cut_off_makes_an_account_unusable() {
    let whole = account(&[(7, 1)]);
    // Less than the four bytes of a kind and a size are no extension.
    for (left, usable) in [(0, true), (3, true), (4, false), (5, false), (6, true)] {
        assert_eq!(
            payable(whole[..166 + left].to_vec(), Token::id(), MINT, OWNER),
            usable,
            "{left}"
        );
    }
    let mut ended = account(&[(0, 0), (8, 1)]);
    ended[168] = 0;
    assert!(payable(ended, Token::id(), MINT, OWNER), "kind 0 ends the list");
}

#[test]
fn a_balance_is_read_from_a_token_account_alone() {
    let mut buffer = Buffer::new(&[
        Given::new(1, Token::id(), account(&[])),
        Given::new(2, Token::id(), mint(&[])),
    ]);
    assert_eq!(balance(&buffer.view(0)).unwrap(), 7);
    refused(balance(&buffer.view(1)), WorktabError::VaultMismatch);
}

#[test]
fn an_associated_account_is_known_by_its_hash() {
    let (wallet, program, mint) = (key(1), Token::id(), key(3));
    let hash: [u8; 32] = Sha256::new()
        .chain_update(wallet)
        .chain_update(program)
        .chain_update(mint)
        .chain_update([200])
        .chain_update(ASSOCIATED_TOKEN_PROGRAM)
        .chain_update(b"ProgramDerivedAddress")
        .finalize()
        .into();
    let derived = Address::new_from_array(hash);
    assert!(is_associated_account(&derived, &wallet, &program, &mint, 200));
    assert!(!is_associated_account(&derived, &wallet, &program, &mint, 201));
    assert!(!is_associated_account(&derived, &key(2), &program, &mint, 200));
    assert!(!is_associated_account(&derived, &wallet, &Token2022::id(), &mint, 200));
    assert!(!is_associated_account(&derived, &wallet, &program, &key(4), 200));
    assert!(!is_associated_account(&key(9), &wallet, &program, &mint, 200));
}

#[test]
fn a_safe_mint_tells_its_decimals() {
    let decimals = |owner: Address, data: Vec<u8>| {
        let mut buffer = Buffer::new(&[Given::new(1, owner, data)]);
        require_safe_mint(&buffer.view(0))
    };
    assert_eq!(decimals(Token::id(), mint(&[])).unwrap(), 9);
    assert_eq!(decimals(Token2022::id(), mint(&[])).unwrap(), 9);
    assert_eq!(decimals(Token2022::id(), mint(&[(18, 1), (19, 1)])).unwrap(), 9);
    for (owner, data) in [
        (key(1), mint(&[])),
        (Token::id(), mint(&[(18, 1)])),
        (Token2022::id(), mint(&[(18, 1), (14, 1)])),
        (Token2022::id(), mint(&[])[..81].to_vec()),
        (Token2022::id(), mint(&[])[..45].to_vec()),
        (Token2022::id(), Vec::new()),
        (Token2022::id(), account(&[])),
    ] {
        refused(decimals(owner, data), WorktabError::UnsafeMint);
    }
    let mut uninitialized = mint(&[]);
    uninitialized[45] = 0;
    refused(decimals(Token::id(), uninitialized), WorktabError::UnsafeMint);
}
