"""What a device sells to its own owner is told apart, and stays a part of what it sold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.invoices import Desk
from support.parties import Device, Network, Tab
from support.world import World


@pytest.fixture
def own(world: World, network: Network, device: Device) -> Tab:
    """A tab of the device's owner."""
    return world.tab(network, 100_000, consumer=device.owner)


def sold(world: World, device: Device) -> tuple[int, int, int, int]:
    """Units sold and those of them to the owner, earnings owed and the owner's part of them."""
    held = world.read_device(device)
    assert held.units_self_sold <= held.units_sold
    assert held.self_earnings_owed <= held.earnings_owed
    return held.units_sold, held.units_self_sold, held.earnings_owed, held.self_earnings_owed


def totals(world: World, network: Network) -> tuple[int, int, int]:
    """The network's units sold, those of them that owners sold to themselves, and revenue."""
    held = world.read_network(network)
    assert held.total_units_self_sold <= held.total_units_sold
    return held.total_units_sold, held.total_units_self_sold, held.total_revenue


def test_sales_to_the_owner_are_told_apart(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab, own: Tab
) -> None:
    desk.sell(device, tab, 100, 7)
    desk.sell(device, own, 40, 3)

    assert sold(world, device) == (10, 3, 140, 40)
    assert totals(world, network) == (0, 0, 0)
    before = world.read_device(device)

    desk.claim(device)

    assert totals(world, network) == (10, 3, 140)
    assert sold(world, device) == (10, 3, 0, 0)
    assert world.read_device(device) == replace(
        before,
        earnings_owed=0,
        self_earnings_owed=0,
        units_counted=10,
        self_units_counted=3,
        revenue_claimed=140,
        fees_paid=7,
        burned=3,
        burn_carry=5_000,
    )


def test_a_refund_to_the_owner_is_taken_off_both(world: World, desk: Desk, device: Device, tab: Tab, own: Tab) -> None:
    desk.sell(device, tab, 100, 7)
    bought = desk.sell(device, own, 40, 4)

    desk.must(desk.refund(bought, own, 10))
    assert sold(world, device) == (10, 3, 130, 30)
    desk.must(desk.refund(bought, own, 30))
    assert sold(world, device) == (7, 0, 100, 0)


def test_a_refund_to_another_takes_nothing_off_the_owners_part(
    world: World, desk: Desk, device: Device, tab: Tab, own: Tab
) -> None:
    bought = desk.sell(device, tab, 100, 7)
    desk.sell(device, own, 40, 4)

    desk.must(desk.refund(bought, tab, 100))

    assert sold(world, device) == (4, 4, 40, 40)


def test_an_old_sale_refunded_out_of_the_owners_payments_leaves_parts_parts(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab, own: Tab
) -> None:
    """The sale refunded was claimed; what the owner paid since then is what goes back."""
    old = desk.sell(device, tab, 100, 50)
    desk.claim(device)
    desk.sell(device, own, 60, 4)

    desk.must(desk.refund(old, tab, 50))
    assert sold(world, device) == (29, 4, 10, 10)
    desk.must(desk.refund(old, tab, 10))
    assert sold(world, device) == (24, 4, 0, 0)

    desk.claim(device)
    assert totals(world, network) == (50, 4 - 4, 100)


def test_an_owners_old_sale_refunded_out_of_others_payments(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab, own: Tab
) -> None:
    old = desk.sell(device, own, 100, 50)
    desk.claim(device)
    desk.sell(device, tab, 60, 4)

    desk.must(desk.refund(old, own, 60))

    assert sold(world, device) == (24, 20, 0, 0)
    desk.claim(device)
    assert totals(world, network) == (50, 50, 100)


def test_a_change_of_owner_changes_no_sale_of_before(
    world: World, desk: Desk, device: Device, tab: Tab, own: Tab
) -> None:
    desk.sell(device, tab, 100, 7)
    desk.sell(device, own, 40, 3)
    desk.must(world.update(device, new_owner=tab.consumer.pubkey()))

    assert sold(world, device) == (10, 3, 140, 40)
    invoice = replace(desk.plan(device, tab.consumer.pubkey(), 5, units=1))
    desk.must(desk.create(invoice, owner=tab.consumer.pubkey()), desk.pay(invoice, tab, 5))
    assert sold(world, device) == (11, 4, 145, 45)
    invoice = replace(desk.plan(device, own.consumer.pubkey(), 5, units=1))
    desk.must(desk.create(invoice, owner=tab.consumer.pubkey()), desk.pay(invoice, own, 5))
    assert sold(world, device) == (12, 4, 150, 45)


def test_refunds_around_a_change_of_owner_leave_parts_parts(
    world: World, desk: Desk, device: Device, tab: Tab, own: Tab
) -> None:
    """Sold to another who then owns the device, and the other way round: a refund goes by the owner of its day."""
    to_tab, to_own = desk.sell(device, tab, 100, 7), desk.sell(device, own, 40, 3)
    heir = tab.consumer.pubkey()
    desk.must(world.update(device, new_owner=heir))

    desk.must(desk.refund(to_tab, tab, 100, owner=heir))
    assert sold(world, device) == (3, 0, 40, 0)
    desk.must(desk.refund(to_own, own, 40, owner=heir))
    assert sold(world, device) == (0, 0, 0, 0)


def test_a_sale_of_units_without_an_end_stops_at_the_largest_number(
    world: World, desk: Desk, network: Network, device: Device, own: Tab
) -> None:
    largest = 2**64 - 1
    world.patch_device(device, units_sold=largest - 5, units_self_sold=largest - 5)
    desk.sell(device, own, 1, 10)
    assert sold(world, device) == (largest, largest, 1, 1)
    desk.claim(device)
    desk.sell(device, own, 1, 7)
    assert world.read_device(device).units_counted == world.read_device(device).self_units_counted == largest - 7
    desk.claim(device)

    assert totals(world, network) == (largest, largest, 2)
