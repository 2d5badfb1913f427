mod claim_root;
mod commit_epoch;
mod finalize_epoch;
mod open_page;
mod vote_epoch;

pub use claim_root::*;
pub use commit_epoch::*;
pub use finalize_epoch::*;
pub use open_page::*;
pub use vote_epoch::*;
