//! Accounts: fixed layouts, zero-copy, versioned.

mod ballot;
mod change;
mod class;
mod delegate;
mod device;
mod dispute;
mod epoch;
mod invoice;
mod lane;
mod loading;
mod network;
mod page;
mod sla;
mod tab;

pub use ballot::Ballot;
pub use change::{Change, ChangeKind, PendingChange};
pub use class::{Class, ClassTerms};
pub use delegate::{delegate_status, Delegate, DelegateTerms};
pub use device::{status, Device, DEVICE_SEED};
pub use dispute::{verdict, Dispute, DISPUTE_SEED};
pub use epoch::{Commitment, Epoch, EPOCH_SEED};
pub use invoice::{Invoice, InvoiceTerms, INVOICE_SEED};
pub use lane::{find, lane_flag, lane_mut, lanes_mut, Lane, Sale, LANES_AT, LANE_SIZE, MAX_LANES, MAX_SOLD_AT_ONCE};
pub use loading::{is_closed, load_changed, Trailing};
pub use network::{basis, pause, reward_path, Delays, Network, MAX_DELAY, NETWORK_SEED};
pub use page::{Page, PAGE_SEED, PAYEES_A_PAGE};
pub use sla::{contest, sla_outcome, Sla, SlaEnd, SlaTerms, SLA_SEED};
pub use tab::{push_lane, remove_lane, Tab, CONSUMER, MAX_DELEGATES, TAB_SEED};

/// Version of every account layout in this release.
pub const LAYOUT_VERSION: u8 = 1;
/// Device classes a network has room for.
pub const MAX_CLASSES: usize = 8;
/// Attestors a network has room for.
pub const MAX_ATTESTORS: usize = 16;
