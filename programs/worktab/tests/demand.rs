//! The demand-backed reward: at most what backs it, within the limits, and what they cut waits.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

use proptest::{collection::vec, prelude::*, sample::select};
use worktab::domain::demand::{earn, Earned};
use worktab::domain::{Amount, Carry, Rate, Units};

const RATE_UNITS: u128 = 1_000_000;
/// The largest rate at which the largest capacity stays within 64 bits.
const LARGEST: u64 = 1 << 35;
const CAPACITY: u64 = 1 << 48;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 4_096,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn small_or_any(most: u64) -> impl Strategy<Value = u64> {
    prop_oneof![
        0..=20u64,
        0..=1_000_000u64,
        0..=most,
        (0..=most, 0u32..64).prop_map(|(number, bits)| number >> bits)
    ]
}

fn earned(units: u64, backing: u64, room: u64, carry: u64, rate: u64, ceiling: u64) -> Earned {
    earn(
        Units(units),
        Amount(backing),
        Units(room),
        Carry(carry),
        Rate(rate),
        Amount(ceiling),
    )
    .unwrap()
}

#[test]
fn each_limit_is_exact() {
    let outcome = |reward: u64, rewarded: u64, carry: u64, units: u64, backing: u64| Earned {
        reward: Amount(reward),
        rewarded: Units(rewarded),
        carry: Carry(carry),
        units: Units(units),
        backing: Amount(backing),
    };
    let one = 1_000_000;
    // No limit: what is left of the backing does not wait without units.
    assert_eq!(earned(100, 500, 1_000, 0, one, 1_000), outcome(100, 100, 0, 0, 0));
    // The backing: the carry goes with what it does not cover.
    assert_eq!(earned(100, 99, 1_000, 7, one, 1_000), outcome(99, 100, 0, 0, 0));
    assert_eq!(earned(100, 100, 1_000, 7, one, 1_000), outcome(100, 100, 7, 0, 0));
    // The capacity.
    assert_eq!(earned(100, 500, 30, 0, one, 1_000), outcome(30, 30, 0, 70, 470));
    assert_eq!(earned(100, 500, 0, 7, one, 1_000), outcome(0, 0, 7, 100, 500));
    // Share, budget and pool.
    assert_eq!(earned(100, 500, 1_000, 7, one, 40), outcome(40, 40, 7, 60, 460));
    assert_eq!(earned(100, 500, 1_000, 7, one, 0), outcome(0, 0, 7, 100, 500));
    // A unit that is paid in part is used up.
    assert_eq!(earned(100, 5_000, 1_000, 0, 7 * one, 10), outcome(10, 2, 0, 98, 4_990));
    // Nothing was sold.
    assert_eq!(earned(0, 0, 1_000, 7, one, 1_000), outcome(0, 0, 7, 0, 0));
    // Units without a price.
    assert_eq!(earned(100, 500, 1_000, 7, 0, 1_000), outcome(0, 100, 7, 0, 0));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_reward_keeps_every_limit_and_what_is_cut_waits(
        units in small_or_any(u64::MAX),
        backing in small_or_any(u64::MAX),
        room in small_or_any(CAPACITY),
        carry in 0u64..1_000_000,
        rate in small_or_any(LARGEST),
        ceiling in small_or_any(u64::MAX),
    ) {
        let after = earned(units, backing, room, carry, rate, ceiling);
        let value = |units: u64| u128::from(units) * u128::from(rate) + u128::from(carry);
        let reward = u128::from(after.reward.get());
        prop_assert!(after.reward.get() <= backing.min(ceiling));
        prop_assert!(after.rewarded.get() <= units.min(room));
        prop_assert!(after.carry < Carry(1_000_000));
        prop_assert_eq!(after.units.get(), units - after.rewarded.get());
        prop_assert!(reward * RATE_UNITS <= value(after.rewarded.get()));
        if after.units > Units::ZERO {
            prop_assert_eq!(after.backing.get(), backing - after.reward.get());
        } else {
            prop_assert_eq!(after.backing, Amount::ZERO);
        }
        let whole = value(units.min(room)) / RATE_UNITS;
        let allowed = whole.min(u128::from(backing)).min(u128::from(ceiling));
        prop_assert_eq!(reward, allowed);
        // A ceiling takes fewer units than one more would pay for.
        if reward < whole.min(u128::from(backing)) && reward > 0 {
            let price = whole.min(u128::from(backing));
            let used = u128::from(after.rewarded.get());
            prop_assert!((used - 1) * price < reward * u128::from(units.min(room)));
        }
    }

    /// Over any number of epochs, all claims together pay at most what backs the sales, and at most their price; and
    /// where no ceiling cuts, exactly the lesser.
    #[test]
    fn waiting_neither_gains_nor_loses(
        units in 0u64..100_000,
        backing in 0u64..200_000,
        rate in select(&[1, 333_333, 1_000_000, 7_777_777][..]),
        rooms in vec(0u64..5_000, 1..40),
    ) {
        let (mut left, mut behind, mut carry, mut paid) = (units, backing, 0, 0);
        for room in rooms.iter().copied().chain([units]) {
            let after = earned(left, behind, room, carry, rate, u64::MAX);
            paid += after.reward.get();
            (left, behind, carry) = (after.units.get(), after.backing.get(), after.carry.get());
        }
        let price = u128::from(units) * u128::from(rate) / RATE_UNITS;
        prop_assert_eq!(left, 0);
        prop_assert_eq!(u128::from(paid), price.min(u128::from(backing)));
    }

    /// With ceilings each cut costs less than one unit's price.
    #[test]
    fn a_ceiling_costs_less_than_one_unit_each_time(
        units in 1u64..10_000,
        price in 1u64..50,
        ceilings in vec(0u64..500, 1..20),
    ) {
        let backing = units * price * 2;
        let (mut left, mut behind, mut carry, mut paid, mut cuts) = (units, backing, 0, 0, 0);
        for ceiling in ceilings.iter().copied().chain([u64::MAX]) {
            let after = earned(left, behind, u64::MAX, carry, price * 1_000_000, ceiling);
            cuts += u64::from(ceiling > 0 && after.units > Units::ZERO);
            paid += after.reward.get();
            (left, behind, carry) = (after.units.get(), after.backing.get(), after.carry.get());
        }
        prop_assert!(paid <= units * price);
        prop_assert!(paid + (cuts + 1) * (price - 1) >= units * price);
        prop_assert_eq!(left, 0);
    }
}
