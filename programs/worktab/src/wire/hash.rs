//! SHA-256 over several slices: the syscall on chain, a library elsewhere. And the comparison of such bytes.

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

/// Equality in words of eight bytes: the byte-wise comparison of slices is a call, and slow on chain.
#[inline(always)]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (words_a, words_b) = (a.chunks_exact(8), b.chunks_exact(8));
    words_a.remainder() == words_b.remainder() && words_a.zip(words_b).all(|(x, y)| word(x) == word(y))
}

#[inline(always)]
fn word(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_le_bytes)
}
