//! Whom a step is about: the parties it picks, and what is known of them.

use super::step::{field, flag, Step};
use super::universe::{wallet, who, KEYS, MINTS, NETWORKS, UNIVERSE};
use super::world::{Disputed, World};
use anchor_lang::pinocchio::address::Address;
use worktab::state::{Device, Invoice, Lane, Network, Sla, Tab, INVOICE_SEED};

/// The parties of one instruction.
pub struct Scene<'a> {
    pub world: &'a World,
    pub step: Step,
    pub name: &'a str,
    pub now: i64,
    pub slot: u64,
    pub place: usize,
    pub network: Address,
    pub net: Option<&'a Network>,
    pub mint: Address,
    pub token_program: Address,
    pub vault: Address,
    pub device: Address,
    pub dev: Option<&'a Device>,
    pub consumer: Address,
    pub tab: Address,
    pub tab_of: Option<&'a Tab>,
    pub lanes: &'a [Lane],
    pub lane: Option<Lane>,
    pub sla: Option<(Address, &'a Sla)>,
    pub dispute: Option<&'a Disputed>,
    pub invoice: Address,
    pub bill: Option<&'a Invoice>,
}

impl<'a> Scene<'a> {
    pub fn new(world: &'a World, step: Step, name: &'a str) -> Self {
        let clock = world.clock();
        let state = &world.state;
        let number = step.place(field::NUMBER);
        let sla = nth(state.slas.iter(), number).filter(|_| name.ends_with("_sla") && name != "open_sla");
        let dispute =
            nth(world.disputed.iter(), number).filter(|_| name.ends_with("_dispute") && name != "open_dispute");
        let known = sla.map(|(_, sla)| sla.network).or_else(|| {
            dispute
                .and_then(|each| state.disputes.get(&each.address))
                .map(|each| each.network)
        });
        let network = known.unwrap_or(UNIVERSE.networks[step.place(field::NETWORK) % NETWORKS]);
        let place = UNIVERSE.networks.iter().position(|each| each == &network).unwrap_or(0);
        let net = state.networks.get(&network);
        let usual = MINTS[step.place(field::WITH).min(place) % MINTS.len()];
        let (mint, token_program) = net.map_or(usual, |net| (net.mint, net.token_program));
        let vault = net.map_or_else(|| UNIVERSE.token_account(&network, &mint).0, |net| net.vault);

        let mut device = UNIVERSE.device(place, step.place(field::DEVICE) % KEYS);
        let consumer = wallet(who::CONSUMER + step.place(field::CONSUMER));
        let mut tab = UNIVERSE.tab(place, who::CONSUMER + step.place(field::CONSUMER));
        let invoice_number = (number % 3) as u64;
        let invoice = super::universe::derived(&[INVOICE_SEED, device.as_ref(), &invoice_number.to_le_bytes()]);
        let bill = state.invoices.get(&invoice);
        if let Some((_, sla)) = sla {
            (tab, device) = (sla.tab, sla.device);
        } else if let Some(dispute) = dispute {
            device = dispute.device;
            tab = state.disputes.get(&dispute.address).map_or(tab, |each| each.tab);
        } else if let Some(bill) = bill.filter(|_| step.get(field::CONSUMER) == 0 && name != "create_invoice") {
            tab = super::universe::derived(&[b"tab", network.as_ref(), bill.consumer.as_ref()]);
        }
        let found = state.tabs.get(&tab);
        let lanes: &[Lane] = found.map_or(&[], |found| &found.lanes);
        let nonce = sla.map(|(_, sla)| sla.nonce);
        let lane = lanes
            .iter()
            .find(|lane| Some(lane.nonce) == nonce)
            .or_else(|| nth(lanes.iter(), number))
            .copied();
        let by_lane = ["settle_voucher", "close_lane", "open_sla"].contains(&name) && step.get(field::DEVICE) == 0;
        if let Some(lane) = lane.filter(|_| by_lane) {
            let named = |(_, each): &(&Address, &Device)| each.network == network && each.index == lane.index;
            device = state.devices.iter().find(named).map_or(device, |(address, _)| *address);
        }
        Self {
            world,
            step,
            name,
            now: clock.unix_timestamp,
            slot: clock.slot,
            place,
            network,
            net,
            mint,
            token_program,
            vault,
            dev: state.devices.get(&device),
            device,
            consumer: found.map_or(consumer, |found| found.tab.consumer),
            tab,
            tab_of: found.map(|found| &found.tab),
            lanes,
            lane,
            sla: sla.map(|(address, sla)| (*address, sla)),
            dispute,
            invoice,
            bill,
        }
    }

    /// Whoever may, unless the step names another.
    pub fn actor(&self, rightful: Address) -> Address {
        match self.step.place(field::ACTOR) {
            0 => rightful,
            other => wallet(other - 1),
        }
    }

    pub fn authority(&self) -> Address {
        self.actor(self.net.map_or(wallet(who::AUTHORITY), |net| net.authority))
    }

    pub fn owner(&self) -> Address {
        self.actor(self.dev.map_or(wallet(who::OWNER), |device| device.owner))
    }

    /// The consumer, or its first delegate.
    pub fn spender(&self) -> Address {
        let delegates = self.tab_of.map_or(&[][..], |tab| &tab.delegates);
        let delegate = delegates
            .iter()
            .find(|each| each.status != 0)
            .map(|each| Address::new_from_array(each.key));
        self.actor(delegate.filter(|_| self.step.has(flag::OTHER)).unwrap_or(self.consumer))
    }

    /// The key that signs vouchers of the lane picked.
    pub fn lane_signer(&self) -> Address {
        let slot = self.lane.map_or(0, |lane| usize::from(lane.signer));
        let delegate = self
            .tab_of
            .zip(slot.checked_sub(1))
            .map(|(tab, slot)| tab.delegates[slot].key);
        self.actor(delegate.map_or(self.consumer, Address::new_from_array))
    }

    pub fn attestor(&self) -> Address {
        let attestors = self.net.map_or(&[][..], Network::attestors);
        let found = nth(attestors.iter(), self.step.place(field::VARIANT)).copied();
        self.actor(found.unwrap_or(wallet(who::ATTESTORS[0])))
    }

    pub fn payout(&self) -> Address {
        match self.step.place(field::WALLET) {
            0 => self.dev.map_or(wallet(who::OWNER), |device| device.payout),
            other => wallet(other - 1),
        }
    }
}

/// One of several, counted round.
pub fn nth<T>(items: impl Iterator<Item = T> + Clone, number: usize) -> Option<T> {
    let count = items.clone().count();
    items.clone().nth(number.checked_rem(count)?)
}

impl Scene<'_> {
    /// Any account at all.
    pub fn any(&self) -> Address {
        UNIVERSE.any(self.step.place(field::WITH))
    }

    /// The wallet that an instruction names; 0 is `usual`.
    pub fn named(&self, usual: usize) -> Address {
        match self.step.place(field::WALLET) {
            0 => wallet(usual),
            other => wallet(other - 1),
        }
    }
}
