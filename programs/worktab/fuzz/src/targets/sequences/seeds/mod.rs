//! Sequences made by hand: the states that others start from, and one way through every instruction.

mod ruling;
mod selling;
mod trusting;

use super::idl::number;
use super::step::{act, field::*, input, Step};

fn step(name: &str) -> Step {
    Step::new(number(name))
}

fn pass(seconds: u8) -> Step {
    Step::new(act::PASS_TIME).with(TIME, seconds)
}

// Places in `Step::seconds`.
const TEN_MINUTES: u8 = 8;
const AN_HOUR: u8 = 11;
const TWO_HOURS: u8 = 12;

/// Three networks with full pools: one pays for receipts, one for units sold, one by roots.
pub fn networks() -> Vec<Step> {
    let mut steps = Vec::new();
    // The third holds wrapped lamports, which nobody may burn.
    for (place, variant, fees) in [(0, 0, 0), (1, 2, 0), (2, 1, 2)] {
        let create = step("create_network").with(NETWORK, place).with(VARIANT, variant);
        steps.push(create.with(WITH, place).with(AMOUNT, fees));
        steps.push(step("fund_pool").with(NETWORK, place));
    }
    steps
}

/// Devices and consumers with money, in each network.
pub fn parties() -> Vec<Step> {
    let mut steps = Vec::new();
    for place in 0..3 {
        for device in 0..2 {
            steps.push(step("register_device").with(NETWORK, place).with(DEVICE, device));
            steps.push(step("deposit_bond").with(NETWORK, place).with(DEVICE, device));
        }
        for consumer in 0..2 {
            steps.push(step("open_tab").with(NETWORK, place).with(CONSUMER, consumer));
            steps.push(step("deposit").with(NETWORK, place).with(CONSUMER, consumer));
        }
        for device in 0..2 {
            steps.push(step("reserve_lane").with(NETWORK, place).with(DEVICE, device));
        }
    }
    steps.push(pass(0));
    steps
}

/// The inputs that fuzzing begins with.
pub fn inputs() -> Vec<Vec<u8>> {
    let at_work = [
        selling::work(),
        selling::sales(),
        selling::demand(),
        selling::lanes(),
        selling::invoices(),
        ruling::roots(),
        ruling::powers(),
        ruling::outside(),
        trusting::bonds(),
        trusting::kept(),
        trusting::missed(),
        trusting::contested(),
        trusting::disputes(0),
        trusting::disputes(1),
        trusting::undecided(),
        trusting::endings(),
    ];
    let first = [input(0, &networks()), input(1, &parties())];
    first
        .into_iter()
        .chain(at_work.iter().map(|steps| input(2, steps)))
        .collect()
}
