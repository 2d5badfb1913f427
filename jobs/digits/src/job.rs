//! The job interface: the host asks for room with `alloc`, writes the input there and calls `run`.
//!
//! All `unsafe` of this crate is here. The module keeps no state: each allocation is fresh pages of the memory, so
//! nothing is ever shared or freed; the host uses an instance once.

use core::arch::wasm32::{memory_grow, memory_size, unreachable};
use core::slice;

use crate::network::{DIGITS, PIXELS, best, scores};

const PAGE: usize = 65_536;
/// The digit, then ten scores of 4 bytes.
const RECORD: usize = 1 + 4 * DIGITS;

/// The address of `len` new zero bytes; inside the memory even if `len` is 0. Traps when the memory can't grow.
#[unsafe(no_mangle)]
pub extern "C" fn alloc(len: usize) -> usize {
    match memory_grow::<0>(len.div_ceil(PAGE).max(1)) {
        usize::MAX => unreachable(),
        pages_before => pages_before * PAGE,
    }
}

/// Classifies the images in `len` bytes at `ptr`: the output's address in the upper half, its length in the lower.
/// Traps unless the input is one or more whole images that lie inside the memory.
///
/// # Safety
/// The bytes must come from `alloc`: bytes of the module's own data or stack are the compiler's to change.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn run(ptr: usize, len: usize) -> u64 {
    let room = (memory_size::<0>() * PAGE).saturating_sub(ptr);
    if ptr == 0 || len > room {
        unreachable();
    }
    // SAFETY: not null, inside the memory, initialized as all of the memory is, and written by nobody while this runs.
    let input = unsafe { slice::from_raw_parts(ptr as *const u8, len) };
    let (images, rest) = input.as_chunks::<PIXELS>();
    if images.is_empty() || !rest.is_empty() {
        unreachable();
    }

    let output_len = images.len() * RECORD;
    let output_ptr = alloc(output_len);
    // SAFETY: `alloc` just added these bytes to the memory, so nothing else refers to them.
    let output = unsafe { slice::from_raw_parts_mut(output_ptr as *mut u8, output_len) };
    for (image, record) in images.iter().zip(output.as_chunks_mut::<RECORD>().0) {
        let scores = scores(image);
        let (digit, rest) = record.split_at_mut(1);
        digit[0] = best(&scores);
        for (bytes, score) in rest.as_chunks_mut().0.iter_mut().zip(scores) {
            *bytes = score.to_le_bytes();
        }
    }
    (output_ptr as u64) << 32 | output_len as u64
}
