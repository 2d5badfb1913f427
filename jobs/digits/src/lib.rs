//! A job module: images of handwritten digits in, the digit and ten scores of each out.
//!
//! `README.md` beside this crate gives the formats; `job` speaks the job interface, `network` does the work.

#![no_std]

mod job;
mod network;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
