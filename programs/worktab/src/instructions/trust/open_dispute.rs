// The derived code binds the arguments of `#[instruction(..)]` also where it does not use them.
#![allow(unused_variables)]

use super::super::proven_message;
use crate::domain::{Amount, Count, Overflow};
use crate::errors::WorktabError;
use crate::events::DisputeOpened;
use crate::state::{Ballot, Class, Device, Dispute, Network, Tab, DISPUTE_SEED, LAYOUT_VERSION};
use crate::wire::hash::same;
use crate::wire::message::{Message, MESSAGE_SIZE, RECEIPT};
use crate::wire::record::next_head;
use anchor_lang::prelude::*;

/// The meter whose work anyone can re-execute.
const WASM_FUEL: u8 = 1;

/// The record that a challenger names, and how it leads to what the device signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
pub struct DisputedRecord {
    /// The record's place in the device's chain, from 1 on.
    pub seq: u64,
    pub hash: [u8; 32],
    /// Chain head before the record.
    pub before: [u8; 32],
}

/// A challenger disputes a record, with a deposit out of the free balance of its tab. That the device signed the record is
/// shown here: its hash, and those of the records after it, lead to the head of a receipt that the device's key signed, or
/// to the one on chain. Nobody can accuse a device of what it never signed, not even one that is offline. Where more records
/// lie between than a transaction can hold, an attestor's signature says that it followed them; the device can't be found to
/// withhold the record then.
#[derive(Accounts)]
#[instruction(record: DisputedRecord)]
pub struct OpenDispute {
    /// Pays the rent; may be any other account here as well, since only lamports are taken from it.
    #[account(mut, unsafe(dup))]
    pub payer: Signer,
    /// The tab's consumer.
    pub challenger: Signer,
    pub network: Account<Network>,
    #[account(mut)]
    pub tab: Account<Tab>,
    #[account(mut)]
    pub device: Account<Device>,
    /// The instructions sysvar, or the device's key or an attestor as a signer; any account where the head on chain is the
    /// evidence.
    pub proof: UncheckedAccount,
    #[account(
        init,
        payer = payer,
        seeds = [DISPUTE_SEED, device.address().as_ref(), &record.seq.to_le_bytes(), &record.hash],
        bump
    )]
    pub dispute: Account<Dispute>,
    pub system_program: Program<System>,
}

/// `later` are the hashes of the records from the disputed one up to the evidence, 32 bytes each, in order.
pub fn open_dispute(
    ctx: &mut Context<OpenDispute>,
    record: DisputedRecord,
    later: &[u8],
    receipt: Option<&[u8; MESSAGE_SIZE]>,
) -> Result<()> {
    let bump = ctx.bumps.dispute;
    let accounts = &mut ctx.accounts;
    let (network, tab, device) = (&mut accounts.network, &mut accounts.tab, &mut accounts.device);
    tab.require_of(network.address())?;
    device.require_of(network.address())?;
    require!(
        accounts.challenger.address() == &tab.consumer,
        WorktabError::Unauthorized
    );
    require!(
        network.dispute_deposit > Amount::ZERO && network.attestor_count > 0 && network.challenge_delay.0 > 0,
        WorktabError::DisputesOff
    );
    let meter = network
        .classes
        .get(usize::from(device.class))
        .map(|class: &Class| class.meter);
    require!(meter == Some(WASM_FUEL), WorktabError::NotExecutable);
    // Records are counted from 1 on, whoever says that it was signed.
    require!(record.seq > 0, WorktabError::RecordNotSigned);
    let proof = accounts.proof.account();
    let vouched = proof.is_signer() && network.attestor_bit(proof.address()).is_ok();
    if !vouched {
        require_signed(device, proof, &record, later, receipt)?;
    }

    let now = super::super::now()?;
    tab.take(network.dispute_deposit)?;
    tab.withdrawn = tab.withdrawn.saturating_plus(network.dispute_deposit);
    device.open_disputes = device.open_disputes.checked_add(1).ok_or(Overflow)?;
    let dispute = &mut accounts.dispute;
    dispute.network = *network.address();
    dispute.device = *device.address();
    dispute.tab = *tab.address();
    dispute.rent_payer = *accounts.payer.address();
    dispute.record_hash = record.hash;
    dispute.seq = record.seq;
    dispute.deposit = network.dispute_deposit;
    dispute.opened_at = now;
    dispute.deadline = now.after(network.challenge_delay)?;
    dispute.votes = Ballot::new(network);
    dispute.threshold = network.threshold;
    dispute.index = device.index;
    dispute.vouched = u8::from(vouched);
    dispute.bump = bump;
    dispute.version = LAYOUT_VERSION;
    emit!(DisputeOpened {
        dispute: *dispute.address(),
        device: dispute.device,
        tab: dispute.tab,
        seq: record.seq,
        record_hash: record.hash,
        deposit: dispute.deposit.get(),
        deadline: dispute.deadline.0,
    });
    Ok(())
}

/// Refuses a record that does not lead to a head of this device.
fn require_signed(
    device: &Device,
    proof: &AccountView,
    record: &DisputedRecord,
    later: &[u8],
    receipt: Option<&[u8; MESSAGE_SIZE]>,
) -> Result<()> {
    let (later, rest) = later.as_chunks::<32>();
    require!(rest.is_empty(), WorktabError::RecordNotSigned);
    let head = later
        .iter()
        .fold(next_head(&record.before, &record.hash), |head, hash| {
            next_head(&head, hash)
        });
    let count = u64::try_from(later.len()).map_err(|_| Overflow)?;
    let seq = Count(record.seq).plus(Count(count))?;
    if seq == device.seq && same(&head, &device.head) {
        return Ok(());
    }
    let bytes = proven_message(proof, &device.key(), receipt)?;
    let message = Message::parse(bytes, RECEIPT).ok_or(WorktabError::WrongMessage)?;
    require!(
        same(message.context(), &device.receipt_context),
        WorktabError::WrongContext
    );
    require!(
        message.seq() == seq.get() && same(message.head(), &head),
        WorktabError::RecordNotSigned
    );
    Ok(())
}
