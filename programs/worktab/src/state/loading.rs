//! Typed account data without the checks that the runtime makes as well, for the hottest instructions.

use crate::errors::{ensure, refusal};
use anchor_lang::pinocchio::account::{RuntimeAccount, MAX_PERMITTED_DATA_INCREASE};
use anchor_lang::{prelude::*, Discriminator};
use bytemuck::{pod_read_unaligned, Pod};

/// The fixed part of an account that the caller changes.
///
/// Only discriminator and size are checked. That the account is this program's and writable is left to the runtime: it
/// fails an instruction that changed the data of any other, and a caller that changes nothing has moved nothing.
///
/// # Safety
///
/// Nothing else may hold a reference to the account's fixed part while this one lives.
#[inline(always)]
pub unsafe fn load_changed<'a, T: Pod + Discriminator>(mut view: AccountView) -> Result<&'a mut T> {
    let start = T::DISCRIMINATOR.len();
    if view.data_len() < start.wrapping_add(core::mem::size_of::<T>()) {
        return Err(malformed());
    }
    let data = view.data_mut_ptr();
    let found: u64 = pod_read_unaligned(core::slice::from_raw_parts(data, 8));
    if found != pod_read_unaligned(T::DISCRIMINATOR) {
        return Err(malformed());
    }
    Ok(&mut *data.add(start).cast())
}

/// Made away from the path of accounts that are well, as `refuse` is.
#[cold]
#[inline(never)]
fn malformed() -> Error {
    core::hint::black_box(ProgramError::InvalidAccountData)
}

/// Whether nothing is at the address of an account that was this program's.
#[inline(always)]
pub fn is_closed(account: &AccountView) -> bool {
    account.data_len() == 0 && account.owned_by(&System::id())
}

/// The accounts of an instruction after its declared ones, each once, straight from the runtime's buffer: what Anchor
/// collects for this costs a third of a lane's settlement.
pub struct Trailing {
    next: *mut u8,
    left: u64,
}

impl Trailing {
    /// What the runtime writes in place of the index of an earlier account that this one repeats.
    const NOT_REPEATED: u8 = u8::MAX;

    /// # Safety
    ///
    /// `first` and `last` must be the first and the last of the instruction's `declared` accounts, and `last` no
    /// repetition of an earlier one.
    #[inline(always)]
    pub unsafe fn after(first: &AccountView, last: &AccountView, declared: u64) -> Self {
        // The runtime's buffer begins with the number of accounts.
        let count = *first.account_ptr().cast::<u64>().sub(1);
        Self {
            next: Self::following(last.account_ptr().cast_mut()),
            left: count.wrapping_sub(declared),
        }
    }

    /// Where the account after this one begins: after its data, room to grow, padding to eight bytes and its rent epoch.
    #[inline(always)]
    unsafe fn following(account: *mut RuntimeAccount) -> *mut u8 {
        const FIXED: usize = core::mem::size_of::<RuntimeAccount>() + MAX_PERMITTED_DATA_INCREASE + 7;
        #[allow(clippy::cast_possible_truncation)] // the chain's words have 64 bits
        let size = (*account).data_len as usize;
        let end = account.cast::<u8>().add(size).add(FIXED);
        end.sub(end as usize & 7).add(8)
    }

    /// The next account, which must not repeat an earlier one.
    #[inline(always)]
    pub fn take(&mut self) -> Result<Option<AccountView>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left = self.left.wrapping_sub(1);
        // SAFETY: the runtime wrote as many accounts as it counted.
        unsafe {
            let account = self.next.cast::<RuntimeAccount>();
            ensure!((*account).borrow_state == Self::NOT_REPEATED, InvalidBatch);
            self.next = Self::following(account);
            Ok(Some(AccountView::new_unchecked(account)))
        }
    }

    /// Whether no account is left.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}
