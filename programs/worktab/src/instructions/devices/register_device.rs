// The derived code binds the arguments of `#[instruction(..)]` also where it does not use them.
#![allow(unused_variables)]

use super::require_admission;
use crate::domain::{Amount, Capacity, Overflow};
use crate::errors::WorktabError;
use crate::events::DeviceRegistered;
use crate::state::{pause, status, Device, Network, DEVICE_SEED, LAYOUT_VERSION};
use crate::wire::context;
use crate::wire::key::Key;
use crate::wire::message::{key_possession, MESSAGE_SIZE};
use anchor_lang::prelude::*;

/// What an owner says of a new device.
#[derive(Clone, Copy, AnchorSerialize, AnchorDeserialize)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
pub struct DeviceTerms {
    /// Ed25519: 32 bytes and a zero. P-256: 33 bytes, compressed.
    pub key: [u8; 33],
    /// 1 Ed25519, 2 P-256.
    pub key_kind: u8,
    pub class: u8,
    /// Work units an epoch, from the next epoch on. Zero where the class asks for a bond: it is paid in first.
    pub capacity: u64,
    /// Wallet whose associated token account is paid.
    pub payout: Address,
    /// Hash of evidence about the hardware; zero for none.
    pub evidence: [u8; 32],
}

#[derive(Accounts)]
#[instruction(terms: DeviceTerms)]
pub struct RegisterDevice {
    /// Pays the rent; may be any other account here as well, since only lamports are taken from it.
    #[account(mut, unsafe(dup))]
    pub payer: Signer,
    pub owner: Signer,
    #[account(mut)]
    pub network: Account<Network>,
    #[account(
        init,
        payer = payer,
        seeds = [DEVICE_SEED, network.address().as_ref(), &context::device_seed(terms.key_kind, &terms.key)],
        bump
    )]
    pub device: Account<Device>,
    /// The instructions sysvar, or the device's key as a signer.
    pub proof: UncheckedAccount,
    /// The authority or an attestor, where the network asks for admission.
    pub admission: Option<Signer>,
    pub system_program: Program<System>,
}

pub fn register_device(
    ctx: &mut Context<RegisterDevice>,
    terms: DeviceTerms,
    possession: Option<[u8; MESSAGE_SIZE]>,
) -> Result<()> {
    let bump = ctx.bumps.device;
    let accounts = &mut ctx.accounts;
    let network = &mut accounts.network;
    network.require_running(pause::REGISTER)?;
    require_admission(network, &accounts.admission)?;
    require_payout(&terms.payout, network.address())?;
    let key = Key::parse(terms.key_kind, &terms.key).ok_or(WorktabError::InvalidKey)?;
    let epoch = network.epoch_at(super::super::now()?)?;
    let index = network.next_device_index;
    network.next_device_index = index.checked_add(1).ok_or(Overflow)?;

    let class = network.class_mut(terms.class)?;
    let capacity = Capacity(terms.capacity);
    class.require_capacity(capacity, Amount::ZERO)?;
    class.enter(epoch);
    let epoch = class.epoch;
    class.replace_capacity(Capacity::ZERO, capacity)?;
    class.devices = class.devices.checked_add(1).ok_or(Overflow)?;

    let address = *accounts.device.address();
    let owner = *accounts.owner.address();
    require_possession(
        accounts.proof.account(),
        &key,
        &network.domain,
        &address,
        &owner,
        &possession,
    )?;

    let device = &mut accounts.device;
    device.network = *network.address();
    device.owner = owner;
    device.payout = terms.payout;
    device.rent_payer = *accounts.payer.address();
    device.domain = network.domain;
    device.receipt_context = context::receipt(&network.domain, address.as_array(), index);
    device.evidence = terms.evidence;
    device.epoch = epoch;
    device.announce_capacity(capacity, epoch)?;
    device.index = index;
    device.key = terms.key;
    device.key_kind = terms.key_kind;
    device.class = terms.class;
    device.status = status::ACTIVE;
    device.bump = bump;
    device.version = LAYOUT_VERSION;
    emit!(DeviceRegistered {
        network: *network.address(),
        device: address,
        owner,
        index,
        class: terms.class,
        capacity: terms.capacity,
    });
    Ok(())
}

/// The key must have signed the message of its possession, for this device and this owner.
pub(super) fn require_possession(
    proof: &AccountView,
    key: &Key,
    domain: &[u8; 32],
    device: &Address,
    owner: &Address,
    shown: &Option<[u8; MESSAGE_SIZE]>,
) -> Result<()> {
    let message = super::super::proven_message(proof, key, shown.as_ref())?;
    let context = context::key_possession(domain, device.as_array(), *key, owner.as_array());
    require!(message == &key_possession(&context), WorktabError::InvalidPossession);
    Ok(())
}

/// The network's own address owns the vault: pay to it would go in a circle.
pub(super) fn require_payout(payout: &Address, network: &Address) -> Result<()> {
    require!(
        payout != network && payout != &Address::default(),
        WorktabError::InvalidParameter
    );
    Ok(())
}
