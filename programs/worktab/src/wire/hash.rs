//! SHA-256 over several slices: the syscall on chain, a library elsewhere. And the comparison of such bytes.

use bytemuck::pod_read_unaligned;

/// H(parts[0] || parts[1] || ..)
#[cfg(target_os = "solana")]
#[inline(always)]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    use anchor_lang::pinocchio::syscalls::sol_sha256;
    let mut out = core::mem::MaybeUninit::<[u8; 32]>::uninit();
    // SAFETY: `parts` is a slice of slices, the layout the syscall reads; it writes exactly the 32 bytes of `out`.
    unsafe {
        sol_sha256(parts.as_ptr().cast(), parts.len() as u64, out.as_mut_ptr().cast());
        out.assume_init()
    }
}

/// H(parts[0] || parts[1] || ..)
#[cfg(not(target_os = "solana"))]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    anchor_lang::sha256(&parts.concat())
}

/// Equality in words of eight bytes, without a loop: the comparison of slices is a call, and slow on chain.
#[inline(always)]
pub fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let (a, b): ([u64; 4], [u64; 4]) = (pod_read_unaligned(a), pod_read_unaligned(b));
    (a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) == 0
}

/// As `same`, for a header of 16 bytes.
#[inline(always)]
pub fn same_header(a: &[u8; 16], b: &[u8; 16]) -> bool {
    let (a, b): ([u64; 2], [u64; 2]) = (pod_read_unaligned(a), pod_read_unaligned(b));
    (a[0] ^ b[0]) | (a[1] ^ b[1]) == 0
}
