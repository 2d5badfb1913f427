//! Arguments of the instructions about SLAs and disputes.

use super::super::call::Call;
use super::super::scene::{nth, Scene};
use super::super::step::{field, flag};
use super::super::universe::derived;
use super::super::world::{Disputed, Job};
use super::{signed, time};
use worktab::state::{DISPUTE_SEED, SLA_SEED};
use worktab::wire::record;

/// Fills a call in; says no where this does not know the instruction.
pub fn fill(scene: &Scene, call: &mut Call) -> bool {
    let step = scene.step;
    match scene.name {
        "open_sla" => open_sla(scene, call),
        "enforce_sla" | "contest_sla" | "close_dispute" => {}
        "vote_sla" => {
            call.put(match step.get(field::WITH) % 4 {
                0 => &[1, 1][..],
                1 => &[1, 0],
                2 => &[0],
                _ => &[1, 2],
            });
        }
        "open_dispute" => open_dispute(scene, call),
        "vote_dispute" => {
            let other = step.get(field::WITH) % 6;
            call.put([if other == 0 { 2 } else { other }]);
        }
        "resolve_dispute" => resolve_dispute(scene, call),
        _ => return false,
    }
    true
}

fn open_sla(scene: &Scene, call: &mut Call) {
    let step = scene.step;
    let (nonce, reserved) = scene.lane.map_or((0, 0), |lane| (lane.nonce, lane.reserved.get()));
    let bps = match step.get(field::VARIANT) {
        0 => 5_000,
        1 => 10_000,
        2 => 10_001,
        3 => 0,
        other => u16::from(other) * 39,
    };
    let deadline = scene.now.wrapping_add(i64::from(step.seconds(field::TIME, 600)));
    call.put(nonce.to_le_bytes())
        .number(step.amount(field::AMOUNT, reserved))
        .put(bps.to_le_bytes())
        .put(deadline.to_le_bytes());
    call.named
        .insert("sla", derived(&[SLA_SEED, scene.tab.as_ref(), &nonce.to_le_bytes()]));
}

/// The record disputed is the newest, or one before it; the evidence is the head on chain, or a receipt that was never
/// submitted.
fn open_dispute(scene: &Scene, call: &mut Call) {
    let step = scene.step;
    let none: &[Job] = &[];
    let jobs = scene.world.jobs.get(&scene.device).map_or(none, |jobs| jobs.as_slice());
    let Some(mut job) = nth(jobs.iter().rev(), step.place(field::NUMBER)).cloned() else {
        return;
    };
    let later: Vec<u8> = jobs
        .iter()
        .filter(|each| each.seq > job.seq)
        .flat_map(|each| each.hash)
        .collect();
    if step.has(flag::LIE) {
        match step.get(field::VARIANT) % 3 {
            0 => job.seq = job.seq.wrapping_add(step.amount(field::WHERE, 1)),
            1 => job.hash[step.place(field::WHERE) % 32] ^= 1,
            _ => job.before[step.place(field::WHERE) % 32] ^= 1,
        }
    }
    call.number(job.seq).put(job.hash).put(job.before);
    if step.has(flag::OTHER) {
        // Up to this record only, by a receipt shown here.
        let head = record::next_head(&job.before, &job.hash);
        let (context, key) = scene.dev.map_or(([0; 32], (1, [0; 33])), |dev| {
            (dev.receipt_context, (dev.key_kind, dev.key))
        });
        call.bytes(&[]);
        let message = signed(1, &context, [job.seq, 1, 0], time(scene, 0), &head);
        call.prove(scene, key, &message);
    } else {
        call.bytes(&later).put([0]);
    }
    let address = derived(&[DISPUTE_SEED, scene.device.as_ref(), &job.seq.to_le_bytes(), &job.hash]);
    call.named.insert("dispute", address);
    call.memory.disputed = Some(Disputed {
        device: scene.device,
        address,
        job,
    });
}

fn resolve_dispute(scene: &Scene, call: &mut Call) {
    let Some(dispute) = scene.dispute else { return };
    if scene.step.has(flag::OTHER) {
        call.put([0]);
    } else {
        call.put([1]).put(dispute.job.salt).put(dispute.job.record);
    }
    let named = record::tab(&dispute.job.record);
    let tab = if named == [0; 32] {
        scene.tab
    } else {
        anchor_lang::pinocchio::address::Address::new_from_array(named)
    };
    call.named.insert("consumer_tab", tab);
}
