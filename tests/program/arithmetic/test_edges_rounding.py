"""A year in pieces of one: the same pay, fee and burn as in one piece, to the base unit and to the millionth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from support.earning import burning
from support.edges_case import U64
from support.invoices import Desk
from support.parties import CLASS, Device, Network
from support.snapshots import snapshot
from support.world import World

HOURS, DAYS = 24, 365
YEAR = HOURS * DAYS
SALES = YEAR // 4
RATE = 333_333
"""Base units for 1,000,000 units: three units are a little less than one base unit."""


def hourly_network(world: World, **terms: Any) -> Network:
    """Epochs of a day, and room for a year's work in each."""
    priced = replace(CLASS, rate=RATE)
    return world.network(epoch_length=86_400, classes=(priced,), **terms)


def earned(world: World, device: Device) -> tuple[int, int, int]:
    """What is owed, what rounding left, and the lifetime units."""
    held = world.read_device(device)
    return held.rewards_owed, held.carry, held.units


def test_a_year_of_one_unit_receipts_pays_what_one_receipt_of_all_does(world: World) -> None:
    """8,760 receipts, one an hour through 365 epochs. Paid each hour the pay never was ahead of what is due."""
    network = hourly_network(world)
    often, once = (world.device(network, capacity=10_000) for _ in range(2))
    world.next_epoch(network)
    for hour in range(1, YEAR + 1):
        event = world.send(world.receipt(often, hour, hour), check=hour % HOURS == 0).event()
        assert event.reward == hour * RATE // 1_000_000 - (hour - 1) * RATE // 1_000_000
        world.advance(3_600)
    assert world.send(world.receipt(once, YEAR, YEAR)).event().reward == YEAR * RATE // 1_000_000

    wanted = (YEAR * RATE // 1_000_000, YEAR * RATE % 1_000_000, YEAR)
    assert earned(world, often) == earned(world, once) == wanted
    assert wanted[:2] == (2_919, 997_080)
    claims = [world.send(world.claim([each], each.payout, network)).event().amount for each in (often, once)]
    assert claims == [2_919, 2_919]
    assert world.read_network(network).total_jobs == 2 * YEAR


def test_a_year_of_one_unit_sales_claimed_each_time_pays_the_fee_and_burn_of_one(world: World) -> None:
    """Vouchers of one base unit every four hours, each claimed at once: what rounding leaves is carried to the next."""
    network = hourly_network(world, fee_bps=777, burn_bps=333)
    often, once = (world.device(network) for _ in range(2))
    tab, desk = world.tab(network, 2 * SALES), Desk(world)
    lanes = [world.lane(tab, device, SALES) for device in (often, once)]
    claim = burning(world.claim([often], often.payout, network), network)
    paid = fee = burn = 0
    for number in range(1, SALES + 1):
        result = world.send(world.voucher(lanes[0], number), claim, check=number % HOURS == 0)
        assert result.ok
        event: Any = result.events[-1]
        assert event.amount + event.fee + event.burn == 1
        paid, fee, burn = paid + event.amount, fee + event.fee, burn + event.burn
        assert fee == number * 777 // 10_000
    assert world.send(world.voucher(lanes[1], SALES)).ok
    whole = desk.claim(once).event()

    assert (paid, fee) == (whole.amount + whole.burn - burn, whole.fee) == (SALES - fee - burn, 170)
    held = [world.read_device(device) for device in (often, once)]
    assert burn * 10_000 + held[0].burn_carry == whole.burn * 10_000 + held[1].burn_carry == SALES * 333
    assert held[0].fee_carry == held[1].fee_carry == SALES * 777 % 10_000
    assert world.read_network(network).fees == 2 * 170


def test_an_invoice_paid_in_a_thousand_parts_sells_what_one_payment_does(world: World) -> None:
    """Units that do not divide evenly: each part sells what is due by then, and the last one the rest."""
    network = world.network()
    device, tab, desk = world.device(network), world.tab(network, 1_000), Desk(world)
    invoice = desk.invoice(device, tab, 1_000, units=1_234_567)
    sold = 0
    for part in range(1, 1_001):
        event = world.send(desk.pay(invoice, tab, 1), check=part % 100 == 0).event()
        sold += event.units
        assert sold == part * 1_234_567 // 1_000
    assert (sold, world.read_device(device).units_sold) == (1_234_567, 1_234_567)


def test_a_carry_one_below_a_base_unit_is_paid_by_the_smallest_work(world: World) -> None:
    network = world.network(classes=(replace(CLASS, rate=1),))
    device = world.device(network, capacity=1_000_000)
    world.patch_device(device, carry=999_999)
    world.next_epoch(network)

    assert world.send(world.receipt(device, 1, 1)).event().reward == 1
    assert world.read_device(device).carry == 0
    assert world.send(world.receipt(device, 2, 1_000_000)).event().reward == 0
    assert world.read_device(device).carry == 999_999


def test_a_carry_below_a_base_unit_joins_the_largest_price_there_is(world: World) -> None:
    """One unit at the highest rate: 18,446,744,073,709 base units and 551,615 millionths, and what was carried."""
    network = world.network(fund=1 << 62, classes=(replace(CLASS, rate=U64, max_capacity=1 << 48, budget=U64),))
    device = world.device(network, capacity=1 << 48)
    world.patch_device(device, carry=999_999)
    world.next_epoch(network)

    assert world.send(world.receipt(device, 1, 1)).event().reward == (U64 + 999_999) // 1_000_000
    assert world.read_device(device).carry == (U64 + 999_999) % 1_000_000 == 551_614
    before = snapshot(world)
    over = world.receipt(device, 2, 1_000_002, consent=device.owner)
    assert world.send(over).error_name == "Overflow"
    assert snapshot(world) == before

    # One unit less is worth exactly all there is, of which the pool has a part.
    assert world.send(world.receipt(device, 2, 1_000_001, consent=device.owner)).event().reward > 1 << 61
