use super::register_device::{require_payout, require_possession};
use super::require_admission;
use crate::domain::Capacity;
use crate::errors::WorktabError;
use crate::events::DeviceUpdated;
use crate::state::{status, Device, Network};
use crate::wire::key::Key;
use anchor_lang::prelude::*;

/// A device's next key.
#[derive(Clone, Copy, AnchorSerialize, AnchorDeserialize)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
pub struct NewKey {
    /// Ed25519: 32 bytes and a zero. P-256: 33 bytes, compressed.
    pub key: [u8; 33],
    /// 1 Ed25519, 2 P-256.
    pub kind: u8,
    /// The message of possession, where the key signs the transaction itself.
    pub possession: Option<[u8; 104]>,
}

/// What changes; what is absent stays.
#[derive(Clone, AnchorSerialize, AnchorDeserialize)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
pub struct DeviceUpdate {
    pub key: Option<NewKey>,
    /// Work units an epoch, from the next epoch on.
    pub capacity: Option<u64>,
    pub payout: Option<Address>,
    pub evidence: Option<[u8; 32]>,
    /// The device is theirs from here on.
    pub owner: Option<Address>,
}

#[derive(Accounts)]
pub struct UpdateDevice {
    pub owner: Signer,
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut)]
    pub device: Account<Device>,
    /// With a new key: the instructions sysvar, or the new key as a signer.
    pub proof: UncheckedAccount,
    /// The authority or an attestor, where the network asks for admission of a key or of more capacity.
    pub admission: Option<Signer>,
}

pub fn update_device(ctx: &mut Context<UpdateDevice>, update: DeviceUpdate) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let (network, device) = (&mut accounts.network, &mut accounts.device);
    device.require_of(network.address())?;
    require!(accounts.owner.address() == &device.owner, WorktabError::Unauthorized);
    // A retired or suspended device may still be owed: its owner can always say where to.
    require!(
        device.status == status::ACTIVE || (update.key.is_none() && update.capacity.is_none()),
        WorktabError::DeviceInactive
    );
    if let Some(new) = &update.key {
        require_admission(network, &accounts.admission)?;
        let key = Key::parse(new.kind, &new.key).ok_or(WorktabError::InvalidKey)?;
        require_possession(
            accounts.proof.account(),
            &key,
            &device.domain,
            device.address(),
            &device.owner,
            &new.possession,
        )?;
        device.key = new.key;
        device.key_kind = new.kind;
    }
    if let Some(capacity) = update.capacity.map(Capacity) {
        let epoch = network.epoch_at(super::super::now()?)?;
        let rises = capacity > device.next_capacity;
        if rises {
            require_admission(network, &accounts.admission)?;
        }
        let class = network.class_mut(device.class)?;
        if rises {
            class.require_capacity(capacity, device.bond_free())?;
        }
        class.enter(epoch);
        class.replace_capacity(device.next_capacity, capacity)?;
        device.announce_capacity(capacity, class.epoch)?;
    }
    if let Some(payout) = update.payout {
        require_payout(&payout, network.address())?;
        device.payout = payout;
    }
    if let Some(evidence) = update.evidence {
        device.evidence = evidence;
    }
    if let Some(owner) = update.owner {
        require!(owner != Address::default(), WorktabError::InvalidParameter);
        device.owner = owner;
    }
    emit!(DeviceUpdated {
        device: *device.address(),
        owner: device.owner,
        payout: device.payout,
        capacity: device.next_capacity.get(),
        key_changed: update.key.is_some(),
    });
    Ok(())
}
