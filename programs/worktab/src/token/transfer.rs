//! Tokens in, tokens out, and the vault.

use super::{TokenAccount, ASSOCIATED_TOKEN_PROGRAM};
use crate::errors::{ensure, refusal};
use crate::state::{Network, NETWORK_SEED};
use anchor_lang::pinocchio::cpi::{invoke_signed_unchecked, CpiAccount, Seed, Signer};
use anchor_lang::pinocchio::instruction::{InstructionAccount, InstructionView};
use anchor_lang::prelude::*;

const TRANSFER_CHECKED: u8 = 12;
const BURN_CHECKED: u8 = 15;
const CREATE_IDEMPOTENT: u8 = 1;

/// The vault's balance in base units.
#[inline(always)]
pub fn balance(vault: &AccountView) -> Result<u64> {
    // SAFETY: nothing else borrows the vault while this reference lives.
    let data = unsafe { vault.borrow_unchecked() };
    TokenAccount::read(data)
        .map(|account| account.amount())
        .ok_or_else(|| refusal!(VaultMismatch))
}

/// Pays `amount` base units from the vault; that the vault fell by anything else is an error.
#[inline(never)]
pub fn pay_out(
    network: &Account<Network>,
    vault: &AccountView,
    mint: &AccountView,
    to: &AccountView,
    amount: u64,
) -> Result<()> {
    let before = balance(vault)?;
    with_seeds(network, |signers| {
        transfer_checked(
            &network.token_program,
            [vault, mint, to, network.view()],
            amount,
            network.decimals,
            signers,
        );
    });
    let moved = before.checked_sub(balance(vault)?);
    ensure!(moved == Some(amount), VaultMismatch);
    Ok(())
}

/// Destroys `amount` base units of the vault; that the vault fell by anything else is an error.
#[inline(never)]
pub fn burn_from(network: &Account<Network>, vault: &AccountView, mint: &AccountView, amount: u64) -> Result<()> {
    require!(mint.is_writable(), ErrorCode::ConstraintMut);
    let before = balance(vault)?;
    let instruction = InstructionView {
        program_id: &network.token_program,
        accounts: &[
            InstructionAccount::writable(vault.address()),
            InstructionAccount::writable(mint.address()),
            InstructionAccount::readonly_signer(network.address()),
        ],
        data: &checked(BURN_CHECKED, amount, network.decimals),
    };
    let accounts = [vault, mint, network.view()].map(CpiAccount::from);
    // SAFETY: as for the transfer below.
    with_seeds(network, |signers| unsafe {
        invoke_signed_unchecked(&instruction, &accounts, signers);
    });
    let moved = before.checked_sub(balance(vault)?);
    ensure!(moved == Some(amount), VaultMismatch);
    Ok(())
}

/// Calls `act` with what makes the network sign.
#[inline(always)]
fn with_seeds(network: &Network, act: impl FnOnce(&[Signer])) {
    let seeds = [
        Seed::from(NETWORK_SEED),
        Seed::from(network.creator.as_ref()),
        Seed::from(bytemuck::bytes_of(&network.id)),
        Seed::from(bytemuck::bytes_of(&network.bump)),
    ];
    act(&[Signer::from(&seeds)]);
}

/// The data of a token instruction that names amount and decimals.
#[inline(always)]
fn checked(instruction: u8, amount: u64, decimals: u8) -> [u8; 10] {
    let mut data = [instruction; 10];
    data[1..9].copy_from_slice(&amount.to_le_bytes());
    data[9] = decimals;
    data
}

/// Moves `amount` base units from a signer's account into the vault; that anything else arrived is an error.
pub fn take_in(
    network: &Account<Network>,
    from: &AccountView,
    mint: &AccountView,
    vault: &AccountView,
    signer: &AccountView,
    amount: u64,
) -> Result<()> {
    let before = balance(vault)?;
    transfer_checked(
        &network.token_program,
        [from, mint, vault, signer],
        amount,
        network.decimals,
        &[],
    );
    let arrived = balance(vault)?.checked_sub(before);
    ensure!(arrived == Some(amount), VaultMismatch);
    Ok(())
}

/// TransferChecked of either token program, with accounts from, mint, to and authority. A transfer that fails ends the
/// transaction.
#[inline(always)]
fn transfer_checked(
    token_program: &Address,
    [from, mint, to, authority]: [&AccountView; 4],
    amount: u64,
    decimals: u8,
    signers: &[Signer],
) {
    let data = checked(TRANSFER_CHECKED, amount, decimals);
    let instruction = InstructionView {
        program_id: token_program,
        accounts: &[
            InstructionAccount::writable(from.address()),
            InstructionAccount::readonly(mint.address()),
            InstructionAccount::writable(to.address()),
            InstructionAccount::readonly_signer(authority.address()),
        ],
        data: &data,
    };
    let accounts = [
        CpiAccount::from(from),
        CpiAccount::from(mint),
        CpiAccount::from(to),
        CpiAccount::from(authority),
    ];
    // SAFETY: the unchecked call skips only the borrow flags. `from`, `mint` and `to` are loaded unchecked and not
    // borrowed here; `authority` may be the network, which Anchor holds borrowed, but a token program can't write an
    // account it does not own.
    unsafe { invoke_signed_unchecked(&instruction, &accounts, signers) };
}

/// Creates the network's associated token account, unless somebody already did; the associated token program checks
/// its address.
pub fn create_vault(
    payer: &AccountView,
    vault: &AccountView,
    network: &AccountView,
    mint: &AccountView,
    system_program: &AccountView,
    token_program: &AccountView,
) -> Result<()> {
    let instruction = InstructionView {
        program_id: &ASSOCIATED_TOKEN_PROGRAM,
        accounts: &[
            InstructionAccount::writable_signer(payer.address()),
            InstructionAccount::writable(vault.address()),
            InstructionAccount::readonly(network.address()),
            InstructionAccount::readonly(mint.address()),
            InstructionAccount::readonly(system_program.address()),
            InstructionAccount::readonly(token_program.address()),
        ],
        data: &[CREATE_IDEMPOTENT],
    };
    let accounts = [payer, vault, network, mint, system_program, token_program].map(CpiAccount::from);
    // SAFETY: as above; none of these is borrowed by this program but the network, which the call only reads.
    unsafe { invoke_signed_unchecked(&instruction, &accounts, &[]) };
    Ok(())
}
