mod close_lane;
mod close_tab;
mod deposit;
mod open_tab;
mod reserve_lane;
mod set_delegate;
mod settle_batch;
mod settle_voucher;
mod withdraw;

pub use close_lane::*;
pub use close_tab::*;
pub use deposit::*;
pub use open_tab::*;
pub use reserve_lane::*;
pub use set_delegate::*;
pub use settle_batch::*;
pub use settle_voucher::*;
pub use withdraw::*;
