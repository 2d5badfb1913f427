//! Reward arithmetic against a reference in 128 bits that knows no fast path.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

use proptest::{collection::vec, prelude::*, sample::select};
use worktab::domain::reward::{accrue, reward, share, Accrual, Reward, Standing, RATE_UNITS};
use worktab::domain::{Amount, Capacity, Carry, Overflow, Rate, Units};

const MILLION: u128 = 1_000_000;

/// Numbers at which a path, a width or a sign changes.
const EDGES: [u64; 24] = [
    0,
    1,
    2,
    999_999,
    1_000_000,
    1_000_001,
    (1 << 31) - 1,
    1 << 31,
    (1 << 31) + 1,
    (1 << 32) - 1,
    1 << 32,
    (1 << 32) + 1,
    (1 << 33) - 1,
    1 << 33,
    (1 << 44) - 1,
    1 << 44,
    1 << 48,
    (1 << 63) - 1,
    1 << 63,
    (1 << 63) + 1,
    u64::MAX / 1_000_000,
    u64::MAX / 1_000_000 + 1,
    u64::MAX - 1,
    u64::MAX,
];

/// Any number, and more often than by chance one of every size, or at an edge.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        (any::<u64>(), 0u32..64).prop_map(|(number, bits)| number >> bits),
        (select(&EDGES[..]), 0u64..3, any::<bool>()).prop_map(|(edge, away, up)| {
            if up {
                edge.saturating_add(away)
            } else {
                edge.saturating_sub(away)
            }
        }),
    ]
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 4_096,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// What was worth how much, in millionths of a base unit: never above 2^128 - 1.
fn value(carry: u64, units: u64, rate: u64) -> u128 {
    u128::from(units) * u128::from(rate) + u128::from(carry)
}

fn reference_reward(carry: u64, units: u64, rate: u64) -> Result<Reward, Overflow> {
    let value = value(carry, units, rate);
    Ok(Reward {
        amount: Amount(u64::try_from(value / MILLION).map_err(|_| Overflow)?),
        carry: Carry(u64::try_from(value % MILLION).unwrap()),
    })
}

fn reference_share(budget: u64, capacity: u64, total: u64) -> Result<Amount, Overflow> {
    match u128::from(budget) * u128::from(capacity) {
        _ if total == 0 => Ok(Amount(0)),
        product => u64::try_from(product / u128::from(total))
            .map(Amount)
            .map_err(|_| Overflow),
    }
}

#[test]
fn rewards_and_shares_are_exact_at_every_edge() {
    for a in EDGES {
        for b in EDGES {
            for c in EDGES {
                assert_eq!(
                    reward(Carry(a), Units(b), Rate(c)),
                    reference_reward(a, b, c),
                    "{a} {b} {c}"
                );
                assert_eq!(
                    share(Amount(a), Capacity(b), Capacity(c)),
                    reference_share(a, b, c),
                    "{a} {b} {c}"
                );
            }
        }
    }
}

#[test]
fn a_reward_over_64_bits_is_an_overflow_and_the_one_below_is_not() {
    let most = Reward {
        amount: Amount(u64::MAX),
        carry: Carry(999_999),
    };
    assert_eq!(RATE_UNITS, 1_000_000);
    assert_eq!(reward(Carry(999_999), Units(u64::MAX), Rate(RATE_UNITS)), Ok(most));
    assert_eq!(
        reward(Carry(1_000_000), Units(u64::MAX), Rate(RATE_UNITS)),
        Err(Overflow)
    );
    assert_eq!(reward(Carry(0), Units(u64::MAX), Rate(RATE_UNITS + 1)), Err(Overflow));
    assert_eq!(
        share(Amount(u64::MAX), Capacity(u64::MAX), Capacity(u64::MAX)),
        Ok(Amount(u64::MAX))
    );
    assert_eq!(share(Amount(u64::MAX), Capacity(u64::MAX), Capacity(1)), Err(Overflow));
    // 2^33 x 2^31 / 1: one more than fits.
    assert_eq!(share(Amount(1 << 33), Capacity(1 << 31), Capacity(1)), Err(Overflow));
}

#[test]
fn accrual_cuts_exactly_at_its_limits() {
    // 7 units at 3 base units each.
    let at =
        |room: u64, ceiling: u64| accrue(Units(7), Units(room), Carry(5), Rate(3_000_000), Amount(ceiling)).unwrap();
    let accrual = |eligible: u64, reward: u64, cut: bool| Accrual {
        eligible: Units(eligible),
        reward: Amount(reward),
        carry: Carry(5),
        cut,
    };
    assert_eq!(at(7, 21), accrual(7, 21, false));
    assert_eq!(at(u64::MAX, u64::MAX), accrual(7, 21, false));
    assert_eq!(at(7, 20), accrual(7, 20, true));
    assert_eq!(at(6, 21), accrual(6, 18, true));
    assert_eq!(at(6, 17), accrual(6, 17, true));
    assert_eq!(at(0, 21), accrual(0, 0, true));
    assert_eq!(at(7, 0), accrual(7, 0, true));
    // Units without a price lose nothing to a full epoch.
    let unpaid = accrue(Units(7), Units(0), Carry(5), Rate(0), Amount(0));
    assert_eq!(unpaid, Ok(accrual(0, 0, false)));
    // A reward still below one base unit needs no room in a budget.
    let small = accrue(Units(1), Units(1), Carry(5), Rate(999_994), Amount(0)).unwrap();
    assert_eq!(
        (small.reward, small.carry, small.cut),
        (Amount(0), Carry(999_999), false)
    );
    let whole = accrue(Units(1), Units(1), Carry(5), Rate(999_995), Amount(0)).unwrap();
    assert_eq!((whole.reward, whole.carry, whole.cut), (Amount(0), Carry(0), true));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn rewards_equal_the_reference(carry in number(), units in number(), rate in number()) {
        let earned = reward(Carry(carry), Units(units), Rate(rate));
        prop_assert_eq!(earned, reference_reward(carry, units, rate));
        if let Ok(earned) = earned {
            prop_assert!(earned.carry < Carry(RATE_UNITS));
        }
    }

    /// Both paths, with a carry as the program keeps it.
    #[test]
    fn splitting_work_changes_nothing(
        carry in 0..RATE_UNITS,
        pieces in vec(prop_oneof![0..=1u64 << 48, 0..=1u64 << 33, 0..=1_000u64], 1..24),
        rate in prop_oneof![0..=1u64 << 35, 0..=1_000_000u64],
    ) {
        let (mut paid, mut carried) = (0u128, Carry(carry));
        for piece in &pieces {
            let earned = reward(carried, Units(*piece), Rate(rate)).unwrap();
            paid += u128::from(earned.amount.get());
            carried = earned.carry;
        }
        let whole = value(carry, pieces.iter().sum(), rate);
        prop_assert_eq!((paid, u128::from(carried.get())), (whole / MILLION, whole % MILLION));
    }

    #[test]
    fn shares_equal_the_reference(budget in number(), capacity in number(), total in number()) {
        prop_assert_eq!(share(Amount(budget), Capacity(capacity), Capacity(total)), reference_share(budget, capacity, total));
    }

    /// However the class is divided, and with part of it idle, all devices together stay within the budget.
    #[test]
    fn shares_never_exceed_the_budget(
        budget in number(),
        capacities in vec(number().prop_map(|capacity| capacity / 16), 1..16),
        idle in number().prop_map(|capacity| capacity / 16),
    ) {
        let total = capacities.iter().sum::<u64>() + idle;
        let shares = capacities.iter().map(|capacity| {
            let share = share(Amount(budget), Capacity(*capacity), Capacity(total)).unwrap();
            u128::from(share.get())
        });
        prop_assert!(shares.sum::<u128>() <= u128::from(budget));
    }

    /// Nothing is paid twice, nothing vanishes unless a limit is said to have taken it, and no limit is passed.
    #[test]
    fn accruals_keep_their_limits_and_account_for_every_millionth(
        delta in number(), room in number(), carry in 0..RATE_UNITS, rate in number(), ceiling in number(),
    ) {
        let eligible = delta.min(room);
        match accrue(Units(delta), Units(room), Carry(carry), Rate(rate), Amount(ceiling)) {
            Ok(accrual) => {
                prop_assert_eq!(accrual.eligible, Units(eligible));
                prop_assert!(accrual.reward <= Amount(ceiling));
                prop_assert!(accrual.carry < Carry(RATE_UNITS));
                let kept = value(accrual.carry.get(), accrual.reward.get(), RATE_UNITS);
                let (due, allowed) = (value(carry, delta, rate), value(carry, eligible, rate));
                prop_assert!(kept <= allowed);
                prop_assert_eq!(accrual.cut, kept < due);
                // A cut takes no more than it must.
                prop_assert!(kept == allowed || accrual.reward == Amount(ceiling));
            }
            Err(Overflow) => prop_assert_eq!(reference_reward(carry, eligible, rate), Err(Overflow)),
        }
    }
    /// The short way for receipts that no limit cuts agrees with the long one, and is taken whenever it may be.
    #[test]
    fn the_short_way_is_the_long_one_where_nothing_is_cut(
        delta in number(),
        carry in 0..RATE_UNITS,
        rate in number(),
        capacity in number(),
        total in number(),
        units in number(),
        earned in number(),
        budget in number(),
        spent in number(),
        pool in number(),
    ) {
        let standing = Standing {
            carry: &Carry(carry),
            rate: &Rate(rate),
            capacity: &Capacity(capacity),
            total_capacity: &Capacity(total),
            units: &Units(units),
            earned: &Amount(earned),
            budget: &Amount(budget),
            spent: &Amount(spent),
            pool: &Amount(pool),
        };
        let room = Units(capacity.saturating_sub(units));
        let ceiling = |share: Amount| Amount(
            share.get().saturating_sub(earned).min(budget.saturating_sub(spent)).min(pool)
        );
        let long = share(Amount(budget), Capacity(capacity), Capacity(total))
            .and_then(|share| accrue(Units(delta), room, Carry(carry), Rate(rate), ceiling(share)));
        prop_assert_eq!(standing.accrue(Units(delta)), long);
        match (standing.uncut(Units(delta)), long) {
            (Ok(Some(Reward { amount, carry })), long) => {
                let eligible = Units(delta);
                prop_assert_eq!(long, Ok(Accrual { eligible, reward: amount, carry, cut: false }));
            }
            // A limit was passed before: then a reward of nothing is not cut either.
            (Ok(None), Ok(accrual)) => prop_assert!(
                accrual.cut || accrual.eligible < Units(delta) || accrual.reward == Amount(0)
            ),
            (Ok(None), Err(_)) => {}
            (Err(error), long) => prop_assert_eq!(long, Err(error)),
        }
    }
}
