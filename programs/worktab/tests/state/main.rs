//! The rules of each account, at their edges: what is refused, and every field that changes.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

mod classes;
mod delegates;
mod devices;
mod invoices;
mod messages;
mod networks;
mod runtime;
mod standing;
mod tabs;
mod tokens;

use anchor_lang::prelude::{Address, Error};
use worktab::errors::WorktabError;

fn key(number: u8) -> Address {
    Address::new_from_array([number; 32])
}

fn refused<T>(result: Result<T, Error>, error: WorktabError) {
    assert_eq!(result.err(), Some(Error::from(error)));
}

#[test]
fn published_numbers_are_frozen() {
    use worktab::state::{basis, delegate_status, pause, reward_path, status, ChangeKind};
    use worktab::state::{CONSUMER, LAYOUT_VERSION, MAX_ATTESTORS, MAX_CLASSES, MAX_DELEGATES, MAX_LANES};
    use worktab::wire::{key, message};

    assert_eq!((key::ED25519, key::P256), (1, 2));
    assert_eq!(
        [
            message::RECEIPT,
            message::VOUCHER,
            message::KEY_POSSESSION,
            message::BATCH_VOUCHER
        ],
        [1, 2, 3, 4]
    );
    assert_eq!(
        [
            pause::REGISTER,
            pause::SUBMIT,
            pause::RESERVE,
            pause::COMMIT,
            pause::FINALIZE
        ],
        [1, 2, 4, 8, 16]
    );
    assert_eq!(pause::ALL, 31);
    assert_eq!((reward_path::RECEIPTS, reward_path::ROOTS), (1, 2));
    assert_eq!((basis::ALL_UNITS, basis::SOLD_UNITS), (1, 2));
    assert_eq!([status::ACTIVE, status::SUSPENDED, status::RETIRED], [1, 2, 3]);
    assert_eq!(
        [delegate_status::NONE, delegate_status::ACTIVE, delegate_status::REVOKED],
        [0, 1, 2]
    );
    assert_eq!(
        [
            ChangeKind::NONE,
            ChangeKind::CLASS,
            ChangeKind::FEES,
            ChangeKind::DELAYS,
            ChangeKind::ADMISSION,
            ChangeKind::GUARDIAN,
            ChangeKind::AUTHORITY,
            ChangeKind::REWARD_PATH,
            ChangeKind::ADD_ATTESTOR,
            ChangeKind::REMOVE_ATTESTOR,
            ChangeKind::THRESHOLD,
        ],
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    );
    assert_eq!((CONSUMER, LAYOUT_VERSION), (0, 1));
    assert_eq!(
        (MAX_CLASSES, MAX_ATTESTORS, MAX_DELEGATES, MAX_LANES),
        (8, 16, 4, 1_024)
    );
}
