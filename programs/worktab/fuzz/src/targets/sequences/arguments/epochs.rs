//! Arguments of the instructions about roots.

use super::super::call::Call;
use super::super::scene::{nth, Scene};
use super::super::step::{field, flag};
use super::super::universe::{derived, wallet, UNIVERSE, WALLETS};
use super::super::world::Committed;
use crate::tree::{Payee, Tree};
use std::rc::Rc;
use worktab::state::{Commitment, EPOCH_SEED, PAGE_SEED, PAYEES_A_PAGE};

/// Fills a call in; says no where this does not know the instruction.
pub fn fill(scene: &Scene, call: &mut Call) -> bool {
    match scene.name {
        "open_page" => {
            let number = u32::from(scene.step.get(field::NUMBER));
            let address = page(scene, number);
            call.put(number.to_le_bytes());
            call.named.insert("page", address);
        }
        "commit_epoch" => commit(scene, call),
        "vote_epoch" => {
            let choice = if scene.step.has(flag::OTHER) { 2 } else { 1 };
            let vote = if scene.step.has(flag::LIE) {
                scene.step.get(field::NUMBER)
            } else {
                choice
            };
            call.put([vote]).put([0; 12]);
            name_commitment(scene, call);
        }
        "finalize_epoch" => name_commitment(scene, call),
        "claim_root" => claim(scene, call),
        _ => return false,
    }
    true
}

fn page(scene: &Scene, number: u32) -> anchor_lang::pinocchio::address::Address {
    derived(&[PAGE_SEED, scene.network.as_ref(), &number.to_le_bytes()])
}

/// A commitment that was made in the network, the newest first.
fn name_commitment(scene: &Scene, call: &mut Call) {
    let here = scene
        .world
        .committed
        .iter()
        .rev()
        .filter(|each| each.network == scene.network);
    let open = here.filter(|each| scene.world.state.epochs.contains_key(&each.address));
    let found = nth(open, scene.step.place(field::NUMBER)).map(|each| each.address);
    if let Some(address) = found {
        call.named.insert("epoch", address);
        if let Some(epoch) = scene.world.state.epochs.get(&address) {
            call.named.insert("rent_payer", epoch.rent_payer);
        }
    }
}

/// The tree that a commitment stands for: all wallets are payees, and earned some more than in the tree before.
fn tree(scene: &Scene, epoch: u64) -> Tree {
    let step = scene.step;
    let net = scene.net;
    let before = net.and_then(|net| scene.world.trees.get(&net.root));
    let count = match step.get(field::UNITS) {
        0 => 3,
        255 => 1_026, // a second page
        other => u32::from(other) % 20,
    };
    let count = count.max(before.map_or(1, |before| before.count()));
    let gain = step.amount(field::AMOUNT, 300);
    let positions = (0..count).filter(|position| *position < 8 || *position + 1 == count);
    let payees = positions.map(|position| {
        let earned = before.and_then(|before| before.payees.iter().find(|payee| payee.position == position));
        Payee {
            position,
            payout: wallet(position as usize % WALLETS).to_bytes(),
            lifetime_reward: earned.map_or(0, |payee| payee.lifetime_reward).saturating_add(gain),
            devices_root: [3; 32],
        }
    });
    Tree::new(net.map_or([0; 32], |net| net.domain), epoch, payees.collect())
}

fn commit(scene: &Scene, call: &mut Call) {
    let step = scene.step;
    let now = scene
        .net
        .and_then(|net| net.epoch_at(worktab::domain::Timestamp(scene.now)).ok())
        .map_or(0, |epoch| epoch.0);
    let epoch = match step.get(field::NUMBER) {
        0 => now.saturating_sub(1),
        1 => now,
        other => now.saturating_sub(u64::from(other)),
    };
    let tree = tree(scene, epoch);
    let sum = tree
        .payees
        .iter()
        .fold(0u64, |sum, payee| sum.saturating_add(payee.lifetime_reward));
    let total = if step.has(flag::LIE) {
        sum.wrapping_sub(step.amount(field::WHERE, 1))
    } else {
        sum
    };
    let commitment = Commitment {
        epoch,
        root: tree.root(),
        count: tree.count(),
        total,
        units: 7,
        records_checked: 2,
        records_failed: 1,
        check_ms: 5,
        data: [step.get(field::WITH); 32],
    };
    call.number(epoch)
        .put(commitment.root)
        .put(commitment.count.to_le_bytes())
        .number(total)
        .number(7)
        .number(2)
        .number(1)
        .number(5);
    call.put(commitment.data);
    let address = derived(&[
        EPOCH_SEED,
        scene.network.as_ref(),
        &epoch.to_le_bytes(),
        &commitment.hash(),
    ]);
    call.named.insert("epoch", address);
    call.memory.committed = Some(Committed {
        network: scene.network,
        address,
    });
    call.memory.tree = Some(Rc::new(tree));
}

fn claim(scene: &Scene, call: &mut Call) {
    let step = scene.step;
    let Some(tree) = scene.net.and_then(|net| scene.world.trees.get(&net.root)) else {
        call.put([0; 49]);
        return;
    };
    let Some(payee) = nth(tree.payees.iter(), step.place(field::NUMBER)) else {
        return;
    };
    let (mut payee, mut proof) = (payee.clone(), tree.proof(payee.position));
    if step.has(flag::LIE) {
        let at = step.place(field::WHERE);
        match step.get(field::VARIANT) % 6 {
            0 => payee.lifetime_reward ^= 1 << (at % 64),
            1 => payee.position ^= 1 << (at % 32),
            2 => payee.devices_root[at % 32] ^= 1,
            3 => payee.payout = wallet(at).to_bytes(),
            4 => proof.truncate(at),
            _ => proof.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1),
        }
    }
    let payout = anchor_lang::pinocchio::address::Address::new_from_array(payee.payout);
    let (account, bump) = UNIVERSE.token_account(&payout, &scene.mint);
    call.put(payee.position.to_le_bytes())
        .number(payee.lifetime_reward)
        .put(payee.devices_root)
        .put([bump])
        .bytes(&proof);
    call.named.extend([
        ("payout", payout),
        ("payout_account", account),
        ("page", page(scene, payee.position / PAYEES_A_PAGE)),
    ]);
}
