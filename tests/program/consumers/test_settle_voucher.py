"""Vouchers: totals signed by a lane's signer move its reserve to the device's earnings, once."""

from __future__ import annotations

import pytest

from support.builders import signed
from support.consumers import CLOSE_DELAY, U64
from support.effects import effects
from support.lanes import LaneState
from support.parties import Device, Lane, Network, Tab
from support.world import World


def sold(amount: int, units: int) -> dict[str, int]:
    """What a sale changes in a device that is another's than the consumer's."""
    return {"earnings_owed": amount, "units_sold": units}


def test_a_voucher_moves_reserve_to_earnings(world: World, tab: Tab, device: Device, lane: Lane) -> None:
    changes = effects(world, world.voucher(lane, 40, 1_234))

    assert changes == {
        tab.address: {"lanes": (LaneState(device.index, lane.nonce, paid=40, reserved=60, units=1_234),)},
        device.address: sold(40, 1_234),
    }


def test_the_event_says_what_moved(world: World, device: Device, lane: Lane) -> None:
    world.must(world.voucher(lane, 40, 1_000))

    event = world.send(world.voucher(lane, 65, 1_200)).event()

    assert type(event).__name__ == "VoucherSettled"
    assert (event.tab, event.index, event.nonce) == (lane.tab.address, device.index, lane.nonce)
    assert (event.amount, event.units) == (25, 200)


def test_a_newer_voucher_moves_what_it_adds(world: World, tab: Tab, device: Device, lane: Lane) -> None:
    world.must(world.voucher(lane, 40, 1_000))

    changes = effects(world, world.voucher(lane, 65, 1_200))

    assert changes == {
        tab.address: {"lanes": (LaneState(device.index, lane.nonce, paid=65, reserved=35, units=1_200),)},
        device.address: sold(25, 200),
    }


def test_many_vouchers_and_the_last_alone_pay_the_same(world: World, tab: Tab, device: Device) -> None:
    other = world.device(tab.network)
    step, jump = world.lane(tab, device, 100), world.lane(tab, other, 100)
    for amount in range(10, 101, 10):
        world.must(world.voucher(step, amount, 3 * amount))

    world.must(world.voucher(jump, 100, 300))

    one, two = world.read_device(device), world.read_device(other)
    assert (one.earnings_owed, one.units_sold) == (two.earnings_owed, two.units_sold) == (100, 300)


def test_vouchers_of_a_signer_who_signs_the_transaction_need_no_other_signature(
    world: World, tab: Tab, device: Device, lane: Lane
) -> None:
    key = tab.consumer.pubkey()
    settle = signed(world.settle(lane, shown=world.voucher_message(lane, 40), proof=key), key)

    assert effects(world, settle)[device.address] == sold(40, 40)


def test_a_delegates_vouchers_move_its_lanes(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, 3)
    lane = world.lane(tab, device, 100, signer=key)

    changes = effects(world, world.voucher(lane, 40))

    assert changes[tab.address] == {
        "lanes": (LaneState(device.index, lane.nonce, paid=40, reserved=60, units=40, signer=3),)
    }


def test_anybody_settles_and_the_device_gains(world: World, device: Device, lane: Lane) -> None:
    """The accounts name nobody: a stranger pays the fee, and that is all it can do."""
    stranger = world.keypair(lamports=1_000_000_000)

    result = world.send(world.voucher(lane, 40), payer=stranger)

    assert result.event().amount == 40
    assert world.lamports(stranger.pubkey()) == 1_000_000_000 - result.fee
    assert world.read_device(device).earnings_owed == 40


def test_settling_never_writes_the_network(world: World, lane: Lane) -> None:
    instructions = world.voucher(lane, 40)

    named = {meta.pubkey for each in instructions for meta in each.accounts}

    assert lane.tab.network.address not in named
    assert len(instructions[1].accounts) == 3
    assert world.send(instructions).ok


def test_sales_to_the_devices_own_owner_are_counted_apart(world: World, network: Network, device: Device) -> None:
    tab = world.tab(network, 100, consumer=device.owner)
    lane = world.lane(tab, device, 100)

    changes = effects(world, world.voucher(lane, 40, 7))

    own = {"self_earnings_owed": 40, "units_self_sold": 7}
    assert changes[device.address] == sold(40, 7) | own


def test_a_delegate_of_the_owner_buys_as_the_owner(world: World, network: Network, device: Device) -> None:
    tab = world.tab(network, 100, consumer=device.owner)
    lane = world.lane(tab, device, 100, signer=world.delegate(tab))

    assert effects(world, world.voucher(lane, 40, 7))[device.address]["units_self_sold"] == 7


def test_a_voucher_for_money_alone_moves_no_units(world: World, device: Device, lane: Lane) -> None:
    world.must(world.voucher(lane, 10, 500))

    changes = effects(world, world.voucher(lane, 20, 500))

    assert changes[device.address] == {"earnings_owed": 10}


# Twice, late, too much


def test_the_same_voucher_twice_is_stale(world: World, tab: Tab, device: Device, lane: Lane) -> None:
    voucher = world.voucher(lane, 40)
    world.must(voucher)
    before = world.data(tab.address), world.data(device.address)

    assert world.send(voucher).error_name == "StaleVoucher"
    result = world.send(world.voucher(lane, 50), voucher)
    assert (result.error_name, result.instruction) == ("StaleVoucher", 3)

    assert (world.data(tab.address), world.data(device.address)) == before


@pytest.mark.parametrize("amount", [0, 1, 39, 40])
def test_an_older_voucher_is_stale(world: World, lane: Lane, amount: int) -> None:
    world.must(world.voucher(lane, 40, 40))

    assert world.send(world.voucher(lane, amount, 1_000)).error_name == "StaleVoucher"


def test_a_voucher_over_nothing_is_stale_from_the_start(world: World, lane: Lane) -> None:
    assert world.send(world.voucher(lane, 0, 10)).error_name == "StaleVoucher"


@pytest.mark.parametrize("units", [0, 39, 40])
def test_units_that_do_not_rise_sell_none_and_keep_nobody_from_being_paid(
    world: World, device: Device, lane: Lane, units: int
) -> None:
    world.must(world.voucher(lane, 40, 40))

    sold = world.must(world.voucher(lane, 50, units)).event()

    assert (sold.amount, sold.units) == (10, 0)
    assert world.must(world.voucher(lane, 60, 41)).event().units == 1
    assert world.read_device(device).units_sold == 41


def test_a_consumer_cannot_spoil_its_vouchers_by_naming_all_the_units_there_are(
    world: World, device: Device, lane: Lane
) -> None:
    """One base unit more and 2^64 - 1 units, settled by the consumer itself, after it gave a voucher over 60."""
    given = world.voucher(lane, 60, 60)
    sold = world.must(world.voucher(lane, 1, U64)).event()
    assert (sold.amount, sold.units) == (1, 1 << 48)

    world.must(given)

    assert world.lanes(lane.tab)[0].paid == 60
    assert world.read_device(device).earnings_owed == 60
    assert world.read_device(device).units_sold == 1 << 48


def test_more_than_is_reserved_is_refused_whole(world: World, tab: Tab, device: Device, lane: Lane) -> None:
    """A balance beside the lane is not touched: what is not reserved is not promised."""
    for amount in (101, 1_000, U64):
        assert world.send(world.voucher(lane, amount)).error_name == "OverReserve"
    world.must(world.voucher(lane, 60))
    assert world.send(world.voucher(lane, 101)).error_name == "OverReserve"
    assert world.read_device(device).earnings_owed == 60

    world.must(world.add(lane, 1))

    assert world.send(world.voucher(lane, 101)).event().amount == 41
    assert (world.read_tab(tab).balance, world.lanes(tab)[0].reserved) == (899, 0)


def test_a_voucher_is_good_until_the_second_in_which_it_expires(world: World, lane: Lane) -> None:
    expires_at = world.now + 100
    early, late = world.voucher(lane, 10, expires_at=expires_at), world.voucher(lane, 20, expires_at=expires_at)
    world.now = expires_at - 1
    assert world.send(early).ok

    for second in (expires_at, expires_at + 1, expires_at + 1_000_000):
        world.now = second
        assert world.send(late).error_name == "VoucherExpired"

    world.now = expires_at - 1
    assert world.send(late).ok


def test_a_voucher_that_never_expires_is_good_at_any_time(world: World, lane: Lane) -> None:
    world.now = 1 << 50

    assert world.send(world.voucher(lane, 10, expires_at=0)).ok


def test_an_expiry_beyond_every_clock_is_no_expiry(world: World, lane: Lane) -> None:
    assert world.send(world.voucher(lane, 10, expires_at=(1 << 63) - 1)).ok
    for negative in (1 << 63, U64):
        voucher = world.voucher(lane, 20, edit={64: negative.to_bytes(8, "little")})
        assert world.send(voucher).error_name == "WrongMessage"


def test_a_clock_before_time_itself_accepts_what_expires_later(world: World, lane: Lane) -> None:
    world.now = -1

    assert world.send(world.voucher(lane, 10, expires_at=1)).ok


def test_a_closing_lane_still_settles_until_it_ends(world: World, device: Device, lane: Lane) -> None:
    world.must(world.close_lane(lane))
    assert world.send(world.voucher(lane, 10)).ok
    world.advance(CLOSE_DELAY)
    assert world.send(world.voucher(lane, 20)).ok
    world.advance(1_000_000)
    assert world.send(world.voucher(lane, 30)).ok

    world.must(world.close_lane(lane))

    assert world.send(world.voucher(lane, 40)).error_name == "LaneNotFound"
    assert (world.read_device(device).earnings_owed, world.read_tab(lane.tab).balance) == (30, 970)


@pytest.mark.parametrize("status", [1, 2, 3], ids=["active", "suspended", "retired"])
def test_a_device_of_any_status_is_paid_for_what_it_sold(world: World, lane: Lane, status: int) -> None:
    world.patch_device(lane.device, status=status)

    assert world.send(world.voucher(lane, 40)).event().amount == 40


def test_a_paused_network_settles(world: World, lane: Lane) -> None:
    world.patch_network(lane.tab.network, pause=31)

    assert world.send(world.voucher(lane, 40)).ok


# The largest numbers


def test_earnings_stop_at_the_largest_number(world: World, device: Device, lane: Lane) -> None:
    world.patch_device(device, earnings_owed=U64 - 39)
    assert world.send(world.voucher(lane, 40), check=False).error_name == "Overflow"
    assert world.read_device(device).earnings_owed == U64 - 39

    assert world.send(world.voucher(lane, 39), check=False).ok

    assert world.read_device(device).earnings_owed == U64


def test_statistics_stop_at_the_largest_number_and_fail_nothing(world: World, network: Network, device: Device) -> None:
    lane = world.lane(world.tab(network, 100, consumer=device.owner), device, 100)
    full = ("units_sold", "units_self_sold")
    world.patch_device(device, **dict.fromkeys(full, U64 - 1))

    assert world.send(world.voucher(lane, 40, 40)).ok

    held = world.read_device(device)
    assert [getattr(held, name) for name in full] == [U64] * 2
    assert (held.earnings_owed, held.self_earnings_owed) == (40, 40)


@pytest.mark.parametrize(("units", "sold"), [(1 << 48, 1 << 48), ((1 << 48) + 1, 1 << 48), (U64, 1 << 48)])
def test_one_settlement_sells_so_many_units_at_most(world: World, lane: Lane, units: int, sold: int) -> None:
    assert world.send(world.voucher(lane, 1, units)).event().units == sold
    assert world.send(world.voucher(lane, 2, units)).event().units == 0
    assert world.lanes(lane.tab)[0].units == units


def test_what_is_sold_beyond_the_largest_number_is_still_counted(
    world: World, network: Network, device: Device, lane: Lane
) -> None:
    world.patch_device(device, units_sold=U64 - 10, units_counted=U64 - 10)

    world.must(world.voucher(lane, 40, 40))

    held = world.read_device(device)
    assert (held.units_sold, held.units_counted) == (U64, U64 - 40)
    world.must(world.claim([device], device.payout, network))
    assert world.read_network(network).total_units_sold == 40
    assert world.read_device(device).units_counted == U64


def test_a_lane_moves_all_the_money_there_is(world: World, tab: Tab, device: Device, lane: Lane) -> None:
    world.set_lanes(tab, [LaneState(device.index, lane.nonce, reserved=U64)])

    assert world.send(world.voucher(lane, U64), check=False).event().amount == U64
    assert world.lanes(tab)[0].reserved == 0
