//! Sequences about roots, powers and what happens outside.

use super::super::step::{act, field::*, flag, Step};
use super::{pass, step, TEN_MINUTES};

pub fn roots() -> Vec<Step> {
    let there = |step: Step| step.with(NETWORK, 2);
    let round = |steps: &mut Vec<Step>| {
        steps.push(there(step("commit_epoch")));
        steps.push(there(step("vote_epoch").with(VARIANT, 1)));
        steps.push(pass(TEN_MINUTES));
        steps.push(there(step("finalize_epoch")));
    };
    let mut steps = vec![there(step("submit_receipt"))];
    round(&mut steps);
    steps.push(there(step("open_page")));
    for payee in 0..3 {
        steps.push(there(step("claim_root").with(NUMBER, payee)));
    }
    round(&mut steps);
    for payee in 0..3 {
        let lie = there(
            step("claim_root")
                .with(NUMBER, payee)
                .with(FLAGS, flag::LIE)
                .with(VARIANT, payee),
        );
        steps.extend([lie, there(step("claim_root").with(NUMBER, payee))]);
    }
    steps.extend([
        there(step("commit_epoch").with(UNITS, 255).with(AMOUNT, 1)),
        there(step("commit_epoch").with(ACTOR, 4).with(WITH, 1).with(FLAGS, flag::LIE)),
        there(step("vote_epoch").with(FLAGS, flag::OTHER)),
        there(step("vote_epoch").with(NUMBER, 1).with(VARIANT, 1)),
        pass(TEN_MINUTES),
        there(step("finalize_epoch").with(NUMBER, 1)),
        there(step("open_page").with(NUMBER, 1)),
        there(step("claim_root").with(NUMBER, 8)),
        there(step("finalize_epoch")),
    ]);
    steps
}

pub fn powers() -> Vec<Step> {
    let propose = |kind: u8| step("propose_update").with(VARIANT, kind);
    let mut steps = Vec::new();
    for kind in [1, 2, 3, 4, 5, 7, 8, 10, 12] {
        let number = match kind {
            8 => 3,
            10 => 2,
            _ => 0,
        };
        steps.extend([
            propose(kind).with(NUMBER, number).with(WALLET, 7),
            pass(4),
            step("apply_update"),
        ]);
    }
    steps.extend([
        propose(0),
        propose(9),
        propose(11).with(AMOUNT, 7),
        pass(0),
        step("withdraw_pool"),
        step("set_pause").with(VARIANT, 2),
        step("set_pause").with(VARIANT, 31).with(FLAGS, flag::OTHER),
        step("set_pause").with(VARIANT, 0),
        propose(6).with(WALLET, 4),
        step("accept_authority"),
        pass(0),
        step("commit_epoch"),
    ]);
    steps
}

pub fn outside() -> Vec<Step> {
    vec![
        Step::new(act::GIVE_TOKENS),
        step("fund_pool").with(AMOUNT, 5),
        step("submit_receipt"),
        Step::new(act::FREEZE),
        step("claim"),
        Step::new(act::FREEZE),
        Step::new(act::CLOSE_TOKENS),
        step("claim"),
        Step::new(act::CLOSE_TOKENS),
        step("claim"),
        Step::new(act::GIVE_LAMPORTS).with(WITH, 25),
        Step::new(act::PASS_TIME).with(FLAGS, flag::OTHER),
        step("submit_receipt"),
        Step::new(act::SET_TIME),
        step("submit_receipt"),
    ]
}
