"""refund_invoice: out of unclaimed earnings, back to the tab, and never more than was paid."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.builders import unsigned
from support.invoices import Desk, state_of
from support.parties import Device, Network, Tab
from support.world import World
from worktab.program.generated.events import InvoiceRefunded

U64 = 2**64 - 1


def test_a_refund_moves_earnings_back_and_nothing_else(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    invoice = desk.sell(device, tab, 1_000, 30)
    before = world.read_tab(tab), world.read_device(device), desk.read(invoice)
    untouched = state_of(world, network.address, network.vault)

    event = world.send(desk.refund(invoice, tab, 400)).event()

    assert event == InvoiceRefunded(invoice.address, tab.address, device.address, amount=400, units=12)
    assert world.read_tab(tab) == replace(before[0], balance=999_400)
    assert world.read_device(device) == replace(before[1], earnings_owed=600, units_sold=18)
    assert desk.read(invoice) == replace(before[2], refunded=400)
    assert state_of(world, network.address, network.vault) == untouched


def test_the_whole_can_be_refunded_and_not_paid_again(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.sell(device, tab, 1_000, 30)

    assert world.send(desk.refund(invoice, tab, 1_000)).event().units == 30
    assert world.send(desk.refund(invoice, tab, 1)).error_name == "RefundTooLarge"
    assert world.send(desk.pay(invoice, tab, 1)).error_name == "InvoiceOverpaid"

    held = world.read_device(device)
    assert (held.earnings_owed, held.units_sold, world.read_tab(tab).balance) == (0, 0, 1_000_000)


def test_what_was_not_paid_yet_can_be_paid_after_a_refund(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.invoice(device, tab, 100, units=7)
    units = [
        world.send(each).event().units
        for each in (
            desk.pay(invoice, tab, 50),
            desk.refund(invoice, tab, 49),
            desk.pay(invoice, tab, 50),
            desk.refund(invoice, tab, 1),
        )
    ]
    # Kept are 50, 1, 51 and 50 of 100: 3, 0, 3 and 3 of 7 units.
    assert units == [3, 3, 3, 0]
    assert (desk.read(invoice).paid, desk.read(invoice).refunded) == (100, 50)
    assert (world.read_device(device).units_sold, world.read_device(device).earnings_owed) == (3, 50)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    moves=st.lists(st.tuples(st.booleans(), st.integers(1, 40)), max_size=10),
    units=st.one_of(st.integers(0, 200), st.just(2**48)),
)
def test_units_sold_are_those_of_what_is_kept(moves: list[tuple[bool, int]], units: int) -> None:
    world = World()
    network = world.network(fund=0)
    desk, device = Desk(world), world.device(network)
    tab = world.tab(network, 100)
    invoice = desk.invoice(device, tab, 100, units=units)
    paid = refunded = 0
    for back, amount in moves:
        move = desk.refund if back else desk.pay
        result = world.send(move(invoice, tab, amount))
        if back and refunded + amount <= paid:
            refunded += amount
        elif not back and paid + amount <= 100:
            paid += amount
        else:
            assert result.error_name == ("RefundTooLarge" if back else "InvoiceOverpaid")
        held = world.read_device(device)
        assert held.units_sold == units * (paid - refunded) // 100
        assert held.earnings_owed == 100 - world.read_tab(tab).balance == paid - refunded


@pytest.mark.parametrize(
    ("amount", "error"),
    [(0, "InvalidParameter"), (401, "RefundTooLarge"), (U64, "RefundTooLarge"), (400, ""), (1, "")],
)
def test_a_refund_is_at_most_what_was_paid(
    world: World, desk: Desk, device: Device, tab: Tab, amount: int, error: str
) -> None:
    invoice = desk.invoice(device, tab, 1_000)
    desk.must(desk.pay(invoice, tab, 400))
    desk.sell(device, tab, 5_000)

    assert world.send(desk.refund(invoice, tab, amount)).error_name == error


def test_what_was_claimed_can_not_be_refunded(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.sell(device, tab, 1_000, 30)
    assert desk.claim(device).event().amount == 925
    held = state_of(world, tab.address, device.address, invoice.address)

    assert world.send(desk.refund(invoice, tab, 1)).error_name == "RefundTooLarge"

    assert state_of(world, tab.address, device.address, invoice.address) == held


def test_other_unclaimed_earnings_pay_for_a_refund_after_a_claim(
    world: World, desk: Desk, device: Device, tab: Tab
) -> None:
    first = desk.sell(device, tab, 1_000, 30)
    desk.claim(device)
    desk.sell(device, tab, 300, 9)

    assert world.send(desk.refund(first, tab, 301)).error_name == "RefundTooLarge"
    assert world.send(desk.refund(first, tab, 300)).event().units == 9

    held = world.read_device(device)
    assert (held.earnings_owed, held.units_sold, held.units_counted) == (0, 30, 30)
    assert world.read_tab(tab).balance == 1_000_000 - 1_000


def test_rewards_owed_pay_for_no_refund(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    world.next_epoch(device.network)
    desk.must(world.receipt(device, 1, 500))
    invoice = desk.sell(device, tab, 100)
    desk.claim(device)
    desk.must(world.receipt(device, 2, 900))

    assert world.send(desk.refund(invoice, tab, 1)).error_name == "RefundTooLarge"

    assert world.read_device(device).rewards_owed == 400


def test_only_the_owner_refunds(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.sell(device, tab, 1_000)

    for other in (tab.consumer, device.payout, device.network.authority, world.keypair()):
        assert world.send(desk.refund(invoice, tab, 1, owner=other.pubkey())).error_name == "Unauthorized"
    assert not world.send(unsigned(desk.refund(invoice, tab, 1), device.owner.pubkey())).ok

    assert desk.read(invoice).refunded == 0


def test_a_new_owner_refunds_and_the_old_one_does_not(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice, heir = desk.sell(device, tab, 1_000), world.keypair()
    desk.must(world.update(device, new_owner=heir.pubkey()))

    assert world.send(desk.refund(invoice, tab, 1)).error_name == "Unauthorized"
    assert world.send(desk.refund(invoice, tab, 1, owner=heir.pubkey())).ok


def test_another_tab_or_device_gets_and_gives_nothing(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    invoice = desk.sell(device, tab, 1_000)
    other, thief = world.device(network, owner=device.owner), world.tab(network)
    desk.sell(other, tab, 1_000)

    assert world.send(desk.refund(invoice, thief, 1)).error_name == "WrongParty"
    assert world.send(desk.refund(invoice, tab, 1, device=other.address)).error_name == "WrongParty"


def test_another_networks_tab_and_device_are_refused(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice, abroad = desk.sell(device, tab, 10), world.network()
    foreign_tab = world.tab(abroad, 500, consumer=tab.consumer)
    foreign_device = world.device(abroad, owner=device.owner)

    assert world.send(desk.refund(invoice, foreign_tab, 1)).error_name == "WrongNetwork"
    assert world.send(desk.refund(invoice, tab, 1, device=foreign_device.address)).error_name == "WrongNetwork"


def test_a_device_registered_again_refunds_nothing_of_the_one_before(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    invoice = desk.sell(device, tab, 10)
    desk.claim(device)
    desk.must(world.retire(device))
    again, terms = world.plan(network, signer=device.signer, owner=device.owner)
    desk.must(world.possession(again), world.register(again, terms))
    desk.sell(again, tab, 10)

    assert world.send(desk.refund(invoice, tab, 1)).error_name == "WrongParty"


def test_a_retired_device_still_refunds(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.sell(device, tab, 10, 4)
    assert not world.send(world.retire(device)).event().closed

    assert world.send(desk.refund(invoice, tab, 10)).ok

    assert world.send(world.retire(device)).event().closed


def test_a_tab_closed_and_opened_again_is_refunded(world: World, desk: Desk, network: Network, device: Device) -> None:
    tab = world.tab(network, 10)
    invoice = desk.sell(device, tab, 10)
    desk.next_slot()
    desk.must(world.close_tab(tab))
    assert not world.send(desk.refund(invoice, tab, 4)).ok
    desk.must(world.open_tab(tab))

    assert world.send(desk.refund(invoice, tab, 4)).ok

    assert world.read_tab(tab).balance == 4


def test_nothing_pauses_a_refund(world: World, desk: Desk, network: Network, device: Device, tab: Tab) -> None:
    invoice = desk.sell(device, tab, 10)
    desk.must(world.pause(network, 31))

    assert world.send(desk.refund(invoice, tab, 4)).ok
