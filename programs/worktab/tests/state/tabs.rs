//! Tabs: who signs, what is free, and the nonces of lanes.

use super::{key, refused};
use bytemuck::Zeroable;
use worktab::domain::Amount;
use worktab::errors::WorktabError;
use worktab::state::{delegate_status, Lane, Tab};

/// A tab of consumer 1 with delegates 11 and 14, the second revoked, in slots 1 and 4.
fn tab() -> Tab {
    let mut tab = Tab::zeroed();
    tab.consumer = key(1);
    tab.network = key(2);
    for (slot, status) in [(0u8, delegate_status::ACTIVE), (3, delegate_status::REVOKED)] {
        tab.delegates[usize::from(slot)].key = [11 + slot; 32];
        tab.delegates[usize::from(slot)].status = status;
    }
    tab
}

#[test]
fn a_signer_number_names_one_key() {
    let mut tab = tab();
    for (number, name) in [(0, 1), (1, 11), (2, 0), (3, 0), (4, 14)] {
        assert_eq!(tab.signer(number).unwrap(), &key(name));
    }
    for number in [5, 6, 255] {
        refused(tab.signer(number), WorktabError::Unauthorized);
        refused(tab.delegate_mut(number).map(|_| ()), WorktabError::Unauthorized);
    }
    assert!(tab.delegate_mut(0).unwrap().is_none());
    for (number, name) in [(1, 11), (4, 14)] {
        assert_eq!(tab.delegate_mut(number).unwrap().unwrap().key, [name; 32]);
    }
}

#[test]
fn a_key_has_one_signer_number() {
    let tab = tab();
    for (name, number) in [(1, 0), (11, 1), (14, 4)] {
        assert_eq!(tab.number_of(&key(name)).unwrap(), number);
    }
    // A free slot's key of zeros is nobody's.
    for name in [0, 2, 12] {
        refused(tab.number_of(&key(name)), WorktabError::Unauthorized);
    }
}

#[test]
fn a_tab_is_of_one_network() {
    tab().require_of(&key(2)).unwrap();
    refused(tab().require_of(&key(3)), WorktabError::WrongNetwork);
}

#[test]
fn only_what_is_free_is_taken() {
    let mut tab = tab();
    tab.balance = Amount(10);
    refused(tab.take(Amount(11)), WorktabError::InsufficientBalance);
    tab.take(Amount(4)).unwrap();
    assert_eq!(tab.balance, Amount(6));
    tab.take(Amount(6)).unwrap();
    assert_eq!(tab.balance, Amount(0));
    refused(tab.take(Amount(1)), WorktabError::InsufficientBalance);
}

#[test]
fn nonces_rise_until_they_are_used_up() {
    let mut tab = tab();
    tab.nonce = u32::MAX - 2;
    assert_eq!((tab.next_nonce().unwrap(), tab.nonce), (u32::MAX - 2, u32::MAX - 1));
    assert_eq!((tab.next_nonce().unwrap(), tab.nonce), (u32::MAX - 1, u32::MAX));
    refused(tab.next_nonce(), WorktabError::NoncesExhausted);
    assert_eq!(tab.nonce, u32::MAX);
}

#[test]
fn a_lane_is_named_by_index_and_nonce() {
    let lane = Lane {
        index: 0x0403_0201,
        nonce: 0x0807_0605,
        ..Lane::zeroed()
    };
    assert_eq!(lane.name(), &[1, 2, 3, 4, 5, 6, 7, 8]);
}
