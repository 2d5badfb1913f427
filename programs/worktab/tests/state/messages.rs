//! The signed message of 104 bytes, field by field.

use worktab::wire::message::{key_possession, Message, BATCH_VOUCHER, KEY_POSSESSION, MESSAGE_SIZE, RECEIPT};

/// A message of this kind with one byte changed.
fn message(kind: u8, at: usize, value: u8) -> [u8; MESSAGE_SIZE] {
    let mut bytes = [0; MESSAGE_SIZE];
    bytes[..8].copy_from_slice(&[b'W', b'T', b'B', b'1', kind, 0, 0, 0]);
    bytes[at] = value;
    bytes
}

#[test]
fn a_bare_message_says_nothing_but_kind_context_and_time() {
    for at in 8..MESSAGE_SIZE {
        let bytes = message(BATCH_VOUCHER, at, 1);
        let bare = (8..40).contains(&at) || (64..72).contains(&at);
        assert_eq!(Message::parse(&bytes, BATCH_VOUCHER).unwrap().is_bare(), bare, "{at}");
    }
}

#[test]
fn numbers_that_cancel_out_are_not_bare() {
    for places in [[40, 48], [40, 56], [48, 56]] {
        let mut bytes = message(BATCH_VOUCHER, 4, BATCH_VOUCHER);
        for at in places {
            bytes[at] = 5;
        }
        assert!(!Message::parse(&bytes, BATCH_VOUCHER).unwrap().is_bare(), "{places:?}");
    }
}

#[test]
fn a_message_is_of_one_kind_and_its_head_is_exact() {
    let bytes = message(RECEIPT, 4, RECEIPT);
    assert!(Message::parse(&bytes, RECEIPT).is_some());
    assert!(Message::parse(&bytes, BATCH_VOUCHER).is_none());
    for at in 0..8 {
        let mut wrong = bytes;
        wrong[at] ^= 0x10;
        assert!(Message::parse(&wrong, RECEIPT).is_none(), "{at}");
    }
}

#[test]
fn a_time_beyond_the_signed_range_is_none() {
    let mut bytes = message(RECEIPT, 71, 0x7f);
    assert_eq!(Message::parse(&bytes, RECEIPT).unwrap().time(), Some(0x7f << 56));
    bytes[71] = 0x80;
    assert_eq!(Message::parse(&bytes, RECEIPT).unwrap().time(), None);
}

#[test]
fn possession_is_shown_by_a_context_and_zeros() {
    let mut expected = message(KEY_POSSESSION, 4, KEY_POSSESSION);
    expected[8..40].fill(7);
    assert_eq!(key_possession(&[7; 32]), expected);
}
