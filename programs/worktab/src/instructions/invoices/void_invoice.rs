use crate::errors::WorktabError;
use crate::events::InvoiceVoided;
use crate::state::{is_closed, Device, Invoice};
use anchor_lang::pinocchio::sysvars::{clock::Clock, Sysvar};
use anchor_lang::prelude::*;

/// Ends an invoice: nothing more can be paid on it or refunded, what was paid stays paid, and the rent goes back. Not
/// in the slot it was made in: the slot is part of the terms, and an invoice of the same number must not repeat them.
#[derive(Accounts)]
pub struct VoidInvoice {
    /// The device's owner; where the device is closed or was registered again, the owner who made the invoice.
    pub owner: Signer,
    /// The device's account, which may be closed.
    pub device: UncheckedAccount,
    #[account(mut)]
    pub invoice: Account<Invoice>,
    /// Who paid the invoice's rent; often the owner as well, so it may be the same account.
    #[account(mut, unsafe(dup))]
    pub rent_payer: UncheckedAccount,
}

pub fn void_invoice(ctx: &mut Context<VoidInvoice>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let invoice = &accounts.invoice;
    require!(accounts.device.address() == &invoice.device, WorktabError::WrongParty);
    require!(
        accounts.rent_payer.address() == &invoice.rent_payer,
        WorktabError::AddressMismatch
    );
    require!(
        accounts.owner.address() == &owner(accounts.device.account(), invoice)?,
        WorktabError::Unauthorized
    );
    require!(Clock::get()?.slot > invoice.created_slot, WorktabError::TooSoon);
    emit!(InvoiceVoided {
        invoice: *invoice.address(),
        device: invoice.device,
        paid: invoice.paid.get(),
    });
    accounts.invoice.close(*accounts.rent_payer.account())?;
    Ok(())
}

/// Who may end an invoice now.
fn owner(device: &AccountView, invoice: &Invoice) -> Result<Address> {
    if is_closed(device) {
        return Ok(invoice.issuer);
    }
    let device = <Account<Device> as AnchorAccount>::load(*device)?;
    Ok(if device.index == invoice.index {
        device.owner
    } else {
        invoice.issuer
    })
}
