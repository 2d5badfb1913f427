//! Typed account data without the borrow that `Account` keeps, for hot instructions.

use anchor_lang::{prelude::*, Discriminator, Owner};
use bytemuck::{pod_read_unaligned, Pod};

/// The fixed part of an account of this program: owner, discriminator, size and that it is writable are checked.
///
/// # Safety
///
/// Nothing else may hold a reference to the account's fixed part while this one lives.
#[inline(always)]
pub unsafe fn load_mut<'a, T: Pod + Owner + Discriminator>(mut view: AccountView) -> Result<&'a mut T> {
    if !view.is_writable() {
        return Err(ErrorCode::ConstraintMut.into());
    }
    if !view.owned_by(&T::OWNER) {
        return Err(ProgramError::IllegalOwner.into());
    }
    let start = T::DISCRIMINATOR.len();
    let data = view.borrow_unchecked();
    if data.len() < start.saturating_add(core::mem::size_of::<T>()) {
        return Err(ProgramError::AccountDataTooSmall.into());
    }
    let (found, wanted): (u64, u64) = (pod_read_unaligned(&data[..start]), pod_read_unaligned(T::DISCRIMINATOR));
    if found != wanted {
        return Err(ProgramError::InvalidAccountData.into());
    }
    Ok(&mut *view.data_mut_ptr().add(start).cast())
}
