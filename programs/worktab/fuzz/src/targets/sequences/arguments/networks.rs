//! Arguments of the instructions about networks.

use super::super::call::Call;
use super::super::scene::Scene;
use super::super::step::{field, flag};
use super::super::universe::{wallet, who, UNIVERSE};
use anchor_lang::pinocchio::address::Address;
use worktab::state::ChangeKind;

/// Fills a call in; says no where this does not know the instruction.
pub fn fill(scene: &Scene, call: &mut Call) -> bool {
    match scene.name {
        "create_network" => create_network(scene, call),
        "propose_update" => propose_update(scene, call),
        "set_pause" => {
            call.put([scene.step.get(field::VARIANT)]);
        }
        "fund_pool" => {
            call.number(scene.step.amount(field::AMOUNT, 1_000_000));
        }
        "apply_update" | "accept_authority" | "collect_fees" | "withdraw_pool" => {}
        _ => return false,
    }
    true
}

/// Rate, largest capacity, least bond and budget of a class.
fn class(scene: &Scene) -> [u64; 4] {
    let step = scene.step;
    let rate = step.amount(field::UNITS, 2_000_000);
    let usual = [rate, 1_000, 0, 5_000];
    match step.get(field::VARIANT) >> 4 {
        1 => [rate, 1 << 48, 0, u64::MAX],
        2 => [rate, 1_000, 500, 5_000],
        3 => [
            rate,
            1 << 48,
            step.amount(field::AMOUNT, 1),
            step.amount(field::AMOUNT, 1),
        ],
        4 => [rate, (1 << 48) + 1, 0, 0],
        _ => usual,
    }
}

fn fees(scene: &Scene) -> [u16; 2] {
    match scene.step.get(field::AMOUNT) {
        0 => [500, 250],
        1 => [0, 0],
        2 => [3_000, 0],
        3 => [1_500, 1_500],
        4 => [3_000, 1],
        5 => [0, 3_000],
        other => [u16::from(other), u16::from(other) * 3],
    }
}

fn create_network(scene: &Scene, call: &mut Call) {
    let step = scene.step;
    let variant = step.get(field::VARIANT);
    call.number(scene.place as u64)
        .put([7; 32])
        .put(wallet(who::GUARDIAN))
        .put(step.seconds(field::TIME, 100).to_le_bytes());
    call.put([1 + (variant & 1), 1 + (variant >> 1 & 1), variant >> 2 & 1]);
    call.put(fees(scene).map(u16::to_le_bytes).as_flattened());
    for delay in [60u32, 3_600, 600, 7_200] {
        call.put(delay.to_le_bytes());
    }
    call.number(1_000).put(5_000u16.to_le_bytes());
    let attestors: Vec<Address> = if step.has(flag::OTHER) {
        Vec::new()
    } else {
        who::ATTESTORS.map(wallet).to_vec()
    };
    call.put([if attestors.is_empty() { 0 } else { 2 }]);
    call.put(3u32.min(attestors.len() as u32).to_le_bytes());
    for attestor in attestors {
        call.put(attestor);
    }
    call.put(2u32.to_le_bytes());
    for (meter, terms) in [(1, class(scene)), (3, [2_000_000, 1_000, 500, 5_000])] {
        call.put([meter]).put(terms.map(u64::to_le_bytes).as_flattened());
    }
}

fn propose_update(scene: &Scene, call: &mut Call) {
    let step = scene.step;
    let kind = step.get(field::VARIANT) % 14;
    let number = u64::from(step.get(field::NUMBER));
    let named = scene.named(who::ATTESTORS[0]);
    let [rate, capacity, bond, budget] = class(scene);
    let (values, key) = match kind {
        ChangeKind::CLASS => ([1 + 2 * (number & 1), rate, capacity, bond, budget], Address::default()),
        ChangeKind::FEES => (
            [u64::from(fees(scene)[0]), u64::from(fees(scene)[1]), 0, 0, 0],
            Address::default(),
        ),
        ChangeKind::DELAYS => {
            let delay = u64::from(step.seconds(field::TIME, 600));
            ([60, delay.max(3_600), delay, delay, 0], Address::default())
        }
        ChangeKind::ADMISSION => ([number, 0, 0, 0, 0], Address::default()),
        ChangeKind::GUARDIAN | ChangeKind::AUTHORITY | ChangeKind::REMOVE_ATTESTOR => ([0; 5], named),
        ChangeKind::REWARD_PATH => ([2, 0, 0, 0, 0], Address::default()),
        ChangeKind::ADD_ATTESTOR => ([number, 0, 0, 0, 0], named),
        ChangeKind::THRESHOLD => ([number, 0, 0, 0, 0], Address::default()),
        ChangeKind::WITHDRAW_POOL => {
            let free = scene.net.map_or(0, |net| net.pool_free.get());
            (
                [step.amount(field::AMOUNT, free), 0, 0, 0, 0],
                UNIVERSE.token_account(&named, &scene.mint).0,
            )
        }
        ChangeKind::DISPUTES => (
            [
                step.amount(field::AMOUNT, 1_000),
                step.amount(field::UNITS, 5_000),
                0,
                0,
                0,
            ],
            Address::default(),
        ),
        _ => ([0; 5], Address::default()),
    };
    let class = if kind == ChangeKind::CLASS {
        step.get(field::NUMBER) % 9
    } else {
        0
    };
    call.put([kind, class])
        .put(values.map(u64::to_le_bytes).as_flattened())
        .put(key);
}
