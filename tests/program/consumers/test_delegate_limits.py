"""What a delegate may spend: allowance, period, lane, class and expiry, each to the base unit and to the second."""

from __future__ import annotations

import pytest
from solders.keypair import Keypair

from support.consumers import CLOSE_DELAY, U64
from support.effects import effects
from support.parties import CLASS, Device, Lane, Tab
from support.svm import START
from support.world import World


def spend(world: World, tab: Tab, device: Device, amounts: list[int], key: Keypair) -> list[str]:
    """What each of several reserves on new lanes answers: empty where it succeeded."""
    return [world.send(world.reserve(tab, device, amount, signer=key)).error_name for amount in amounts]


def test_a_reserve_is_charged_in_full_and_counts_a_lane(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, 2, allowance=500, period_limit=300, period_length=60)

    changes = effects(world, world.reserve(tab, device, 100, signer=key))

    changed = changes[tab.address]
    assert changed["lanes"][0].signer == 2
    del changed["lanes"], changed["lamports"]
    assert changed == {
        "balance": -100,
        "nonce": 1,
        "delegates.1.allowance": -100,
        "delegates.1.period_spent": 100,
        "delegates.1.lanes": 1,
    }


def test_adding_to_a_lane_is_charged_and_counts_no_lane(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, 1, allowance=500)
    lane = world.lane(tab, device, 100, signer=key)

    changed = effects(world, world.add(lane, 50))[tab.address]

    del changed["lanes"]
    assert changed == {"balance": -50, "delegates.0.allowance": -50}


# Allowance


def test_an_allowance_is_spent_to_the_last_base_unit(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, allowance=100)

    assert spend(world, tab, device, [101, 60, 41, 40, 1], key) == [
        "AllowanceExceeded",
        "",
        "AllowanceExceeded",
        "",
        "AllowanceExceeded",
    ]
    assert (world.slot_of(tab).allowance, world.read_tab(tab).balance) == (0, 900)


def test_many_reserves_in_one_transaction_do_not_pass_the_allowance(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, allowance=100)
    reserves = [world.reserve(tab, device, 26, signer=key) for _ in range(4)]

    result = world.send(*reserves)

    assert (result.error_name, result.instruction) == ("AllowanceExceeded", 3)
    assert (world.lanes(tab), world.slot_of(tab).allowance) == ((), 100)
    assert world.send(*reserves[:3]).ok
    assert (world.read_tab(tab).balance, world.slot_of(tab).allowance) == (922, 22)


def test_many_transactions_do_not_pass_the_allowance(world: World, tab: Tab, device: Device) -> None:
    """Sent in any order, over lanes of several devices and by top-ups: what gets through is never more."""
    devices = [device, *(world.device(tab.network) for _ in range(3))]
    key = world.delegate(tab, allowance=100)
    lanes = [world.lane(tab, each, 7, signer=key) for each in devices]
    landed = 28
    for turn in range(20):
        instruction = (
            world.add(lanes[turn % 4], 7) if turn % 2 else world.reserve(tab, devices[turn % 4], 7, signer=key)
        )
        landed += 7 * world.send(instruction).ok

    assert landed == 98
    assert world.slot_of(tab).allowance == 2
    assert sum(lane.reserved for lane in world.lanes(tab)) == 98


def test_an_allowance_never_comes_back(world: World, tab: Tab, device: Device) -> None:
    """Not when the lane ends unused, whoever ends it."""
    key = world.delegate(tab, allowance=100, period_limit=200, period_length=86_400)
    for closer in (None, key, tab.consumer):
        lane = world.lane(tab, device, 30, signer=key)
        if closer is None:
            world.must(world.waive(lane))
        else:
            world.must(world.close_lane(lane, signer=closer))
            world.advance(CLOSE_DELAY)
            world.must(world.close_lane(lane, signer=closer))

    held = world.slot_of(tab)
    assert (held.allowance, held.period_spent, held.lanes) == (10, 90, 0)
    assert world.read_tab(tab).balance == 1_000
    assert spend(world, tab, device, [11, 10], key) == ["AllowanceExceeded", ""]


def test_a_refused_reserve_is_not_charged(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, allowance=5_000)
    world.patch_device(device, status=2)
    assert spend(world, tab, device, [10], key) == ["DeviceInactive"]
    world.patch_device(device, status=1)

    assert spend(world, tab, device, [1_001], key) == ["InsufficientBalance"]

    assert world.slot_of(tab).allowance == 5_000


def test_delegates_do_not_share_limits(world: World, tab: Tab, device: Device) -> None:
    keys = [world.delegate(tab, slot, allowance=10 * slot) for slot in (1, 2, 3, 4)]

    for slot, key in enumerate(keys, 1):
        assert spend(world, tab, device, [10 * slot + 1, 10 * slot], key) == ["AllowanceExceeded", ""]

    assert [each.allowance for each in world.read_tab(tab).delegates] == [0] * 4
    assert [each.signer for each in world.lanes(tab)] == [1, 2, 3, 4]


def test_the_consumer_has_no_limits(world: World, tab: Tab, device: Device) -> None:
    world.delegate(tab, allowance=1, lane_limit=1, period_limit=1, period_length=86_400)

    assert spend(world, tab, device, [1_000], tab.consumer) == [""]


# Periods


def test_a_period_limit_holds_within_a_period_and_starts_anew(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, period_limit=50, period_length=100)
    set_at = world.now
    assert spend(world, tab, device, [51, 30, 21, 20, 1], key) == [
        "PeriodLimitExceeded",
        "",
        "PeriodLimitExceeded",
        "",
        "PeriodLimitExceeded",
    ]
    world.now = set_at + 99
    assert spend(world, tab, device, [1], key) == ["PeriodLimitExceeded"]

    world.now = set_at + 100
    assert spend(world, tab, device, [51, 50, 1], key) == ["PeriodLimitExceeded", "", "PeriodLimitExceeded"]

    assert (world.slot_of(tab).period, world.slot_of(tab).period_spent) == (1, 50)


def test_what_a_period_leaves_is_not_carried_over(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, period_limit=50, period_length=100)
    world.advance(100 * 1_000)

    assert spend(world, tab, device, [51, 50], key) == ["PeriodLimitExceeded", ""]
    assert world.slot_of(tab).period == 1_000


def test_a_clock_that_steps_back_opens_no_period_again(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, period_limit=50, period_length=100)
    set_at = world.now
    world.now = set_at + 100
    assert spend(world, tab, device, [50], key) == [""]
    for second in (set_at + 99, set_at, set_at - 1, set_at - 10_000, 0, -(1 << 62)):
        world.now = second
        assert spend(world, tab, device, [1], key) == ["PeriodLimitExceeded"], second
    world.now = set_at + 100
    assert spend(world, tab, device, [1], key) == ["PeriodLimitExceeded"]

    world.now = set_at + 200
    assert spend(world, tab, device, [50], key) == [""]


def test_the_edge_between_two_periods_lets_two_limits_pass_and_no_more(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, period_limit=50, period_length=100)
    set_at = world.now
    spent = 0
    for second in (99, 100, 101, 199):
        world.now = set_at + second
        spent += sum(25 * (error == "") for error in spend(world, tab, device, [25] * 4, key))

    assert spent == 100


def test_periods_are_counted_from_when_the_terms_were_set(world: World, tab: Tab, device: Device) -> None:
    world.now = START + 37
    key = world.delegate(tab, period_limit=50, period_length=100)
    world.now = START + 136
    assert spend(world, tab, device, [50], key) == [""]
    assert world.slot_of(tab).period == 0

    world.now = START + 137
    assert spend(world, tab, device, [50], key) == [""]
    assert world.slot_of(tab).period == 1


def test_a_period_as_long_as_can_be_does_not_overflow(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, period_limit=U64, period_length=1)
    world.patch_slot(tab, set_at=-(1 << 63), period_spent=0)
    world.now = (1 << 63) - 1

    assert spend(world, tab, device, [50], key) == [""]
    assert world.slot_of(tab).period == (1 << 64) - 1


def test_spending_of_a_period_stops_at_the_largest_number(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, period_limit=U64, period_length=100)
    world.patch_slot(tab, period_spent=U64 - 9)

    assert spend(world, tab, device, [10, 9], key) == ["PeriodLimitExceeded", ""]


# Lanes


def test_a_lane_limit_counts_what_is_paid_and_what_is_reserved(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, lane_limit=50)
    assert spend(world, tab, device, [51], key) == ["LaneLimitExceeded"]
    lane = world.lane(tab, device, 30, signer=key)
    world.must(world.voucher(lane, 30))

    assert world.send(world.add(lane, 21)).error_name == "LaneLimitExceeded"
    assert world.send(world.add(lane, 20)).ok
    assert world.send(world.add(lane, 1)).error_name == "LaneLimitExceeded"


def test_a_lane_limit_is_for_each_lane(world: World, tab: Tab, device: Device) -> None:
    """Two lanes for one device hold twice as much: the allowance is what bounds them all."""
    key = world.delegate(tab, lane_limit=50, allowance=120)

    assert spend(world, tab, device, [50, 50, 21, 20], key) == ["", "", "AllowanceExceeded", ""]


def test_a_lower_lane_limit_holds_for_lanes_that_are_there(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, lane_limit=50)
    lane = world.lane(tab, device, 40, signer=key)
    world.must(world.set_delegate(tab, 1, world.delegate_terms(key, lane_limit=30)))

    assert world.send(world.add(lane, 1)).error_name == "LaneLimitExceeded"
    assert world.send(world.voucher(lane, 40)).ok


# Classes


def test_a_delegate_buys_from_the_classes_of_its_mask(world: World) -> None:
    network = world.network(classes=(CLASS,) * 8)
    tab, devices = world.tab(network, 1_000), [world.device(network, class_=number) for number in range(8)]
    for mask in (0b00000001, 0b10000000, 0b01011010, 0b11111111):
        key = world.delegate(tab, classes=mask)
        answers = [spend(world, tab, device, [1], key)[0] for device in devices]
        assert answers == ["" if mask & 1 << number else "ClassNotAllowed" for number in range(8)]
        for lane in world.lanes(tab):
            device = next(each for each in devices if each.index == lane.device)
            world.must(world.waive(Lane(tab, device, lane.nonce, key)))
        world.must(world.set_delegate(tab, 1, None))


def test_a_narrower_mask_stops_top_ups_too(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab)
    lane = world.lane(tab, device, 10, signer=key)
    world.must(world.set_delegate(tab, 1, world.delegate_terms(key, classes=0b10)))

    assert world.send(world.add(lane, 1)).error_name == "ClassNotAllowed"


# Expiry


@pytest.mark.parametrize("left", [1, 1_000])
def test_a_delegate_spends_until_the_second_in_which_it_expires(
    world: World, tab: Tab, device: Device, left: int
) -> None:
    expires_at = world.now + left
    key = world.delegate(tab, expires_at=expires_at)
    lane = world.lane(tab, device, 1, signer=key)
    world.now = expires_at - 1
    assert spend(world, tab, device, [1], key) == [""]

    for second in (expires_at, expires_at + 1, expires_at + 1_000_000):
        world.now = second
        assert spend(world, tab, device, [1], key) == ["DelegateExpired"]
        assert world.send(world.add(lane, 1)).error_name == "DelegateExpired"


def test_a_delegate_that_never_expires_spends_at_any_time(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, expires_at=0)
    world.now = 1 << 40

    assert spend(world, tab, device, [1], key) == [""]
