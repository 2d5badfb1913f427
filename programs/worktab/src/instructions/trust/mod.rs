mod close_dispute;
mod contest_sla;
mod enforce_sla;
mod open_dispute;
mod open_sla;
mod resolve_dispute;
mod vote_dispute;
mod vote_sla;

pub use close_dispute::*;
pub use contest_sla::*;
pub use enforce_sla::*;
pub use open_dispute::*;
pub use open_sla::*;
pub use resolve_dispute::*;
pub use vote_dispute::*;
pub use vote_sla::*;
