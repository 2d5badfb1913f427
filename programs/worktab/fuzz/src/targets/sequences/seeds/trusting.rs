//! Sequences about bonds, SLAs, disputes and the ends of devices.

use super::super::step::{field::*, flag, Step};
use super::{pass, step, TEN_MINUTES, TWO_HOURS};

pub fn bonds() -> Vec<Step> {
    vec![
        step("withdraw_bond").with(AMOUNT, 2),
        pass(TWO_HOURS),
        step("withdraw_bond").with(FLAGS, flag::OTHER),
        step("withdraw_bond"),
        step("submit_receipt"),
        pass(TWO_HOURS),
        step("withdraw_bond").with(FLAGS, flag::OTHER),
        step("register_device").with(DEVICE, 2).with(VARIANT, 1),
        step("deposit_bond").with(DEVICE, 2).with(AMOUNT, 9),
        step("update_device").with(DEVICE, 2).with(VARIANT, 2),
        pass(0),
        step("submit_receipt").with(DEVICE, 2),
    ]
}

pub fn kept() -> Vec<Step> {
    vec![
        step("open_sla").with(AMOUNT, 7),
        step("settle_voucher"),
        step("enforce_sla"),
        step("close_lane").with(FLAGS, flag::CONSENT),
    ]
}

pub fn missed() -> Vec<Step> {
    vec![
        step("open_sla"),
        step("settle_voucher").with(AMOUNT, 7),
        pass(TEN_MINUTES),
        pass(TEN_MINUTES),
        step("enforce_sla"),
        step("withdraw"),
    ]
}

pub fn contested() -> Vec<Step> {
    let open = step("open_sla").with(VARIANT, 1);
    vec![
        open,
        open.with(NUMBER, 1),
        pass(TEN_MINUTES),
        step("contest_sla"),
        step("contest_sla").with(NUMBER, 1),
        step("vote_sla"),
        step("vote_sla").with(VARIANT, 1),
        step("vote_sla").with(NUMBER, 1).with(WITH, 1),
        step("vote_sla").with(NUMBER, 1).with(VARIANT, 1).with(WITH, 1),
        step("enforce_sla"),
        step("enforce_sla"),
    ]
}

/// A dispute that ends guilty (0) or not (1).
pub fn disputes(verdict: u8) -> Vec<Step> {
    let vote = step("vote_dispute").with(WITH, verdict);
    vec![
        step("submit_receipt"),
        step("submit_receipt").with(AMOUNT, 22),
        step("submit_receipt"),
        step("open_dispute").with(CONSUMER, 1),
        vote,
        vote.with(VARIANT, 1),
        step("claim"),
        step("resolve_dispute"),
        step("claim"),
        step("submit_receipt"),
        step("withdraw_bond"),
        pass(TWO_HOURS),
        step("withdraw_bond").with(FLAGS, flag::OTHER),
        step("retire_device"),
        step("close_lane").with(FLAGS, flag::CONSENT),
        step("retire_device"),
        step("close_dispute"),
    ]
}

pub fn undecided() -> Vec<Step> {
    vec![
        step("submit_receipt"),
        step("open_dispute").with(FLAGS, flag::OTHER),
        step("vote_dispute"),
        pass(TEN_MINUTES),
        step("resolve_dispute").with(FLAGS, flag::OTHER),
    ]
}

pub fn endings() -> Vec<Step> {
    vec![
        step("submit_receipt"),
        step("retire_device"),
        step("claim"),
        step("withdraw_bond"),
        pass(TWO_HOURS),
        step("withdraw_bond").with(FLAGS, flag::OTHER),
        step("retire_device"),
        step("claim").with(FLAGS, flag::MANY),
        step("register_device"),
    ]
}
