mod admission;
mod register_device;
mod retire_device;
mod update_device;

use admission::require_admission;
pub use register_device::*;
pub use retire_device::*;
pub use update_device::*;
