//! Quantities and times at the ends of their ranges.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

use proptest::prelude::*;
use worktab::domain::{Amount, Capacity, Carry, Count, EpochIndex, Overflow, Rate, Seconds, Timestamp, Units};

const MAX: u64 = u64::MAX;

/// The operations of a quantity on the pairs where a result enters or leaves its range.
macro_rules! edges {
    ($($name:ident: $quantity:ident,)*) => {$(
        #[test]
        fn $name() {
            let q = $quantity;
            assert_eq!(q(MAX - 1).plus(q(1)), Ok(q(MAX)));
            assert_eq!(q(MAX).plus(q(0)), Ok(q(MAX)));
            assert_eq!(q(MAX).plus(q(1)), Err(Overflow));
            assert_eq!(q(MAX).plus(q(MAX)), Err(Overflow));

            assert_eq!(q(1).minus(q(1)), Ok(q(0)));
            assert_eq!(q(MAX).minus(q(MAX)), Ok(q(0)));
            assert_eq!(q(MAX).minus(q(0)), Ok(q(MAX)));
            assert_eq!(q(0).minus(q(1)), Err(Overflow));
            assert_eq!(q(0).minus(q(MAX)), Err(Overflow));

            assert_eq!(q(5).minus_part(q(3)), q(2));
            assert_eq!(q(MAX).minus_part(q(MAX)), q(0));
            assert_eq!(q(MAX).minus_part(q(0)), q(MAX));

            assert_eq!(q(5).less(q(3)), q(2));
            assert_eq!(q(5).less(q(6)), q(0));
            assert_eq!(q(0).less(q(MAX)), q(0));

            assert_eq!(q(MAX - 1).plus_within_limit(q(1)), q(MAX));
            assert_eq!(q(0).plus_within_limit(q(0)), q(0));

            assert!(q(3).leaves_room(q(2), q(5)));
            assert!(!q(3).leaves_room(q(3), q(5)));
            assert!(!q(6).leaves_room(q(0), q(5)));
            assert!(q(MAX).leaves_room(q(0), q(MAX)));
            assert!(!q(MAX).leaves_room(q(1), q(MAX)));
            assert!(!q(1).leaves_room(q(MAX), q(MAX)));

            assert_eq!(q(MAX - 1).saturating_plus(q(1)), q(MAX));
            assert_eq!(q(MAX).saturating_plus(q(1)), q(MAX));
            assert_eq!(q(MAX).saturating_plus(q(MAX)), q(MAX));

            assert_eq!(($quantity::default(), $quantity::ZERO.get(), q(MAX).get()), (q(0), 0, MAX));
            assert!(q(1) < q(2));
        }
    )*};
}

edges! {
    amounts: Amount,
    units: Units,
    capacities: Capacity,
    rates: Rate,
    carries: Carry,
    counts: Count,
}

fn epoch(now: i64, created: i64, length: u32) -> Result<u64, Overflow> {
    EpochIndex::at(Timestamp(now), Timestamp(created), Seconds(length)).map(|epoch| epoch.0)
}

#[test]
fn epochs_begin_and_end_on_the_second() {
    const CREATED: i64 = 1_790_000_000;
    for (now, index) in [
        (CREATED, 0),
        (CREATED + 1, 0),
        (CREATED + 3_599, 0),
        (CREATED + 3_600, 1),
        (CREATED + 7_199, 1),
        (CREATED + 7_200, 2),
    ] {
        assert_eq!(epoch(now, CREATED, 3_600), Ok(index));
    }
}

#[test]
fn a_clock_before_creation_counts_as_creation() {
    for now in [1_789_999_999, 0, -1, i64::MIN] {
        assert_eq!(epoch(now, 1_790_000_000, 1), Ok(0));
    }
}

#[test]
fn an_epoch_of_no_length_is_refused() {
    assert_eq!(epoch(5, 5, 0), Err(Overflow));
    assert_eq!(epoch(i64::MAX, 0, 0), Err(Overflow));
    assert_eq!(epoch(0, 5, 0), Err(Overflow));
}

#[test]
fn epochs_reach_the_end_of_time() {
    let end = u64::try_from(i64::MAX).unwrap();
    assert_eq!(epoch(i64::MAX, 0, 1), Ok(end));
    assert_eq!(epoch(i64::MAX, 1, 1), Ok(end - 1));
    assert_eq!(epoch(i64::MAX, 0, u32::MAX), Ok(end / u64::from(u32::MAX)));
    assert_eq!(epoch(i64::MAX, i64::MAX, 1), Ok(0));
    assert_eq!(epoch(i64::MAX, i64::MIN, 1), Ok(MAX));
}

#[test]
fn the_last_epoch_has_no_next() {
    assert_eq!(EpochIndex(0).next(), Ok(EpochIndex(1)));
    assert_eq!(EpochIndex(MAX - 1).next(), Ok(EpochIndex(MAX)));
    assert_eq!(EpochIndex(MAX).next(), Err(Overflow));
}

#[test]
fn delays_end_where_time_does() {
    assert_eq!(Timestamp(-5).after(Seconds(6)), Ok(Timestamp(1)));
    assert_eq!(Timestamp(i64::MIN).after(Seconds(0)), Ok(Timestamp(i64::MIN)));
    let last = Timestamp(i64::MAX - i64::from(u32::MAX));
    assert_eq!(last.after(Seconds(u32::MAX)), Ok(Timestamp(i64::MAX)));
    assert_eq!(Timestamp(last.0 + 1).after(Seconds(u32::MAX)), Err(Overflow));
    assert_eq!(Timestamp(i64::MAX).after(Seconds(1)), Err(Overflow));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn operations_equal_those_in_128_bits(a: u64, b: u64, limit: u64) {
        let (x, y) = (Amount(a), Amount(b));
        let (wide_a, wide_b) = (i128::from(a), i128::from(b));
        let narrow = |number: i128| u64::try_from(number).map(Amount).map_err(|_| Overflow);
        prop_assert_eq!(x.plus(y), narrow(wide_a + wide_b));
        prop_assert_eq!(x.minus(y), narrow(wide_a - wide_b));
        prop_assert_eq!(x.leaves_room(y, Amount(limit)), wide_a + wide_b <= i128::from(limit));
        prop_assert_eq!(Ok(x.less(y)), narrow((wide_a - wide_b).max(0)));
        prop_assert_eq!(Ok(x.saturating_plus(y)), narrow((wide_a + wide_b).min(i128::from(MAX))));
    }

    #[test]
    fn epochs_equal_those_in_128_bits(now: i64, created: i64, length in 1..=u32::MAX) {
        let elapsed = (i128::from(now) - i128::from(created)).max(0);
        let index = u64::try_from(elapsed / i128::from(length)).unwrap();
        prop_assert_eq!(epoch(now, created, length), Ok(index));
    }
}
