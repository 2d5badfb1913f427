//! Arguments of the instructions about tabs, lanes, vouchers and invoices.

use super::super::call::Call;
use super::super::scene::Scene;
use super::super::step::{field, flag};
use super::super::universe::who;
use super::{signed, time};
use anchor_lang::pinocchio::address::Address;
use anchor_lang::AccountMeta;
use worktab::wire::context;

/// Fills a call in; says no where this does not know the instruction.
pub fn fill(scene: &Scene, call: &mut Call) -> bool {
    let step = scene.step;
    match scene.name {
        "deposit" => {
            call.number(step.amount(field::AMOUNT, 1_000_000));
        }
        "withdraw" => {
            call.number(step.amount(field::AMOUNT, scene.tab_of.map_or(0, |tab| tab.balance.get())));
        }
        "set_delegate" => set_delegate(scene, call),
        "reserve_lane" => reserve_lane(scene, call),
        "settle_voucher" => settle_voucher(scene, call),
        "settle_batch" => settle_batch(scene, call),
        "close_lane" => {
            call.put(nonce(scene).to_le_bytes());
        }
        "create_invoice" => create_invoice(scene, call),
        "pay_invoice" => {
            let left = scene.bill.map_or(0, |bill| bill.amount.less(bill.paid).get());
            call.number(step.amount(field::AMOUNT, left))
                .put(scene.bill.map_or([9; 32], |bill| bill.terms));
        }
        "refund_invoice" => {
            let kept = scene.bill.map_or(0, |bill| bill.paid.less(bill.refunded).get());
            call.number(step.amount(field::AMOUNT, kept));
        }
        "open_tab" | "close_tab" | "void_invoice" => {}
        _ => return false,
    }
    true
}

/// The nonce of the lane picked; any number where there is none.
fn nonce(scene: &Scene) -> u32 {
    scene
        .lane
        .map_or(u32::from(scene.step.get(field::VARIANT)), |lane| lane.nonce)
}

fn set_delegate(scene: &Scene, call: &mut Call) {
    let step = scene.step;
    call.put([1 + step.get(field::NUMBER) % 6]);
    if step.has(flag::OTHER) {
        call.put([0]);
        return;
    }
    let allowance = step.amount(field::AMOUNT, 100_000);
    let (limit, length) = if step.has(flag::MANY) {
        (step.amount(field::UNITS, 1_000), 100u32)
    } else {
        (0, 0)
    };
    call.put([1])
        .put(scene.named(who::DELEGATE))
        .number(allowance)
        .number(limit)
        .put(length.to_le_bytes());
    call.number(step.amount(field::UNITS, 10_000))
        .put(time(scene, 0).to_le_bytes());
    call.put([if step.get(field::VARIANT) == 0 {
        255
    } else {
        step.get(field::VARIANT)
    }]);
}

fn reserve_lane(scene: &Scene, call: &mut Call) {
    let balance = scene.tab_of.map_or(0, |tab| tab.balance.get());
    if scene.step.has(flag::MANY) {
        call.put([1]).put(nonce(scene).to_le_bytes());
    } else {
        call.put([0]);
    }
    call.number(scene.step.amount(field::AMOUNT, balance.min(1_000)));
}

fn settle_voucher(scene: &Scene, call: &mut Call) {
    let step = scene.step;
    let lane = scene.lane;
    let (paid, reserved, units) = lane.map_or((0, 0, 0), |lane| {
        (lane.paid.get(), lane.reserved.get(), lane.units.get())
    });
    let mut domain = scene.tab_of.map_or([0; 32], |tab| tab.domain);
    let mut name = lane.map_or([0; 8], |lane| *lane.name());
    let (mut tab, mut device) = (scene.tab.to_bytes(), scene.device.to_bytes());
    if step.has(flag::LIE) {
        // Meant for another network, device, tab, or lane: its index or its nonce.
        let at = step.place(field::WHERE);
        match step.get(field::VARIANT) % 4 {
            0 => name[at % 8] ^= 1,
            1 => tab[at % 32] ^= 1,
            2 => device[at % 32] ^= 1,
            _ => domain[at % 32] ^= 1,
        }
        call.forged = true;
    }
    let context = context::voucher(&domain, &tab, &device, &name);
    let amount = paid.wrapping_add(step.amount(field::AMOUNT, reserved));
    let units = units.wrapping_add(step.amount(field::UNITS, 50));
    call.put(nonce(scene).to_le_bytes());
    let message = signed(2, &context, [0, units, amount], time(scene, 0), &[0; 32]);
    call.prove(scene, (1, wallet_key(&scene.lane_signer())), &message);
}

/// A wallet's key as a device's would stand.
fn wallet_key(wallet: &Address) -> [u8; 33] {
    let mut bytes = [0; 33];
    bytes[..32].copy_from_slice(wallet.as_ref());
    bytes
}

fn settle_batch(scene: &Scene, call: &mut Call) {
    let step = scene.step;
    let slot = scene.lane.map_or(0, |lane| lane.signer);
    let mut lanes: Vec<_> = scene
        .lanes
        .iter()
        .filter(|lane| lane.signer == slot || step.has(flag::LIE))
        .collect();
    if !step.has(flag::MANY) {
        lanes.retain(|lane| Some(lane.nonce) == scene.lane.map(|lane| lane.nonce));
    }
    lanes.sort_by_key(|lane| (lane.index, lane.nonce));
    let mut entries = Vec::new();
    for lane in &lanes {
        entries.extend(lane.name());
        entries.extend(
            lane.paid
                .get()
                .wrapping_add(step.amount(field::AMOUNT, lane.reserved.get()))
                .to_le_bytes(),
        );
        entries.extend(
            lane.units
                .get()
                .wrapping_add(step.amount(field::UNITS, 50))
                .to_le_bytes(),
        );
    }
    entries.truncate(entries.len().saturating_sub(step.place(field::WITH) % 25));
    let domain = scene.tab_of.map_or([0; 32], |tab| tab.domain);
    let context = context::batch(&domain, scene.tab.as_array(), &entries);
    call.put([slot]).bytes(&entries);
    let message = signed(4, &context, [0; 3], time(scene, 0), &[0; 32]);
    call.prove(scene, (1, wallet_key(&scene.lane_signer())), &message);
    let named = |index: u32| {
        let mut devices = scene.world.state.devices.iter();
        devices.find(|(_, device)| device.network == scene.network && device.index == index)
    };
    lanes.dedup_by_key(|lane| lane.index);
    call.more.extend(
        lanes
            .iter()
            .filter_map(|lane| named(lane.index))
            .map(|(address, _)| AccountMeta::new(*address, false)),
    );
}

fn create_invoice(scene: &Scene, call: &mut Call) {
    let step = scene.step;
    call.number(u64::from(step.get(field::NUMBER) % 3))
        .put(scene.named(who::CONSUMER));
    call.number(step.amount(field::AMOUNT, 500))
        .number(step.amount(field::UNITS, 30));
    call.put(time(scene, 0).to_le_bytes()).put([1; 32]).put([2; 32]);
}
