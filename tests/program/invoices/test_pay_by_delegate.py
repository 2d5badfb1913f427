"""pay_invoice by a delegate: within its limits, charged in full, and never given back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support.invoices import Desk
from support.parties import CLASS, Device, Tab
from support.world import World

HOUR = 3_600


@pytest.fixture
def device(world: World) -> Device:
    """A device of class 1 in a network of three classes."""
    network = world.network(classes=(CLASS,) * 3)
    return world.device(network, class_=1)


@pytest.fixture
def tab(world: World, device: Device) -> Tab:
    """A tab with 1,000,000 base units."""
    return world.tab(device.network, 1_000_000)


def spend(world: World, desk: Desk, device: Device, tab: Tab, key: Any, amount: int) -> str:
    """What comes of an invoice that a delegate pays."""
    invoice = desk.invoice(device, tab, amount)
    return world.send(desk.pay(invoice, tab, amount, signer=key.pubkey())).error_name


def test_a_payment_is_charged_in_full(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    key = world.delegate(tab, 3, allowance=1_000, period_limit=900, period_length=HOUR)
    world.advance(2 * HOUR + 5)
    before = world.read_tab(tab)

    assert spend(world, desk, device, tab, key, 700) == ""

    after = world.read_tab(tab)
    charged = replace(before.delegates[2], allowance=300, period_spent=700, period=2)
    assert after.delegates == (*before.delegates[:2], charged, before.delegates[3])
    assert after.balance == 1_000_000 - 700


def test_the_allowance_ends_at_its_last_base_unit(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    key = world.delegate(tab, allowance=1_000)

    assert spend(world, desk, device, tab, key, 1_001) == "AllowanceExceeded"
    assert spend(world, desk, device, tab, key, 1_000) == ""
    assert spend(world, desk, device, tab, key, 1) == "AllowanceExceeded"


def test_many_small_payments_do_not_pass_the_allowance(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    key = world.delegate(tab, allowance=10)
    invoice = desk.invoice(device, tab, 1_000)
    pay = desk.pay(invoice, tab, 3, signer=key.pubkey())

    assert world.send(*[pay] * 3).ok
    assert world.send(pay).error_name == "AllowanceExceeded"

    assert desk.read(invoice).paid == 9


def test_a_period_ends_on_the_second(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    key = world.delegate(tab, period_limit=100, period_length=HOUR)
    start = world.now

    assert spend(world, desk, device, tab, key, 100) == ""
    world.now = start + HOUR - 1
    assert spend(world, desk, device, tab, key, 1) == "PeriodLimitExceeded"
    world.now = start + HOUR
    assert spend(world, desk, device, tab, key, 101) == "PeriodLimitExceeded"
    assert spend(world, desk, device, tab, key, 60) == ""
    # A clock that steps back opens no period anew.
    world.now = start
    assert spend(world, desk, device, tab, key, 41) == "PeriodLimitExceeded"
    assert spend(world, desk, device, tab, key, 40) == ""


@pytest.mark.parametrize(("ahead", "error"), [(1, ""), (0, "DelegateExpired"), (-1, "DelegateExpired")])
def test_a_delegate_expires_on_the_second(
    world: World, desk: Desk, device: Device, tab: Tab, ahead: int, error: str
) -> None:
    key = world.delegate(tab, expires_at=world.now + 500)
    world.advance(500 - ahead)

    assert spend(world, desk, device, tab, key, 5) == error


@pytest.mark.parametrize(
    ("classes", "error"),
    [(0b010, ""), (0b101, "ClassNotAllowed"), (0b11111101, "ClassNotAllowed"), (0b11111111, "")],
)
def test_a_delegate_buys_from_its_classes(
    world: World, desk: Desk, device: Device, tab: Tab, classes: int, error: str
) -> None:
    key = world.delegate(tab, classes=classes)

    assert spend(world, desk, device, tab, key, 5) == error


def test_a_revoked_delegate_pays_nothing(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    key = world.delegate(tab, 2)
    invoice = desk.invoice(device, tab, 10)
    pay = desk.pay(invoice, tab, 5, signer=key.pubkey())
    desk.must(pay)

    # No lane names the slot, so it is free at once, and the key is nobody's.
    assert world.send(world.set_delegate(tab, 2, None)).ok
    assert world.send(pay).error_name == "Unauthorized"

    assert desk.read(invoice).paid == 5


def test_a_replaced_key_pays_nothing(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    old = world.delegate(tab)
    new = world.delegate(tab)

    assert spend(world, desk, device, tab, old, 5) == "Unauthorized"
    assert spend(world, desk, device, tab, new, 5) == ""


def test_a_refund_gives_no_allowance_back(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    key = world.delegate(tab, allowance=10)
    invoice = desk.invoice(device, tab, 10)
    desk.must(desk.pay(invoice, tab, 10, signer=key.pubkey()))
    desk.must(desk.refund(invoice, tab, 10))

    assert world.read_tab(tab).balance == 1_000_000
    assert spend(world, desk, device, tab, key, 1) == "AllowanceExceeded"


def test_a_payment_that_fails_charges_nothing(world: World, desk: Desk, device: Device) -> None:
    tab = world.tab(device.network, 4)
    key = world.delegate(tab, allowance=10)

    assert spend(world, desk, device, tab, key, 5) == "InsufficientBalance"
    invoice = desk.invoice(device, tab, 3)
    assert world.send(desk.pay(invoice, tab, 4, signer=key.pubkey())).error_name == "InvoiceOverpaid"

    assert world.read_tab(tab).delegates[0].allowance == 10


def test_a_delegate_of_another_tab_pays_nothing(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    key = world.delegate(world.tab(device.network, 500))

    assert spend(world, desk, device, tab, key, 5) == "Unauthorized"


def test_a_delegate_changes_nothing_about_who_bought(world: World, desk: Desk, device: Device) -> None:
    """An owner that buys from itself through a delegate still bought from itself."""
    tab = world.tab(device.network, 500, consumer=device.owner)
    key = world.delegate(tab)

    assert spend(world, desk, device, tab, key, 5) == ""

    assert world.read_device(device).self_earnings_owed == 5
