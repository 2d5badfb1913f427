//! Bonds, SLAs and disputes: what a broken promise costs, when each ends, and who decides.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

use anchor_lang::prelude::{Address, Error};
use bytemuck::Zeroable;
use proptest::prelude::*;
use worktab::domain::slash::{part, penalty, undecided_part, Slash, WHOLE_BPS};
use worktab::domain::{Amount, Capacity, EpochIndex, Overflow, Seconds, Timestamp};
use worktab::errors::WorktabError;
use worktab::state::{contest, lane_flag, sla_outcome, verdict, MAX_DELAY};
use worktab::state::{Ballot, Change, ChangeKind, Class, Device, Dispute, Lane, Network, Sla, SlaEnd, Tab};
use worktab::wire::hash::sha256;
use worktab::wire::record::{amount, next_head, record_hash, tab, RECORD_SIZE};

const MAX: u64 = u64::MAX;

fn key(number: u8) -> Address {
    Address::new_from_array([number; 32])
}

fn refused<T>(result: Result<T, Error>, error: WorktabError) {
    assert_eq!(result.err(), Some(Error::from(error)));
}

fn network(attestors: u8, threshold: u8) -> Network {
    let mut network = Network::zeroed();
    let keys: Vec<Address> = (1..=attestors).map(key).collect();
    network.set_attestors(&keys, threshold).unwrap();
    network.attestor_version = 7;
    network
}

#[test]
fn published_numbers_are_frozen() {
    assert_eq!(
        [contest::NONE, contest::CONTESTED, contest::UPHELD, contest::DISMISSED],
        [0, 1, 2, 3]
    );
    assert_eq!(
        [verdict::OPEN, verdict::GUILTY, verdict::NOT_GUILTY, verdict::UNDECIDED],
        [0, 1, 2, 3]
    );
    assert_eq!(
        [sla_outcome::KEPT, sla_outcome::MISSED, sla_outcome::EXCUSED],
        [0, 1, 2]
    );
    assert_eq!((ChangeKind::WITHDRAW_POOL, ChangeKind::DISPUTES), (11, 12));
    assert_eq!((lane_flag::SLA, WHOLE_BPS, MAX_DELAY), (1, 10_000, 365 * 24 * 3_600));
}

#[test]
fn parts_are_rounded_down() {
    for (amount, bps, expected) in [
        (10_000, 1, 1),
        (9_999, 1, 0),
        (19_999, 1, 1),
        (3, 5_000, 1),
        (100, 0, 0),
        (MAX, 10_000, MAX),
        (MAX, 5_000, MAX / 2),
    ] {
        assert_eq!(part(Amount(amount), bps), Ok(Amount(expected)));
    }
    assert_eq!(part(Amount(MAX), 10_001), Err(Overflow));
}

#[test]
fn a_penalty_is_a_part_of_what_is_missing() {
    for (due, delivered, bps, expected) in [
        (1_000, 0, 2_500, 250),
        (1_000, 400, 2_500, 150),
        (1_000, 999, 2_500, 0),
        (1_000, 996, 2_500, 1),
        (1_000, 1_000, 10_000, 0),
        (1_000, 1_001, 10_000, 0),
        (MAX, 0, 10_000, MAX),
    ] {
        assert_eq!(
            penalty(Amount(due), Amount(delivered), bps),
            Ok(Amount(expected)),
            "{due} {delivered}"
        );
    }
}

#[test]
fn no_decision_costs_a_tenth() {
    for (deposit, expected) in [(0, 0), (9, 0), (10, 1), (99, 9), (100, 10), (MAX, MAX / 10)] {
        assert_eq!(undecided_part(Amount(deposit)), Amount(expected));
    }
}

/// Consumer, challenger and pool.
fn slash(bond: u64, held: u64, bps: u16, paid: u64, deposit: u64) -> [u64; 3] {
    let slash = Slash::of(Amount(bond), Amount(held), bps, Amount(paid), Amount(deposit)).unwrap();
    let parts = [slash.consumer.0, slash.challenger.0, slash.pool.0];
    assert_eq!(slash.total(), Ok(Amount(parts.iter().sum())));
    parts
}

#[test]
fn the_consumer_comes_first_then_the_challenger_and_a_quarter_is_the_pools() {
    assert_eq!(slash(1_000, 0, 10_000, 100, 200), [100, 200, 700]);
    assert_eq!(slash(1_000, 0, 10_000, 100, 650), [100, 650, 250]);
    assert_eq!(slash(1_000, 0, 10_000, 100, 651), [100, 650, 250]);
    assert_eq!(slash(1_000, 0, 10_000, 750, 1), [750, 0, 250]);
    assert_eq!(slash(1_000, 0, 10_000, 749, 1), [749, 1, 250]);
    assert_eq!(slash(1_000, 0, 10_000, MAX, MAX), [750, 0, 250]);
    assert_eq!(slash(1_000, 0, 10_000, 0, 0), [0, 0, 1_000]);
    // The pool's quarter is rounded up.
    assert_eq!(slash(1, 0, 10_000, 9, 9), [0, 0, 1]);
    assert_eq!(slash(5, 0, 10_000, 9, 9), [3, 0, 2]);
    assert_eq!(slash(8, 0, 10_000, 9, 9), [6, 0, 2]);
    assert_eq!(slash(9, 0, 10_000, 9, 9), [6, 0, 3]);
}

#[test]
fn a_slash_is_capped_and_leaves_what_is_held() {
    assert_eq!(slash(1_000, 0, 1_000, 10, 20), [10, 20, 70]);
    assert_eq!(slash(1_009, 0, 1_000, 0, 0), [0, 0, 100]);
    assert_eq!(slash(1_000, 900, 1_000, 10, 20), [10, 20, 70]);
    assert_eq!(slash(1_000, 901, 1_000, 10, 20), [10, 20, 69]);
    assert_eq!(slash(1_000, 1_000, 10_000, 10, 20), [0, 0, 0]);
    assert_eq!(slash(1_000, 0, 0, 10, 20), [0, 0, 0]);
    assert_eq!(slash(0, 0, 10_000, 10, 20), [0, 0, 0]);
    assert_eq!(slash(MAX, 0, 10_000, MAX, 0), [MAX - MAX / 4 - 1, 0, MAX / 4 + 1]);
    // More held than there is bond is no state of a device.
    assert_eq!(Slash::of(Amount(9), Amount(10), 1, Amount(0), Amount(0)), Err(Overflow));
    let beyond = Slash {
        consumer: Amount(MAX),
        challenger: Amount(1),
        pool: Amount(0),
    };
    assert_eq!(beyond.total(), Err(Overflow));
    let beyond = Slash {
        consumer: Amount(1),
        challenger: Amount(1),
        pool: Amount(MAX - 1),
    };
    assert_eq!(beyond.total(), Err(Overflow));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A device that is its own consumer and challenger loses a quarter of every slash at least.
    #[test]
    fn nobody_gets_a_bond_back_by_accusing_itself(
        bond in any::<u64>(), held in any::<u64>(), bps in 0u16..=10_000, paid in any::<u64>(), deposit in any::<u64>()
    ) {
        let held = held.min(bond);
        let [consumer, challenger, pool] = slash(bond, held, bps, paid, deposit).map(u128::from);
        let total = consumer + challenger + pool;
        prop_assert_eq!(total, (u128::from(bond) * u128::from(bps) / 10_000).min(u128::from(bond - held)));
        prop_assert!(4 * pool >= total);
        prop_assert!(consumer <= u128::from(paid) && challenger <= u128::from(deposit));
        // Nobody goes short while the pool has more than its quarter.
        let full = consumer == u128::from(paid) && challenger == u128::from(deposit);
        prop_assert!(full || pool == total.div_ceil(4));
    }
}

const DEADLINE: i64 = 10_000;

/// An SLA over 1,000 base units on a lane that had paid 500, a quarter of what is missing as penalty.
fn sla(contested: u8) -> Sla {
    let mut sla = Sla::zeroed();
    sla.due = Amount(1_000);
    sla.paid_before = Amount(500);
    sla.bps = 2_500;
    sla.contested = contested;
    sla.set_dates(Timestamp(DEADLINE), Seconds(600)).unwrap();
    sla
}

fn end(contested: u8, delivered: u64, now: i64) -> Result<SlaEnd, Error> {
    let lane = Lane {
        paid: Amount(500 + delivered),
        ..Lane::zeroed()
    };
    sla(contested).end(&lane, Timestamp(now))
}

fn ended(delivered: u64, penalty: u64, outcome: u8) -> Result<SlaEnd, Error> {
    Ok(SlaEnd {
        delivered: Amount(delivered),
        penalty: Amount(penalty),
        outcome,
    })
}

#[test]
fn an_sla_has_three_dates() {
    let mut sla = sla(contest::NONE);
    assert_eq!(
        [sla.deadline, sla.contest_until, sla.decide_until],
        [DEADLINE, DEADLINE + 600, DEADLINE + 1_200].map(Timestamp)
    );
    assert_eq!(sla.set_dates(Timestamp(i64::MAX - 1), Seconds(1)), Err(Overflow));
    assert_eq!(sla.set_dates(Timestamp(i64::MAX), Seconds(1)), Err(Overflow));
    sla.set_dates(Timestamp(i64::MAX - 2), Seconds(1)).unwrap();
}

#[test]
fn a_kept_sla_ends_at_once_whatever_was_said() {
    for contested in [contest::NONE, contest::CONTESTED, contest::UPHELD, contest::DISMISSED] {
        for now in [0, DEADLINE, i64::MAX] {
            assert_eq!(end(contested, 1_000, now), ended(1_000, 0, sla_outcome::KEPT));
            assert_eq!(end(contested, 1_001, now), ended(1_001, 0, sla_outcome::KEPT));
        }
    }
}

#[test]
fn a_missed_sla_waits_for_the_owner_to_contest() {
    let open = contest::NONE;
    for now in [0, DEADLINE - 1, DEADLINE, DEADLINE + 599] {
        refused(end(open, 999, now), WorktabError::SlaRunning);
    }
    assert_eq!(end(open, 0, DEADLINE + 600), ended(0, 250, sla_outcome::MISSED));
    assert_eq!(end(open, 600, i64::MAX), ended(600, 100, sla_outcome::MISSED));
    assert_eq!(end(open, 999, DEADLINE + 600), ended(999, 0, sla_outcome::MISSED));
}

#[test]
fn a_contested_penalty_lapses_unless_attestors_uphold_it() {
    for now in [DEADLINE, DEADLINE + 1_199] {
        refused(end(contest::CONTESTED, 0, now), WorktabError::SlaRunning);
    }
    assert_eq!(
        end(contest::CONTESTED, 7, DEADLINE + 1_200),
        ended(7, 0, sla_outcome::EXCUSED)
    );
    refused(end(contest::UPHELD, 0, DEADLINE - 1), WorktabError::SlaRunning);
    assert_eq!(end(contest::UPHELD, 0, DEADLINE), ended(0, 250, sla_outcome::MISSED));
    refused(end(contest::DISMISSED, 0, DEADLINE - 1), WorktabError::SlaRunning);
    assert_eq!(end(contest::DISMISSED, 0, DEADLINE), ended(0, 0, sla_outcome::EXCUSED));
}

#[test]
fn a_lane_that_paid_less_than_before_is_no_state() {
    let lane = Lane {
        paid: Amount(499),
        ..Lane::zeroed()
    };
    refused(
        sla(contest::NONE).end(&lane, Timestamp(i64::MAX)),
        WorktabError::Overflow,
    );
}

fn dispute(votes: Ballot) -> Dispute {
    let mut dispute = Dispute::zeroed();
    dispute.network = key(9);
    dispute.opened_at = Timestamp(1_000);
    dispute.deadline = Timestamp(1_601);
    dispute.votes = votes;
    dispute
}

#[test]
fn a_dispute_ends_with_a_verdict_or_after_its_deadline() {
    let found = |found| {
        let mut dispute = dispute(Ballot::default());
        dispute.found = found;
        dispute
    };
    for now in [0, 1_600, i64::MAX] {
        for each in [verdict::GUILTY, verdict::NOT_GUILTY] {
            assert_eq!(found(each).end(Timestamp(now)).unwrap(), each);
        }
    }
    let split = found(verdict::OPEN);
    refused(split.end(Timestamp(1_600)), WorktabError::DisputeUndecided);
    assert_eq!(split.end(Timestamp(1_601)).unwrap(), verdict::UNDECIDED);
}

#[test]
fn votes_find_as_soon_as_enough_agree() {
    let mut network = network(5, 3);
    let mut dispute = dispute(Ballot::new(&network));
    dispute.threshold = 3;
    for (bit, vote, found) in [
        (0b00001, Some(true), verdict::OPEN),
        (0b00010, Some(true), verdict::OPEN),
        (0b00010, None, verdict::OPEN),
        (0b00100, Some(false), verdict::OPEN),
        (0b00010, Some(true), verdict::OPEN),
        (0b01000, Some(true), verdict::GUILTY),
    ] {
        dispute.vote(&network, bit, vote);
        assert_eq!(dispute.found, found);
    }
    // Fewer that must agree than at the opening find nothing; more must.
    for (threshold, votes, found) in [
        (1, &[0b001, 0b010][..], verdict::OPEN),
        (1, &[0b001, 0b010, 0b100], verdict::NOT_GUILTY),
        (4, &[0b001, 0b010, 0b100], verdict::OPEN),
        (4, &[0b001, 0b010, 0b100, 0b1000], verdict::NOT_GUILTY),
    ] {
        network.threshold = threshold;
        dispute.votes = Ballot::new(&network);
        for bit in votes {
            dispute.vote(&network, *bit, Some(false));
        }
        assert_eq!(dispute.found, found);
    }
}

#[test]
fn half_of_the_time_is_rounded_down() {
    let dispute = dispute(Ballot::default());
    for (now, past) in [
        (i64::MIN, false),
        (1_000, false),
        (1_299, false),
        (1_300, true),
        (1_601, true),
        (i64::MAX, true),
    ] {
        assert_eq!(dispute.is_past_half(Timestamp(now)), past, "{now}");
    }
}

#[test]
fn the_record_is_needed_as_long_after_the_deadline_as_there_was_to_vote() {
    let mut dispute = dispute(Ballot::default());
    assert_eq!(dispute.show_until(), Ok(Timestamp(2_202)));
    dispute.deadline = Timestamp(1_000);
    assert_eq!(dispute.show_until(), Ok(Timestamp(1_000)));
    (dispute.opened_at, dispute.deadline) = (Timestamp(0), Timestamp(i64::MAX));
    assert_eq!(dispute.show_until(), Err(Overflow));
}

#[test]
fn a_dispute_is_open_in_its_network_until_it_ends() {
    let mut dispute = dispute(Ballot::default());
    dispute.require_open(&key(9)).unwrap();
    refused(dispute.require_open(&key(8)), WorktabError::WrongNetwork);
    dispute.verdict = verdict::GUILTY;
    refused(dispute.require_open(&key(9)), WorktabError::DisputeOver);
}

#[test]
fn a_vote_replaces_the_one_before_and_leaves_the_others() {
    let network = network(16, 9);
    let mut ballot = Ballot::new(&network);
    assert_eq!((ballot.attestor_version, ballot.yes, ballot.no), (7, 0, 0));
    for (bit, vote, yes, no) in [
        (0b0001, Some(true), 0b0001, 0),
        (0b0010, Some(false), 0b0001, 0b0010),
        (0b0100, Some(true), 0b0101, 0b0010),
        (0b0001, Some(false), 0b0100, 0b0011),
        (0b0010, Some(true), 0b0110, 0b0001),
        (0b0010, Some(true), 0b0110, 0b0001),
        (0b0100, None, 0b0010, 0b0001),
        (0b0001, None, 0b0010, 0),
        (0b1000, None, 0b0010, 0),
    ] {
        ballot.vote(&network, bit, vote);
        assert_eq!((ballot.yes, ballot.no), (yes, no));
        assert_eq!(u32::from(ballot.counts().0), yes.count_ones());
        assert_eq!(u32::from(ballot.counts().1), no.count_ones());
    }
    ballot.yes = u16::MAX;
    assert_eq!(ballot.counts(), (16, 0));
}

#[test]
fn votes_of_earlier_attestors_are_void() {
    let mut network = network(3, 2);
    let mut ballot = Ballot::new(&network);
    ballot.vote(&network, 0b001, Some(true));
    ballot.vote(&network, 0b010, Some(true));
    assert_eq!(ballot.outcome(&network, 2), Some(true));
    network.attestor_version = 8;
    assert_eq!(ballot.outcome(&network, 2), None);
    ballot.vote(&network, 0b100, Some(false));
    assert_eq!((ballot.attestor_version, ballot.yes, ballot.no), (8, 0, 0b100));
    ballot.vote(&network, 0b010, Some(false));
    assert_eq!(ballot.outcome(&network, 2), Some(false));
}

#[test]
fn enough_must_agree() {
    for (threshold, yes, no, outcome) in [
        (2, 0b001, 0b000, None),
        (2, 0b011, 0b100, Some(true)),
        (2, 0b100, 0b011, Some(false)),
        (3, 0b011, 0b100, None),
        (3, 0b111, 0b000, Some(true)),
    ] {
        let network = network(3, threshold);
        let ballot = Ballot {
            yes,
            no,
            ..Ballot::new(&network)
        };
        assert_eq!(ballot.outcome(&network, threshold), outcome);
        assert_eq!(ballot.outcome(&network, 0), outcome);
        assert_eq!(ballot.outcome(&network, 4), None);
    }
    let nobody = network(0, 0);
    assert_eq!(Ballot::new(&nobody).outcome(&nobody, 0), None);
}

#[test]
fn bond_that_leaves_or_is_held_is_not_free() {
    let mut device = Device::zeroed();
    device.bond = Amount(100);
    assert_eq!(device.bond_free(), Amount(100));
    device.unbonding = Amount(30);
    assert_eq!(device.bond_free(), Amount(70));
    device.bond_held = Amount(20);
    assert_eq!(device.bond_free(), Amount(50));
    device.bond_held = Amount(71);
    assert_eq!(device.bond_free(), Amount(0));
    device.unbonding = Amount(101);
    assert_eq!(device.bond_free(), Amount(0));
}

#[test]
fn a_device_that_promises_is_not_clear() {
    let mut device = Device::zeroed();
    assert!(device.is_clear());
    device.open_slas = 1;
    assert!(!device.is_clear());
}

#[test]
fn a_capacity_given_up_leaves_the_class_from_the_next_epoch() {
    let (mut device, mut class) = (Device::zeroed(), Class::zeroed());
    device.announce_capacity(Capacity(40), EpochIndex(2)).unwrap();
    class.epoch = EpochIndex(2);
    class.total_capacity = Capacity(5);
    class.next_total_capacity = Capacity(100);
    device.give_up_capacity(&mut class, EpochIndex(4)).unwrap();
    assert_eq!((class.epoch, class.total_capacity), (EpochIndex(4), Capacity(100)));
    assert_eq!(class.next_total_capacity, Capacity(60));
    let counted = |device: &Device, epoch| device.capacity_in(EpochIndex(epoch)).0;
    assert_eq!((counted(&device, 4), counted(&device, 5)), (40, 0));
    // A clock that stepped back does not bring it forward.
    device.announce_capacity(Capacity(10), EpochIndex(4)).unwrap();
    device.give_up_capacity(&mut class, EpochIndex(3)).unwrap();
    assert_eq!((class.epoch, class.next_total_capacity), (EpochIndex(4), Capacity(50)));
    assert_eq!(
        (device.capacity_epoch, counted(&device, 4), counted(&device, 5)),
        (EpochIndex(5), 40, 0)
    );
    device.next_capacity = Capacity(51);
    assert_eq!(device.give_up_capacity(&mut class, EpochIndex(4)), Err(Overflow));
}

#[test]
fn what_a_penalty_brings_is_free_and_counted_as_deposited() {
    let mut tab = Tab::zeroed();
    tab.balance = Amount(10);
    tab.deposited = Amount(MAX - 3);
    tab.credit(Amount(5)).unwrap();
    assert_eq!((tab.balance, tab.deposited), (Amount(15), Amount(MAX)));
    tab.balance = Amount(MAX);
    assert_eq!(tab.credit(Amount(1)), Err(Overflow));
}

#[test]
fn disputes_cost_a_deposit_and_slash_at_most_all() {
    let mut network = network(0, 0);
    network.set_disputes(5, 10_000).unwrap();
    assert_eq!((network.dispute_deposit, network.slash_bps), (Amount(5), 10_000));
    refused(network.set_disputes(6, 10_001), WorktabError::InvalidParameter);
    assert_eq!((network.dispute_deposit, network.slash_bps), (Amount(5), 10_000));
}

#[test]
fn changes_of_disputes_and_withdrawals_are_checked() {
    let mut network = network(0, 0);
    network.vault = key(4);
    let mut apply = |kind, values, key| {
        let change = Change {
            kind,
            class: 0,
            values,
            key,
        };
        change.apply(&mut network, Timestamp(0)).map(|()| network)
    };
    let changed = apply(ChangeKind::DISPUTES, [3, 4, 0, 0, 0], key(0)).unwrap();
    assert_eq!((changed.dispute_deposit, changed.slash_bps), (Amount(3), 4));
    for (values, name) in [([3, 65_536, 0, 0, 0], 0), ([3, 4, 1, 0, 0], 0), ([3, 4, 0, 0, 0], 1)] {
        refused(
            apply(ChangeKind::DISPUTES, values, key(name)),
            WorktabError::InvalidParameter,
        );
    }
    // Announced here; the tokens move in withdraw_pool.
    let before = bytemuck::bytes_of(&changed).to_vec();
    let announced = apply(ChangeKind::WITHDRAW_POOL, [1, 0, 0, 0, 0], key(5)).unwrap();
    assert_eq!(bytemuck::bytes_of(&announced), before);
    for (values, name) in [
        ([0; 5], 5),
        ([1, 0, 0, 0, 0], 0),
        ([1, 0, 0, 0, 0], 4),
        ([1, 1, 0, 0, 0], 5),
    ] {
        refused(
            apply(ChangeKind::WITHDRAW_POOL, values, key(name)),
            WorktabError::InvalidParameter,
        );
    }
}

#[test]
fn a_record_is_hashed_chained_and_read() {
    let record: [u8; RECORD_SIZE] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let hash = record_hash(&[7; 32], &record);
    assert_eq!(hash, sha256(&[&[3], &[7; 32], &record]));
    assert_eq!(next_head(&[8; 32], &hash), sha256(&[&[2], &[8; 32], &hash]));
    assert_eq!(
        amount(&record),
        u64::from_le_bytes([112, 113, 114, 115, 116, 117, 118, 119])
    );
    let expected: [u8; 32] = std::array::from_fn(|at| u8::try_from(136 + at).unwrap());
    assert_eq!(tab(&record), expected);
}
