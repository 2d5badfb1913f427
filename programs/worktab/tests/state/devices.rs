//! Devices: what they are owed, and the counts of what they sold.

use super::{key, refused};
use bytemuck::Zeroable;
use worktab::domain::{Amount, Capacity, Carry, EpochIndex, Overflow, Rate, Units};
use worktab::errors::WorktabError;
use worktab::state::{Device, Sale};
use worktab::wire::key::{ED25519, P256};

const MAX: u64 = u64::MAX;
const OWNER: u8 = 1;
const OTHER: u8 = 2;

fn device() -> Device {
    let mut device = Device::zeroed();
    device.owner = key(OWNER);
    device.network = key(9);
    device
}

fn sale(amount: u64, units: u64) -> Sale {
    Sale {
        amount: Amount(amount),
        units: Units(units),
    }
}

/// Earnings owed and those of the owner itself, units sold and those sold to the owner.
fn sold(device: &Device) -> [u64; 4] {
    [
        device.earnings_owed.0,
        device.self_earnings_owed.0,
        device.units_sold.0,
        device.units_self_sold.0,
    ]
}

/// Units that the network's total has, and those of them sold to the owner.
fn counted(device: &Device) -> [u64; 2] {
    [device.units_counted.0, device.self_units_counted.0]
}

#[test]
fn a_key_is_read_with_its_kind() {
    let mut device = device();
    device.key = [5; 33];
    for kind in [ED25519, P256] {
        device.key_kind = kind;
        assert_eq!((device.key().kind, device.key().bytes), (kind, &[5; 33]));
    }
}

#[test]
fn a_device_is_of_one_network() {
    device().require_of(&key(9)).unwrap();
    refused(device().require_of(&key(8)), WorktabError::WrongNetwork);
}

#[test]
fn an_announced_capacity_counts_from_the_next_epoch() {
    let mut device = device();
    device.announce_capacity(Capacity(10), EpochIndex(4)).unwrap();
    let at = |device: &Device, epoch| device.capacity_in(EpochIndex(epoch)).0;
    assert_eq!((at(&device, 4), at(&device, 5), at(&device, 6)), (0, 10, 10));
    // Announced again in the same epoch: what counts until then stays.
    device.announce_capacity(Capacity(20), EpochIndex(4)).unwrap();
    assert_eq!((at(&device, 4), at(&device, 5)), (0, 20));
    device.announce_capacity(Capacity(30), EpochIndex(5)).unwrap();
    assert_eq!((at(&device, 5), at(&device, 6)), (20, 30));
    assert_eq!(device.capacity_epoch, EpochIndex(6));
    assert_eq!(device.announce_capacity(Capacity(1), EpochIndex(MAX)), Err(Overflow));
}

#[test]
fn only_a_later_epoch_starts_anew() {
    let mut device = device();
    device.epoch = EpochIndex(5);
    device.epoch_units = Units(6);
    device.epoch_rewards = Amount(7);
    let seen = |device: &Device| (device.epoch.0, device.epoch_units.0, device.epoch_rewards.0);
    for epoch in [0, 4, 5] {
        device.enter(EpochIndex(epoch));
        assert_eq!(seen(&device), (5, 6, 7));
    }
    device.enter(EpochIndex(6));
    assert_eq!(seen(&device), (6, 0, 0));
}

#[test]
fn a_reward_is_booked_in_every_total() {
    let mut device = device();
    device.carry = Carry(1);
    device.epoch_units = Units(10);
    device.epoch_rewards = Amount(20);
    device.rewards_owed = Amount(30);
    device.lifetime_rewards = Amount(MAX - 1);
    device.accrue(Units(1), Amount(2), Carry(3)).unwrap();
    assert_eq!((device.carry, device.epoch_units), (Carry(3), Units(11)));
    assert_eq!((device.epoch_rewards, device.rewards_owed), (Amount(22), Amount(32)));
    assert_eq!(device.lifetime_rewards, Amount(MAX), "a statistic stops");
    device.rewards_owed = Amount(MAX);
    assert_eq!(device.accrue(Units(0), Amount(1), Carry(0)), Err(Overflow));
}

#[test]
fn a_sale_to_the_owner_is_told_apart() {
    let mut device = device();
    device.sell(sale(10, 3), &key(OTHER)).unwrap();
    assert_eq!(sold(&device), [10, 0, 3, 0]);
    device.sell(sale(5, 2), &key(OWNER)).unwrap();
    assert_eq!(sold(&device), [15, 5, 5, 2]);
    device.sell(sale(1, 0), &key(OWNER)).unwrap();
    assert_eq!(sold(&device), [16, 6, 5, 2]);
    assert_eq!(counted(&device), [0, 0]);
}

#[test]
fn earnings_beyond_the_range_are_refused() {
    for buyer in [OWNER, OTHER] {
        let mut device = device();
        device.earnings_owed = Amount(MAX - 1);
        device.sell(sale(1, 1), &key(buyer)).unwrap();
        assert_eq!(device.sell(sale(1, 1), &key(buyer)), Err(Overflow));
    }
}

#[test]
fn units_sold_stop_at_the_largest_and_are_still_counted() {
    let mut device = device();
    device.units_sold = Units(MAX - 2);
    device.units_self_sold = Units(MAX - 5);
    device.count_units();
    assert_eq!(counted(&device), [MAX - 2, MAX - 5]);
    device.sell(sale(1, 2), &key(OTHER)).unwrap();
    assert_eq!((sold(&device)[2], counted(&device)[0]), (MAX, MAX - 2));
    // Ten more than there is room for: what was counted falls by those ten.
    device.sell(sale(1, 10), &key(OTHER)).unwrap();
    assert_eq!((sold(&device)[2], counted(&device)[0]), (MAX, MAX - 12));
    assert_eq!(device.units_uncounted(), (Units(12), Units(0)));
    device.sell(sale(1, 8), &key(OWNER)).unwrap();
    assert_eq!((sold(&device)[3], counted(&device)[1]), (MAX, MAX - 8));
    assert_eq!(device.units_uncounted(), (Units(20), Units(8)));
    device.count_units();
    assert_eq!(
        (counted(&device), device.units_uncounted()),
        ([MAX, MAX], (Units(0), Units(0)))
    );
}

#[test]
fn a_refund_takes_back_what_is_still_owed() {
    let mut device = device();
    device.sell(sale(10, 4), &key(OTHER)).unwrap();
    device.sell(sale(6, 3), &key(OWNER)).unwrap();
    refused(device.take_back(sale(17, 1), &key(OTHER)), WorktabError::RefundTooLarge);
    assert_eq!(sold(&device), [16, 6, 7, 3]);
    device.take_back(sale(2, 1), &key(OWNER)).unwrap();
    assert_eq!(sold(&device), [14, 4, 6, 2]);
    device.take_back(sale(3, 2), &key(OTHER)).unwrap();
    assert_eq!(sold(&device), [11, 4, 4, 2]);
    // Paid out of the owner's own sales: parts stay parts.
    device.take_back(sale(8, 3), &key(OTHER)).unwrap();
    assert_eq!(sold(&device), [3, 3, 1, 1]);
    device.take_back(sale(3, 9), &key(OWNER)).unwrap();
    assert_eq!(sold(&device), [0, 0, 0, 0]);
}

#[test]
fn units_are_counted_once() {
    let mut device = device();
    device.sell(sale(1, 10), &key(OTHER)).unwrap();
    device.sell(sale(1, 5), &key(OWNER)).unwrap();
    assert_eq!(device.units_uncounted(), (Units(15), Units(5)));
    device.count_units();
    assert_eq!(
        (counted(&device), device.units_uncounted()),
        ([15, 5], (Units(0), Units(0)))
    );
    // What was refunded after it was counted is not counted again when it is sold anew.
    device.take_back(sale(1, 7), &key(OTHER)).unwrap();
    device.count_units();
    assert_eq!(counted(&device), [15, 5]);
    device.sell(sale(1, 9), &key(OWNER)).unwrap();
    assert_eq!(sold(&device)[2..], [17, 14]);
    assert_eq!(
        device.units_uncounted(),
        (Units(2), Units(2)),
        "own units are a part of all"
    );
}

#[test]
fn only_sales_to_others_earn_a_reward() {
    let mut device = device();
    device.sell(sale(600, 3_000_000), &key(OTHER)).unwrap();
    device.sell(sale(400, 1_500_000), &key(OWNER)).unwrap();
    device.units_unrewarded = Units(1);
    device.reward_waiting = Amount(2);
    // Six tenths of the 50 taken would pay for 30; 3,000,000 units at 7 are worth 21.
    device.reward_sales(Amount(50), Rate(7)).unwrap();
    assert_eq!(
        (device.units_unrewarded, device.reward_waiting),
        (Units(3_000_001), Amount(23))
    );
    assert_eq!(device.carry, Carry(0));
    assert_eq!(
        sold(&device),
        [1_000, 400, 4_500_000, 1_500_000],
        "sales are not booked here"
    );
}

#[test]
fn a_reward_of_sales_is_at_most_what_others_paid() {
    let mut device = device();
    device.sell(sale(600, 3_000_000), &key(OTHER)).unwrap();
    device.sell(sale(400, 0), &key(OWNER)).unwrap();
    device.carry = Carry(999_999);
    // Six tenths of 20: 12 base units, which 1,714,286 units at 7 are worth.
    device.reward_sales(Amount(20), Rate(7)).unwrap();
    assert_eq!(
        (device.units_unrewarded, device.reward_waiting),
        (Units(1_714_286), Amount(12))
    );
    assert_eq!(device.carry, Carry(0));
}

#[test]
fn what_waits_stops_at_the_largest() {
    let mut device = device();
    device.sell(sale(100, 5_000_000), &key(OTHER)).unwrap();
    device.units_unrewarded = Units(MAX - 1);
    device.reward_waiting = Amount(MAX - 1);
    device.reward_sales(Amount(100), Rate(1)).unwrap();
    assert_eq!(
        (device.units_unrewarded, device.reward_waiting),
        (Units(MAX), Amount(MAX))
    );
    device.self_earnings_owed = Amount(101);
    assert_eq!(device.reward_sales(Amount(100), Rate(1)), Err(Overflow));
}

#[test]
fn a_device_is_clear_when_nothing_is_owed_held_or_disputed() {
    assert!(device().is_clear());
    let changes: [fn(&mut Device); 4] = [
        |device| device.rewards_owed = Amount(1),
        |device| device.earnings_owed = Amount(1),
        |device| device.bond = Amount(1),
        |device| device.open_disputes = 1,
    ];
    for change in changes {
        let mut device = device();
        change(&mut device);
        assert!(!device.is_clear());
    }
}
