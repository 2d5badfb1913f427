//! The arithmetic equals the formulas about which `tests/proofs` proves what they promise, in every case of its file.
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use worktab::domain::fees::{charge, Carries};
use worktab::domain::reward::{reward, Standing};
use worktab::domain::slash::{part, penalty, Slash};
use worktab::domain::{Amount, Capacity, Carry, Overflow, Rate, Units};

/// What Rust makes of a case's numbers.
fn found(of: &str, numbers: &[u64]) -> Result<Vec<u64>, Overflow> {
    let small = |number: u64| u16::try_from(number).unwrap();
    Ok(match *numbers {
        [carry, units, rate] if of == "reward" => {
            let found = reward(Carry(carry), Units(units), Rate(rate))?;
            vec![found.amount.get(), found.carry.get()]
        }
        [full, capacity, total, budget, spent, earned, pool] if of == "limits" => {
            let ceiling = Standing {
                carry: &Carry::ZERO,
                rate: &Rate::ZERO,
                capacity: &Capacity(capacity),
                total_capacity: &Capacity(total),
                units: &Units::ZERO,
                earned: &Amount(earned),
                budget: &Amount(budget),
                spent: &Amount(spent),
                pool: &Amount(pool),
            }
            .ceiling()?;
            vec![Amount(full).min(ceiling).get()]
        }
        [earnings, fee, burn, fee_carry, burn_carry] if of == "charge" => {
            let carries = Carries {
                fee: small(fee_carry),
                burn: small(burn_carry),
            };
            let found = charge(Amount(earnings), small(fee), small(burn), carries)?;
            let Carries { fee, burn } = found.carries;
            vec![found.fee.get(), found.burn.get(), u64::from(fee), u64::from(burn)]
        }
        [bond, held, bps, owed, deposit] if of == "slash" => {
            let found = Slash::of(Amount(bond), Amount(held), small(bps), Amount(owed), Amount(deposit))?;
            vec![found.consumer.get(), found.challenger.get(), found.pool.get()]
        }
        [due, delivered, bps] if of == "penalty" => {
            let held = part(Amount(due), small(bps))?;
            vec![held.get(), penalty(Amount(due), Amount(delivered), small(bps))?.get()]
        }
        _ => panic!("no case of {of} has these numbers"),
    })
}

fn numbers(value: &Value) -> Vec<u64> {
    let texts = value.as_array().unwrap().iter();
    texts.map(|text| text.as_str().unwrap().parse().unwrap()).collect()
}

#[test]
fn the_arithmetic_is_the_models() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/proofs/arithmetic.json");
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(cases.len() > 1_000);
    for case in &cases {
        let expected = case["out"].as_array().map(|_| numbers(&case["out"])).ok_or(Overflow);
        assert_eq!(
            found(case["of"].as_str().unwrap(), &numbers(&case["in"])),
            expected,
            "{case}"
        );
    }
}
