//! Fee and burn against a reference in 128 bits, and over any sequence of claims.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use proptest::{collection::vec, prelude::*};
use std::collections::BTreeSet;
use worktab::domain::fees::{charge, Carries, Charge};
use worktab::domain::Amount;

const WHOLE: u128 = 10_000;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 4_096,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Fee and burn that a network may have.
fn basis_points() -> impl Strategy<Value = (u16, u16)> {
    (0u16..=3_000, 0u16..=3_000).prop_map(|(fee, burn)| (fee, burn.min(3_000 - fee)))
}

/// Any earnings of any size.
fn earnings() -> impl Strategy<Value = u64> {
    prop_oneof![
        1u64..=3,
        1u64..=100_000,
        (any::<u64>(), 0u32..64).prop_map(|(number, bits)| number >> bits),
        Just(u64::from(u32::MAX)),
        Just(u64::from(u32::MAX) + 1),
        Just(u64::MAX),
    ]
}

fn charged(earnings: u64, fee: u16, burn: u16, carries: (u16, u16)) -> (u64, u64, u16, u16) {
    let carries = Carries {
        fee: carries.0,
        burn: carries.1,
    };
    let Charge { fee, burn, carries } = charge(Amount(earnings), fee, burn, carries).unwrap();
    (fee.get(), burn.get(), carries.fee, carries.burn)
}

#[test]
fn charges_are_exact() {
    assert_eq!(charged(10_000, 500, 250, (0, 0)), (500, 250, 0, 0));
    assert_eq!(charged(19, 500, 250, (0, 0)), (0, 0, 9_500, 4_750));
    assert_eq!(charged(1, 500, 250, (9_500, 4_750)), (1, 0, 0, 5_000));
    assert_eq!(charged(0, 3_000, 0, (9_999, 0)), (0, 0, 9_999, 0));
    assert_eq!(charged(u64::MAX, 3_000, 0, (9_999, 0)).0, 5_534_023_222_112_865_485);
    // Both fall due on one base unit: the burn waits.
    assert_eq!(charged(1, 1_500, 1_500, (9_000, 9_000)), (1, 0, 500, 10_500));
    assert_eq!(charged(1, 1_500, 1_500, (500, 10_500)), (0, 1, 2_000, 2_000));
}

/// Every state that claims of the smallest earnings lead to, also where the network changes fee and burn in between:
/// carries keep within their bounds, and nothing is charged beyond what was earned.
#[test]
fn carries_stay_bounded_whatever_a_network_changes() {
    let terms = [
        (0, 0),
        (3_000, 0),
        (0, 3_000),
        (1_500, 1_500),
        (1_000, 2_000),
        (2_000, 1_000),
        (1, 2_999),
        (2_999, 1),
        (1_250, 1_750),
    ];
    let (mut seen, mut next) = (BTreeSet::from([(0, 0)]), vec![(0, 0)]);
    while let Some(carries) = next.pop() {
        for (fee_bps, burn_bps) in terms {
            for earnings in 1..=3 {
                let (fee, burn, fee_carry, burn_carry) = charged(earnings, fee_bps, burn_bps, carries);
                assert!(fee + burn <= earnings);
                assert!(fee_carry < 10_000 && burn_carry < 20_000, "{carries:?}");
                if seen.len() < 200_000 && seen.insert((fee_carry, burn_carry)) {
                    next.push((fee_carry, burn_carry));
                }
            }
        }
    }
    assert!(seen.len() > 10_000 && seen.iter().any(|(_, burn)| *burn >= 10_000));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn charges_equal_the_reference(
        earned in earnings(), (fee_bps, burn_bps) in basis_points(), fee_carry in 0u16..10_000, burn_carry in 0u16..20_000,
    ) {
        let (fee, burn, fee_left, burn_left) = charged(earned, fee_bps, burn_bps, (fee_carry, burn_carry));
        let (earned, due_fee, due_burn) = (
            u128::from(earned),
            u128::from(earned) * u128::from(fee_bps) + u128::from(fee_carry),
            u128::from(earned) * u128::from(burn_bps) + u128::from(burn_carry),
        );
        prop_assert_eq!(u128::from(fee), (due_fee / WHOLE).min(earned));
        prop_assert_eq!(u128::from(burn), (due_burn / WHOLE).min(earned - u128::from(fee)));
        if earned > 0 {
            // Nothing is lost and nothing made: what was due is paid or carried.
            prop_assert_eq!(u128::from(fee) * WHOLE + u128::from(fee_left), due_fee);
        }
        prop_assert_eq!(u128::from(burn) * WHOLE + u128::from(burn_left), due_burn);
    }

    #[test]
    fn splitting_claims_changes_nothing(pieces in vec(1u64..=100_000, 1..24), (fee_bps, burn_bps) in basis_points()) {
        let (mut fees, mut burns, mut carries) = (0, 0, (0, 0));
        for piece in &pieces {
            let (fee, burn, fee_carry, burn_carry) = charged(*piece, fee_bps, burn_bps, carries);
            fees += fee;
            burns += burn;
            carries = (fee_carry, burn_carry);
            prop_assert!(fee + burn <= *piece);
            prop_assert!(fee_carry < 10_000 && burn_carry < 20_000);
        }
        let (fee, burn, fee_carry, burn_carry) = charged(pieces.iter().sum(), fee_bps, burn_bps, (0, 0));
        prop_assert_eq!((fees, carries.0), (fee, fee_carry));
        prop_assert_eq!(burns * 10_000 + u64::from(carries.1), burn * 10_000 + u64::from(burn_carry));
    }

    /// The longest run of the smallest claims.
    #[test]
    fn one_base_unit_at_a_time_pays_at_most_itself((fee_bps, burn_bps) in basis_points()) {
        let mut carries = (0, 0);
        let mut taken = 0u64;
        for claims in 1..=500u64 {
            let (fee, burn, fee_carry, burn_carry) = charged(1, fee_bps, burn_bps, carries);
            prop_assert!(fee + burn <= 1);
            taken += fee + burn;
            carries = (fee_carry, burn_carry);
            prop_assert!(fee_carry < 10_000 && burn_carry < 20_000);
            let due = claims * u64::from(fee_bps + burn_bps);
            prop_assert_eq!(taken * 10_000 + u64::from(fee_carry) + u64::from(burn_carry), due);
        }
    }
}
