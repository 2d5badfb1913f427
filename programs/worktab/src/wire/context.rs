//! Contexts bind a signature to one cluster, program, network and device.

use super::{hash::sha256, key::Key};

/// `H("worktab/domain" || genesis_hash || program_id || network)`
#[inline(always)]
pub fn domain(genesis_hash: &[u8; 32], program_id: &[u8; 32], network: &[u8; 32]) -> [u8; 32] {
    sha256(&[b"worktab/domain", genesis_hash, program_id, network])
}

/// `H("worktab/receipt" || domain || device || u32 index)`
#[inline(always)]
pub fn receipt(domain: &[u8; 32], device: &[u8; 32], index: u32) -> [u8; 32] {
    sha256(&[b"worktab/receipt", domain, device, &index.to_le_bytes()])
}

/// `H("worktab/key" || domain || device || u8 key_kind || key 33 || owner)`
#[inline(always)]
pub fn key_possession(domain: &[u8; 32], device: &[u8; 32], key: Key, owner: &[u8; 32]) -> [u8; 32] {
    sha256(&[b"worktab/key", domain, device, &[key.kind], key.bytes, owner])
}

/// `H("worktab/voucher" || domain || tab || device || u32 index || u32 lane_nonce)`; `lane` is index and nonce.
#[inline(always)]
pub fn voucher(domain: &[u8; 32], tab: &[u8; 32], device: &[u8; 32], lane: &[u8; 8]) -> [u8; 32] {
    sha256(&[b"worktab/voucher", domain, tab, device, lane])
}

/// `H("worktab/batch" || domain || tab || H(entries))`
#[inline(always)]
pub fn batch(domain: &[u8; 32], tab: &[u8; 32], entries: &[u8]) -> [u8; 32] {
    sha256(&[b"worktab/batch", domain, tab, &sha256(&[entries])])
}

/// What a payer agrees to: `H("worktab/invoice" || domain || invoice || consumer || u64 amount || u64 units || u64 due ||
/// u64 created slot || head || memo)`. The address stands for device and number.
pub fn invoice_terms(
    domain: &[u8; 32],
    invoice: &[u8; 32],
    consumer: &[u8; 32],
    numbers: [u64; 4],
    head: &[u8; 32],
    memo: &[u8; 32],
) -> [u8; 32] {
    let numbers = numbers.map(u64::to_le_bytes);
    sha256(&[
        b"worktab/invoice",
        domain,
        invoice,
        consumer,
        numbers.as_flattened(),
        head,
        memo,
    ])
}

/// The last seed of a device's address: `H(u8 key_kind, first key 33)`
#[inline(always)]
pub fn device_seed(kind: u8, key: &[u8; 33]) -> [u8; 32] {
    sha256(&[&[kind], key])
}
