//! The verifier of root claims: it accepts the payees of a naive tree with their own proofs, and nothing else.

use crate::input::Input;
use crate::tree::{Payee, Tree};
use worktab::wire::merkle::{is_depth, Leaf};

/// Most positions of a tree that is built.
const POSITIONS: usize = 70;

/// What a claim shows.
#[derive(Clone)]
struct Claim {
    domain: [u8; 32],
    epoch: u64,
    payee: Payee,
    siblings: Vec<u8>,
    root: [u8; 32],
    count: u32,
}

pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    depth(input.number(), input.byte());
    let tree = tree(&mut input);
    let Some(payee) = tree.payees.get(input.below(tree.payees.len().max(1))).cloned() else {
        return;
    };
    let honest = Claim {
        domain: tree.domain,
        epoch: tree.epoch,
        siblings: tree.proof(payee.position),
        root: tree.root(),
        count: tree.count(),
        payee,
    };
    assert!(accepts(&honest), "an honest claim is refused");
    let mut claim = honest.clone();
    for _ in 0..1 + input.below(3) {
        change(&mut input, &tree, &mut claim);
    }
    assert_eq!(
        accepts(&claim),
        is_true(&tree, &claim),
        "a claim that is not the tree's"
    );
}

/// The depth of a tree, counted by doubling.
fn depth(count: u64, levels: u8) {
    let count = u32::try_from(count & 0xffff_ffff).expect("32 bits").max(1);
    let mut deep = 0;
    while 1u64 << deep < u64::from(count) {
        deep += 1;
    }
    assert_eq!(is_depth(usize::from(levels), count), usize::from(levels) == deep);
}

/// A tree with some payees at rising positions.
fn tree(input: &mut Input) -> Tree {
    let (domain, epoch) = ([input.byte(); 32], input.number());
    let mut payees = Vec::new();
    let mut position = input.below(POSITIONS / 2);
    for _ in 0..1 + input.below(12) {
        payees.push(Payee {
            position: u32::try_from(position).expect("a small position"),
            payout: [input.byte(); 32],
            lifetime_reward: input.number(),
            devices_root: [input.byte(); 32],
        });
        position += 1 + input.below(4);
    }
    Tree::new(domain, epoch, payees)
}

/// As `claim_root` decides.
fn accepts(claim: &Claim) -> bool {
    let (siblings, rest) = claim.siblings.as_chunks();
    let leaf = Leaf {
        domain: &claim.domain,
        epoch: claim.epoch,
        position: claim.payee.position,
        payout: &claim.payee.payout,
        lifetime_reward: claim.payee.lifetime_reward,
        devices_root: &claim.payee.devices_root,
    };
    claim.payee.position < claim.count
        && rest.is_empty()
        && is_depth(siblings.len(), claim.count)
        && leaf.leads_to(&claim.root, siblings)
}

/// Whether the tree says so: one of its payees, at its position, with its path. A count other than the tree's is as
/// good where it asks for the same depth and names the position.
fn is_true(tree: &Tree, claim: &Claim) -> bool {
    tree.payees.contains(&claim.payee)
        && (claim.domain, claim.epoch, claim.root) == (tree.domain, tree.epoch, tree.root())
        && claim.payee.position < claim.count
        && claim.siblings == tree.proof(claim.payee.position)
        && claim.count.next_power_of_two() == tree.count().next_power_of_two()
}

/// Changes one thing of a claim; sometimes to what it was.
fn change(input: &mut Input, tree: &Tree, claim: &mut Claim) {
    let place = usize::from(input.byte());
    let with = input.byte();
    match with % 16 {
        0 => claim.payee.position ^= 1 << (place % 32),
        1 => claim.payee.position = u32::try_from(place).expect("a byte"),
        2 => claim.payee.lifetime_reward ^= 1 << (place % 64),
        3 => claim.payee.lifetime_reward = input.number(),
        4 => claim.payee.payout[place % 32] ^= input.byte(),
        5 => claim.payee.devices_root[place % 32] ^= input.byte(),
        6 => claim.domain[place % 32] ^= input.byte(),
        7 => claim.epoch = input.number(),
        8 => claim.root[place % 32] ^= input.byte(),
        9 => claim.count = u32::try_from(place).expect("a byte"),
        10 => drop(claim.siblings.drain(..claim.siblings.len().min(33))),
        11 => claim.siblings.truncate(place),
        12 => claim.siblings.extend(tree.proof(claim.payee.position % tree.count())),
        // Another payee's pay, or all of another payee, with this proof.
        13 => claim.payee.lifetime_reward = tree.payees[place % tree.payees.len()].lifetime_reward,
        14 => claim.payee = tree.payees[place % tree.payees.len()].clone(),
        _ if !claim.siblings.is_empty() => {
            let place = (place + usize::from(input.byte())) % claim.siblings.len();
            claim.siblings[place] ^= input.byte();
        }
        _ => claim.siblings.extend([1; 33]),
    }
}
