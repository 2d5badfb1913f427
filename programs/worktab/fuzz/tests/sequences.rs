//! The sequences made by hand still do what they are for.
#![cfg(feature = "chain")]

use std::collections::BTreeSet;
use worktab_fuzz::targets::sequences::step::{field, steps};
use worktab_fuzz::targets::sequences::{idl, play, seeds, Outcome};

#[test]
fn every_instruction_succeeds_in_a_sequence_made_by_hand() {
    let mut done = BTreeSet::new();
    for input in seeds::inputs() {
        let all: Vec<_> = steps(&input).collect();
        play(input[0], &all, |step, outcome| {
            if outcome == &Outcome::Done {
                done.insert(step.get(field::KIND));
            }
        });
    }
    let missing: Vec<&str> = idl::INSTRUCTIONS
        .iter()
        .filter(|each| !done.contains(&each.number))
        .map(|each| each.name.as_str())
        .collect();
    assert!(missing.is_empty(), "no sequence has {missing:?}");
}
