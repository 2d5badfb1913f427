//! Accounts: fixed layouts, zero-copy, versioned.

mod change;
mod class;
mod device;
mod network;

pub use change::{Change, ChangeKind, PendingChange};
pub use class::{Class, ClassTerms};
pub use device::{status, Device, DEVICE_SEED};
pub use network::{basis, pause, reward_path, Delays, Network, NETWORK_SEED};

/// Version of every account layout in this release.
pub const LAYOUT_VERSION: u8 = 1;
/// Device classes a network has room for.
pub const MAX_CLASSES: usize = 8;
/// Attestors a network has room for.
pub const MAX_ATTESTORS: usize = 16;
