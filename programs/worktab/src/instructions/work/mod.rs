mod claim;
mod submit_receipt;

pub use claim::*;
pub use submit_receipt::*;
