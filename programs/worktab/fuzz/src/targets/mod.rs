//! What is fuzzed: each target takes any bytes, and panics where the program breaks a rule.

pub mod arithmetic;
pub mod merkle;
pub mod proof;
#[cfg(feature = "chain")]
pub mod sequences;
pub mod tokens;

/// A target's name, and what runs one input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const ALL: &[Target] = &[
    ("proof", proof::run),
    ("merkle", merkle::run),
    ("arithmetic", arithmetic::run),
    ("tokens", tokens::run),
    #[cfg(feature = "chain")]
    ("sequences", sequences::run),
];
