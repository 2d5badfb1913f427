//! What a step gets wrong on purpose.

use super::scene::Scene;
use super::step::{field, Step};
use super::universe::UNIVERSE;
use anchor_lang::AccountMeta;

/// Spoils an instruction as its step says.
pub fn spoil(scene: &Scene, data: &mut Vec<u8>, metas: &mut Vec<AccountMeta>) {
    let step = scene.step;
    if let Some(place) = step.place(field::WRONG).checked_sub(1).filter(|_| !metas.is_empty()) {
        let count = metas.len();
        metas[place % count].pubkey = other(scene, step);
    }
    let at = step.place(field::WHERE);
    let place = at % metas.len().max(1);
    match step.get(field::BREAK) {
        1 if !metas.is_empty() => metas[place].is_signer = false,
        2 if !metas.is_empty() => metas[place].is_writable = false,
        3 if !metas.is_empty() => {
            let from = step.place(field::WITH) % metas.len();
            metas[place].pubkey = metas[from].pubkey;
        }
        4 => metas.truncate(at),
        5 => data.truncate(at),
        6 if !data.is_empty() => {
            let at = at % data.len();
            data[at] ^= step.get(field::VARIANT) | 1;
        }
        7 => data.push(step.get(field::WITH)),
        8 if !metas.is_empty() => {
            metas[place].is_signer = true;
            metas[place].is_writable = true;
        }
        9 => metas.push(AccountMeta::new(UNIVERSE.any(at), false)),
        _ => {}
    }
}

/// Another account: one of the program's, or any that the universe knows.
fn other(scene: &Scene, step: Step) -> anchor_lang::pinocchio::address::Address {
    let state = &scene.world.state;
    let place = step.place(field::WITH);
    let mine = state
        .networks
        .keys()
        .chain(state.devices.keys())
        .chain(state.tabs.keys());
    let mine = mine
        .chain(state.invoices.keys())
        .chain(state.epochs.keys())
        .chain(state.pages.keys());
    let mine: Vec<_> = mine.chain(state.slas.keys()).chain(state.disputes.keys()).collect();
    match place.checked_sub(128) {
        Some(place) if !mine.is_empty() => *mine[place % mine.len()],
        _ => UNIVERSE.any(place),
    }
}
