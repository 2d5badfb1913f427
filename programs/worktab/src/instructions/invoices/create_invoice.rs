// The derived code binds the arguments of `#[instruction(..)]` also where it does not use them.
#![allow(unused_variables)]

use crate::domain::{Amount, Timestamp, Units};
use crate::errors::WorktabError;
use crate::events::InvoiceCreated;
use crate::state::{status, Device, Invoice, InvoiceTerms, INVOICE_SEED, LAYOUT_VERSION, MAX_SOLD_AT_ONCE};
use crate::wire::context;
use anchor_lang::pinocchio::sysvars::{clock::Clock, Sysvar};
use anchor_lang::prelude::*;

/// A device's owner asks one consumer to pay.
#[derive(Accounts)]
#[instruction(number: u64)]
pub struct CreateInvoice {
    /// Pays the rent; may be any other account here as well, since only lamports are taken from it.
    #[account(mut, unsafe(dup))]
    pub payer: Signer,
    pub owner: Signer,
    pub device: Account<Device>,
    #[account(
        init,
        payer = payer,
        seeds = [INVOICE_SEED, device.address().as_ref(), &number.to_le_bytes()],
        bump
    )]
    pub invoice: Account<Invoice>,
    pub system_program: Program<System>,
}

pub fn create_invoice(ctx: &mut Context<CreateInvoice>, number: u64, terms: InvoiceTerms) -> Result<()> {
    let bump = ctx.bumps.invoice;
    let accounts = &mut ctx.accounts;
    let (address, device) = (*accounts.invoice.address(), &accounts.device);
    require!(accounts.owner.address() == &device.owner, WorktabError::Unauthorized);
    require!(device.status != status::RETIRED, WorktabError::DeviceInactive);
    require!(
        terms.amount > 0
            && terms.units <= MAX_SOLD_AT_ONCE.get()
            && terms.due >= 0
            && terms.consumer != Address::default(),
        WorktabError::InvalidParameter
    );
    let invoice = &mut accounts.invoice;
    invoice.network = device.network;
    invoice.device = *device.address();
    invoice.consumer = terms.consumer;
    invoice.issuer = device.owner;
    invoice.rent_payer = *accounts.payer.address();
    invoice.head = terms.head;
    invoice.memo = terms.memo;
    invoice.number = number;
    invoice.amount = Amount(terms.amount);
    invoice.units = Units(terms.units);
    invoice.due = Timestamp(terms.due);
    invoice.created_slot = Clock::get()?.slot;
    invoice.index = device.index;
    invoice.bump = bump;
    invoice.version = LAYOUT_VERSION;
    invoice.terms = context::invoice_terms(
        &device.domain,
        address.as_array(),
        terms.consumer.as_array(),
        [
            terms.amount,
            terms.units,
            terms.due.unsigned_abs(),
            invoice.created_slot,
        ],
        &terms.head,
        &terms.memo,
    );
    emit!(InvoiceCreated {
        invoice: address,
        device: *device.address(),
        consumer: terms.consumer,
        number,
        amount: terms.amount,
        units: terms.units,
        due: terms.due,
        head: terms.head,
        memo: terms.memo,
    });
    Ok(())
}
