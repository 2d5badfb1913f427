//! Arguments of the instructions about devices and their work.

use super::super::call::Call;
use super::super::scene::Scene;
use super::super::step::{field, flag};
use super::super::universe::{key, who, UNIVERSE};
use super::super::world::Job;
use super::{signed, time};
use anchor_lang::AccountMeta;
use worktab::wire::{context, message, record};

/// Fills a call in; says no where this does not know the instruction.
pub fn fill(scene: &Scene, call: &mut Call) -> bool {
    let step = scene.step;
    match scene.name {
        "register_device" => register_device(scene, call),
        "update_device" => update_device(scene, call),
        "submit_receipt" => submit_receipt(scene, call),
        "claim" => claim(scene, call),
        "deposit_bond" => {
            call.number(step.amount(field::AMOUNT, 10_000));
        }
        "withdraw_bond" if step.has(flag::OTHER) => {
            call.put([0]);
        }
        "withdraw_bond" => {
            let free = scene.dev.map_or(0, |device| device.bond.less(device.bond_held).get());
            call.put([1]).number(step.amount(field::AMOUNT, free));
        }
        "retire_device" => {}
        _ => return false,
    }
    true
}

/// The message that proves possession of a key for the scene's device.
fn possession(scene: &Scene, kind: u8, bytes: &[u8; 33]) -> [u8; 104] {
    let domain = scene.net.map_or([0; 32], |net| net.domain);
    let key = worktab::wire::key::Key { kind, bytes };
    message::key_possession(&context::key_possession(
        &domain,
        scene.device.as_array(),
        key,
        scene.owner().as_array(),
    ))
}

fn register_device(scene: &Scene, call: &mut Call) {
    let step = scene.step;
    let (kind, bytes) = key(step.place(field::DEVICE));
    let class = step.get(field::VARIANT) % 9;
    let capacity = if class == 1 { 0 } else { 1_000 };
    call.put(bytes)
        .put([kind, class])
        .number(step.amount(field::UNITS, capacity))
        .put(scene.named(who::OWNER))
        .put([0; 32]);
    let message = possession(scene, kind, &bytes);
    call.prove(scene, (kind, bytes), &message);
}

fn update_device(scene: &Scene, call: &mut Call) {
    let step = scene.step;
    let chosen = step.get(field::VARIANT);
    let (kind, bytes) = key(step.place(field::NUMBER));
    let message = possession(scene, kind, &bytes);
    if chosen & 1 != 0 {
        call.put([1]).put(bytes).put([kind]);
        call.prove(scene, (kind, bytes), &message);
    } else {
        call.put([0]);
    }
    if chosen & 2 != 0 {
        call.put([1]).number(step.amount(field::UNITS, 1_000));
    } else {
        call.put([0]);
    }
    for (bit, wallet) in [(4, who::OWNER), (8, who::AUTHORITY), (16, who::CONSUMER)] {
        if chosen & bit != 0 {
            call.put([1]).put(scene.named(wallet));
        } else {
            call.put([0]);
        }
    }
}

fn submit_receipt(scene: &Scene, call: &mut Call) {
    let step = scene.step;
    let none = [0; 32];
    let (context, (kind, bytes)) = scene.dev.map_or((none, key(0)), |device| {
        (device.receipt_context, (device.key_kind, device.key))
    });
    let (seq, units, mut head) = scene.dev.map_or((0, 0, none), |device| {
        (device.seq.get(), device.units.get(), device.head)
    });
    let jobs = step.amount(field::AMOUNT, 1);
    for number in 1..=jobs.min(3) {
        let mut record = [0; 168];
        record[112..120].copy_from_slice(&step.amount(field::WHERE, 70).to_le_bytes());
        if !step.has(flag::OTHER) {
            record[136..].copy_from_slice(scene.tab.as_ref());
        }
        let (salt, before, at) = ([step.get(field::VARIANT); 32], head, seq.saturating_add(number));
        record[8..16].copy_from_slice(&at.to_le_bytes());
        let hash = record::record_hash(&salt, &record);
        head = record::next_head(&before, &hash);
        call.memory.jobs.push(Job {
            salt,
            record,
            hash,
            before,
            seq: at,
        });
    }
    if jobs > 3 {
        call.memory.jobs.clear();
    }
    let (mut context, mut amount) = (context, 0);
    if step.has(flag::LIE) {
        // Meant for another device, or not a receipt's amount.
        match step.get(field::VARIANT) % 2 {
            0 => amount = 1,
            _ => context[step.place(field::WHERE) % 32] ^= 1,
        }
        call.forged = true;
    }
    let units = units.wrapping_add(step.amount(field::UNITS, 100));
    let message = signed(
        1,
        &context,
        [seq.wrapping_add(jobs), units, amount],
        time(scene, scene.now),
        &head,
    );
    call.prove(scene, (kind, bytes), &message);
    if step.has(flag::CONSENT) {
        call.more.push(AccountMeta::new_readonly(scene.owner(), true));
    }
}

fn claim(scene: &Scene, call: &mut Call) {
    let payout = scene.payout();
    call.put([UNIVERSE.token_account(&payout, &scene.mint).1]);
    if scene.step.has(flag::MANY) {
        let all = scene
            .world
            .state
            .devices
            .iter()
            .filter(|(_, device)| device.network == scene.network);
        call.more
            .extend(all.map(|(address, _)| AccountMeta::new(*address, false)));
    } else {
        call.more.push(AccountMeta::new(scene.device, false));
    }
    if scene.step.has(flag::LIE) {
        call.more.extend(call.more.clone()); // every device twice
    }
}
