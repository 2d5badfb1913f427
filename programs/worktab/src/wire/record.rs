//! Job records, as far as a dispute needs them: their hash, the chain they stand in, who paid and how much.

use super::hash::sha256;

/// Bytes of a job record.
pub const RECORD_SIZE: usize = 168;
const AMOUNT_AT: usize = 112;
const TAB_AT: usize = 136;
const RECORD_TAG: u8 = 3;
const HEAD_TAG: u8 = 2;

/// `H(0x03 || salt || record)`
pub fn record_hash(salt: &[u8; 32], record: &[u8; RECORD_SIZE]) -> [u8; 32] {
    sha256(&[&[RECORD_TAG], salt, record])
}

/// `H(0x02 || head before || record hash)`
pub fn next_head(before: &[u8; 32], record_hash: &[u8; 32]) -> [u8; 32] {
    sha256(&[&[HEAD_TAG], before, record_hash])
}

/// What the consumer owes for the job, base units.
pub fn amount(record: &[u8; RECORD_SIZE]) -> u64 {
    let mut amount = [0; 8];
    amount.copy_from_slice(&record[AMOUNT_AT..][..8]);
    u64::from_le_bytes(amount)
}

/// The paying consumer's tab; zero when nobody pays.
pub fn tab(record: &[u8; RECORD_SIZE]) -> [u8; 32] {
    let mut tab = [0; 32];
    tab.copy_from_slice(&record[TAB_AT..]);
    tab
}
