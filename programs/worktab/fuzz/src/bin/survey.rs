//! Tells what the corpus of sequences reaches: how often each instruction succeeded, and with which errors it was refused.

use std::collections::BTreeMap;
use worktab_fuzz::corpus::{file, read};
use worktab_fuzz::targets::sequences::step::{act, field, steps};
use worktab_fuzz::targets::sequences::{binary, coverage, idl, play, Outcome};

/// How often an instruction succeeded, and how often it was refused with each error.
#[derive(Default)]
struct Ends {
    done: usize,
    refused: BTreeMap<Outcome, usize>,
}

fn main() -> std::io::Result<()> {
    let inputs = read(&file("sequences"))?;
    let mut ends: BTreeMap<&str, Ends> = BTreeMap::new();
    for input in &inputs {
        let all: Vec<_> = steps(input).collect();
        play(input.first().copied().unwrap_or(0), &all, |step, outcome| {
            let kind = step.get(field::KIND);
            if act::ALL.contains(&kind) {
                return;
            }
            let ends = ends.entry(&idl::instruction(kind).name).or_default();
            match outcome {
                Outcome::Done => ends.done += 1,
                refusal => *ends.refused.entry(refusal.clone()).or_default() += 1,
            }
        });
    }
    for (name, Ends { done, refused }) in &ends {
        let errors: Vec<String> = refused.keys().map(error).collect();
        let times: usize = refused.values().sum();
        println!("{name}: {done} done, {times} refused: {}", errors.join(" "));
    }
    let (done, refused) = ends.values().fold((0, 0), |(done, refused), each| {
        (done + each.done, refused + each.refused.values().sum::<usize>())
    });
    let (seen, all) = (coverage::places_seen(), binary::instructions());
    println!(
        "{} sequences, {done} instructions done, {refused} refused",
        inputs.len()
    );
    println!("{seen} of the program's {all} instructions on the virtual machine ran");
    Ok(())
}

fn error(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Refused(number) => number.to_string(),
        Outcome::Stopped(name) => name.clone(),
        other => format!("{other:?}"),
    }
}
