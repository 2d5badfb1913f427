//! Sequences about work, sales, lanes and invoices.

use super::super::step::{act, field::*, flag, Step};
use super::{pass, step, AN_HOUR};

pub fn work() -> Vec<Step> {
    let receipt = step("submit_receipt");
    vec![
        receipt.with(FLAGS, flag::LIE),
        receipt.with(FLAGS, flag::LIE).with(VARIANT, 1),
        receipt,
        receipt.with(DEVICE, 1).with(FLAGS, flag::SHOWN),
        receipt.with(AMOUNT, 6).with(UNITS, 9),
        receipt.with(UNITS, 10).with(FLAGS, flag::CONSENT),
        step("claim").with(FLAGS, flag::MANY),
        pass(0),
        step("register_device").with(DEVICE, 3).with(CONSUMER, 1),
        step("register_device").with(DEVICE, 4).with(FLAGS, flag::SHOWN),
        pass(0),
        receipt.with(DEVICE, 3),
        step("update_device")
            .with(DEVICE, 3)
            .with(VARIANT, 3)
            .with(NUMBER, 2)
            .with(UNITS, 7),
        receipt.with(DEVICE, 3),
        step("update_device").with(VARIANT, 28).with(WALLET, 8),
        step("claim"),
        step("claim").with(DEVICE, 3),
    ]
}

pub fn sales() -> Vec<Step> {
    vec![
        step("settle_voucher").with(AMOUNT, 7).with(FLAGS, flag::LIE),
        step("settle_voucher")
            .with(AMOUNT, 7)
            .with(FLAGS, flag::LIE)
            .with(VARIANT, 1),
        step("settle_voucher")
            .with(AMOUNT, 7)
            .with(FLAGS, flag::LIE)
            .with(VARIANT, 2),
        step("settle_voucher")
            .with(AMOUNT, 7)
            .with(FLAGS, flag::LIE)
            .with(VARIANT, 3),
        step("settle_voucher").with(AMOUNT, 7),
        step("settle_voucher").with(AMOUNT, 7).with(FLAGS, flag::SHOWN),
        step("settle_voucher").with(NUMBER, 1).with(AMOUNT, 1),
        step("settle_batch").with(AMOUNT, 6).with(FLAGS, flag::MANY),
        step("claim").with(FLAGS, flag::MANY),
        step("collect_fees"),
        step("settle_batch").with(FLAGS, flag::SHOWN),
        step("claim"),
        step("withdraw").with(AMOUNT, 7),
    ]
}

pub fn demand() -> Vec<Step> {
    let there = |step: Step| step.with(NETWORK, 1);
    vec![
        there(step("submit_receipt")),
        there(step("settle_voucher")),
        there(step("settle_voucher").with(NUMBER, 1)),
        there(step("claim").with(FLAGS, flag::MANY)),
        pass(0),
        there(step("reserve_lane").with(AMOUNT, 10)),
        there(step("settle_voucher").with(NUMBER, 2).with(UNITS, 12)),
        there(step("claim")),
        pass(0),
        there(step("claim")),
        there(step("collect_fees")),
    ]
}

pub fn lanes() -> Vec<Step> {
    let delegate = step("set_delegate");
    vec![
        delegate,
        step("reserve_lane").with(FLAGS, flag::OTHER).with(AMOUNT, 7),
        step("reserve_lane")
            .with(FLAGS, flag::OTHER | flag::MANY)
            .with(NUMBER, 2)
            .with(AMOUNT, 7),
        step("settle_voucher").with(NUMBER, 2).with(AMOUNT, 7),
        delegate.with(FLAGS, flag::OTHER),
        step("settle_voucher").with(NUMBER, 2).with(AMOUNT, 6),
        step("close_lane").with(NUMBER, 2).with(FLAGS, flag::CONSENT),
        step("close_lane"),
        pass(AN_HOUR),
        step("close_lane"),
        step("close_lane").with(FLAGS, flag::CONSENT),
        delegate.with(NUMBER, 1).with(FLAGS, flag::MANY).with(WALLET, 3),
        step("withdraw"),
        Step::new(act::PASS_TIME).with(VARIANT, 10),
        step("close_tab"),
        step("open_tab"),
    ]
}

pub fn invoices() -> Vec<Step> {
    vec![
        step("create_invoice"),
        step("pay_invoice").with(AMOUNT, 7),
        step("pay_invoice").with(AMOUNT, 2),
        step("refund_invoice").with(AMOUNT, 6),
        step("claim"),
        step("pay_invoice"),
        step("refund_invoice").with(AMOUNT, 1),
        pass(1),
        step("void_invoice"),
        step("create_invoice").with(NUMBER, 1).with(WALLET, 8).with(UNITS, 15),
        step("void_invoice").with(NUMBER, 2),
    ]
}
