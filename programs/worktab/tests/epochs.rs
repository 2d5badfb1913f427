//! Votes on commitments, what may become final, and the changes of attestors and reward path.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

use anchor_lang::prelude::{Address, Error};
use bytemuck::Zeroable;
use worktab::domain::{Amount, EpochIndex, Seconds, Timestamp};
use worktab::errors::WorktabError;
use worktab::state::{basis, reward_path, Change, ChangeKind, ClassTerms, Commitment, Epoch, Network};

const DELAY: Seconds = Seconds(600);

fn key(number: u8) -> Address {
    Address::new_from_array([number; 32])
}

/// A network on the path of roots, with so many attestors, epochs of 100 seconds from second 1,000 on.
fn network(attestors: u8, threshold: u8) -> Network {
    let mut network = Network::zeroed();
    let keys: Vec<Address> = (1..=attestors).map(key).collect();
    network.set_attestors(&keys, threshold).unwrap();
    network.created_at = Timestamp(1_000);
    network.epoch_length = Seconds(100);
    network.reward_path = reward_path::ROOTS;
    network.basis = basis::ALL_UNITS;
    network
}

fn with_budget(network: &mut Network, class: usize, budget: u64) {
    network.classes[class]
        .set(&ClassTerms {
            meter: 1,
            rate: 1,
            max_capacity: 1,
            least_bond: 0,
            budget,
        })
        .unwrap();
}

fn bit(network: &Network, attestor: u8) -> u16 {
    network.attestor_bit(&key(attestor)).unwrap()
}

fn epoch(network: &Network) -> Epoch {
    let mut epoch = Epoch::zeroed();
    epoch.attestor_version = network.attestor_version;
    epoch
}

fn refused<T: core::fmt::Debug>(result: Result<T, Error>, error: WorktabError) {
    assert_eq!(result.unwrap_err(), Error::from(error));
}

fn change(kind: u8, value: u64, key: Address) -> Change {
    Change {
        kind,
        class: 0,
        values: [value, 0, 0, 0, 0],
        key,
    }
}

const NOBODY: Address = Address::new_from_array([0; 32]);

#[test]
fn the_delay_runs_from_the_vote_that_reached_the_threshold() {
    let network = network(3, 2);
    let mut epoch = epoch(&network);
    epoch.vote(&network, bit(&network, 1), true, Timestamp(5_000));
    assert_eq!(epoch.approved_at, Timestamp(0));
    refused(
        epoch.require_final(&network, DELAY, Timestamp(i64::MAX)),
        WorktabError::BelowThreshold,
    );
    epoch.vote(&network, bit(&network, 1), true, Timestamp(5_100));
    assert_eq!(epoch.approved_at, Timestamp(0), "nobody votes twice");
    epoch.vote(&network, bit(&network, 3), true, Timestamp(5_200));
    assert_eq!((epoch.approvals, epoch.approved_at), (0b101, Timestamp(5_200)));
    epoch.vote(&network, bit(&network, 2), true, Timestamp(5_300));
    assert_eq!((epoch.approvals, epoch.approved_at), (0b111, Timestamp(5_200)));
    refused(
        epoch.require_final(&network, DELAY, Timestamp(5_799)),
        WorktabError::ChallengeOpen,
    );
    epoch.require_final(&network, DELAY, Timestamp(5_800)).unwrap();
}

#[test]
fn a_withdrawal_below_the_threshold_starts_the_delay_again() {
    let network = network(3, 2);
    let mut epoch = epoch(&network);
    for attestor in 1..=3 {
        epoch.vote(&network, bit(&network, attestor), true, Timestamp(5_000));
    }
    epoch.vote(&network, bit(&network, 1), false, Timestamp(5_100));
    assert_eq!((epoch.approvals, epoch.approved_at), (0b110, Timestamp(5_000)));
    epoch.vote(&network, bit(&network, 2), false, Timestamp(5_200));
    assert_eq!((epoch.approvals, epoch.approved_at), (0b100, Timestamp(0)));
    epoch.vote(&network, bit(&network, 2), false, Timestamp(5_250));
    assert_eq!(epoch.approvals, 0b100, "what was not given can't be taken");
    epoch.vote(&network, bit(&network, 1), true, Timestamp(5_300));
    assert_eq!((epoch.approvals, epoch.approved_at), (0b101, Timestamp(5_300)));
    refused(
        epoch.require_final(&network, DELAY, Timestamp(5_899)),
        WorktabError::ChallengeOpen,
    );
    epoch.require_final(&network, DELAY, Timestamp(5_900)).unwrap();
}

#[test]
fn a_commitment_is_of_one_network() {
    let mut epoch = Epoch::zeroed();
    epoch.network = key(7);
    epoch.require_of(&key(7)).unwrap();
    refused(epoch.require_of(&key(8)), WorktabError::WrongNetwork);
}

#[test]
fn the_delay_starts_anew_with_new_attestors() {
    let mut network = network(1, 1);
    let mut epoch = epoch(&network);
    epoch.vote(&network, 1, true, Timestamp(5_000));
    assert_eq!(epoch.approved_at, Timestamp(5_000));
    network.change_attestors(&[key(2)], 1).unwrap();
    epoch.vote(&network, 1, true, Timestamp(9_000));
    assert_eq!((epoch.approvals, epoch.approved_at), (1, Timestamp(9_000)));
    refused(
        epoch.require_final(&network, DELAY, Timestamp(9_599)),
        WorktabError::ChallengeOpen,
    );
}

#[test]
fn one_attestor_of_one_is_enough_and_none_never_is() {
    let alone = network(1, 1);
    let mut approved = epoch(&alone);
    approved.vote(&alone, 1, true, Timestamp(5_000));
    approved.require_final(&alone, Seconds(0), Timestamp(5_000)).unwrap();
    let nobody = network(0, 0);
    refused(
        epoch(&nobody).require_final(&nobody, Seconds(0), Timestamp(5_000)),
        WorktabError::BelowThreshold,
    );
}

#[test]
fn votes_of_earlier_attestors_are_void() {
    let mut network = network(3, 2);
    let mut epoch = epoch(&network);
    epoch.vote(&network, bit(&network, 1), true, Timestamp(5_000));
    epoch.vote(&network, bit(&network, 2), true, Timestamp(5_000));
    epoch.require_final(&network, DELAY, Timestamp(9_000)).unwrap();
    network.change_attestors(&[key(1), key(2), key(4)], 2).unwrap();
    refused(
        epoch.require_final(&network, DELAY, Timestamp(9_000)),
        WorktabError::BelowThreshold,
    );
    epoch.vote(&network, bit(&network, 4), true, Timestamp(6_000));
    assert_eq!((epoch.approvals, epoch.approved_at), (0b100, Timestamp(0)));
    assert_eq!(epoch.attestor_version, network.attestor_version);
    epoch.vote(&network, bit(&network, 1), true, Timestamp(6_100));
    assert_eq!(epoch.approved_at, Timestamp(6_100));
}

#[test]
fn a_veto_stands_above_all_approvals() {
    let network = network(1, 1);
    let mut epoch = epoch(&network);
    epoch.vote(&network, 1, true, Timestamp(5_000));
    epoch.vetoed = 1;
    refused(
        epoch.require_final(&network, Seconds(0), Timestamp(9_000)),
        WorktabError::CommitmentVetoed,
    );
}

#[test]
fn a_delay_beyond_all_time_is_refused() {
    let network = network(1, 1);
    let mut epoch = epoch(&network);
    epoch.vote(&network, 1, true, Timestamp(i64::MAX));
    refused(
        epoch.require_final(&network, DELAY, Timestamp(i64::MAX)),
        WorktabError::Overflow,
    );
}

#[test]
fn each_attestor_has_a_bit_of_its_own() {
    let network = network(16, 9);
    let bits: Vec<u16> = (1..=16).map(|attestor| bit(&network, attestor)).collect();
    let expected: Vec<u16> = (0..16).map(|place| 1 << place).collect();
    assert_eq!(bits, expected);
    refused(network.attestor_bit(&key(17)), WorktabError::NotAttestor);
    // The places behind those in use hold zeros.
    refused(self::network(3, 2).attestor_bit(&NOBODY), WorktabError::NotAttestor);
}

#[test]
fn the_first_root_may_be_of_any_epoch_that_roots_pay_for() {
    let mut network = network(1, 1);
    network.roots_from = EpochIndex(7);
    network.root_epoch = EpochIndex(100);
    assert_eq!(network.next_root_epoch().unwrap(), EpochIndex(7), "no root, no epoch");
    refused(
        network.require_successor(EpochIndex(6), 1, Amount(0)),
        WorktabError::EpochCovered,
    );
    network.require_successor(EpochIndex(7), 1, Amount(0)).unwrap();
    network.require_successor(EpochIndex(u64::MAX), 1, Amount(0)).unwrap();
    refused(
        network.require_successor(EpochIndex(7), 0, Amount(0)),
        WorktabError::InvalidCommitment,
    );
}

#[test]
fn a_root_takes_nothing_back_from_the_one_before() {
    let mut network = network(1, 1);
    (network.root_count, network.root_epoch, network.root_total) = (10, EpochIndex(4), Amount(500));
    refused(
        network.require_successor(EpochIndex(4), 10, Amount(500)),
        WorktabError::EpochCovered,
    );
    network.require_successor(EpochIndex(5), 10, Amount(500)).unwrap();
    network.require_successor(EpochIndex(9), 11, Amount(501)).unwrap();
    for (count, total) in [(9, 500), (10, 499), (0, 500)] {
        refused(
            network.require_successor(EpochIndex(5), count, Amount(total)),
            WorktabError::InvalidCommitment,
        );
    }
    network.root_epoch = EpochIndex(u64::MAX);
    assert!(network.next_root_epoch().is_err());
}

#[test]
fn payees_at_most_double_once_there_are_millions() {
    let mut network = network(1, 1);
    let at_first = 1 << 22;
    for (before, most) in [
        (0, at_first),
        (1, at_first),
        (1 << 21, at_first),
        ((1 << 21) + 1, at_first + 2),
        (at_first, 1 << 23),
        ((1 << 26) - 1, (1 << 27) - 2),
        (1 << 26, 1 << 27),
        ((1 << 26) + 1, 1 << 27),
        (1 << 27, 1 << 27),
    ] {
        network.root_count = before;
        network.require_successor(EpochIndex(1), most, Amount(0)).unwrap();
        refused(
            network.require_successor(EpochIndex(1), most + 1, Amount(0)),
            WorktabError::InvalidCommitment,
        );
    }
}

#[test]
fn a_root_may_add_the_budgets_of_the_epochs_it_covers() {
    let mut network = network(1, 1);
    assert_eq!(network.root_allowance(EpochIndex(5)).unwrap(), 0, "no class, no budget");
    with_budget(&mut network, 0, 1_000);
    with_budget(&mut network, 3, 20);
    network.roots_from = EpochIndex(3);
    assert_eq!(network.root_allowance(EpochIndex(3)).unwrap(), 1_020);
    assert_eq!(network.root_allowance(EpochIndex(5)).unwrap(), 3_060);
    assert!(network.root_allowance(EpochIndex(1)).is_err());
    (network.root_count, network.root_epoch) = (1, EpochIndex(5));
    assert_eq!(network.root_allowance(EpochIndex(6)).unwrap(), 1_020);
    assert_eq!(network.root_allowance(EpochIndex(9)).unwrap(), 4_080);
    with_budget(&mut network, 0, u64::MAX);
    with_budget(&mut network, 3, u64::MAX);
    assert_eq!(network.root_allowance(EpochIndex(6)).unwrap(), 2 * u128::from(u64::MAX));
    assert!(network.root_allowance(EpochIndex(u64::MAX)).is_err());
    assert!(network.root_allowance(EpochIndex(u64::MAX - 1)).is_err());
}

#[test]
fn roots_pay_from_the_epoch_after_the_change_on() {
    let mut network = network(1, 1);
    network.reward_path = reward_path::RECEIPTS;
    assert!(network.pays_by_receipts(EpochIndex(u64::MAX)));
    let to_roots = change(ChangeKind::REWARD_PATH, 2, NOBODY);
    to_roots.apply(&mut network, Timestamp(1_499)).unwrap();
    assert_eq!(
        (network.reward_path, network.roots_from),
        (reward_path::ROOTS, EpochIndex(5))
    );
    assert!(network.pays_by_receipts(EpochIndex(4)));
    assert!(!network.pays_by_receipts(EpochIndex(5)));
    refused(
        to_roots.apply(&mut network, Timestamp(2_000)),
        WorktabError::WrongRewardPath,
    );
    assert_eq!(network.roots_from, EpochIndex(5));
}

#[test]
fn only_rewards_for_all_units_can_move_to_roots() {
    let mut network = network(1, 1);
    network.reward_path = reward_path::RECEIPTS;
    for value in [0, 1, 3, 258] {
        let other = change(ChangeKind::REWARD_PATH, value, NOBODY);
        refused(
            other.apply(&mut network, Timestamp(2_000)),
            WorktabError::InvalidParameter,
        );
    }
    network.basis = basis::SOLD_UNITS;
    let to_roots = change(ChangeKind::REWARD_PATH, 2, NOBODY);
    refused(
        to_roots.apply(&mut network, Timestamp(2_000)),
        WorktabError::InvalidParameter,
    );
    assert_eq!(network.reward_path, reward_path::RECEIPTS);
}

#[test]
fn attestors_are_added_with_what_must_agree() {
    let mut network = network(3, 2);
    let now = Timestamp(2_000);
    refused(
        change(ChangeKind::ADD_ATTESTOR, 2, key(4)).apply(&mut network, now),
        WorktabError::InvalidParameter,
    );
    change(ChangeKind::ADD_ATTESTOR, 3, key(4))
        .apply(&mut network, now)
        .unwrap();
    assert_eq!(network.attestors(), [1, 2, 3, 4].map(key));
    assert_eq!((network.threshold, network.attestor_version), (3, 1));
    for twice in [key(2), NOBODY] {
        refused(
            change(ChangeKind::ADD_ATTESTOR, 3, twice).apply(&mut network, now),
            WorktabError::InvalidParameter,
        );
    }
    let mut full = self::network(16, 9);
    refused(
        change(ChangeKind::ADD_ATTESTOR, 9, key(17)).apply(&mut full, now),
        WorktabError::InvalidParameter,
    );
    assert_eq!(full.attestor_version, 0);
}

#[test]
fn an_attestor_that_goes_leaves_a_majority_behind() {
    let mut network = network(3, 3);
    let mut go = |number, left: &[u8], threshold, version| {
        change(ChangeKind::REMOVE_ATTESTOR, 0, key(number))
            .apply(&mut network, Timestamp(2_000))
            .unwrap();
        let left: Vec<Address> = left.iter().copied().map(key).collect();
        assert_eq!(network.attestors(), left);
        assert_eq!((network.threshold, network.attestor_version), (threshold, version));
    };
    go(2, &[1, 3], 2, 1);
    go(1, &[3], 1, 2);
    go(3, &[], 0, 3);
    refused(
        change(ChangeKind::REMOVE_ATTESTOR, 0, key(3)).apply(&mut network, Timestamp(2_000)),
        WorktabError::NotAttestor,
    );
    assert_eq!(network.attestors, [NOBODY; 16]);
}

#[test]
fn a_threshold_is_more_than_half_and_at_most_all() {
    let mut network = network(4, 3);
    for (threshold, allowed) in [(0, false), (2, false), (3, true), (4, true), (5, false), (259, false)] {
        let version = network.attestor_version;
        let result = change(ChangeKind::THRESHOLD, threshold, NOBODY).apply(&mut network, Timestamp(2_000));
        assert_eq!(result.is_ok(), allowed, "{threshold}");
        assert_eq!(network.attestor_version, version + u32::from(allowed));
    }
    assert_eq!(network.threshold, 4);
}

#[test]
fn changes_of_attestors_read_nothing_but_their_own_values() {
    let kinds = [
        change(ChangeKind::REWARD_PATH, 2, key(9)),
        change(ChangeKind::REMOVE_ATTESTOR, 1, key(2)),
        change(ChangeKind::THRESHOLD, 2, key(9)),
        Change {
            class: 1,
            ..change(ChangeKind::ADD_ATTESTOR, 3, key(9))
        },
        Change {
            values: [3, 1, 0, 0, 0],
            ..change(ChangeKind::ADD_ATTESTOR, 3, key(9))
        },
    ];
    for change in kinds {
        let mut network = network(3, 2);
        network.reward_path = reward_path::RECEIPTS;
        refused(
            change.apply(&mut network, Timestamp(2_000)),
            WorktabError::InvalidParameter,
        );
    }
}

#[test]
fn every_field_of_a_commitment_is_part_of_its_address() {
    let honest = Commitment {
        epoch: 1,
        root: [2; 32],
        count: 3,
        total: 4,
        units: 5,
        records_checked: 6,
        records_failed: 7,
        check_ms: 8,
        data: [9; 32],
    };
    let others = [
        Commitment { epoch: 0, ..honest },
        Commitment {
            root: [0; 32],
            ..honest
        },
        Commitment { count: 0, ..honest },
        Commitment { total: 0, ..honest },
        Commitment { units: 0, ..honest },
        Commitment {
            records_checked: 0,
            ..honest
        },
        Commitment {
            records_failed: 0,
            ..honest
        },
        Commitment { check_ms: 0, ..honest },
        Commitment {
            data: [0; 32],
            ..honest
        },
    ];
    let mut hashes: Vec<[u8; 32]> = others.iter().map(Commitment::hash).collect();
    hashes.push(honest.hash());
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 10);
}
