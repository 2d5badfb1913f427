//! Who may change what: every change from one state to the next is one that its signers, or the clock, had the power to
//! make (PROTOCOL section 5).

use super::state::{State, TabState};
use worktab::state::{Device, Lane, Network, Tab};

/// What happened between two states.
pub struct Happened<'a> {
    /// The instruction's name.
    pub name: &'a str,
    /// Wallets that signed the transaction, and keys whose signature the native program would have checked.
    pub signed: &'a [Vec<u8>],
    pub now: i64,
    pub slot: u64,
}

impl Happened<'_> {
    fn signed(&self, key: impl AsRef<[u8]>) -> bool {
        self.signed.iter().any(|signed| signed == key.as_ref())
    }

    fn is(&self, names: &[&str]) -> bool {
        names.contains(&self.name)
    }
}

/// Panics where something changed that nobody who signed could change.
pub fn check(before: &State, after: &State, happened: &Happened) {
    for (address, old) in &before.networks {
        let new = after.networks.get(address).expect("networks never close");
        network(old, new, happened);
    }
    for (address, old) in &before.devices {
        match after.devices.get(address) {
            Some(new) => device(old, new, happened),
            None => assert!(happened.is(&["retire_device"]) && happened.signed(old.owner)),
        }
    }
    for (address, old) in &before.tabs {
        match after.tabs.get(address) {
            Some(new) => tab(old, new, happened),
            None => assert!(happened.is(&["close_tab"]) && happened.signed(old.tab.consumer)),
        }
    }
    assert!(
        before.pages.keys().all(|page| after.pages.contains_key(page)),
        "pages never close"
    );
    closed(before, after, happened);
}

/// Invoices, commitments, SLAs and disputes that are gone.
fn closed(before: &State, after: &State, happened: &Happened) {
    for (address, old) in &before.invoices {
        match after.invoices.get(address) {
            Some(new) => {
                assert_eq!(
                    (old.terms, old.amount, old.units, old.consumer),
                    (new.terms, new.amount, new.units, new.consumer)
                );
                assert!(old.paid <= new.paid && old.refunded <= new.refunded);
            }
            None => assert!(happened.is(&["void_invoice"]) && happened.slot > old.created_slot),
        }
    }
    for (address, old) in &before.epochs {
        let Some(new) = after.epochs.get(address) else {
            assert!(happened.is(&["finalize_epoch"]));
            continue;
        };
        assert_eq!(
            (old.root, old.total, old.count, old.index),
            (new.root, new.total, new.count, new.index)
        );
        let network = &before.networks[&old.network];
        assert!(old.vetoed == new.vetoed || happened.signed(network.guardian));
        let votes = old.approvals != new.approvals;
        assert!(!votes || network.attestors().iter().any(|attestor| happened.signed(attestor)));
    }
    for (address, old) in &before.slas {
        match after.slas.get(address) {
            Some(new) => assert_eq!(
                (old.due, old.bps, old.held, old.deadline),
                (new.due, new.bps, new.held, new.deadline)
            ),
            None => assert!(happened.is(&["enforce_sla"])),
        }
    }
    for (address, old) in &before.disputes {
        match after.disputes.get(address) {
            Some(new) => {
                let resolved = happened.is(&["resolve_dispute"]) && new.deposit.get() == 0;
                assert!(old.deposit == new.deposit && old.verdict == new.verdict || resolved);
            }
            None => assert!(happened.is(&["resolve_dispute", "close_dispute"])),
        }
    }
}

/// What a network is, for ever.
fn fixed(network: &Network) -> impl PartialEq + std::fmt::Debug {
    let numbers = (
        network.id,
        network.created_at,
        network.epoch_length,
        network.decimals,
        network.bump,
        network.basis,
    );
    (
        network.creator,
        network.mint,
        network.vault,
        network.token_program,
        network.domain,
        network.rent_payer,
        numbers,
    )
}

/// What only an announced change that is due may change.
fn parameters(network: &Network) -> Vec<u8> {
    let mut said = network.guardian.to_bytes().to_vec();
    for class in &network.classes {
        for number in [
            class.rate.0,
            class.max_capacity.0,
            class.least_bond.0,
            class.budget.0,
            u64::from(class.meter),
        ] {
            said.extend(number.to_le_bytes());
        }
    }
    let delays = [
        network.parameter_delay,
        network.lane_close_delay,
        network.challenge_delay,
        network.unbonding_delay,
    ];
    said.extend(delays.iter().flat_map(|delay| delay.0.to_le_bytes()));
    said.extend(network.dispute_deposit.get().to_le_bytes());
    said.extend(
        [network.fee_bps, network.burn_bps, network.slash_bps]
            .iter()
            .flat_map(|bps| bps.to_le_bytes()),
    );
    said.extend([network.reward_path, network.admission]);
    said
}

fn network(old: &Network, new: &Network, happened: &Happened) {
    assert_eq!(fixed(old), fixed(new));
    let by_authority = happened.signed(old.authority);
    let due = old.pending.kind != 0 && happened.now >= old.pending.effective_at.0;
    assert!(
        old.authority == new.authority || (new.authority == old.pending_authority && happened.signed(new.authority))
    );
    let accepted = happened.is(&["accept_authority"]);
    assert!(old.pending_authority == new.pending_authority || by_authority || accepted);
    let pending = |network: &Network| bytemuck::bytes_of(&network.pending).to_vec();
    assert!(pending(old) == pending(new) || by_authority || accepted || due);
    let only_more = old.pause & new.pause == old.pause && happened.signed(old.guardian);
    assert!(old.pause == new.pause || by_authority || only_more, "pause");
    assert!(
        parameters(old) == parameters(new) || (due && happened.is(&["apply_update"])),
        "parameters"
    );
    let attestors = old.attestors() == new.attestors() && old.threshold == new.threshold;
    let fewer = by_authority && new.attestors().len() < old.attestors().len();
    assert!(
        attestors || fewer || (due && happened.is(&["apply_update"])),
        "attestors"
    );
    assert!(attestors || new.attestor_version > old.attestor_version);
    assert!(new.next_device_index >= old.next_device_index && new.root_total >= old.root_total);
    assert!(new.fees >= old.fees || by_authority, "fees");
    let spends = ["submit_receipt", "claim", "finalize_epoch"];
    let withdrawn = happened.is(&["withdraw_pool"]) && due;
    assert!(
        new.pool_free >= old.pool_free || happened.is(&spends) || withdrawn,
        "pool"
    );
    let pays = [
        "claim",
        "claim_root",
        "withdraw",
        "withdraw_bond",
        "withdraw_pool",
        "collect_fees",
    ];
    assert!(new.accounted >= old.accounted || happened.is(&pays), "tokens leave");
    let takes = ["deposit", "fund_pool", "deposit_bond"];
    assert!(new.accounted <= old.accounted || happened.is(&takes), "tokens arrive");
    assert!(old.root == new.root || happened.is(&["finalize_epoch"]));
}

fn device(old: &Device, new: &Device, happened: &Happened) {
    let fixed = |device: &Device| {
        (
            device.network,
            device.rent_payer,
            device.receipt_context,
            device.index,
            device.class,
        )
    };
    assert_eq!(fixed(old), fixed(new));
    let chosen = |device: &Device| {
        (
            device.owner,
            device.payout,
            device.evidence,
            device.key,
            device.key_kind,
        )
    };
    let by_owner = happened.signed(old.owner);
    assert!(chosen(old) == chosen(new) || by_owner, "the owner's choice");
    assert!(
        old.next_capacity == new.next_capacity || by_owner || happened.is(&["resolve_dispute"]),
        "capacity"
    );
    assert!(new.seq >= old.seq && new.units >= old.units);
    assert!(
        old.seq == new.seq || happened.signed(old.key().native()),
        "a receipt that the key did not sign"
    );
    assert!(
        new.bond >= old.bond || happened.is(&["enforce_sla", "resolve_dispute"]) || by_owner,
        "bond"
    );
    let repaid = happened.is(&["refund_invoice"]) && by_owner;
    assert!(
        new.earnings_owed >= old.earnings_owed || happened.is(&["claim"]) || repaid,
        "earnings"
    );
    assert!(
        new.rewards_owed >= old.rewards_owed || happened.is(&["claim", "resolve_dispute"]),
        "rewards"
    );
    let claimed = happened.is(&["claim"]) && new.rewards_owed < old.rewards_owed;
    assert!(!claimed || old.open_disputes == 0, "rewards of a disputed device");
    assert!(old.status == new.status || by_owner || happened.is(&["resolve_dispute"]));
}

fn tab(old: &TabState, new: &TabState, happened: &Happened) {
    let fixed = |tab: &Tab| (tab.network, tab.consumer, tab.rent_payer, tab.domain);
    assert_eq!(fixed(&old.tab), fixed(&new.tab));
    let by_consumer = happened.signed(old.tab.consumer);
    let by_delegate = old
        .tab
        .delegates
        .iter()
        .any(|each| each.status == 1 && happened.signed(each.key));
    let spent = happened.is(&["reserve_lane", "pay_invoice"]) && by_delegate;
    assert!(new.tab.balance >= old.tab.balance || by_consumer || spent, "balance");
    assert!(new.tab.nonce >= old.tab.nonce);
    for lane in &old.lanes {
        let Some(now) = new.lanes.iter().find(|each| each.nonce == lane.nonce) else {
            assert!(happened.is(&["close_lane"]) && lane.flags == 0, "a lane is gone");
            continue;
        };
        assert_eq!((lane.index, lane.signer), (now.index, now.signer));
        assert!(now.paid >= lane.paid && now.units >= lane.units);
        let signer = match lane.signer {
            0 => old.tab.consumer.to_bytes(),
            slot => old.tab.delegates[usize::from(slot) - 1].key,
        };
        assert!(
            now.paid == lane.paid || happened.signed(signer),
            "a voucher that the lane's key did not sign"
        );
        let set_aside = |lane: &Lane| u128::from(lane.paid.get()) + u128::from(lane.reserved.get());
        assert!(set_aside(now) >= set_aside(lane), "what was set aside is gone");
    }
    let delegates = |tab: &Tab| {
        tab.delegates
            .map(|each| (each.key, each.lane_limit, each.expires_at, each.classes))
    };
    let freed = happened.is(&["close_lane"]);
    assert!(
        delegates(&old.tab) == delegates(&new.tab) || by_consumer || freed,
        "delegates"
    );
}
