//! One file per instruction: arguments, accounts, checks, effects.

pub mod consumers;
pub mod devices;
pub mod epochs;
pub mod invoices;
pub mod networks;
pub mod trust;
pub mod work;

pub use consumers::*;
pub use devices::*;
pub use epochs::*;
pub use invoices::*;
pub use networks::*;
pub use trust::*;
pub use work::*;

use crate::domain::Timestamp;
use crate::errors::{ensure, refusal};
use crate::wire::key::{Key, ED25519};
use crate::wire::message::MESSAGE_SIZE;
use crate::wire::proof::{signed_message, wallet_message};
use anchor_lang::pinocchio::sysvars::{clock::Clock, Sysvar};
use anchor_lang::{address, address_eq, prelude::*};

const INSTRUCTIONS_SYSVAR: Address = address!("Sysvar1nstructions1111111111111111111111111");

/// The chain's clock.
#[inline(always)]
pub(crate) fn now() -> Result<Timestamp> {
    Ok(Timestamp(Clock::get()?.unix_timestamp))
}

/// The 104 bytes that `key` signed: in the native instruction before this one, where `proof` is the instructions
/// sysvar; or `shown`, where `proof` is the key itself signing the transaction.
#[inline(always)]
pub(crate) fn proven_message<'a>(
    proof: &'a AccountView,
    key: &Key,
    shown: Option<&'a [u8; MESSAGE_SIZE]>,
) -> Result<&'a [u8; MESSAGE_SIZE]> {
    match shown {
        None => signed_message(sysvar(proof)?, key).ok_or_else(|| refusal!(InvalidProof)),
        Some(message) => {
            let signed = key.kind == ED25519 && proof.is_signer() && proof.address().as_ref() == key.native();
            ensure!(signed, InvalidProof);
            Ok(message)
        }
    }
}

/// As `proven_message`, for the key of a wallet.
#[inline(always)]
pub(crate) fn proven_by_wallet<'a>(
    proof: &'a AccountView,
    wallet: &Address,
    shown: Option<&'a [u8; MESSAGE_SIZE]>,
) -> Result<&'a [u8; MESSAGE_SIZE]> {
    match shown {
        None => wallet_message(sysvar(proof)?, wallet.as_array()).ok_or_else(|| refusal!(InvalidProof)),
        Some(message) => {
            ensure!(proof.is_signer() && address_eq(proof.address(), wallet), InvalidProof);
            Ok(message)
        }
    }
}

/// The data of the true instructions sysvar.
#[inline(always)]
fn sysvar(proof: &AccountView) -> Result<&[u8]> {
    ensure!(address_eq(proof.address(), &INSTRUCTIONS_SYSVAR), InvalidProof);
    // SAFETY: the sysvar is read-only and nothing borrows it mutably.
    Ok(unsafe { proof.borrow_unchecked() })
}
