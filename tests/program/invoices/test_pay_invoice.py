"""pay_invoice: what moves, in how many parts, and on which terms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.builders import unsigned
from support.invoices import Desk, read_only, state_of
from support.parties import Device, Network, Tab
from support.world import World
from worktab.program.generated.events import InvoicePaid

U64 = 2**64 - 1


def test_a_payment_moves_balance_to_earnings_and_nothing_else(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    invoice = desk.invoice(device, tab, 1_000, units=30)
    addresses = (tab.address, device.address, invoice.address, network.address, network.vault)
    before = world.read_tab(tab), world.read_device(device), desk.read(invoice)
    lamports = [world.lamports(each) for each in addresses]
    untouched = state_of(world, network.address, network.vault)

    event = world.send(desk.pay(invoice, tab, 1_000)).event()

    assert event == InvoicePaid(invoice.address, tab.address, device.address, amount=1_000, units=30)
    assert world.read_tab(tab) == replace(before[0], balance=999_000)
    assert world.read_device(device) == replace(before[1], earnings_owed=1_000, units_sold=30)
    assert desk.read(invoice) == replace(before[2], paid=1_000)
    assert state_of(world, network.address, network.vault) == untouched
    assert [world.lamports(each) for each in addresses] == lamports


def test_a_payment_does_not_write_the_network(desk: Desk, network: Network, device: Device, tab: Tab) -> None:
    pay = desk.pay(desk.invoice(device, tab, 5), tab, 5)

    assert network.address not in [each.pubkey for each in pay.accounts]


# Parts


def test_parts_sell_units_in_proportion_rounded_down(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.invoice(device, tab, 100, units=7)
    sold = []
    for amount in (1, 13, 1, 14, 70, 1):
        sold.append(world.send(desk.pay(invoice, tab, amount)).event().units)

    # 7 / 100 of 1, 14, 15, 29, 99 and 100: floor 0, 0, 1, 2, 6, 7.
    assert sold == [0, 0, 1, 1, 4, 1]
    held = world.read_device(device)
    assert (held.units_sold, held.earnings_owed, desk.read(invoice).paid) == (7, 100, 100)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    cuts=st.lists(st.integers(1, 999_999), max_size=6, unique=True),
    units=st.one_of(st.integers(0, 50), st.sampled_from([2**32, 2**47 + 1, 2**48 - 1, 2**48])),
)
def test_any_parts_sell_all_units_once_they_add_up(cuts: list[int], units: int) -> None:
    world = World()
    network = world.network(fund=0)
    desk, device = Desk(world), world.device(network)
    tab = world.tab(network, 1_000_000)
    invoice = desk.invoice(device, tab, 1_000_000, units=units)
    paid = sold = 0
    for until in [*sorted(cuts), 1_000_000]:
        sold += world.send(desk.pay(invoice, tab, until - paid)).event().units
        paid = until
        assert sold == units * paid // 1_000_000
    assert world.read_device(device).units_sold == sold == units


def test_the_same_payment_again_is_refused(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.invoice(device, tab, 1_000, units=30)
    pay = desk.pay(invoice, tab, 1_000)
    assert world.send(pay).ok
    held = state_of(world, tab.address, device.address, invoice.address)

    assert world.send(pay).error_name == "InvoiceOverpaid"
    assert world.send(pay, payer=world.keypair(lamports=10**9)).error_name == "InvoiceOverpaid"

    assert state_of(world, tab.address, device.address, invoice.address) == held


def test_twice_in_one_transaction_pays_nothing(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.invoice(device, tab, 1_000)
    pay = desk.pay(invoice, tab, 501)

    result = world.send(pay, desk.pay(invoice, tab, 500))

    assert (result.error_name, result.instruction) == ("InvoiceOverpaid", 1)
    assert desk.read(invoice).paid == 0


@pytest.mark.parametrize("paid", [0, 1, 999, 1_000])
def test_one_base_unit_too_much_is_refused(world: World, desk: Desk, device: Device, tab: Tab, paid: int) -> None:
    invoice = desk.invoice(device, tab, 1_000)
    if paid:
        assert world.send(desk.pay(invoice, tab, paid)).ok

    assert world.send(desk.pay(invoice, tab, 1_001 - paid)).error_name == "InvoiceOverpaid"

    assert (desk.read(invoice).paid, world.read_tab(tab).balance) == (paid, 1_000_000 - paid)
    assert paid == 1_000 or world.send(desk.pay(invoice, tab, 1_000 - paid)).ok


@pytest.mark.parametrize(("amount", "error"), [(0, "InvalidParameter"), (U64, "InvoiceOverpaid")])
def test_nothing_and_everything_are_refused(
    world: World, desk: Desk, device: Device, tab: Tab, amount: int, error: str
) -> None:
    invoice = desk.invoice(device, tab, 1_000)
    desk.must(desk.pay(invoice, tab, 1))

    assert world.send(desk.pay(invoice, tab, amount)).error_name == error


def test_more_than_the_balance_is_refused(world: World, desk: Desk, network: Network, device: Device) -> None:
    tab = world.tab(network, 999)
    invoice = desk.invoice(device, tab, 1_000)

    assert world.send(desk.pay(invoice, tab, 1_000)).error_name == "InsufficientBalance"

    assert world.send(desk.pay(invoice, tab, 999)).ok
    assert (world.read_tab(tab).balance, desk.read(invoice).paid) == (0, 999)
    assert world.send(desk.pay(invoice, tab, 1)).error_name == "InsufficientBalance"


def test_the_largest_numbers_are_exact(world: World, desk: Desk) -> None:
    network = world.network(fund=0)
    device = world.device(network)
    tab = world.tab(network, U64)
    invoice = desk.invoice(device, tab, U64, units=2**48)

    assert world.send(desk.pay(invoice, tab, U64 - 1)).event().units == 2**48 - 1
    assert world.send(desk.pay(invoice, tab, 1)).event().units == 1

    held = world.read_device(device)
    assert (held.earnings_owed, held.units_sold, world.read_tab(tab).balance) == (U64, 2**48, 0)
    assert world.send(desk.pay(invoice, tab, 1)).error_name == "InvoiceOverpaid"


def test_statistics_stop_at_their_end_and_stop_no_payment(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    world.patch_device(device, units_sold=U64 - 8, units_counted=U64 - 8)
    first = desk.sell(device, tab, 1, 7)
    desk.sell(device, tab, 1, 5)

    held = world.read_device(device)
    assert (held.units_sold, held.earnings_owed) == (U64, 2)
    assert world.send(desk.refund(first, tab, 1)).ok


def test_earnings_over_the_largest_number_are_refused(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.invoice(device, tab, 2)
    world.patch_device(device, earnings_owed=U64 - 1)

    assert world.send(desk.pay(invoice, tab, 2), check=False).error_name == "Overflow"
    assert world.send(desk.pay(invoice, tab, 1), check=False).ok

    assert world.read_device(device).earnings_owed == U64


# Terms


CHANGES = {
    "more money": {"amount": 1_001},
    "less money": {"amount": 999},
    "fewer units": {"units": 29},
    "an earlier date": {"due": 1_800_000_499},
    "another head": {"head": b"x" * 32},
    "another memo": {"memo": b"x" * 32},
}
TERMS = {"amount": 1_000, "units": 30, "due": 1_800_000_500, "head": b"h" * 32, "memo": b"m" * 32}


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
def test_terms_swapped_before_payment_are_refused(
    world: World, desk: Desk, device: Device, tab: Tab, changed: dict[str, Any]
) -> None:
    seen = desk.plan(device, tab.consumer.pubkey(), 1_000, number=4, **{**TERMS, "amount": 1_000})
    desk.must(desk.create(seen))
    pay = desk.pay(seen, tab, 900)
    desk.next_slot()
    swapped = replace(seen, terms=replace(seen.terms, **changed), slot=desk.slot)
    desk.must(desk.void(seen), desk.create(swapped))

    assert world.send(pay).error_name == "TermsChanged"

    assert (world.read_tab(tab).balance, desk.read(swapped).paid) == (1_000_000, 0)
    assert world.send(desk.pay(swapped, tab, 900)).ok


def test_the_same_terms_of_a_later_invoice_are_refused(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    """Else a payment held back by a relayer would pay a second time."""
    first = desk.invoice(device, tab, 1_000, number=4)
    pay = desk.pay(first, tab, 1_000)
    desk.must(pay)
    desk.next_slot()
    second = replace(first, slot=desk.slot)
    desk.must(desk.void(first), desk.create(second))

    assert world.send(pay).error_name == "TermsChanged"

    assert (desk.read(second).paid, world.read_tab(tab).balance) == (0, 999_000)


def test_every_byte_of_the_terms_counts(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.invoice(device, tab, 1_000)
    for place in range(32):
        agreed = bytearray(invoice.agreed)
        agreed[place] ^= 1
        assert world.send(desk.pay(invoice, tab, 5, agreed=bytes(agreed))).error_name == "TermsChanged"


def test_a_late_payment_is_taken(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.invoice(device, tab, 10, due=world.now + 60)
    world.advance(10**6)

    assert world.send(desk.pay(invoice, tab, 10)).ok


# Parties


def test_nobody_but_the_consumer_and_its_delegates_pays(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.invoice(device, tab, 10)
    pay = desk.pay(invoice, tab, 10)

    for other in (world.keypair(), device.owner, device.payout, device.network.authority):
        assert world.send(desk.pay(invoice, tab, 10, signer=other.pubkey())).error_name == "Unauthorized"
    assert not world.send(unsigned(pay, tab.consumer.pubkey())).ok

    assert desk.read(invoice).paid == 0


def test_another_consumers_tab_does_not_pay(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    invoice, other = desk.invoice(device, tab, 10), world.tab(network, 500)

    assert world.send(desk.pay(invoice, other, 10)).error_name == "WrongParty"
    stolen = desk.pay(invoice, tab, 10, signer=other.consumer.pubkey())
    assert world.send(stolen).error_name == "Unauthorized"

    assert (world.read_tab(other).balance, world.read_tab(tab).balance) == (500, 1_000_000)


def test_another_device_is_not_paid(world: World, desk: Desk, network: Network, device: Device, tab: Tab) -> None:
    invoice, other = desk.invoice(device, tab, 10), world.device(network)

    assert world.send(desk.pay(invoice, tab, 10, device=other.address)).error_name == "WrongParty"


def test_another_networks_tab_and_device_are_refused(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice, abroad = desk.invoice(device, tab, 10), world.network()
    foreign_tab, foreign_device = world.tab(abroad, 500, consumer=tab.consumer), world.device(abroad)

    assert world.send(desk.pay(invoice, foreign_tab, 10)).error_name == "WrongNetwork"
    assert world.send(desk.pay(invoice, tab, 10, device=foreign_device.address)).error_name == "WrongNetwork"


def test_a_device_registered_again_is_not_paid_for_the_one_before(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    invoice = desk.invoice(device, tab, 10)
    desk.must(world.retire(device))
    closed = world.send(desk.pay(invoice, tab, 10))
    again, terms = world.plan(network, signer=device.signer, owner=device.owner)
    desk.must(world.possession(again), world.register(again, terms))
    assert (again.address, again.index) == (device.address, 2)

    assert not closed.ok
    assert world.send(desk.pay(invoice, tab, 10)).error_name == "WrongParty"

    assert world.read_tab(tab).balance == 1_000_000


@pytest.mark.parametrize("status", [2, 3], ids=["suspended", "retired"])
def test_a_device_that_works_no_more_is_paid(world: World, desk: Desk, device: Device, tab: Tab, status: int) -> None:
    invoice = desk.invoice(device, tab, 10)
    world.patch_device(device, status=status)

    assert world.send(desk.pay(invoice, tab, 10)).ok


@pytest.mark.parametrize("name", ["tab", "device", "invoice"])
def test_accounts_must_be_writable(world: World, desk: Desk, device: Device, tab: Tab, name: str) -> None:
    invoice = desk.invoice(device, tab, 10)
    address = {"tab": tab.address, "device": device.address, "invoice": invoice.address}[name]

    assert not world.send(read_only(desk.pay(invoice, tab, 10), address)).ok

    assert (desk.read(invoice).paid, world.read_device(device).earnings_owed) == (0, 0)


@pytest.mark.parametrize("place", ["tab", "device", "invoice"])
def test_forged_accounts_are_refused(world: World, desk: Desk, device: Device, tab: Tab, place: str) -> None:
    """The right bytes in an account of another program."""
    invoice, forged = desk.invoice(device, tab, 10), world.keypair().pubkey()
    real = {"tab": tab.address, "device": device.address, "invoice": invoice.address}[place]
    world.set_account(forged, world.data(real), world.payer.pubkey())
    passed: dict[str, Any] = {place: forged}

    assert not world.send(desk.pay(invoice, tab, 10, **passed)).ok

    assert (desk.read(invoice).paid, world.read_device(device).earnings_owed) == (0, 0)


def test_accounts_in_each_others_places_are_refused(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.invoice(device, tab, 10)
    places = {"tab": tab.address, "device": device.address, "invoice": invoice.address}
    for place, right in places.items():
        for wrong in {*places.values()} - {right}:
            passed: dict[str, Any] = {place: wrong}
            assert not world.send(desk.pay(invoice, tab, 10, **passed)).ok
    assert desk.read(invoice).paid == 0
