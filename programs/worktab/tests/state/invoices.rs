//! Invoices: payments and refunds, and the units that they sell and take back.

use super::refused;
use bytemuck::Zeroable;
use worktab::domain::{Amount, Units};
use worktab::errors::WorktabError;
use worktab::state::{Invoice, Sale};

fn invoice(amount: u64, units: u64) -> Invoice {
    let mut invoice = Invoice::zeroed();
    invoice.amount = Amount(amount);
    invoice.units = Units(units);
    invoice
}

fn sale(amount: u64, units: u64) -> Sale {
    Sale {
        amount: Amount(amount),
        units: Units(units),
    }
}

#[test]
fn units_follow_what_is_paid_in_all() {
    let mut invoice = invoice(10, 7);
    let mut paid = 0;
    // 7 x paid / 10, rounded down, less what was sold before.
    for (part, units) in [(1, 0), (1, 1), (3, 2), (4, 3), (1, 1)] {
        assert_eq!(invoice.pay(Amount(part)).unwrap(), sale(part, units));
        paid += part;
        assert_eq!((invoice.paid, invoice.refunded), (Amount(paid), Amount(0)));
    }
    refused(invoice.pay(Amount(1)), WorktabError::InvoiceOverpaid);
    assert_eq!(invoice.paid, Amount(10));
}

#[test]
fn nothing_is_no_payment_and_no_refund() {
    let mut invoice = invoice(10, 7);
    refused(invoice.pay(Amount(0)), WorktabError::InvalidParameter);
    invoice.pay(Amount(10)).unwrap();
    refused(invoice.refund(Amount(0)), WorktabError::InvalidParameter);
}

#[test]
fn nothing_is_paid_beyond_the_amount() {
    for part in [11, u64::MAX] {
        refused(invoice(10, 7).pay(Amount(part)), WorktabError::InvoiceOverpaid);
    }
    let largest = &mut invoice(u64::MAX, 1 << 48);
    assert_eq!(largest.pay(Amount(u64::MAX)).unwrap(), sale(u64::MAX, 1 << 48));
    refused(largest.pay(Amount(1)), WorktabError::InvoiceOverpaid);
}

#[test]
fn a_refund_takes_back_what_it_no_longer_pays() {
    let mut invoice = invoice(10, 7);
    refused(invoice.refund(Amount(1)), WorktabError::RefundTooLarge);
    invoice.pay(Amount(6)).unwrap();
    refused(invoice.refund(Amount(7)), WorktabError::RefundTooLarge);
    assert_eq!(invoice.refund(Amount(2)).unwrap(), sale(2, 2));
    assert_eq!((invoice.paid, invoice.refunded), (Amount(6), Amount(2)));
    // What was refunded can't be paid again: paid never falls.
    assert_eq!(invoice.pay(Amount(4)).unwrap(), sale(4, 3));
    refused(invoice.pay(Amount(1)), WorktabError::InvoiceOverpaid);
    assert_eq!(invoice.refund(Amount(8)).unwrap(), sale(8, 5));
    assert_eq!((invoice.paid, invoice.refunded), (Amount(10), Amount(10)));
    refused(invoice.refund(Amount(1)), WorktabError::RefundTooLarge);
}
