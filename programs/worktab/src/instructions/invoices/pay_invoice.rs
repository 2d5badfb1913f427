use crate::domain::Amount;
use crate::errors::WorktabError;
use crate::events::InvoicePaid;
use crate::state::{Device, Invoice, Tab};
use crate::wire::hash::same;
use anchor_lang::{address_eq, prelude::*};

/// Pays an invoice, or a part of it, from the consumer's balance to the device's earnings. It names the hash of the
/// terms it agrees to, so that nobody can put other terms in their place.
#[derive(Accounts)]
pub struct PayInvoice {
    /// The consumer, or a delegate.
    pub signer: Signer,
    #[account(mut)]
    pub tab: Account<Tab>,
    #[account(mut)]
    pub device: Account<Device>,
    #[account(mut)]
    pub invoice: Account<Invoice>,
}

#[inline(never)]
pub fn pay_invoice(ctx: &mut Context<PayInvoice>, amount: u64, terms: &[u8; 32]) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let (tab_address, device_address) = (*accounts.tab.address(), *accounts.device.address());
    let invoice_address = *accounts.invoice.address();
    let (tab, device, invoice) = (&mut *accounts.tab, &mut *accounts.device, &mut *accounts.invoice);
    tab.require_of(&invoice.network)?;
    device.require_of(&invoice.network)?;
    require!(
        address_eq(&tab.consumer, &invoice.consumer)
            && address_eq(&device_address, &invoice.device)
            && device.index == invoice.index,
        WorktabError::WrongParty
    );
    require!(same(terms, &invoice.terms), WorktabError::TermsChanged);
    let amount = Amount(amount);
    let signer = tab.number_of(accounts.signer.address())?;
    if let Some(delegate) = tab.delegate_mut(signer)? {
        delegate.charge(amount, device.class, super::super::now()?)?;
    }
    let sale = invoice.pay(amount)?;
    tab.take(amount)?;
    device.sell(sale, &tab.consumer)?;
    InvoicePaid {
        invoice: invoice_address,
        tab: tab_address,
        device: device_address,
        amount: amount.get(),
        units: sale.units.get(),
    }
    .log();
    Ok(())
}
