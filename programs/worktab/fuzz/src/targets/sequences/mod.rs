//! Whole-program sequences: the real program on an embedded chain takes instructions of every kind, honest ones and broken
//! ones, and after each the ledger rule and the powers of all parties are checked.
//!
//! Nothing but the program's and the runtime's own refusals may fail an instruction: a panic or an access outside of what
//! is mapped is a defect.

mod arguments;
pub mod binary;
mod broken;
mod call;
pub mod coverage;
pub mod idl;
mod ledger;
pub mod mutate;
mod outside;
mod powers;
mod scene;
pub mod seeds;
mod send;
mod start;
mod state;
pub mod step;
mod universe;
mod world;

pub use send::Outcome;
use step::{act, field, Step};
use world::World;

/// Most steps of a sequence.
pub const MOST_STEPS: usize = 64;

pub fn run(bytes: &[u8]) {
    let steps: Vec<Step> = step::steps(bytes).take(MOST_STEPS).collect();
    play(bytes.first().copied().unwrap_or(0), &steps, |_, _| {});
}

/// Plays steps from a state on; `tell` hears each step's outcome.
pub fn play(start: u8, steps: &[Step], mut tell: impl FnMut(&Step, &Outcome)) {
    let mut world = start::world(start);
    for step in steps {
        let outcome = take(&mut world, *step);
        tell(step, &outcome);
    }
}

fn take(world: &mut World, step: Step) -> Outcome {
    if act::ALL.contains(&step.get(field::KIND)) {
        outside::happen(world, step);
        return Outcome::Outside;
    }
    send::instruction(world, step)
}
