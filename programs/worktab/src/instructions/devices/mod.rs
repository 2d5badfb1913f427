mod admission;
mod deposit_bond;
mod register_device;
mod retire_device;
mod update_device;
mod withdraw_bond;

use admission::require_admission;
pub use deposit_bond::*;
pub use register_device::*;
pub use retire_device::*;
pub use update_device::*;
pub use withdraw_bond::*;
