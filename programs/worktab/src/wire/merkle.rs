//! Merkle trees over payees: leaves, nodes, and the way from a leaf to its root.
//!
//! A tree of `count` leaves has `depth(count)` levels below its root and room for a power of two of them; a leaf's
//! position says at each level whether its node is the left or the right one. Leaves and nodes are hashed under different
//! prefixes, so that neither passes for the other.

use super::hash::sha256;

/// `H(0x00 || domain || u64 epoch || u32 position || payout || u64 lifetime_reward || devices_root)`
#[inline(always)]
pub fn leaf(
    domain: &[u8; 32],
    epoch: u64,
    position: u32,
    payout: &[u8; 32],
    lifetime_reward: u64,
    devices_root: &[u8; 32],
) -> [u8; 32] {
    sha256(&[
        &[0],
        domain,
        &epoch.to_le_bytes(),
        &position.to_le_bytes(),
        payout,
        &lifetime_reward.to_le_bytes(),
        devices_root,
    ])
}

/// Levels of a tree of `count` leaves: `ceil(log2(count))`, and 0 for one leaf or none.
#[inline(always)]
pub const fn depth(count: u32) -> u32 {
    u32::BITS.wrapping_sub(count.saturating_sub(1).leading_zeros())
}

/// A sibling on the way to the root: 0x01, so that as the left child it is hashed as it stands, and 32 bytes.
pub type Sibling = [u8; 33];

/// The root that a leaf at `position` has with these siblings, the lowest first: nodes are `H(0x01 || left || right)`.
/// `None` where a sibling has another prefix.
#[inline(never)]
pub fn climb(leaf: &[u8; 32], position: u32, siblings: &[Sibling]) -> Option<[u8; 32]> {
    // A node is written beside the one it is made from, never over it.
    let (mut below, mut above) = (prefixed(leaf), prefixed(leaf));
    let (mut node, mut parent) = (&mut below, &mut above);
    let mut place = position;
    for sibling in siblings {
        if sibling[0] != 1 {
            return None;
        }
        if place & 1 == 0 {
            hash_children(node, sibling, parent);
        } else {
            hash_children(sibling, node, parent);
        }
        core::mem::swap(&mut node, &mut parent);
        place >>= 1;
    }
    node[1..].try_into().ok()
}

/// Writes `H(left || right without its prefix)` behind the prefix of `parent`.
#[inline(always)]
fn hash_children(left: &Sibling, right: &Sibling, parent: &mut Sibling) {
    #[cfg(target_os = "solana")]
    // SAFETY: the pieces are slices, the layout the syscall reads; it writes the 32 bytes behind the prefix.
    unsafe {
        let pieces: [&[u8]; 2] = [left, right.get_unchecked(1..)];
        anchor_lang::pinocchio::syscalls::sol_sha256(pieces.as_ptr().cast(), 2, parent.as_mut_ptr().add(1));
    }
    #[cfg(not(target_os = "solana"))]
    parent[1..].copy_from_slice(&sha256(&[left, &right[1..]]));
}

fn prefixed(node: &[u8; 32]) -> Sibling {
    let mut bytes = [1; 33];
    bytes[1..].copy_from_slice(node);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_as_deep_as_its_count_needs() {
        let depths = [
            (0, 0),
            (1, 0),
            (2, 1),
            (3, 2),
            (4, 2),
            (5, 3),
            (1 << 20, 20),
            ((1 << 20) + 1, 21),
            (u32::MAX, 32),
        ];
        for (count, expected) in depths {
            assert_eq!(depth(count), expected, "{count}");
        }
    }

    #[test]
    fn a_leaf_climbs_by_the_bits_of_its_position() {
        let leaves: Vec<[u8; 32]> = (0..4).map(|byte| [byte; 32]).collect();
        let node = |left: &[u8; 32], right: &[u8; 32]| sha256(&[&[1], left, right]);
        let (low, high) = (node(&leaves[0], &leaves[1]), node(&leaves[2], &leaves[3]));
        let root = node(&low, &high);
        let climbed = |leaf, position, siblings: [&[u8; 32]; 2]| climb(leaf, position, &siblings.map(prefixed));
        assert_eq!(climbed(&leaves[0], 0, [&leaves[1], &high]), Some(root));
        assert_eq!(climbed(&leaves[1], 1, [&leaves[0], &high]), Some(root));
        assert_eq!(climbed(&leaves[2], 2, [&leaves[3], &low]), Some(root));
        assert_eq!(climbed(&leaves[3], 3, [&leaves[2], &low]), Some(root));
        assert_ne!(climbed(&leaves[1], 0, [&leaves[0], &high]), Some(root));
        assert_eq!(climb(&root, 0, &[]), Some(root));
    }

    #[test]
    fn a_sibling_of_another_prefix_is_refused() {
        for prefix in [0, 2, 255] {
            let mut sibling = prefixed(&[7; 32]);
            sibling[0] = prefix;
            assert_eq!(climb(&[8; 32], 0, &[sibling]), None);
            assert_eq!(climb(&[8; 32], 1, &[prefixed(&[7; 32]), sibling]), None);
        }
    }

    #[test]
    fn a_leaf_is_hashed_field_by_field() {
        let bytes = [
            &[0u8][..],
            &[1; 32],
            &[2, 0, 0, 0, 0, 0, 0, 0],
            &[3, 0, 0, 0],
            &[4; 32],
            &[5, 0, 0, 0, 0, 0, 0, 0],
            &[6; 32],
        ];
        assert_eq!(leaf(&[1; 32], 2, 3, &[4; 32], 5, &[6; 32]), sha256(&[&bytes.concat()]));
    }
}
