//! Accounts: fixed layouts, zero-copy, versioned.

mod change;
mod class;
mod delegate;
mod device;
mod epoch;
mod invoice;
mod lane;
mod loading;
mod network;
mod page;
mod tab;

pub use change::{Change, ChangeKind, PendingChange};
pub use class::{Class, ClassTerms};
pub use delegate::{delegate_status, Delegate, DelegateTerms};
pub use device::{status, Device, DEVICE_SEED};
pub use epoch::{Commitment, Epoch, EPOCH_SEED};
pub use invoice::{Invoice, InvoiceTerms, INVOICE_SEED};
pub use lane::{find, lane_mut, lanes_mut, Lane, Sale, LANES_AT, LANE_SIZE, MAX_LANES, MAX_SOLD_AT_ONCE};
pub use loading::{load_changed, Trailing};
pub use network::{basis, pause, reward_path, Delays, Network, NETWORK_SEED};
pub use page::{Page, PAGE_SEED, PAYEES_A_PAGE};
pub use tab::{push_lane, remove_lane, Tab, CONSUMER, MAX_DELEGATES, TAB_SEED};

/// Version of every account layout in this release.
pub const LAYOUT_VERSION: u8 = 1;
/// Device classes a network has room for.
pub const MAX_CLASSES: usize = 8;
/// Attestors a network has room for.
pub const MAX_ATTESTORS: usize = 16;
