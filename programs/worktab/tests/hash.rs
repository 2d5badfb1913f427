//! The hash of several slices is the hash of all their bytes in a row, and SHA-256.

use proptest::{collection::vec, prelude::*};
use sha2::{Digest, Sha256};
use worktab::wire::hash::sha256;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parts_are_hashed_as_one(parts in vec(vec(any::<u8>(), 0..100), 0..6)) {
        let slices: Vec<_> = parts.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(sha256(&slices), <[u8; 32]>::from(Sha256::digest(parts.concat())));
    }
}
