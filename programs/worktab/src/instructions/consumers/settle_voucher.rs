use super::super::{now, proven_by_wallet};
use crate::domain::{Amount, Units};
use crate::errors::{ensure, refusal};
use crate::events::VoucherSettled;
use crate::state::{lane_mut, lanes_mut, load_changed, Device, Tab};
use crate::wire::context;
use crate::wire::hash::same;
use crate::wire::message::{Message, MESSAGE_SIZE, VOUCHER};
use anchor_lang::prelude::*;

/// Moves what a voucher owes from its lane to the device's earnings. Anyone may call it.
#[derive(Accounts)]
pub struct SettleVoucher {
    #[account(mut)]
    pub tab: UncheckedAccount,
    #[account(mut)]
    pub device: UncheckedAccount,
    /// The instructions sysvar, or the lane's signer.
    pub proof: UncheckedAccount,
}

#[inline(always)]
pub fn settle_voucher(
    ctx: &mut Context<SettleVoucher>,
    nonce: u32,
    voucher: Option<&[u8; MESSAGE_SIZE]>,
) -> Result<()> {
    let accounts = &ctx.accounts;
    let (tab_view, device_view) = (accounts.tab.account(), accounts.device.account());
    // SAFETY: accounts of two kinds are two accounts, and lanes are no part of a tab's fixed data.
    let (tab, lanes, device): (&mut Tab, _, &mut Device) = unsafe {
        (
            load_changed(*tab_view)?,
            lanes_mut(*tab_view),
            load_changed(*device_view)?,
        )
    };
    device.require_of(&tab.network)?;
    let lane = lane_mut(lanes, nonce)?;
    ensure!(lane.index == device.index, ForeignLane);

    let bytes = proven_by_wallet(accounts.proof.account(), tab.signer(lane.signer)?, voucher)?;
    let message = Message::parse(bytes, VOUCHER).ok_or_else(|| refusal!(WrongMessage))?;
    let context = context::voucher(
        &tab.domain,
        tab_view.address().as_array(),
        device_view.address().as_array(),
        lane.name(),
    );
    ensure!(same(message.context(), &context), WrongContext);
    require_unexpired(&message)?;

    let sale = lane.settle(Amount(message.amount()), Units(message.units()))?;
    device.sell(sale, &tab.consumer)?;
    VoucherSettled {
        tab: *tab_view.address(),
        amount: sale.amount.get(),
        units: sale.units.get(),
        index: lane.index,
        nonce: lane.nonce,
    }
    .log();
    Ok(())
}

/// Refuses a voucher or batch from the second on in which it expires.
#[inline(always)]
pub(super) fn require_unexpired(message: &Message) -> Result<()> {
    let expires_at = message.time().ok_or_else(|| refusal!(WrongMessage))?;
    if expires_at != 0 {
        ensure!(now()?.0 < expires_at, VoucherExpired);
    }
    Ok(())
}
