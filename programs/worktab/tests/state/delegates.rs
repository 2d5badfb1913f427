//! Delegates: each limit to the base unit and to the second.

use super::{key, refused};
use bytemuck::Zeroable;
use worktab::domain::{Amount, EpochIndex, Overflow, Seconds, Timestamp};
use worktab::errors::WorktabError;
use worktab::state::{delegate_status, Delegate, DelegateTerms};

const SET_AT: i64 = 1_000;

fn terms() -> DelegateTerms {
    DelegateTerms {
        key: key(7),
        allowance: 100,
        period_limit: 30,
        period_length: 60,
        lane_limit: 50,
        expires_at: 2_000,
        classes: 0b1000_0001,
    }
}

fn delegate() -> Delegate {
    Delegate::new(&terms(), 2, Timestamp(SET_AT))
}

/// Allowance, period and what was spent in it.
fn spent(delegate: &Delegate) -> (u64, u64, u64) {
    (delegate.allowance.0, delegate.period.0, delegate.period_spent.0)
}

#[test]
fn terms_are_taken_over() {
    let delegate = delegate();
    assert_eq!((delegate.key, delegate.allowance), ([7; 32], Amount(100)));
    assert_eq!(
        (delegate.period_limit, delegate.period_length),
        (Amount(30), Seconds(60))
    );
    assert_eq!((delegate.period_spent, delegate.period), (Amount(0), EpochIndex(0)));
    assert_eq!((delegate.lane_limit, delegate.classes), (Amount(50), 0b1000_0001));
    assert_eq!(
        (delegate.set_at, delegate.expires_at),
        (Timestamp(SET_AT), Timestamp(2_000))
    );
    assert_eq!((delegate.lanes, delegate.status), (2, delegate_status::ACTIVE));
}

#[test]
fn a_period_ends_to_the_second_and_never_opens_anew() {
    let mut delegate = delegate();
    let mut charge = |amount, now| {
        delegate
            .charge(Amount(amount), 0, Timestamp(now))
            .map(|()| spent(&delegate))
    };
    assert_eq!(charge(30, 1_000), Ok((70, 0, 30)));
    refused(charge(1, 1_059), WorktabError::PeriodLimitExceeded);
    assert_eq!(charge(0, 1_059), Ok((70, 0, 30)));
    assert_eq!(charge(10, 1_060), Ok((60, 1, 10)));
    refused(charge(21, 1_119), WorktabError::PeriodLimitExceeded);
    // A clock that steps back stays in the period reached.
    refused(charge(21, 1_000), WorktabError::PeriodLimitExceeded);
    assert_eq!(charge(20, 1_000), Ok((40, 1, 30)));
    assert_eq!(charge(30, 1_999), Ok((10, 16, 30)));
    refused(charge(31, 1_240), WorktabError::PeriodLimitExceeded);
}

#[test]
fn the_allowance_is_spent_to_the_last_base_unit() {
    let mut delegate = delegate();
    delegate.period_length = Seconds(0);
    delegate.period_limit = Amount(0);
    refused(
        delegate.charge(Amount(101), 0, Timestamp(SET_AT)),
        WorktabError::AllowanceExceeded,
    );
    assert_eq!(spent(&delegate), (100, 0, 0));
    delegate.charge(Amount(100), 0, Timestamp(SET_AT)).unwrap();
    assert_eq!(spent(&delegate), (0, 0, 0));
    refused(
        delegate.charge(Amount(1), 0, Timestamp(SET_AT)),
        WorktabError::AllowanceExceeded,
    );
}

#[test]
fn it_expires_at_its_second() {
    let at = |now, expires_at| {
        let mut delegate = delegate();
        delegate.expires_at = Timestamp(expires_at);
        delegate.charge(Amount(1), 0, Timestamp(now))
    };
    at(1_999, 2_000).unwrap();
    refused(at(2_000, 2_000), WorktabError::DelegateExpired);
    refused(at(2_001, 2_000), WorktabError::DelegateExpired);
    at(i64::MAX, 0).unwrap();
}

#[test]
fn it_buys_from_its_classes_alone() {
    for class in 0..=255 {
        let charged = delegate().charge(Amount(1), class, Timestamp(SET_AT));
        match class {
            0 | 7 => charged.unwrap(),
            _ => refused(charged, WorktabError::ClassNotAllowed),
        }
    }
}

#[test]
fn only_an_active_one_spends() {
    for status in [delegate_status::NONE, delegate_status::REVOKED, 3] {
        let mut delegate = delegate();
        delegate.status = status;
        refused(
            delegate.charge(Amount(1), 0, Timestamp(SET_AT)),
            WorktabError::DelegateRevoked,
        );
        assert_eq!(spent(&delegate), (100, 0, 0));
    }
}

#[test]
fn a_revoked_slot_is_free_once_no_lane_names_it() {
    let mut delegate = delegate();
    delegate.hold().unwrap();
    assert_eq!(delegate.lanes, 3);
    delegate.revoke();
    assert_eq!((delegate.status, delegate.key), (delegate_status::REVOKED, [7; 32]));
    for left in [2, 1] {
        delegate.release().unwrap();
        assert_eq!((delegate.lanes, delegate.status, delegate.key), (left, 2, [7; 32]));
    }
    delegate.release().unwrap();
    assert_eq!((delegate.lanes, delegate.status), (0, delegate_status::NONE));
    assert_eq!(bytemuck::bytes_of(&delegate), bytemuck::bytes_of(&Delegate::zeroed()));
    assert_eq!(delegate.release(), Err(Overflow));
}

#[test]
fn an_active_slot_stays_when_its_last_lane_ends() {
    let mut delegate = delegate();
    delegate.release().unwrap();
    delegate.release().unwrap();
    assert_eq!((delegate.lanes, delegate.status, delegate.key), (0, 1, [7; 32]));
    assert_eq!(delegate.release(), Err(Overflow));
    assert_eq!((delegate.status, delegate.key), (1, [7; 32]));
    delegate.revoke();
    assert_eq!(bytemuck::bytes_of(&delegate), bytemuck::bytes_of(&Delegate::zeroed()));
}

#[test]
fn lanes_are_counted_to_the_largest_number() {
    let mut delegate = Delegate::new(&terms(), u16::MAX - 1, Timestamp(SET_AT));
    delegate.hold().unwrap();
    assert_eq!(delegate.lanes, u16::MAX);
    assert_eq!(delegate.hold(), Err(Overflow));
}
