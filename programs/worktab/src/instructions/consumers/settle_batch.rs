use super::super::proven_by_wallet;
use super::settle_voucher::require_unexpired;
use crate::domain::{Amount, Units};
use crate::errors::{ensure, refusal};
use crate::events::{BatchLog, LoggedSale};
use crate::state::{find, lanes_mut, load_changed, Device, Lane, Tab, Trailing};
use crate::wire::context;
use crate::wire::hash::same;
use crate::wire::message::{Message, BATCH_VOUCHER, MESSAGE_SIZE};
use anchor_lang::{prelude::*, sol_log_data};
use bytemuck::{Pod, Zeroable};

/// One lane's totals, 24 bytes, as the consumer signed them.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, packed)]
pub struct BatchEntry {
    /// u32 index of the device and u32 nonce.
    lane: u64,
    amount: u64,
    units: u64,
}

impl BatchEntry {
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // the lower half
    fn index(&self) -> u32 {
        self.lane as u32
    }

    #[inline(always)]
    fn nonce(&self) -> u32 {
        (self.lane >> 32) as u32
    }

    /// What entries rise by: the index before the nonce.
    #[inline(always)]
    fn rank(&self) -> u64 {
        self.lane.rotate_left(32)
    }
}

/// Moves what a batch voucher owes on many lanes of one signer. Anyone may call it.
///
/// Devices follow as remaining accounts, rising by index: any subset of those that the entries name. Entries of the
/// others, those at or below what is paid, and those of lanes that ended move nothing; at least one must.
#[derive(Accounts)]
pub struct SettleBatch {
    #[account(mut)]
    pub tab: UncheckedAccount,
    /// The instructions sysvar, or the lanes' signer.
    pub proof: UncheckedAccount,
}

#[inline(always)]
pub fn settle_batch(
    ctx: &mut Context<SettleBatch>,
    signer: u8,
    entries: &[u8],
    batch: Option<&[u8; MESSAGE_SIZE]>,
) -> Result<()> {
    let accounts = &ctx.accounts;
    let (tab_view, proof) = (accounts.tab.account(), accounts.proof.account());
    // SAFETY: lanes are no part of a tab's fixed data, and devices are other accounts.
    let (tab, lanes): (&mut Tab, _) = unsafe { (load_changed(*tab_view)?, lanes_mut(*tab_view)) };
    let bytes = proven_by_wallet(proof, tab.signer(signer)?, batch)?;
    let message = Message::parse(bytes, BATCH_VOUCHER).ok_or_else(|| refusal!(WrongMessage))?;
    ensure!(message.is_bare(), WrongMessage);
    let context = context::batch(&tab.domain, tab_view.address().as_array(), entries);
    ensure!(same(message.context(), &context), WrongContext);
    require_unexpired(&message)?;

    let entries: &[BatchEntry] = bytemuck::try_cast_slice(entries).map_err(|_| refusal!(InvalidBatch))?;
    let count = entries.len();
    let mut log = BatchLog::new(tab_view.address(), count)?;
    let mut batch = Batch {
        tab,
        lanes,
        sales: log.places(),
        signer,
    };
    // SAFETY: the two declared accounts; a proof that repeated the tab, which is writable, was refused.
    let mut devices = unsafe { Trailing::after(tab_view, proof, 2) };
    let mut entries = Rising::new(entries);
    while let Some(device) = batch.next_device(&mut devices)? {
        // Each device must be named: so they rise by index as the entries do.
        let mut entry = loop {
            match entries.next()? {
                Some(entry) if entry.index() == device.index => break entry,
                Some(entry) if entry.index() < device.index => {}
                _ => return Err(refusal!(InvalidBatch)),
            }
        };
        loop {
            batch.settle(device, entry)?;
            match entries.next_of(device.index)? {
                Some(next) => entry = next,
                None => break,
            }
        }
    }
    while entries.next()?.is_some() {}
    let left = batch.sales.len();
    ensure!(left < count, StaleVoucher);
    sol_log_data(&[log.bytes(left)?]);
    Ok(())
}

/// Entries, refused where they do not rise: so each device's stand together, and none comes twice.
struct Rising<'a> {
    rest: &'a [BatchEntry],
    /// The last one's rank and one more.
    least: u64,
}

impl<'a> Rising<'a> {
    fn new(rest: &'a [BatchEntry]) -> Self {
        Self { rest, least: 0 }
    }

    #[inline(always)]
    fn next(&mut self) -> Result<Option<&'a BatchEntry>> {
        let Some((entry, rest)) = self.rest.split_first() else {
            return Ok(None);
        };
        let rank = entry.rank();
        // The largest rank is no lane's: nonces end one below.
        ensure!(rank >= self.least && rank != u64::MAX, InvalidBatch);
        self.least = rank.wrapping_add(1);
        self.rest = rest;
        Ok(Some(entry))
    }

    /// The next entry, if it is this device's.
    #[inline(always)]
    fn next_of(&mut self, index: u32) -> Result<Option<&'a BatchEntry>> {
        match self.rest.first() {
            Some(entry) if entry.index() == index => self.next(),
            _ => Ok(None),
        }
    }
}

/// A batch on its way.
struct Batch<'a> {
    tab: &'a mut Tab,
    lanes: &'a mut [Lane],
    /// Where the event's next entry goes.
    sales: core::slice::IterMut<'a, LoggedSale>,
    signer: u8,
}

impl Batch<'_> {
    /// The next device to be settled.
    #[inline(always)]
    fn next_device<'a>(&self, devices: &mut Trailing) -> Result<Option<&'a mut Device>> {
        let Some(view) = devices.take()? else {
            return Ok(None);
        };
        // SAFETY: no account comes twice.
        let device: &mut Device = unsafe { load_changed(view)? };
        device.require_of(&self.tab.network)?;
        Ok(Some(device))
    }

    /// Settles one entry of a device. Apart from the loop, so that each has the registers.
    #[inline(always)]
    fn settle(&mut self, device: &mut Device, entry: &BatchEntry) -> Result<()> {
        // Nonces don't come back: a lane that is not there has ended, and can't be owed anything any more.
        let Some(lane) = find(self.lanes, entry.nonce()) else {
            return Ok(());
        };
        ensure!(lane.index == entry.index() && lane.signer == self.signer, ForeignLane);
        if entry.amount <= lane.paid.get() {
            return Ok(());
        }
        let sale = lane.settle(Amount(entry.amount), Units(entry.units))?;
        if let Some(place) = self.sales.next() {
            *place = LoggedSale::new(entry.lane, sale);
        }
        device.sell(sale, &self.tab.consumer)?;
        Ok(())
    }
}
