//! Networks: their parameters at their bounds, their ledger, and the changes that are applied to them.

use super::{key, refused};
use anchor_lang::prelude::Address;
use bytemuck::Zeroable;
use worktab::domain::{Amount, Capacity, EpochIndex, Overflow, Rate, Seconds, Timestamp, Units};
use worktab::errors::WorktabError;
use worktab::state::{basis, pause, reward_path, Change, ChangeKind, Delays, Device, Network, PendingChange};
use worktab::token::NATIVE_MINTS;

const MAX: u64 = u64::MAX;
const YEAR: u32 = 31_536_000;
const NOBODY: Address = Address::new_from_array([0; 32]);
const NOW: Timestamp = Timestamp(1_250);

fn network() -> Network {
    let mut network = Network::zeroed();
    network.created_at = Timestamp(1_000);
    network.epoch_length = Seconds(100);
    network.reward_path = reward_path::RECEIPTS;
    network.basis = basis::ALL_UNITS;
    network.mint = key(3);
    network.vault = key(4);
    network
}

fn change(kind: u8, values: [u64; 5], key: Address) -> Change {
    Change {
        kind,
        class: 0,
        values,
        key,
    }
}

fn delays(parameter: u32, lane_close: u32, challenge: u32, unbonding: u32) -> Delays {
    Delays {
        parameter: Seconds(parameter),
        lane_close: Seconds(lane_close),
        challenge: Seconds(challenge),
        unbonding: Seconds(unbonding),
    }
}

#[test]
fn epochs_are_counted_from_the_creation() {
    let network = network();
    for (now, epoch) in [(0, 0), (1_000, 0), (1_099, 0), (1_100, 1), (1_250, 2)] {
        assert_eq!(network.epoch_at(Timestamp(now)), Ok(EpochIndex(epoch)));
    }
}

#[test]
fn each_pause_stops_its_own_kind_of_work() {
    let kinds = [
        pause::REGISTER,
        pause::SUBMIT,
        pause::RESERVE,
        pause::COMMIT,
        pause::FINALIZE,
    ];
    let mut network = network();
    for stopped in kinds {
        network.pause = stopped;
        for kind in kinds {
            match kind == stopped {
                true => refused(network.require_running(kind), WorktabError::Paused),
                false => network.require_running(kind).unwrap(),
            }
        }
    }
    network.pause = pause::ALL;
    for kind in kinds {
        refused(network.require_running(kind), WorktabError::Paused);
    }
}

#[test]
fn vault_and_mint_are_the_networks_own() {
    let network = network();
    network.require_vault(&key(4), &key(3)).unwrap();
    refused(network.require_vault(&key(5), &key(3)), WorktabError::AddressMismatch);
    refused(network.require_vault(&key(4), &key(5)), WorktabError::AddressMismatch);
}

#[test]
fn a_class_is_changed_in_place() {
    let mut network = network();
    network.classes[7].meter = 1;
    network.class_mut(7).unwrap().spent = Amount(5);
    assert_eq!(network.classes[7].spent, Amount(5));
    refused(network.class_mut(0), WorktabError::UnknownClass);
}

#[test]
fn a_reward_moves_from_free_to_owed() {
    let mut network = network();
    network.pool_free = Amount(10);
    network.pool_owed = Amount(20);
    network.total_rewards = Amount(MAX - 1);
    network.accrue(Amount(4)).unwrap();
    assert_eq!((network.pool_free, network.pool_owed), (Amount(6), Amount(24)));
    assert_eq!(network.total_rewards, Amount(MAX), "a statistic stops");
    assert_eq!(network.accrue(Amount(7)), Err(Overflow));
    network.pool_owed = Amount(MAX);
    assert_eq!(network.accrue(Amount(1)), Err(Overflow));
}

#[test]
fn sales_are_counted_in_the_networks_totals() {
    let (mut network, mut device) = (network(), Device::zeroed());
    network.total_units_sold = Units(100);
    network.total_units_self_sold = Units(50);
    network.total_revenue = Amount(1_000);
    device.units_sold = Units(30);
    device.units_counted = Units(10);
    device.units_self_sold = Units(9);
    device.self_units_counted = Units(4);
    device.revenue_claimed = Amount(7);
    network.count_sales(&mut device, Amount(11));
    assert_eq!((device.units_counted, device.self_units_counted), (Units(30), Units(9)));
    assert_eq!(device.revenue_claimed, Amount(18));
    assert_eq!(
        (network.total_units_sold, network.total_units_self_sold),
        (Units(120), Units(55))
    );
    assert_eq!(network.total_revenue, Amount(1_011));
}

#[test]
fn totals_of_sales_stop_at_the_largest() {
    let (mut network, mut device) = (network(), Device::zeroed());
    network.total_units_sold = Units(MAX - 1);
    network.total_units_self_sold = Units(MAX - 1);
    network.total_revenue = Amount(MAX - 1);
    device.revenue_claimed = Amount(MAX - 1);
    device.units_sold = Units(2);
    device.units_self_sold = Units(2);
    network.count_sales(&mut device, Amount(2));
    assert_eq!(
        (network.total_units_sold, network.total_units_self_sold),
        (Units(MAX), Units(MAX))
    );
    assert_eq!(
        (network.total_revenue, device.revenue_claimed),
        (Amount(MAX), Amount(MAX))
    );
}

#[test]
fn authority_and_attestors_admit() {
    let mut network = network();
    network.authority = key(1);
    network.set_attestors(&[key(5), key(6)], 2).unwrap();
    for (name, admits) in [(1, true), (5, true), (6, true), (7, false), (0, false)] {
        assert_eq!(network.admits(&key(name)), admits, "{name}");
    }
}

#[test]
fn attestors_are_replaced_whole() {
    let mut network = network();
    let sixteen: Vec<Address> = (1..=16).map(key).collect();
    network.set_attestors(&sixteen, 16).unwrap();
    assert_eq!((network.attestors(), network.threshold), (&sixteen[..], 16));
    network.set_attestors(&[key(20)], 1).unwrap();
    assert_eq!((network.attestors(), network.attestor_count), (&[key(20)][..], 1));
    assert_eq!(network.attestors[1..], [NOBODY; 15]);
    let seventeen: Vec<Address> = (1..=17).map(key).collect();
    refused(network.set_attestors(&seventeen, 9), WorktabError::InvalidParameter);
    network.set_attestors(&[], 0).unwrap();
    assert_eq!((network.attestors(), network.threshold), (&[][..], 0));
    refused(network.set_attestors(&[], 1), WorktabError::InvalidParameter);
}

#[test]
fn more_than_half_must_agree_and_no_more_than_there_are() {
    for count in 1..=16u8 {
        let keys: Vec<Address> = (1..=count).map(key).collect();
        for threshold in 0..=17 {
            let set = network().set_attestors(&keys, threshold);
            match 2 * threshold > count && threshold <= count {
                true => set.unwrap(),
                false => refused(set, WorktabError::InvalidParameter),
            }
        }
    }
}

#[test]
fn an_attestor_is_somebody_and_named_once() {
    for keys in [
        [key(1), key(1), key(2)],
        [key(1), key(2), key(1)],
        [key(2), key(1), key(1)],
    ] {
        refused(network().set_attestors(&keys, 2), WorktabError::InvalidParameter);
    }
    for keys in [[NOBODY, key(1)], [key(1), NOBODY]] {
        refused(network().set_attestors(&keys, 2), WorktabError::InvalidParameter);
    }
}

#[test]
fn fee_and_burn_are_thirty_percent_together_at_most() {
    let mut network = network();
    for (fee, burn) in [(0, 0), (3_000, 0), (0, 3_000), (1_000, 2_000)] {
        network.set_fees(fee, burn).unwrap();
        assert_eq!((network.fee_bps, network.burn_bps), (fee, burn));
    }
    for (fee, burn) in [(3_001, 0), (0, 3_001), (1_001, 2_000)] {
        refused(network.set_fees(fee, burn), WorktabError::InvalidParameter);
    }
    refused(network.set_fees(u16::MAX, 1), WorktabError::Overflow);
    assert_eq!((network.fee_bps, network.burn_bps), (1_000, 2_000));
}

#[test]
fn nothing_is_burned_of_the_native_mints() {
    for mint in NATIVE_MINTS {
        let mut network = network();
        network.mint = mint;
        network.set_fees(3_000, 0).unwrap();
        refused(network.set_fees(0, 1), WorktabError::InvalidParameter);
    }
}

#[test]
fn delays_have_bounds() {
    let mut network = network();
    network.set_delays(&delays(0, 3_600, 0, 0)).unwrap();
    network.set_delays(&delays(YEAR, YEAR, YEAR, YEAR)).unwrap();
    network.set_delays(&delays(1, 3_602, 3, 4)).unwrap();
    for wrong in [
        delays(1, 3_599, 3, 4),
        delays(1, 3_600, 5, 4),
        delays(YEAR + 1, 3_600, 3, 4),
        delays(1, YEAR + 1, 3, 4),
        delays(1, 3_600, YEAR + 1, YEAR + 1),
        delays(1, 3_600, 3, YEAR + 1),
    ] {
        refused(network.set_delays(&wrong), WorktabError::InvalidParameter);
    }
    let set = [
        network.parameter_delay,
        network.lane_close_delay,
        network.challenge_delay,
        network.unbonding_delay,
    ];
    assert_eq!(set, [1, 3_602, 3, 4].map(Seconds));
}

#[test]
fn admission_is_asked_for_or_not() {
    let mut network = network();
    for admission in [1, 0] {
        network.set_admission(admission).unwrap();
        assert_eq!(network.admission, admission);
    }
    refused(network.set_admission(2), WorktabError::InvalidParameter);
    assert_eq!(network.admission, 0);
}

#[test]
fn a_move_to_roots_counts_from_the_next_epoch() {
    let mut network = network();
    network.pay_by_roots(NOW).unwrap();
    assert_eq!(
        (network.reward_path, network.roots_from),
        (reward_path::ROOTS, EpochIndex(3))
    );
    assert!(network.pays_by_receipts(EpochIndex(2)));
    assert!(!network.pays_by_receipts(EpochIndex(3)));
    refused(network.pay_by_roots(NOW), WorktabError::WrongRewardPath);
    let mut demand = self::network();
    demand.basis = basis::SOLD_UNITS;
    refused(demand.pay_by_roots(NOW), WorktabError::InvalidParameter);
    assert_eq!(demand.reward_path, reward_path::RECEIPTS);
    assert!(demand.pays_by_receipts(EpochIndex(MAX)));
}

#[test]
fn a_pending_change_is_the_one_proposed() {
    let proposed = Change {
        kind: 1,
        class: 2,
        values: [3, 4, 5, 6, 7],
        key: key(8),
    };
    let pending = PendingChange::new(&proposed, Timestamp(9));
    assert_eq!(
        (pending.change(), pending.effective_at, pending.reserved),
        (proposed, Timestamp(9), [0; 6])
    );
}

#[test]
fn a_change_of_class_is_applied() {
    let mut network = network();
    let terms = |class| Change {
        class,
        ..change(ChangeKind::CLASS, [1, 22, 33, 44, 55], NOBODY)
    };
    terms(7).apply(&mut network, NOW).unwrap();
    let class = &network.classes[7];
    assert_eq!(
        (class.meter, class.rate, class.max_capacity),
        (1, Rate(22), Capacity(33))
    );
    assert_eq!((class.least_bond, class.budget), (Amount(44), Amount(55)));
    refused(terms(8).apply(&mut network, NOW), WorktabError::UnknownClass);
    let meter = change(ChangeKind::CLASS, [257, 22, 33, 44, 55], NOBODY);
    refused(meter.apply(&mut network, NOW), WorktabError::InvalidParameter);
    let keyed = change(ChangeKind::CLASS, [1, 22, 33, 44, 55], key(1));
    refused(keyed.apply(&mut network, NOW), WorktabError::InvalidParameter);
}

#[test]
fn changes_of_parameters_are_applied() {
    let mut network = network();
    let mut apply = |kind, values, key| {
        change(kind, values, key).apply(&mut network, NOW).unwrap();
        network
    };
    let fees = apply(ChangeKind::FEES, [100, 200, 0, 0, 0], NOBODY);
    assert_eq!((fees.fee_bps, fees.burn_bps), (100, 200));
    let delays = apply(ChangeKind::DELAYS, [1, 3_602, 3, 4, 0], NOBODY);
    assert_eq!(
        (delays.parameter_delay, delays.lane_close_delay),
        (Seconds(1), Seconds(3_602))
    );
    assert_eq!(
        (delays.challenge_delay, delays.unbonding_delay),
        (Seconds(3), Seconds(4))
    );
    assert_eq!(apply(ChangeKind::ADMISSION, [1, 0, 0, 0, 0], NOBODY).admission, 1);
    assert_eq!(apply(ChangeKind::GUARDIAN, [0; 5], key(6)).guardian, key(6));
    assert_eq!(apply(ChangeKind::GUARDIAN, [0; 5], NOBODY).guardian, NOBODY);
    let roots = apply(ChangeKind::REWARD_PATH, [2, 0, 0, 0, 0], NOBODY);
    assert_eq!(
        (roots.reward_path, roots.roots_from),
        (reward_path::ROOTS, EpochIndex(3))
    );
    let added = apply(ChangeKind::ADD_ATTESTOR, [1, 0, 0, 0, 0], key(1));
    assert_eq!(
        (added.attestors(), added.threshold, added.attestor_version),
        (&[key(1)][..], 1, 1)
    );
    let added = apply(ChangeKind::ADD_ATTESTOR, [2, 0, 0, 0, 0], key(2));
    assert_eq!((added.attestors(), added.threshold), (&[key(1), key(2)][..], 2));
    let removed = apply(ChangeKind::REMOVE_ATTESTOR, [0; 5], key(1));
    assert_eq!(
        (removed.attestors(), removed.threshold, removed.attestor_version),
        (&[key(2)][..], 1, 3)
    );
    apply(ChangeKind::ADD_ATTESTOR, [2, 0, 0, 0, 0], key(4));
    let three = apply(ChangeKind::ADD_ATTESTOR, [2, 0, 0, 0, 0], key(5));
    assert_eq!((three.threshold, three.attestor_version), (2, 5));
    let all = apply(ChangeKind::THRESHOLD, [3, 0, 0, 0, 0], NOBODY);
    assert_eq!((all.threshold, all.attestor_version), (3, 6));
}

#[test]
fn what_cant_be_applied_is_refused() {
    let mut network = network();
    network.set_attestors(&[key(1), key(2)], 2).unwrap();
    for (kind, values, name, error) in [
        (ChangeKind::FEES, [1, 2, 3, 0, 0], 0, WorktabError::InvalidParameter),
        (
            ChangeKind::DELAYS,
            [1, 3_600, 0, 0, 5],
            0,
            WorktabError::InvalidParameter,
        ),
        (
            ChangeKind::ADMISSION,
            [1, 2, 0, 0, 0],
            0,
            WorktabError::InvalidParameter,
        ),
        (ChangeKind::GUARDIAN, [1, 0, 0, 0, 0], 1, WorktabError::InvalidParameter),
        (
            ChangeKind::REWARD_PATH,
            [2, 1, 0, 0, 0],
            0,
            WorktabError::InvalidParameter,
        ),
        (
            ChangeKind::ADD_ATTESTOR,
            [2, 1, 0, 0, 0],
            3,
            WorktabError::InvalidParameter,
        ),
        (
            ChangeKind::REMOVE_ATTESTOR,
            [1, 0, 0, 0, 0],
            1,
            WorktabError::InvalidParameter,
        ),
        (
            ChangeKind::THRESHOLD,
            [2, 1, 0, 0, 0],
            0,
            WorktabError::InvalidParameter,
        ),
        (ChangeKind::NONE, [0; 5], 0, WorktabError::InvalidParameter),
        (ChangeKind::AUTHORITY, [0; 5], 1, WorktabError::InvalidParameter),
        (11, [0; 5], 0, WorktabError::InvalidParameter),
        (
            ChangeKind::FEES,
            [65_536, 0, 0, 0, 0],
            0,
            WorktabError::InvalidParameter,
        ),
        (
            ChangeKind::ADMISSION,
            [256, 0, 0, 0, 0],
            0,
            WorktabError::InvalidParameter,
        ),
        (
            ChangeKind::DELAYS,
            [1 << 32, 3_600, 0, 0, 0],
            0,
            WorktabError::InvalidParameter,
        ),
        (
            ChangeKind::REWARD_PATH,
            [1, 0, 0, 0, 0],
            0,
            WorktabError::InvalidParameter,
        ),
        (
            ChangeKind::REWARD_PATH,
            [258, 0, 0, 0, 0],
            0,
            WorktabError::InvalidParameter,
        ),
        (
            ChangeKind::ADD_ATTESTOR,
            [2, 0, 0, 0, 0],
            1,
            WorktabError::InvalidParameter,
        ),
        (ChangeKind::REMOVE_ATTESTOR, [0; 5], 3, WorktabError::NotAttestor),
        (
            ChangeKind::THRESHOLD,
            [1, 0, 0, 0, 0],
            0,
            WorktabError::InvalidParameter,
        ),
    ] {
        let before = bytemuck::bytes_of(&network).to_vec();
        refused(change(kind, values, key(name)).apply(&mut network, NOW), error);
        assert_eq!(bytemuck::bytes_of(&network), before);
    }
}

#[test]
fn values_that_a_change_does_not_read_are_zero() {
    let kinds = [
        (ChangeKind::CLASS, 5, false),
        (ChangeKind::FEES, 2, false),
        (ChangeKind::GUARDIAN, 0, true),
        (ChangeKind::ADD_ATTESTOR, 1, true),
    ];
    for (kind, values, keyed) in kinds {
        for used in 0..5 {
            let mut one = change(kind, [0; 5], NOBODY);
            one.values[used] = 1;
            match used < values {
                true => one.only(values, keyed).unwrap(),
                false => refused(one.only(values, keyed), WorktabError::InvalidParameter),
            }
        }
        match keyed {
            true => change(kind, [0; 5], key(1)).only(values, keyed).unwrap(),
            false => refused(
                change(kind, [0; 5], key(1)).only(values, keyed),
                WorktabError::InvalidParameter,
            ),
        }
        change(kind, [0; 5], NOBODY).only(values, keyed).unwrap();
        let classed = Change {
            class: 1,
            ..change(kind, [0; 5], NOBODY)
        };
        match kind {
            ChangeKind::CLASS => classed.only(values, keyed).unwrap(),
            _ => refused(classed.only(values, keyed), WorktabError::InvalidParameter),
        }
    }
}
