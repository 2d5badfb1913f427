//! Fuzzing of the Worktab program: targets, each with a reference of its own, and their corpus.
//!
//! `scripts/fuzz` runs them with libFuzzer; `tests/replay.rs` runs the committed corpus without it.

pub mod corpus;
pub mod input;
pub mod targets;
pub mod tree;
