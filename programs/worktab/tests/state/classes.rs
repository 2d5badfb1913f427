//! Classes: terms, capacities, and the step from epoch to epoch.

use super::refused;
use bytemuck::Zeroable;
use worktab::domain::{Amount, Capacity, EpochIndex, Overflow, Rate};
use worktab::errors::WorktabError;
use worktab::state::{Class, ClassTerms};

const TERMS: ClassTerms = ClassTerms {
    meter: 1,
    rate: 11,
    max_capacity: 12,
    least_bond: 13,
    budget: 14,
};

fn class() -> Class {
    let mut class = Class::zeroed();
    class.set(&TERMS).unwrap();
    class
}

#[test]
fn a_class_is_found_by_its_number_while_in_use() {
    let mut classes = [Class::zeroed(); 8];
    for number in [0u8, 3, 7] {
        classes[usize::from(number)].meter = 6;
        classes[usize::from(number)].rate = Rate(100 + u64::from(number));
    }
    for number in 0..=255 {
        match number {
            0 | 3 | 7 => assert_eq!(
                Class::find(&mut classes, number).unwrap().rate,
                Rate(100 + u64::from(number))
            ),
            _ => refused(Class::find(&mut classes, number), WorktabError::UnknownClass),
        }
    }
}

#[test]
fn terms_are_put_in_place_and_spending_stays() {
    let mut class = class();
    class.spent = Amount(21);
    class.total_capacity = Capacity(22);
    class.next_total_capacity = Capacity(23);
    class.epoch = EpochIndex(24);
    class.devices = 25;
    class
        .set(&ClassTerms {
            meter: 1,
            rate: 31,
            max_capacity: 32,
            least_bond: 33,
            budget: 34,
        })
        .unwrap();
    assert_eq!(
        (class.meter, class.rate, class.max_capacity),
        (1, Rate(31), Capacity(32))
    );
    assert_eq!((class.least_bond, class.budget), (Amount(33), Amount(34)));
    assert_eq!(
        (class.spent, class.epoch, class.devices),
        (Amount(21), EpochIndex(24), 25)
    );
    assert_eq!(
        (class.total_capacity, class.next_total_capacity),
        (Capacity(22), Capacity(23))
    );
}

#[test]
fn meters_are_one_to_six_and_a_class_keeps_its_own() {
    for meter in 0..=255 {
        let mut unused = Class::zeroed();
        let set = unused.set(&ClassTerms { meter, ..TERMS });
        if (1..=6).contains(&meter) {
            set.unwrap();
            assert_eq!(unused.meter, meter);
        } else {
            refused(set, WorktabError::InvalidParameter);
            assert_eq!((unused.meter, unused.rate), (0, Rate(0)));
        }
    }
    refused(class().set(&ClassTerms { meter: 2, ..TERMS }), WorktabError::MeterFixed);
}

#[test]
fn the_largest_capacity_has_a_bound() {
    let with = |max_capacity| ClassTerms { max_capacity, ..TERMS };
    class().set(&with(1 << 48)).unwrap();
    refused(class().set(&with((1 << 48) + 1)), WorktabError::InvalidParameter);
}

#[test]
fn a_capacity_needs_room_and_bond() {
    let class = class();
    class.require_capacity(Capacity(12), Amount(13)).unwrap();
    class.require_capacity(Capacity(1), Amount(14)).unwrap();
    class.require_capacity(Capacity(0), Amount(0)).unwrap();
    refused(
        class.require_capacity(Capacity(13), Amount(13)),
        WorktabError::CapacityTooLarge,
    );
    refused(
        class.require_capacity(Capacity(1), Amount(12)),
        WorktabError::BondTooSmall,
    );
}

#[test]
fn only_a_later_epoch_starts_anew() {
    let mut class = class();
    class.epoch = EpochIndex(5);
    class.spent = Amount(6);
    class.total_capacity = Capacity(7);
    class.next_total_capacity = Capacity(8);
    let seen = |class: &Class| {
        (
            class.epoch.0,
            class.spent.0,
            class.total_capacity.0,
            class.next_total_capacity.0,
        )
    };
    for epoch in [0, 4, 5] {
        class.enter(EpochIndex(epoch));
        assert_eq!(seen(&class), (5, 6, 7, 8));
    }
    class.enter(EpochIndex(6));
    assert_eq!(seen(&class), (6, 0, 8, 8));
    class.spent = Amount(9);
    class.enter(EpochIndex(u64::MAX));
    assert_eq!(seen(&class), (u64::MAX, 0, 8, 8));
}

#[test]
fn a_capacity_is_replaced_in_the_coming_total_alone() {
    let mut class = class();
    class.total_capacity = Capacity(100);
    class.next_total_capacity = Capacity(50);
    class.replace_capacity(Capacity(20), Capacity(7)).unwrap();
    assert_eq!(class.next_total_capacity, Capacity(37));
    class.replace_capacity(Capacity(37), Capacity(u64::MAX)).unwrap();
    assert_eq!(class.next_total_capacity, Capacity(u64::MAX));
    assert_eq!(class.replace_capacity(Capacity(0), Capacity(1)), Err(Overflow));
    class.next_total_capacity = Capacity(3);
    assert_eq!(class.replace_capacity(Capacity(4), Capacity(4)), Err(Overflow));
    assert_eq!(
        (class.total_capacity, class.next_total_capacity),
        (Capacity(100), Capacity(3))
    );
}
