//! The program's accounts, decoded.

use super::universe::PROGRAM;
use anchor_lang::pinocchio::address::Address;
use anchor_lang::Discriminator;
use bytemuck::{pod_read_unaligned, AnyBitPattern};
use litesvm::LiteSVM;
use solana_account::ReadableAccount;
use std::collections::BTreeMap;
use worktab::state::{Device, Dispute, Epoch, Invoice, Lane, Network, Page, Sla, Tab, LANES_AT, LANE_SIZE};

/// A tab and its lanes.
#[derive(Clone)]
pub struct TabState {
    pub tab: Tab,
    pub lanes: Vec<Lane>,
}

/// Every account of the program, by kind.
#[derive(Clone, Default)]
pub struct State {
    pub networks: BTreeMap<Address, Network>,
    pub devices: BTreeMap<Address, Device>,
    pub tabs: BTreeMap<Address, TabState>,
    pub invoices: BTreeMap<Address, Invoice>,
    pub epochs: BTreeMap<Address, Epoch>,
    /// Network and sum of what was claimed.
    pub pages: BTreeMap<Address, (Address, u128)>,
    pub slas: BTreeMap<Address, Sla>,
    pub disputes: BTreeMap<Address, Dispute>,
}

/// The account as a `T`, if it is one.
fn decode<T: AnyBitPattern + Discriminator>(data: &[u8]) -> Option<T> {
    let body = data.strip_prefix(T::DISCRIMINATOR)?;
    Some(pod_read_unaligned(body.get(..size_of::<T>())?))
}

fn lanes(data: &[u8]) -> Vec<Lane> {
    data[LANES_AT..]
        .chunks_exact(LANE_SIZE)
        .map(pod_read_unaligned)
        .collect()
}

impl State {
    /// Reads all accounts; panics on one of no known kind.
    pub fn read(svm: &LiteSVM) -> Self {
        let mut state = Self::default();
        for (address, account) in &svm.accounts_db().inner {
            if account.owner() == &PROGRAM {
                state.add(address.clone(), account.data());
            }
        }
        state
    }

    fn add(&mut self, address: Address, data: &[u8]) {
        if let Some(network) = decode::<Network>(data) {
            self.networks.insert(address, network);
        } else if let Some(device) = decode::<Device>(data) {
            self.devices.insert(address, device);
        } else if let Some(tab) = decode::<Tab>(data) {
            self.tabs.insert(
                address,
                TabState {
                    tab,
                    lanes: lanes(data),
                },
            );
        } else if let Some(invoice) = decode::<Invoice>(data) {
            self.invoices.insert(address, invoice);
        } else if let Some(epoch) = decode::<Epoch>(data) {
            self.epochs.insert(address, epoch);
        } else if let Some(page) = decode::<Page>(data) {
            let claimed = page.claimed.iter().map(|each| u128::from(each.get())).sum();
            self.pages.insert(address, (page.network, claimed));
        } else if let Some(sla) = decode::<Sla>(data) {
            self.slas.insert(address, sla);
        } else if let Some(dispute) = decode::<Dispute>(data) {
            self.disputes.insert(address, dispute);
        } else {
            panic!("an account of no known kind at {address}");
        }
    }
}
