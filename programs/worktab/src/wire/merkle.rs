//! Merkle trees over payees: leaves, nodes, and the way from a leaf to its root.
//!
//! A tree of `count` leaves has `ceil(log2(count))` levels below its root and room for a power of two of them; a leaf's
//! position says at each level whether its node is the left or the right one. Leaves and nodes are hashed under different
//! prefixes, so that neither passes for the other.

#[cfg(not(target_os = "solana"))]
use super::hash::sha256;
use bytemuck::{Pod, Zeroable};

/// What a root says of one payee.
pub struct Leaf<'a> {
    pub domain: &'a [u8; 32],
    pub epoch: u64,
    pub position: u32,
    pub payout: &'a [u8; 32],
    pub lifetime_reward: u64,
    pub devices_root: &'a [u8; 32],
}

/// A node of the tree behind the prefix of nodes, 0x01: as the left child it is hashed as it stands.
pub type Sibling = [u8; 33];

/// Most levels of a tree: positions have 32 bits.
const MAX_LEVELS: usize = 32;

/// Whether a tree of `count` leaves, one or more, has so many levels.
#[inline(always)]
pub fn is_depth(levels: usize, count: u32) -> bool {
    // The highest position has a bit for each level; the 1 below them stays when they are gone.
    let highest = u64::from(count.saturating_sub(1)) << 1 | 1;
    levels <= MAX_LEVELS && highest >> levels == 1
}

impl Leaf<'_> {
    /// Whether these siblings, the lowest first, lead from the leaf to `root`. A leaf is `H(0x00 || domain || u64 epoch ||
    /// u32 position || payout || u64 lifetime_reward || devices_root)`, a node `H(0x01 || left || right)`. A sibling of
    /// another prefix leads nowhere.
    #[cfg(target_os = "solana")]
    #[inline(always)]
    pub fn leads_to(&self, root: &[u8; 32], siblings: &[Sibling]) -> bool {
        onchain::leads_to(self, root, siblings)
    }

    /// As on chain, in plain words.
    #[cfg(not(target_os = "solana"))]
    pub fn leads_to(&self, root: &[u8; 32], siblings: &[Sibling]) -> bool {
        let mut node = sha256(&[bytemuck::bytes_of(&self.head()), self.devices_root]);
        let mut place = self.position;
        for sibling in siblings {
            let (prefix, hash) = sibling.split_at(1);
            if prefix != [1] {
                return false;
            }
            node = match place & 1 {
                0 => sha256(&[prefix, &node, hash]),
                _ => sha256(&[prefix, hash, &node]),
            };
            place >>= 1;
        }
        node == *root
    }

    #[inline(always)]
    fn head(&self) -> Head {
        Head {
            prefix: 0,
            domain: *self.domain,
            epoch: self.epoch,
            position: self.position,
            payout: *self.payout,
            lifetime_reward: self.lifetime_reward,
        }
    }
}

/// A leaf as it is hashed, up to the root of its devices. In one piece, because the runtime has a price for each.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, packed)]
struct Head {
    prefix: u8,
    domain: [u8; 32],
    epoch: u64,
    position: u32,
    payout: [u8; 32],
    lifetime_reward: u64,
}

/// The same in 132 compute units a level, of which the runtime takes 117 for the hash: all but two pointers of what it
/// reads is written once.
#[cfg(target_os = "solana")]
mod onchain {
    use super::{Leaf, Sibling};
    use crate::wire::hash::same;
    use anchor_lang::pinocchio::syscalls::sol_sha256;
    use core::mem::{size_of, MaybeUninit};

    /// A slice, as the syscall reads it.
    #[repr(C)]
    struct Piece(*const u8, usize);

    /// Bytes of the two pieces that make a node.
    const PAIR: usize = 2 * size_of::<Piece>();

    #[inline(always)]
    pub fn leads_to(leaf: &Leaf, root: &[u8; 32], siblings: &[Sibling]) -> bool {
        let head = leaf.head();
        let pieces: [&[u8]; 2] = [bytemuck::bytes_of(&head), leaf.devices_root];
        let mut node = MaybeUninit::<Sibling>::uninit();
        let mut pairs = MaybeUninit::<[Piece; 4]>::uninit();
        let end = siblings.as_ptr_range().end;
        // SAFETY: the syscall writes the 32 bytes of `node` that follow the prefix, which is written here. Of the pairs,
        // `climb` sets the two pointers that are not, before they are read.
        unsafe {
            let node = node.as_mut_ptr().cast::<u8>();
            let hash = node.add(1);
            node.write(1);
            sol_sha256(pieces.as_ptr().cast(), 2, hash);
            let pairs = pairs.as_mut_ptr().cast::<Piece>();
            pairs.write(Piece(node, 33));
            (*pairs.add(1)).1 = 32;
            (*pairs.add(2)).1 = 33;
            pairs.add(3).write(Piece(hash, 32));
            let place = leaf.position as usize * PAIR;
            climb(pairs, siblings.as_ptr(), end, place) == end && same(&*hash.cast(), root)
        }
    }

    /// Replaces a node by the one that the siblings lead to, and returns where it stopped: at the end, or at a sibling of
    /// another prefix.
    ///
    /// Apart from the rest, so that the loop has the registers.
    ///
    /// # Safety
    ///
    /// `pairs` are two: the node with its prefix and a piece of 32 bytes; a piece of 33 bytes and the node without its
    /// prefix. The other two pieces become the sibling. `place` is the node's position, times `PAIR`; `sibling` and `end`
    /// are of one slice. The syscall reads all pieces before it writes the node they make over the node they name.
    #[inline(never)]
    unsafe fn climb(
        pairs: *mut Piece,
        mut sibling: *const Sibling,
        end: *const Sibling,
        mut place: usize,
    ) -> *const Sibling {
        let node = (*pairs.add(3)).0.cast_mut();
        while sibling != end {
            if (*sibling)[0] != 1 {
                break;
            }
            (*pairs.add(1)).0 = sibling.cast::<u8>().add(1);
            (*pairs.add(2)).0 = sibling.cast();
            // As a sum of numbers: that of a pointer costs one instruction more.
            let pair = (place & PAIR).wrapping_add(pairs as usize) as *const u8;
            sol_sha256(pair, 2, node);
            place >>= 1;
            sibling = sibling.add(1);
        }
        sibling
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAF: Leaf = Leaf {
        domain: &[1; 32],
        epoch: 2,
        position: 0,
        payout: &[4; 32],
        lifetime_reward: 5,
        devices_root: &[6; 32],
    };

    fn at(position: u32) -> Leaf<'static> {
        Leaf { position, ..LEAF }
    }

    /// The hash of a leaf, field by field.
    fn hash(leaf: &Leaf) -> [u8; 32] {
        let bytes = [
            &[0u8][..],
            leaf.domain,
            &leaf.epoch.to_le_bytes(),
            &leaf.position.to_le_bytes(),
            leaf.payout,
            &leaf.lifetime_reward.to_le_bytes(),
            leaf.devices_root,
        ];
        sha256(&[&bytes.concat()])
    }

    fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
        sha256(&[&[1], left, right])
    }

    fn prefixed(node: &[u8; 32]) -> Sibling {
        let mut bytes = [1; 33];
        bytes[1..].copy_from_slice(node);
        bytes
    }

    #[test]
    fn a_tree_is_as_deep_as_its_count_needs() {
        let depths = [
            (1, 0),
            (2, 1),
            (3, 2),
            (4, 2),
            (5, 3),
            (1 << 20, 20),
            ((1 << 20) + 1, 21),
            (1 << 31, 31),
            ((1 << 31) + 1, 32),
            (u32::MAX, 32),
        ];
        for (count, depth) in depths {
            for levels in 0..=200 {
                assert_eq!(is_depth(levels, count), levels == depth, "{levels} levels of {count}");
            }
        }
    }

    #[test]
    fn one_leaf_is_the_root() {
        assert!(LEAF.leads_to(&hash(&LEAF), &[]));
        assert!(!LEAF.leads_to(&hash(&at(1)), &[]));
    }

    #[test]
    fn every_field_of_a_leaf_counts() {
        let root = hash(&LEAF);
        let others = [
            Leaf {
                domain: &[9; 32],
                ..LEAF
            },
            Leaf { epoch: 9, ..LEAF },
            Leaf { position: 9, ..LEAF },
            Leaf {
                payout: &[9; 32],
                ..LEAF
            },
            Leaf {
                lifetime_reward: 9,
                ..LEAF
            },
            Leaf {
                devices_root: &[9; 32],
                ..LEAF
            },
        ];
        for other in others {
            assert!(!other.leads_to(&root, &[]));
        }
    }

    #[test]
    fn a_leaf_climbs_by_the_bits_of_its_position() {
        let hashes: Vec<[u8; 32]> = (0..4).map(|position| hash(&at(position))).collect();
        let (low, high) = (node(&hashes[0], &hashes[1]), node(&hashes[2], &hashes[3]));
        let root = node(&low, &high);
        let leads = |position, siblings: [&[u8; 32]; 2]| at(position).leads_to(&root, &siblings.map(prefixed));
        assert!(leads(0, [&hashes[1], &high]));
        assert!(leads(1, [&hashes[0], &high]));
        assert!(leads(2, [&hashes[3], &low]));
        assert!(leads(3, [&hashes[2], &low]));
        assert!(!leads(0, [&high, &hashes[1]]));
        assert!(!leads(1, [&hashes[1], &high]));
        assert!(!leads(0, [&hashes[0], &high]));
    }

    #[test]
    fn the_longest_way_leads_to_the_root() {
        for position in [0, 1, 0x5555_5555, 0xAAAA_AAAA, u32::MAX] {
            let siblings: Vec<[u8; 32]> = (0..32).map(|level| [level; 32]).collect();
            let root = siblings
                .iter()
                .enumerate()
                .fold(hash(&at(position)), |below, (level, sibling)| {
                    match position >> level & 1 {
                        0 => node(&below, sibling),
                        _ => node(sibling, &below),
                    }
                });
            let proof: Vec<Sibling> = siblings.iter().map(prefixed).collect();
            assert!(at(position).leads_to(&root, &proof));
            assert!(!at(position).leads_to(&root, &proof[..31]));
            assert!(!at(position ^ 1 << 31).leads_to(&root, &proof));
        }
    }

    #[test]
    fn a_node_does_not_pass_for_a_leaf() {
        let low = node(&hash(&at(0)), &hash(&at(1)));
        let root = node(&low, &[7; 32]);
        assert!(at(0).leads_to(&root, &[hash(&at(1)), [7; 32]].map(|each| prefixed(&each))));
        assert!(!at(0).leads_to(&root, &[prefixed(&[7; 32])]));
        assert!(!at(0).leads_to(&low, &[]));
    }

    #[test]
    fn a_sibling_of_another_prefix_leads_nowhere() {
        for (position, prefix) in [(0, 0), (1, 0), (0, 2), (1, 255)] {
            let leaf = at(position);
            let mut sibling = prefixed(&[7; 32]);
            let root = |sibling: &Sibling| match position {
                0 => sha256(&[&[sibling[0]], &hash(&leaf), &sibling[1..]]),
                _ => sha256(&[sibling, &hash(&leaf)]),
            };
            assert!(leaf.leads_to(&root(&sibling), &[sibling]));
            sibling[0] = prefix;
            assert!(!leaf.leads_to(&root(&sibling), &[sibling]));
        }
    }
}
