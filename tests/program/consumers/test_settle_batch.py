"""Batch vouchers: one signature over many lanes of one signer, settled whole or for some of the devices."""

from __future__ import annotations

import pytest

from support.builders import signed
from support.consumers import CLOSE_DELAY, U64, entry
from support.effects import effects
from support.parties import Device, Lane, Network, Tab
from support.world import World
from worktab.core.contexts import BatchEntry, batch_context


@pytest.fixture
def devices(world: World, network: Network) -> list[Device]:
    """Four devices, rising by index."""
    return [world.device(network) for _ in range(4)]


@pytest.fixture
def lanes(world: World, tab: Tab, devices: list[Device]) -> list[Lane]:
    """A lane of 100 base units for each device, opened from the last to the first: nonces fall as indexes rise."""
    return [world.lane(tab, device, 100) for device in reversed(devices)][::-1]


def entries(lanes: list[Lane], *amounts: int) -> list[BatchEntry]:
    """An entry for each lane, two units a base unit."""
    return [entry(lane, amount, 2 * amount) for lane, amount in zip(lanes, amounts, strict=True)]


def paid(world: World, lanes: list[Lane]) -> list[int]:
    """What each lane has paid; its device was given exactly this."""
    found = {lane.nonce: lane for lane in world.lanes(lanes[0].tab)}
    owed: dict[int, int] = {}
    for lane in lanes:
        owed[lane.device.index] = owed.get(lane.device.index, 0) + found[lane.nonce].paid
    for lane in lanes:
        assert world.read_device(lane.device).earnings_owed == owed[lane.device.index]
    return [found[lane.nonce].paid for lane in lanes]


def test_a_batch_moves_what_each_entry_says(world: World, tab: Tab, devices: list[Device], lanes: list[Lane]) -> None:
    before = world.lanes(tab)

    changes = effects(world, world.batch(tab, entries(lanes, 10, 20, 30, 40), devices))

    moved = {lane.nonce: amount for lane, amount in zip(lanes, (10, 20, 30, 40), strict=True)}
    after = tuple(
        lane._replace(paid=moved[lane.nonce], reserved=100 - moved[lane.nonce], units=2 * moved[lane.nonce])
        for lane in before
    )
    assert changes == {tab.address: {"lanes": after}} | {
        device.address: {"earnings_owed": amount, "units_sold": 2 * amount}
        for device, amount in zip(devices, (10, 20, 30, 40), strict=True)
    }


def test_the_event_lists_what_moved(world: World, tab: Tab, devices: list[Device], lanes: list[Lane]) -> None:
    world.must(world.voucher(lanes[0], 7, 1))
    world.must(world.voucher(lanes[2], 30, 60))

    event = world.send(world.batch(tab, entries(lanes, 10, 20, 30, 40), devices)).event()

    assert type(event).__name__ == "BatchSettled"
    assert event.tab == tab.address
    assert [(each.index, each.nonce, each.amount, each.units) for each in event.entries] == [
        (lanes[0].device.index, lanes[0].nonce, 3, 19),
        (lanes[1].device.index, lanes[1].nonce, 20, 40),
        (lanes[3].device.index, lanes[3].nonce, 40, 80),
    ]


def test_the_context_is_the_sdks(world: World, tab: Tab, lanes: list[Lane]) -> None:
    said = entries(lanes, 1, 2, 3, 4)

    context = batch_context(tab.network.domain, tab.address, said)

    assert world.batch_message(tab, said)[8:40] == context


def test_any_subset_of_the_devices_may_settle(world: World, tab: Tab, devices: list[Device], lanes: list[Lane]) -> None:
    said = entries(lanes, 10, 20, 30, 40)

    assert world.send(world.batch(tab, said, [devices[1]])).ok
    assert paid(world, lanes) == [0, 20, 0, 0]
    assert world.send(world.batch(tab, said, [devices[0], devices[3]])).ok
    assert paid(world, lanes) == [10, 20, 0, 40]
    assert world.send(world.batch(tab, said, devices)).ok
    assert paid(world, lanes) == [10, 20, 30, 40]


@pytest.mark.parametrize("chosen", range(1, 16))
def test_each_subset_pays_itself_and_nobody_else(
    world: World, tab: Tab, devices: list[Device], lanes: list[Lane], chosen: int
) -> None:
    some = [device for at, device in enumerate(devices) if chosen & 1 << at]

    assert world.send(world.batch(tab, entries(lanes, 10, 20, 30, 40), some)).ok

    assert paid(world, lanes) == [amount if chosen & 1 << at else 0 for at, amount in enumerate((10, 20, 30, 40))]


def test_several_lanes_of_one_device_settle_together(world: World, tab: Tab, devices: list[Device]) -> None:
    first, second = devices[0], devices[2]
    lanes = [world.lane(tab, device, 100) for device in (first, first, second, first)]
    lanes.sort(key=lambda lane: (lane.device.index, lane.nonce))

    assert world.send(world.batch(tab, entries(lanes, 1, 2, 3, 4), [first, second])).ok

    assert paid(world, lanes) == [1, 2, 3, 4]


def test_entries_at_or_below_what_is_paid_are_skipped_and_others_move(
    world: World, tab: Tab, devices: list[Device], lanes: list[Lane]
) -> None:
    for lane, amount in zip(lanes, (50, 20, 0, 30), strict=True):
        if amount:
            world.must(world.voucher(lane, amount, 2 * amount))

    event = world.send(world.batch(tab, entries(lanes, 10, 20, 0, 40), devices)).event()

    assert [(each.nonce, each.amount) for each in event.entries] == [(lanes[3].nonce, 10)]
    assert paid(world, lanes) == [50, 20, 0, 40]


def test_a_skipped_entry_may_say_fewer_units(world: World, tab: Tab, devices: list[Device], lanes: list[Lane]) -> None:
    world.must(world.voucher(lanes[0], 50, 1_000))

    said = [entry(lanes[0], 50, 0), entry(lanes[1], 10, 5)]

    assert world.send(world.batch(tab, said, devices[:2])).ok
    assert world.lanes(tab)[-1].units == 1_000


def test_a_batch_in_which_nothing_moves_is_stale(
    world: World, tab: Tab, devices: list[Device], lanes: list[Lane]
) -> None:
    batch = world.batch(tab, entries(lanes, 10, 20, 30, 40), devices)
    world.must(batch)

    assert world.send(batch).error_name == "StaleVoucher"
    assert world.send(world.batch(tab, entries(lanes, 10, 20, 30, 40), [])).error_name == "StaleVoucher"
    assert world.send(world.batch(tab, entries(lanes, 0, 0, 0, 0), devices)).error_name == "StaleVoucher"
    assert world.send(world.batch(tab, [], [])).error_name == "StaleVoucher"

    assert paid(world, lanes) == [10, 20, 30, 40]


def test_vouchers_and_batches_of_a_lane_follow_each_other(
    world: World, tab: Tab, devices: list[Device], lanes: list[Lane]
) -> None:
    """Whichever says more counts, in any order."""
    small, large = entries(lanes, 10, 10, 10, 10), entries(lanes, 30, 30, 30, 30)
    assert world.send(world.batch(tab, large, devices)).ok
    assert world.send(world.voucher(lanes[1], 20)).error_name == "StaleVoucher"
    assert world.send(world.batch(tab, small, devices)).error_name == "StaleVoucher"
    assert world.send(world.voucher(lanes[1], 40, 80)).ok

    assert paid(world, lanes) == [30, 40, 30, 30]


def test_a_signer_who_signs_the_transaction_needs_no_other_signature(
    world: World, tab: Tab, devices: list[Device], lanes: list[Lane]
) -> None:
    said, key = entries(lanes, 10, 20, 30, 40), tab.consumer.pubkey()
    settle = world.settle_batch(tab, said, devices, shown=world.batch_message(tab, said), proof=key)

    assert world.send(signed(settle, key)).ok

    assert paid(world, lanes) == [10, 20, 30, 40]


def test_a_delegates_batch_moves_its_lanes(world: World, tab: Tab, devices: list[Device]) -> None:
    key = world.delegate(tab, 4)
    lanes = [world.lane(tab, device, 100, signer=key) for device in devices]

    assert world.send(world.batch(tab, entries(lanes, 1, 2, 3, 4), devices, number=4, signer=key)).ok

    assert paid(world, lanes) == [1, 2, 3, 4]


def test_sales_to_an_owner_itself_are_counted_apart(world: World, network: Network, devices: list[Device]) -> None:
    tab = world.tab(network, 1_000, consumer=devices[1].owner)
    lanes = [world.lane(tab, device, 100) for device in devices]

    world.must(world.batch(tab, entries(lanes, 10, 20, 30, 40), devices))

    assert [world.read_device(device).units_self_sold for device in devices] == [0, 40, 0, 0]
    assert [world.read_device(device).self_earnings_owed for device in devices] == [0, 20, 0, 0]


def test_a_batch_is_good_until_the_second_in_which_it_expires(
    world: World, tab: Tab, devices: list[Device], lanes: list[Lane]
) -> None:
    expires_at = world.now + 100
    said = entries(lanes, 10, 20, 30, 40)
    world.now = expires_at
    assert world.send(world.batch(tab, said, devices, expires_at=expires_at)).error_name == "VoucherExpired"
    world.now = expires_at - 1
    assert world.send(world.batch(tab, said, devices, expires_at=expires_at)).ok


def test_closing_lanes_settle_by_batch_too(world: World, tab: Tab, devices: list[Device], lanes: list[Lane]) -> None:
    world.must(world.close_lane(lanes[1]))
    world.advance(CLOSE_DELAY)

    assert world.send(world.batch(tab, entries(lanes, 10, 20, 30, 40), devices)).ok


def test_statistics_stop_and_earnings_fail_at_the_largest_number(
    world: World, tab: Tab, devices: list[Device], lanes: list[Lane]
) -> None:
    world.patch_device(devices[2], earnings_owed=U64 - 29)
    assert world.send(world.batch(tab, entries(lanes, 10, 20, 30, 40), devices), check=False).error_name == "Overflow"
    world.patch_device(devices[2], earnings_owed=0, units_sold=U64)

    assert world.send(world.batch(tab, entries(lanes, 10, 20, 30, 40), devices)).ok

    assert world.read_device(devices[2]).units_sold == U64
    assert paid(world, lanes) == [10, 20, 30, 40]


def test_a_lane_that_ended_does_not_spoil_the_batch_for_its_device(world: World, tab: Tab, device: Device) -> None:
    """Its nonce never comes back, so its entry can move nothing, as that of a lane that was paid."""
    first, second = world.lane(tab, device, 10), world.lane(tab, device, 100)
    said = entries([first, second], 10, 100)
    world.must(world.voucher(first, 10))
    world.must(world.waive(first))

    assert world.send(world.batch(tab, said, [device])).ok

    assert world.read_device(device).earnings_owed == 110
