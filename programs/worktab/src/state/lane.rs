//! A lane: what one consumer set aside for one device, and how much of it vouchers have moved.

use super::Tab;
use crate::domain::{Amount, Units};
use crate::errors::{ensure, refusal};
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};

/// A lane of a tab, 40 bytes. Lanes stand after the tab's fixed part, in the order of their nonces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Lane {
    /// The device's index in the network.
    pub index: u32,
    /// Tells the lanes of a tab apart, also those that ended.
    pub nonce: u32,
    /// Moved to the device so far.
    pub paid: Amount,
    /// Set aside and not yet moved.
    pub reserved: Amount,
    /// Units bought so far.
    pub units: Units,
    /// When a closing lane may end, Unix seconds; 0 while it is open.
    pub close_at: u32,
    /// Whose signature moves it: 0 the consumer, 1 to 4 a delegate.
    pub signer: u8,
    /// 1 while an SLA holds the lane.
    pub flags: u8,
    /// Zero.
    pub zero: [u8; 2],
}

/// Flags of `Lane::flags`.
pub mod lane_flag {
    /// An SLA holds the lane: it can't be closed.
    pub const SLA: u8 = 1;
}

/// Bytes of a lane.
pub const LANE_SIZE: usize = core::mem::size_of::<Lane>();
/// Most units that one settlement sells, as one receipt may add: nobody spoils a statistic with one signature.
pub const MAX_SOLD_AT_ONCE: Units = Units(1 << 48);
/// Lanes a tab has room for.
pub const MAX_LANES: usize = 1_024;
/// Where lanes begin in a tab's data.
pub const LANES_AT: usize = Tab::DISCRIMINATOR.len() + core::mem::size_of::<Tab>();

const _: () = assert!(LANE_SIZE == 40 && LANES_AT.is_multiple_of(8));

/// What a voucher moves: its totals less what the lane has paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sale {
    pub amount: Amount,
    pub units: Units,
}

impl Lane {
    /// Takes a voucher's totals in, and says what they move.
    ///
    /// Only the amount must rise. If units had to, a consumer could settle a voucher of one base unit and all the units
    /// there are, and make every other one it gave worthless.
    #[inline(always)]
    pub fn settle(&mut self, amount: Amount, units: Units) -> Result<Sale> {
        ensure!(amount > self.paid, StaleVoucher);
        let mut sale = Sale {
            amount: amount.minus_part(self.paid),
            units: Units::ZERO,
        };
        ensure!(sale.amount <= self.reserved, OverReserve);
        if units > self.units {
            sale.units = units.minus_part(self.units).min(MAX_SOLD_AT_ONCE);
            self.units = units;
        }
        self.paid = amount;
        self.reserved = self.reserved.minus_part(sale.amount);
        Ok(sale)
    }

    /// The index and the nonce as they stand in a voucher's context.
    #[inline(always)]
    pub fn name(&self) -> &[u8; 8] {
        bytemuck::from_bytes(&bytemuck::bytes_of(self)[..8])
    }
}

/// The lanes of a tab, whose data `tab` must be.
///
/// # Safety
///
/// Nothing else may hold a reference to the lanes while these live. The tab's fixed part is not among them.
#[inline(always)]
pub unsafe fn lanes_mut<'a>(mut tab: AccountView) -> &'a mut [Lane] {
    let count = tab.data_len().saturating_sub(LANES_AT) / LANE_SIZE;
    core::slice::from_raw_parts_mut(tab.data_mut_ptr().add(LANES_AT).cast(), count)
}

/// The lane of this nonce, if it has not ended.
///
/// Nonces rise by one from lane to lane, but for those that ended: the first guess is right unless an earlier lane
/// ended, and else the lane stands further to the front.
#[inline(always)]
pub fn find(lanes: &mut [Lane], nonce: u32) -> Option<&mut Lane> {
    if let Some(first) = lanes.first() {
        let guess = nonce.wrapping_sub(first.nonce) as usize;
        // SAFETY: below the number of lanes.
        if guess < lanes.len() && unsafe { lanes.get_unchecked(guess) }.nonce == nonce {
            return Some(unsafe { lanes.get_unchecked_mut(guess) });
        }
    }
    search(lanes, nonce)
}

/// As `find`, where the lane must be there.
#[inline(always)]
pub fn lane_mut(lanes: &mut [Lane], nonce: u32) -> Result<&mut Lane> {
    find(lanes, nonce).ok_or_else(|| refusal!(LaneNotFound))
}

#[cold]
#[inline(never)]
fn search(lanes: &mut [Lane], nonce: u32) -> Option<&mut Lane> {
    let place = position(lanes, nonce).ok()?;
    lanes.get_mut(place)
}

/// Where the lane of this nonce stands.
pub fn position(lanes: &[Lane], nonce: u32) -> Result<usize> {
    lanes
        .binary_search_by_key(&nonce, |lane| lane.nonce)
        .map_err(|_| refusal!(LaneNotFound))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(nonce: u32) -> Lane {
        Lane {
            nonce,
            ..Lane::zeroed()
        }
    }

    #[test]
    fn lanes_are_found_with_and_without_gaps() {
        for nonces in [&[][..], &[5], &[5, 6, 7], &[5, 9, 10, 4_000_000_000], &[0, u32::MAX]] {
            let mut lanes: Vec<Lane> = nonces.iter().copied().map(lane).collect();
            for nonce in [0, 4, 5, 6, 7, 8, 9, 10, 11, 4_000_000_000, u32::MAX] {
                let place = nonces.iter().position(|each| *each == nonce);
                assert_eq!(position(&lanes, nonce).ok(), place, "{nonces:?} {nonce}");
                let found = find(&mut lanes, nonce).map(|found| found.nonce);
                assert_eq!(found, place.map(|_| nonce), "{nonces:?} {nonce}");
            }
        }
    }

    #[test]
    fn a_voucher_moves_what_it_adds() {
        let mut open = Lane {
            paid: Amount(10),
            reserved: Amount(5),
            units: Units(3),
            ..lane(1)
        };
        let before = open;
        for (amount, units) in [(10, 3), (9, 3), (0, 9), (16, 3), (u64::MAX, u64::MAX)] {
            assert!(open.settle(Amount(amount), Units(units)).is_err());
            assert_eq!(open, before);
        }
        let mut settle = |amount, units| open.settle(Amount(amount), Units(units)).unwrap();
        let sale = |amount, units| Sale {
            amount: Amount(amount),
            units: Units(units),
        };
        assert_eq!(settle(11, 5), sale(1, 2));
        // Units that fall sell none, and those that were sold stay so.
        assert_eq!(settle(12, 4), sale(1, 0));
        assert_eq!(settle(13, 6), sale(1, 1));
        assert_eq!(settle(14, u64::MAX), sale(1, 1 << 48));
        assert_eq!(settle(15, 0), sale(1, 0));
        assert_eq!(
            (open.paid, open.reserved, open.units),
            (Amount(15), Amount(0), Units(u64::MAX))
        );
    }
}
