mod accept_authority;
mod apply_update;
mod collect_fees;
mod create_network;
mod fund_pool;
mod propose_update;
mod set_pause;
mod withdraw_pool;

pub use accept_authority::*;
pub use apply_update::*;
pub use collect_fees::*;
pub use create_network::*;
pub use fund_pool::*;
pub use propose_update::*;
pub use set_pause::*;
pub use withdraw_pool::*;
