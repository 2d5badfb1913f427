use crate::domain::{Amount, Overflow};
use crate::errors::WorktabError;
use crate::events::DeviceRetired;
use crate::state::{status, Device, Network};
use anchor_lang::prelude::*;

/// Ends a device. Its capacity leaves the class from the next epoch on; the account closes as soon as nothing is owed,
/// held or disputed, in this call or, after a claim, in another one.
#[derive(Accounts)]
pub struct RetireDevice {
    pub owner: Signer,
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut)]
    pub device: Account<Device>,
    /// Who paid the device's rent; often the owner as well, so it may be the same account.
    #[account(mut, unsafe(dup))]
    pub rent_payer: UncheckedAccount,
}

pub fn retire_device(ctx: &mut Context<RetireDevice>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let (network, device) = (&mut accounts.network, &mut accounts.device);
    device.require_of(network.address())?;
    require!(accounts.owner.address() == &device.owner, WorktabError::Unauthorized);
    require!(
        accounts.rent_payer.address() == &device.rent_payer,
        WorktabError::AddressMismatch
    );
    let closed = device.is_clear();
    if device.status != status::RETIRED {
        let epoch = network.epoch_at(super::super::now()?)?;
        let class = network.class_mut(device.class)?;
        device.give_up_capacity(class, epoch)?;
        class.devices = class.devices.checked_sub(1).ok_or(Overflow)?;
        device.status = status::RETIRED;
    } else {
        // A second call has nothing to do but to close.
        require!(closed, WorktabError::DeviceInactive);
    }
    emit!(DeviceRetired {
        device: *device.address(),
        closed,
    });
    if closed {
        network.count_sales(device, Amount::ZERO);
        accounts.device.close(*accounts.rent_payer.account())?;
    }
    Ok(())
}
