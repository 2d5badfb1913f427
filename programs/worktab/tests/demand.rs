//! The demand-backed reward: what sales are worth, and how much of that each claim may pay. Limits delay, and take nothing.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

use proptest::{collection::vec, prelude::*};
use worktab::domain::demand::{worth, Waiting, Worth};
use worktab::domain::{Amount, Carry, Rate, Units};

const RATE_UNITS: u128 = 1_000_000;
const ONE: u64 = 1_000_000;
const LARGEST: u64 = u64::MAX;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 4_096,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Numbers of every size, the edges among them.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..=20u64,
        0..=1_000_000u64,
        (any::<u64>(), 0u32..64).prop_map(|(number, bits)| number >> bits),
        (0u32..64).prop_map(|bits| 1 << bits),
        Just(LARGEST),
    ]
}

/// Units that wait, their reward, and the carry.
fn worth_of(units: u64, taken: u64, carry: u64, rate: u64) -> (u64, u64, u64) {
    let Worth { waiting, carry } = worth(Units(units), Amount(taken), Carry(carry), Rate(rate));
    (waiting.units.get(), waiting.reward.get(), carry.0)
}

fn waiting(units: u64, reward: u64) -> Waiting {
    Waiting {
        units: Units(units),
        reward: Amount(reward),
    }
}

/// What is taken, and what then waits.
fn take(units: u64, reward: u64, room: u64, ceiling: u64) -> (Waiting, Waiting) {
    let mut left = waiting(units, reward);
    let taken = left.take(Units(room), Amount(ceiling)).unwrap();
    (taken, left)
}

#[test]
fn sales_are_worth_their_units_or_what_they_paid() {
    // Their units, and the part of a base unit that rounding leaves.
    assert_eq!(worth_of(100, 500, 0, ONE), (100, 100, 0));
    assert_eq!(worth_of(3, 500, 900_000, 300_000), (3, 1, 800_000));
    // What they paid, to the unit: below it the carry goes too.
    assert_eq!(worth_of(100, 100, 7, ONE), (100, 100, 7));
    assert_eq!(worth_of(100, 99, 7, ONE), (99, 99, 0));
    assert_eq!(worth_of(100, 0, 7, ONE), (0, 0, 0));
    // Worth nothing yet, so that nothing need be paid.
    assert_eq!(worth_of(3, 0, 0, 300_000), (0, 0, 900_000));
    // No units, and units without a price.
    assert_eq!(worth_of(0, 500, 7, ONE), (0, 0, 7));
    assert_eq!(worth_of(100, 500, 7, 0), (0, 0, 7));
}

#[test]
fn an_absurd_rate_is_worth_what_was_paid() {
    assert_eq!(worth_of(1 << 48, 1_500, 7, 1 << 63), (1, 1_500, 0));
    assert_eq!(worth_of(LARGEST, 1_500, 999_999, LARGEST), (1, 1_500, 0));
    assert_eq!(worth_of(LARGEST, LARGEST, 999_999, LARGEST), (ONE, LARGEST, 0));
    // The largest reward that is a number.
    assert_eq!(worth_of(LARGEST, LARGEST, 7, ONE), (LARGEST, LARGEST, 7));
}

#[test]
fn units_that_were_not_paid_for_do_not_wait() {
    // As many as the fee and burn pay for, rounded up.
    assert_eq!(worth_of(LARGEST, 1, 0, ONE), (1, 1, 0));
    assert_eq!(worth_of(LARGEST, 10, 0, 3 * ONE), (4, 10, 0));
    assert_eq!(worth_of(LARGEST, 10, 0, 300_000), (34, 10, 0));
    // So they take no capacity from those that were.
    let mut left = waiting(1_000, 1_000);
    let Worth { waiting: named, .. } = worth(Units(LARGEST), Amount(1), Carry::ZERO, Rate(ONE));
    left.units = Units(left.units.get() + named.units.get());
    left.reward = Amount(left.reward.get() + named.reward.get());
    assert_eq!(left.take(Units(1_000), Amount(LARGEST)).unwrap(), waiting(1_000, 1_000));
}

#[test]
fn each_limit_is_exact() {
    // None.
    assert_eq!(take(100, 500, 1_000, 1_000), (waiting(100, 500), waiting(0, 0)));
    assert_eq!(take(100, 500, 100, 500), (waiting(100, 500), waiting(0, 0)));
    // The capacity: its part of the reward, rounded down.
    assert_eq!(take(100, 500, 30, 1_000), (waiting(30, 150), waiting(70, 350)));
    assert_eq!(take(3, 100, 2, 1_000), (waiting(2, 66), waiting(1, 34)));
    assert_eq!(take(100, 500, 0, 1_000), (waiting(0, 0), waiting(100, 500)));
    // Units worth less than a base unit; the last one has what rounding left.
    assert_eq!(take(100, 1, 99, 1_000), (waiting(99, 0), waiting(1, 1)));
    // Share, budget and pool: they use up the units that they pay for, rounded down.
    assert_eq!(take(100, 500, 1_000, 499), (waiting(99, 499), waiting(1, 1)));
    assert_eq!(take(100, 500, 1_000, 4), (waiting(0, 4), waiting(100, 496)));
    assert_eq!(take(100, 500, 1_000, 0), (waiting(0, 0), waiting(100, 500)));
    // Both.
    assert_eq!(take(100, 500, 30, 150), (waiting(30, 150), waiting(70, 350)));
    assert_eq!(take(100, 500, 30, 149), (waiting(29, 149), waiting(71, 351)));
    // Nothing waits, or nothing that is worth anything.
    assert_eq!(take(0, 0, 1_000, 1_000), (waiting(0, 0), waiting(0, 0)));
    assert_eq!(take(100, 0, 30, 0), (waiting(30, 0), waiting(70, 0)));
}

#[test]
fn one_unit_is_paid_for_in_as_many_claims_as_it_takes() {
    let mut left = waiting(1, 1_000_000);
    for claim in 1..100 {
        assert_eq!(left.take(Units(1_000), Amount(10_000)).unwrap(), waiting(0, 10_000));
        assert_eq!(left, waiting(1, 1_000_000 - claim * 10_000));
    }
    assert_eq!(left.take(Units(1_000), Amount(10_000)).unwrap(), waiting(1, 10_000));
    assert_eq!(left, waiting(0, 0));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn worth_is_the_lesser_of_units_and_fees(
        units in number(),
        taken in number(),
        carry in 0u64..1_000_000,
        rate in number(),
    ) {
        let n = u128::from(units) * u128::from(rate) + u128::from(carry);
        let full = n / RATE_UNITS;
        let covered = full <= u128::from(taken);
        let (named, reward, rest) = worth_of(units, taken, carry, rate);
        prop_assert_eq!(u128::from(reward), full.min(u128::from(taken)));
        prop_assert_eq!(u128::from(rest), if covered { n % RATE_UNITS } else { 0 });
        // What waits is all that was sold, or what was paid for; and a unit for each reward, none for no reward.
        prop_assert_eq!(named > 0, reward > 0);
        if reward > 0 && covered {
            prop_assert_eq!(named, units);
        } else if reward > 0 {
            let [named, rate, paid] = [u128::from(named), u128::from(rate), u128::from(taken) * RATE_UNITS];
            prop_assert!(named <= u128::from(units) && (named - 1) * rate < paid && paid <= named * rate);
        }
    }

    /// Selling much at once, or little at a time, is worth the same where the fees cover it.
    #[test]
    fn splitting_sales_changes_nothing(
        sales in vec(0u64..1_000_000, 1..20),
        carry in 0u64..1_000_000,
        rate in 0u64..1 << 40,
    ) {
        let (mut sum, mut rest) = (0, carry);
        for units in &sales {
            let (_, reward, carry) = worth_of(*units, LARGEST, rest, rate);
            (sum, rest) = (sum + reward, carry);
        }
        let (_, all, left) = worth_of(sales.iter().sum(), LARGEST, carry, rate);
        prop_assert_eq!((all, left), (sum, rest));
    }

    #[test]
    fn one_claim_keeps_every_limit(
        units in number(),
        reward in number(),
        room in number(),
        ceiling in number(),
    ) {
        let (taken, left) = take(units, reward, room, ceiling);
        prop_assert!(taken.units <= Units(units.min(room)));
        prop_assert!(taken.reward <= Amount(reward.min(ceiling)));
        prop_assert_eq!(taken.units.get() + left.units.get(), units);
        prop_assert_eq!(taken.reward.get() + left.reward.get(), reward);
        let [all, eligible, whole] = [units, units.min(room), reward].map(u128::from);
        let due = (whole * eligible).checked_div(all).unwrap_or(0);
        prop_assert_eq!(u128::from(taken.reward.get()), due.min(u128::from(ceiling)));
        if due <= u128::from(ceiling) {
            prop_assert_eq!(u128::from(taken.units.get()), eligible);
        } else {
            // As many units as the ceiling pays for, and not one more.
            let (used, ceiling) = (u128::from(taken.units.get()), u128::from(ceiling));
            prop_assert!(used * due <= eligible * ceiling && eligible * ceiling < (used + 1) * due);
        }
    }

    /// Whoever claims whenever: all claims together pay what the sales were worth, and never more on the way.
    #[test]
    fn any_history_of_claims_pays_what_the_sales_were_worth(
        sales in vec((1u64..1 << 58, 0u64..1 << 58), 1..8),
        claims in vec((0usize..8, number(), number()), 0..40),
    ) {
        let (mut left, mut units, mut reward, mut used, mut paid) = (waiting(0, 0), 0, 0, 0, 0);
        let mut sales = sales.into_iter();
        let mut sell = |left: &mut Waiting, units: &mut u64, reward: &mut u64| {
            let Some((sold, value)) = sales.next() else { return false };
            *left = waiting(left.units.get() + sold, left.reward.get() + value);
            (*units, *reward) = (*units + sold, *reward + value);
            true
        };
        for (kind, room, ceiling) in claims {
            if kind == 0 {
                sell(&mut left, &mut units, &mut reward);
            }
            let taken = left.take(Units(room), Amount(ceiling)).unwrap();
            (used, paid) = (used + taken.units.get(), paid + taken.reward.get());
            prop_assert!(paid <= reward);
            prop_assert_eq!((used + left.units.get(), paid + left.reward.get()), (units, reward));
            // What is worth anything waits with a unit, or no claim would look at it.
            prop_assert!(left.units > Units::ZERO || left.reward == Amount::ZERO);
        }
        while sell(&mut left, &mut units, &mut reward) {}
        let taken = left.take(Units(LARGEST), Amount(LARGEST)).unwrap();
        prop_assert_eq!((used + taken.units.get(), paid + taken.reward.get()), (units, reward));
        prop_assert_eq!(left, waiting(0, 0));
    }
}
