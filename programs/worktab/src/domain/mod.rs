//! Amounts, work units and time as types, and the arithmetic on them. No Anchor, no I/O: runs and is tested on the host.

pub mod demand;
pub mod fees;
mod quantity;
pub mod reward;
pub mod slash;
pub mod time;

pub use quantity::{Amount, Capacity, Carry, Count, Overflow, Rate, Units};
pub use time::{EpochIndex, Seconds, Timestamp};
