use super::super::proven_by_wallet;
use super::settle_voucher::require_unexpired;
use crate::domain::{Amount, Units};
use crate::errors::{ensure, refusal};
use crate::events::BatchLog;
use crate::state::{lanes_mut, load_mut, position, Device, Tab};
use crate::wire::context;
use crate::wire::hash::same;
use crate::wire::message::{Message, BATCH_VOUCHER, MESSAGE_SIZE};
use anchor_lang::{address_eq, prelude::*, sol_log_data, AccountView};
use bytemuck::{Pod, Zeroable};

/// One lane's totals, 24 bytes, as the consumer signed them.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, packed)]
pub struct BatchEntry {
    pub index: u32,
    pub nonce: u32,
    pub amount: u64,
    pub units: u64,
}

impl BatchEntry {
    /// What entries rise by, as one number.
    #[inline(always)]
    fn rank(&self) -> u64 {
        u64::from(self.index) << 32 | u64::from(self.nonce)
    }
}

/// Moves what a batch voucher owes on many lanes of one signer. Anyone may call it.
///
/// Devices follow as remaining accounts, rising by index: any subset of those that the entries name. Entries of the
/// others, and those at or below what is paid, move nothing; at least one must.
#[derive(Accounts)]
pub struct SettleBatch {
    #[account(mut)]
    pub tab: Account<Tab>,
    /// The instructions sysvar, or the lanes' signer.
    pub proof: UncheckedAccount,
}

pub fn settle_batch(
    ctx: &mut Context<SettleBatch>,
    signer: u8,
    entries: &[u8],
    batch: Option<&[u8; MESSAGE_SIZE]>,
) -> Result<()> {
    let devices = ctx.remaining_accounts()?;
    let accounts = &mut ctx.accounts;
    let address = *accounts.tab.address();
    // SAFETY: these are the only references to the lanes.
    let lanes = unsafe { lanes_mut(*accounts.tab.view()) };
    let tab = &mut *accounts.tab;
    let bytes = proven_by_wallet(accounts.proof.account(), tab.signer(signer)?, batch)?;
    let message = Message::parse(bytes, BATCH_VOUCHER).ok_or_else(|| refusal!(WrongMessage))?;
    ensure!(message.is_bare(), WrongMessage);
    let context = context::batch(&tab.domain, address.as_array(), entries);
    ensure!(same(message.context(), &context), WrongContext);
    require_unexpired(&message)?;

    let entries: &[BatchEntry] = bytemuck::try_cast_slice(entries).map_err(|_| refusal!(InvalidBatch))?;
    let mut log = BatchLog::new(&address, entries.len())?;
    let mut seller = Sellers::new(&devices, &tab.network)?;
    let mut last = None;
    let mut moved = Amount::ZERO;
    for entry in entries {
        let rank = Some(entry.rank());
        ensure!(rank > last, InvalidBatch);
        last = rank;
        let Some(device) = seller.of(entry.index)? else {
            continue;
        };
        let lane = &mut lanes[position(lanes, entry.nonce)?];
        ensure!(lane.index == device.index && lane.signer == signer, ForeignLane);
        if entry.amount <= lane.paid.get() {
            continue;
        }
        let sale = lane.settle(Amount(entry.amount), Units(entry.units))?;
        device.sell(sale, address_eq(&device.owner, &tab.consumer))?;
        moved = moved.plus(sale.amount)?;
        log.push(entry.index, entry.nonce, sale);
    }
    seller.finish()?;
    ensure!(moved > Amount::ZERO, StaleVoucher);
    tab.spent = tab.spent.saturating_plus(moved);
    sol_log_data(&[log.bytes()?]);
    Ok(())
}

/// The devices of a batch, walked once, beside the entries.
struct Sellers<'a> {
    devices: core::slice::Iter<'a, AccountView>,
    network: &'a Address,
    current: Option<&'a mut Device>,
    /// Whether an entry named the current one.
    named: bool,
}

impl<'a> Sellers<'a> {
    fn new(devices: &'a [AccountView], network: &'a Address) -> Result<Self> {
        let mut sellers = Self {
            devices: devices.iter(),
            network,
            current: None,
            named: true,
        };
        sellers.advance()?;
        Ok(sellers)
    }

    /// The device of this index, if it is among those to be settled.
    #[inline(always)]
    fn of(&mut self, index: u32) -> Result<Option<&mut Device>> {
        while self.current.as_ref().is_some_and(|device| device.index < index) {
            self.advance()?;
        }
        match &mut self.current {
            Some(device) if device.index == index => {
                self.named = true;
                Ok(Some(device))
            }
            _ => Ok(None),
        }
    }

    /// Goes to the next device; the one before must have been named, and the next rise above it.
    #[inline(always)]
    fn advance(&mut self) -> Result<()> {
        ensure!(self.named, InvalidBatch);
        let before = self.current.take().map(|device| device.index);
        let Some(view) = self.devices.next() else {
            return Ok(());
        };
        // SAFETY: devices rise by index, so none is held twice, and the tab is another kind of account.
        let device: &mut Device = unsafe { load_mut(*view)? };
        device.require_of(self.network)?;
        ensure!(Some(device.index) > before, InvalidBatch);
        self.named = false;
        self.current = Some(device);
        Ok(())
    }

    /// Refuses devices that no entry named.
    fn finish(&mut self) -> Result<()> {
        ensure!(self.named && self.devices.len() == 0, InvalidBatch);
        Ok(())
    }
}
