use crate::domain::Amount;
use crate::errors::WorktabError;
use crate::events::InvoiceRefunded;
use crate::state::{Device, Invoice, Tab};
use anchor_lang::prelude::*;

/// Gives a part of what an invoice was paid back to the consumer's balance, out of what the device has not claimed.
#[derive(Accounts)]
pub struct RefundInvoice {
    pub owner: Signer,
    #[account(mut)]
    pub tab: Account<Tab>,
    #[account(mut)]
    pub device: Account<Device>,
    #[account(mut)]
    pub invoice: Account<Invoice>,
}

pub fn refund_invoice(ctx: &mut Context<RefundInvoice>, amount: u64) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let (tab_address, device_address) = (*accounts.tab.address(), *accounts.device.address());
    let invoice_address = *accounts.invoice.address();
    let (tab, device, invoice) = (&mut *accounts.tab, &mut *accounts.device, &mut *accounts.invoice);
    tab.require_of(&invoice.network)?;
    device.require_of(&invoice.network)?;
    require!(
        tab.consumer == invoice.consumer && device_address == invoice.device && device.index == invoice.index,
        WorktabError::WrongParty
    );
    require!(accounts.owner.address() == &device.owner, WorktabError::Unauthorized);
    let amount = Amount(amount);
    let sale = invoice.refund(amount)?;
    device.take_back(sale, &tab.consumer)?;
    tab.balance = tab.balance.plus(amount)?;
    emit!(InvoiceRefunded {
        invoice: invoice_address,
        tab: tab_address,
        device: device_address,
        amount: amount.get(),
        units: sale.units.get(),
    });
    Ok(())
}
