//! What happens outside of the program: time, and what others do with tokens and lamports.

use super::scene::Scene;
use super::step::{act, field, flag, Step};
use super::universe::{SYSTEM, UNIVERSE};
use super::world::World;

pub fn happen(world: &mut World, step: Step) {
    match step.get(field::KIND) {
        act::PASS_TIME => pass_time(world, step),
        act::SET_TIME => {
            let time = match step.get(field::TIME) % 5 {
                0 => 0,
                1 => i64::MAX,
                2 => -1,
                3 => i64::from(u32::MAX),
                _ => super::world::START,
            };
            let slot = world.clock().slot;
            world.set_time(time, slot + u64::from(step.get(field::VARIANT)));
        }
        act::GIVE_TOKENS => give_tokens(world, step),
        act::GIVE_LAMPORTS => {
            let address = UNIVERSE.any(step.place(field::WITH));
            if world.svm.get_account(&address).is_none() {
                world.put(
                    &address,
                    SYSTEM,
                    1 + u64::from(step.get(field::AMOUNT)) * 1_000_000,
                    Vec::new(),
                );
            }
        }
        act::FREEZE => change_tokens(world, step, |data| data[108] = 3 - data[108]),
        _ => close_tokens(world, step),
    }
}

fn pass_time(world: &mut World, step: Step) {
    let clock = world.clock();
    let length = i64::from(step.seconds(field::TIME, 100));
    let by = if step.has(flag::OTHER) { -length } else { length };
    let slots = if step.get(field::VARIANT) == 255 {
        1 << 32
    } else {
        1 + u64::from(step.get(field::VARIANT))
    };
    world.set_time(clock.unix_timestamp.saturating_add(by), clock.slot + slots);
}

/// Tokens that somebody sends to a vault without asking.
fn give_tokens(world: &mut World, step: Step) {
    let vault = Scene::new(world, step, "fund_pool").vault;
    let amount = step.amount(field::AMOUNT, 50).min(1 << 40);
    if let Some(mut account) = world
        .svm
        .get_account(&vault)
        .filter(|account| account.data.len() >= 165)
    {
        let held = world.balance(&vault).saturating_add(amount);
        account.data[64..72].copy_from_slice(&held.to_le_bytes());
        // A wrapped mint's tokens are lamports.
        if account.data[109] == 1 {
            account.lamports += amount;
        }
        world.put(&vault, account.owner, account.lamports, account.data);
    }
}

fn change_tokens(world: &mut World, step: Step, change: impl FnOnce(&mut Vec<u8>)) {
    let scene = Scene::new(world, step, "claim");
    let (address, _) = UNIVERSE.token_account(&scene.payout(), &scene.mint);
    if let Some(mut account) = world
        .svm
        .get_account(&address)
        .filter(|account| account.data.len() >= 165)
    {
        change(&mut account.data);
        world.put(&address, account.owner, account.lamports, account.data);
    }
}

/// Closes a payout wallet's token account, or opens it again.
fn close_tokens(world: &mut World, step: Step) {
    let scene = Scene::new(world, step, "claim");
    let (payout, mint) = (scene.payout(), scene.mint);
    let (address, _) = UNIVERSE.token_account(&payout, &mint);
    if world.data(&address).is_empty() {
        world.open(&payout, &mint, 0);
    } else {
        world.put(&address, SYSTEM, 0, Vec::new());
    }
}
