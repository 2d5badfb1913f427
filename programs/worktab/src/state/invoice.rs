//! An invoice: what a device's owner asks one consumer to pay.

use super::lane::Sale;
use crate::domain::reward::proportion;
use crate::domain::{Amount, Overflow, Timestamp, Units};
use crate::errors::WorktabError;
use anchor_lang::prelude::*;

pub const INVOICE_SEED: &[u8] = b"invoice";

/// What an invoice asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
pub struct InvoiceTerms {
    /// Who is asked to pay.
    pub consumer: Address,
    /// Base units, not 0.
    pub amount: u64,
    /// Work units the amount is for, at most 2^48.
    pub units: u64,
    /// When payment is due, Unix seconds; 0 for no date. A late payment is still taken.
    pub due: i64,
    /// The device's chain head after the newest job the invoice is for; zero for none.
    pub head: [u8; 32],
    /// Hash of a text that the parties keep; zero for none.
    pub memo: [u8; 32],
}

/// An invoice. Address: `invoice`, device, u64 number.
#[account]
pub struct Invoice {
    pub network: Address,
    pub device: Address,
    pub consumer: Address,
    /// The device's owner when it was made.
    pub issuer: Address,
    pub rent_payer: Address,
    /// Hash of all of these terms, and of network, cluster and number: what a payer agrees to.
    pub terms: [u8; 32],
    pub head: [u8; 32],
    pub memo: [u8; 32],
    pub number: u64,
    pub amount: Amount,
    /// Paid so far, refunds not taken off: never above the amount.
    pub paid: Amount,
    pub refunded: Amount,
    pub units: Units,
    pub due: Timestamp,
    pub created_slot: u64,
    /// Index of the device's registration.
    pub index: u32,
    pub bump: u8,
    pub version: u8,
    /// Zero.
    pub reserved: [u8; 2],
}

impl Invoice {
    /// Takes a payment, and says what it sells: units in proportion to what is paid in all, rounded down.
    #[inline(always)]
    pub fn pay(&mut self, amount: Amount) -> Result<Sale> {
        require!(amount > Amount::ZERO, WorktabError::InvalidParameter);
        require!(
            self.paid.leaves_room(amount, self.amount),
            WorktabError::InvoiceOverpaid
        );
        let before = self.sold()?;
        self.paid = self.paid.plus(amount)?;
        Ok(Sale {
            amount,
            units: self.sold()?.minus(before)?,
        })
    }

    /// Gives a part of what was paid back, and says what is no longer sold.
    pub fn refund(&mut self, amount: Amount) -> Result<Sale> {
        require!(amount > Amount::ZERO, WorktabError::InvalidParameter);
        require!(
            self.refunded.leaves_room(amount, self.paid),
            WorktabError::RefundTooLarge
        );
        let before = self.sold()?;
        self.refunded = self.refunded.plus(amount)?;
        Ok(Sale {
            amount,
            units: before.minus(self.sold()?)?,
        })
    }

    /// Units sold by what was paid and not refunded.
    #[inline(always)]
    fn sold(&self) -> core::result::Result<Units, Overflow> {
        let kept = self.paid.minus(self.refunded)?;
        proportion(self.units.get(), kept.get(), self.amount.get()).map(Units)
    }
}
