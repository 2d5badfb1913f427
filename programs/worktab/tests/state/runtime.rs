//! Accounts as the runtime lays them out in memory, and what reads them without Anchor.

use super::{key, refused};
use anchor_lang::pinocchio::account::{RuntimeAccount, MAX_PERMITTED_DATA_INCREASE};
use anchor_lang::prelude::{Address, Error, ProgramError};
use anchor_lang::{AccountView, Discriminator};
use bytemuck::Zeroable;
use worktab::domain::Amount;
use worktab::errors::WorktabError;
use worktab::state::{lanes_mut, load_changed, Device, Lane, Tab, Trailing, LANES_AT};

const HEADER: usize = core::mem::size_of::<RuntimeAccount>();

/// One account of an instruction.
#[derive(Clone)]
pub struct Given {
    pub address: Address,
    pub owner: Address,
    pub data: Vec<u8>,
    pub writable: bool,
    pub repeated: bool,
}

impl Given {
    pub fn new(name: u8, owner: Address, data: Vec<u8>) -> Self {
        Self {
            address: key(name),
            owner,
            data,
            writable: true,
            repeated: false,
        }
    }
}

/// The runtime's buffer: u64 number of accounts; then each account's header, data, room to grow, padding to eight
/// bytes and rent epoch.
pub struct Buffer {
    words: Vec<u64>,
    starts: Vec<usize>,
}

impl Buffer {
    pub fn new(accounts: &[Given]) -> Self {
        let mut bytes = (accounts.len() as u64).to_le_bytes().to_vec();
        let mut starts = Vec::new();
        for account in accounts {
            starts.push(bytes.len());
            bytes.push(if account.repeated { 0 } else { 255 });
            bytes.extend([0, u8::from(account.writable), 0, 0, 0, 0, 0]);
            bytes.extend(account.address.as_array());
            bytes.extend(account.owner.as_array());
            bytes.extend(0u64.to_le_bytes());
            bytes.extend((account.data.len() as u64).to_le_bytes());
            assert_eq!(bytes.len() - starts[starts.len() - 1], HEADER);
            bytes.extend(&account.data);
            bytes.resize((bytes.len() + MAX_PERMITTED_DATA_INCREASE).next_multiple_of(8) + 8, 0);
        }
        let words = bytes
            .chunks_exact(8)
            .map(|word| u64::from_le_bytes(word.try_into().unwrap()))
            .collect();
        Self { words, starts }
    }

    /// A view of an account, good while the buffer lives.
    pub fn view(&mut self, place: usize) -> AccountView {
        let start = self.starts[place] / 8;
        // SAFETY: the buffer was laid out as the runtime does it.
        unsafe { AccountView::new_unchecked(self.words.as_mut_ptr().add(start).cast()) }
    }
}

/// What stands in an account: discriminator, the fixed part, and what follows.
fn stored<T: bytemuck::Pod + Discriminator>(fixed: &T, rest: &[u8]) -> Vec<u8> {
    [T::DISCRIMINATOR, bytemuck::bytes_of(fixed), rest].concat()
}

#[test]
fn an_account_is_changed_in_place() {
    let mut device = Device::zeroed();
    device.index = 77;
    let mut buffer = Buffer::new(&[Given::new(1, key(2), stored(&device, &[]))]);
    let view = buffer.view(0);
    // SAFETY: the only reference to the account.
    let loaded: &mut Device = unsafe { load_changed(view).unwrap() };
    assert_eq!(loaded.index, 77);
    loaded.index = 78;
    let again: &mut Device = unsafe { load_changed(view).unwrap() };
    assert_eq!(again.index, 78);
}

#[test]
fn another_kind_or_size_is_malformed() {
    let device = stored(&Device::zeroed(), &[]);
    let mut wrong = vec![device[..device.len() - 1].to_vec(), Vec::new(), device[..8].to_vec()];
    for at in 0..8 {
        let mut other = device.clone();
        other[at] ^= 1;
        wrong.push(other);
    }
    wrong.push(stored(&Tab::zeroed(), &[0; 4_096]));
    for data in wrong {
        let mut buffer = Buffer::new(&[Given::new(1, key(2), data)]);
        // SAFETY: the only reference to the account.
        let loaded: Result<&mut Device, Error> = unsafe { load_changed(buffer.view(0)) };
        assert_eq!(loaded.err(), Some(ProgramError::InvalidAccountData));
    }
    let mut longer = Buffer::new(&[Given::new(1, key(2), stored(&Device::zeroed(), &[1]))]);
    assert!(unsafe { load_changed::<Device>(longer.view(0)) }.is_ok());
}

#[test]
fn lanes_follow_a_tabs_fixed_part() {
    let lanes: Vec<Lane> = (1..=3)
        .map(|nonce| Lane {
            nonce,
            paid: Amount(u64::from(nonce) * 10),
            ..Lane::zeroed()
        })
        .collect();
    for count in 0..=3 {
        let data = stored(&Tab::zeroed(), bytemuck::cast_slice(&lanes[..count]));
        assert_eq!(data.len(), LANES_AT + 40 * count);
        let mut buffer = Buffer::new(&[Given::new(1, key(2), data)]);
        // SAFETY: the only reference to the lanes.
        let found = unsafe { lanes_mut(buffer.view(0)) };
        assert_eq!(found, &lanes[..count]);
    }
}

#[test]
fn the_accounts_after_the_declared_ones_are_taken_in_order() {
    // Every remainder of eight, so that the padding is walked over rightly.
    for size in 0..=16 {
        let mut accounts: Vec<Given> = (1..=2).map(|name| Given::new(name, key(9), vec![name; size])).collect();
        accounts.extend((3..=6u8).map(|name| Given::new(name, key(9), vec![name; size + usize::from(name)])));
        let mut buffer = Buffer::new(&accounts);
        // SAFETY: the first and the last of the two declared accounts.
        let mut trailing = unsafe { Trailing::after(&buffer.view(0), &buffer.view(1), 2) };
        for name in 3..=6 {
            assert!(!trailing.is_empty());
            let view = trailing.take().unwrap().unwrap();
            assert_eq!(
                (view.address(), view.data_len()),
                (&key(name), size + usize::from(name))
            );
        }
        assert!(trailing.is_empty());
        assert!(trailing.take().unwrap().is_none());
        assert!(trailing.take().unwrap().is_none());
    }
}

#[test]
fn an_account_that_comes_twice_is_refused() {
    let mut accounts: Vec<Given> = (1..=4).map(|name| Given::new(name, key(9), Vec::new())).collect();
    accounts[3].repeated = true;
    let mut buffer = Buffer::new(&accounts);
    // SAFETY: the first and the last of the two declared accounts.
    let mut trailing = unsafe { Trailing::after(&buffer.view(0), &buffer.view(1), 2) };
    assert_eq!(trailing.take().unwrap().unwrap().address(), &key(3));
    refused(trailing.take(), WorktabError::InvalidBatch);
}
