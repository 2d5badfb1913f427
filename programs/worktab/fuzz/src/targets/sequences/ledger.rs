//! What must hold of the accounts whatever happened: the ledger rule of PROTOCOL section 5, and that every account agrees
//! with itself and with those that count it.

use super::state::{State, TabState};
use anchor_lang::pinocchio::address::Address;
use worktab::state::{delegate_status, lane_flag, status, verdict, Device, Network};

/// Checks every network against what its vault holds.
pub fn check(state: &State, balance: impl Fn(&Address) -> u64) {
    for (address, network) in &state.networks {
        let sums = sums(state, address);
        let wide = |amount: worktab::domain::Amount| u128::from(amount.get());
        assert_eq!(
            wide(network.pool_owed),
            sums.rewards + wide(network.root_owed),
            "pool_owed of {address}"
        );
        assert_eq!(
            wide(network.root_total),
            sums.claimed + wide(network.root_owed),
            "root_total of {address}"
        );
        let parts = wide(network.pool_free) + wide(network.pool_owed) + wide(network.fees) + sums.held;
        assert_eq!(wide(network.accounted), parts, "accounted of {address}");
        assert!(
            network.accounted.get() <= balance(&network.vault),
            "the vault of {address} holds less"
        );
        check_classes(state, address, network);
        assert!(network.pause < 32 && network.version == 1 && network.reserved.iter().all(|byte| *byte == 0));
    }
    state
        .devices
        .iter()
        .for_each(|(address, device)| check_device(state, address, device));
    state.tabs.values().for_each(check_tab);
    for invoice in state.invoices.values() {
        assert!(invoice.refunded <= invoice.paid && invoice.paid <= invoice.amount);
    }
    for epoch in state.epochs.values() {
        assert!(epoch.vetoed <= 1 && epoch.count > 0);
    }
}

#[derive(Default)]
struct Sums {
    rewards: u128,
    claimed: u128,
    /// Balances, reserves, earnings, bonds and deposits.
    held: u128,
}

fn sums(state: &State, network: &Address) -> Sums {
    let mut sums = Sums::default();
    for device in state.devices.values().filter(|device| &device.network == network) {
        sums.rewards += u128::from(device.rewards_owed.get());
        sums.held += u128::from(device.earnings_owed.get()) + u128::from(device.bond.get());
    }
    for TabState { tab, lanes } in state.tabs.values().filter(|each| &each.tab.network == network) {
        sums.held += u128::from(tab.balance.get());
        sums.held += lanes.iter().map(|lane| u128::from(lane.reserved.get())).sum::<u128>();
    }
    for dispute in state.disputes.values().filter(|dispute| &dispute.network == network) {
        sums.held += u128::from(dispute.deposit.get());
    }
    let pages = state.pages.values().filter(|(of, _)| of == network);
    sums.claimed = pages.map(|(_, claimed)| claimed).sum();
    sums
}

/// Capacities and numbers of devices, as their classes count them.
fn check_classes(state: &State, address: &Address, network: &Network) {
    for (number, class) in network.classes.iter().enumerate() {
        let devices = || {
            let mine = state.devices.values().filter(|device| &device.network == address);
            mine.filter(move |device| usize::from(device.class) == number)
        };
        let announced: u64 = devices().map(|device| device.next_capacity.0).sum();
        assert_eq!(
            class.next_total_capacity.0, announced,
            "coming capacity of class {number}"
        );
        let active = devices().filter(|device| device.status != status::RETIRED).count();
        assert_eq!(class.devices as usize, active, "devices of class {number}");
    }
}

fn check_device(state: &State, address: &Address, device: &Device) {
    assert!(device.carry.0 < 1_000_000 && device.fee_carry < 10_000);
    assert!(device.fee_carry + device.burn_carry < 20_000);
    assert!(matches!(
        device.status,
        status::ACTIVE | status::SUSPENDED | status::RETIRED
    ));
    assert!(
        device.bond_held.leaves_room(device.unbonding, device.bond),
        "bond is held and leaving at once"
    );
    assert!(device.self_earnings_owed <= device.earnings_owed && device.units_self_sold <= device.units_sold);
    assert!(device.status != status::RETIRED || device.next_capacity.0 == 0);
    let slas = || state.slas.values().filter(|sla| &sla.device == address);
    let held: u64 = slas().map(|sla| sla.held.get()).sum();
    assert_eq!(device.bond_held.get(), held, "what SLAs hold of the bond");
    assert_eq!(device.open_slas as usize, slas().count());
    let open = state
        .disputes
        .values()
        .filter(|each| &each.device == address && each.verdict == verdict::OPEN);
    assert_eq!(device.open_disputes as usize, open.count());
}

fn check_tab(TabState { tab, lanes }: &TabState) {
    assert!(lanes.is_sorted_by(|a, b| a.nonce < b.nonce), "nonces rise");
    assert!(lanes
        .iter()
        .all(|lane| lane.nonce < tab.nonce && lane.signer <= 4 && lane.zero == [0; 2]));
    assert!(lanes.iter().all(|lane| lane.flags & !lane_flag::SLA == 0));
    for (slot, delegate) in (1u8..).zip(&tab.delegates) {
        let named = lanes.iter().filter(|lane| lane.signer == slot).count();
        assert_eq!(usize::from(delegate.lanes), named, "lanes of delegate {slot}");
        assert!(delegate.status != delegate_status::NONE || delegate.lanes == 0);
        assert!(delegate.status != delegate_status::REVOKED || delegate.lanes > 0);
        assert!(delegate.period_length.0 == 0 || delegate.period_spent <= delegate.period_limit);
    }
}
