"""void_invoice: who ends an invoice when, and what stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.builders import unsigned
from support.invoices import Desk, state_of
from support.parties import Device, Network, Tab
from support.world import World
from worktab.program.generated import accounts as state
from worktab.program.generated.events import InvoiceVoided


@pytest.mark.parametrize("paid", [0, 1, 400, 1_000])
def test_a_voided_invoice_closes_and_what_was_paid_stays_paid(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab, paid: int
) -> None:
    payer = world.keypair(lamports=10**9)
    invoice = desk.plan(device, tab.consumer.pubkey(), 1_000, units=30)
    desk.must(desk.create(invoice, payer=payer.pubkey()))
    desk.must([desk.pay(invoice, tab, paid)] if paid else [])
    desk.next_slot()
    kept = state_of(world, tab.address, device.address, network.address, network.vault)

    event = world.send(desk.void(invoice, rent_payer=payer.pubkey())).event()

    assert event == InvoiceVoided(invoice.address, device.address, paid)
    assert world.account(invoice.address) is None
    assert world.lamports(payer.pubkey()) == 10**9
    assert state_of(world, tab.address, device.address, network.address, network.vault) == kept
    assert (world.read_device(device).earnings_owed, world.read_tab(tab).balance) == (paid, 1_000_000 - paid)


def test_nothing_can_be_paid_or_refunded_after_it(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.invoice(device, tab, 1_000)
    desk.must(desk.pay(invoice, tab, 400))
    desk.next_slot()
    desk.must(desk.void(invoice))

    for late in (desk.pay(invoice, tab, 1), desk.refund(invoice, tab, 1), desk.void(invoice)):
        assert not world.send(late).ok

    assert (world.read_device(device).earnings_owed, world.read_tab(tab).balance) == (400, 999_600)


def test_not_in_the_slot_of_creation(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    """The slot is part of the terms: made again in the same slot, they would be the same."""
    desk.next_slot(3)
    invoice = desk.invoice(device, tab, 1_000)

    assert world.send(desk.void(invoice)).error_name == "TooSoon"
    assert world.send(desk.pay(invoice, tab, 1_000), desk.void(invoice)).error_name == "TooSoon"
    assert desk.read(invoice).paid == 0

    desk.next_slot()
    assert world.send(desk.void(invoice)).ok


def test_voided_and_made_again_in_one_slot_once_more_waits(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    first = desk.invoice(device, tab, 1_000)
    desk.next_slot()
    second = replace(first, slot=desk.slot)
    desk.must(desk.void(first), desk.create(second))

    assert world.send(desk.void(second)).error_name == "TooSoon"
    assert desk.read(second).terms == second.agreed != first.agreed


def test_only_the_owner_voids(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.invoice(device, tab, 1_000)
    desk.next_slot()

    for other in (tab.consumer, device.payout, world.payer, device.network.authority, world.keypair()):
        assert world.send(desk.void(invoice, owner=other.pubkey())).error_name == "Unauthorized"
    assert not world.send(unsigned(desk.void(invoice), device.owner.pubkey())).ok

    assert world.account(invoice.address) is not None


def test_a_new_owner_voids_and_the_old_one_does_not(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice, heir = desk.invoice(device, tab, 1_000), world.keypair()
    desk.must(world.update(device, new_owner=heir.pubkey()))
    desk.next_slot()

    assert world.send(desk.void(invoice)).error_name == "Unauthorized"
    assert world.send(desk.void(invoice, owner=heir.pubkey())).ok


def test_who_made_it_voids_it_once_the_device_is_closed(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.invoice(device, tab, 1_000)
    desk.must(world.retire(device))
    desk.next_slot()
    assert world.account(device.address) is None

    assert world.send(desk.void(invoice, owner=tab.consumer.pubkey())).error_name == "Unauthorized"
    assert world.send(desk.void(invoice)).event() == InvoiceVoided(invoice.address, device.address, 0)


def test_lamports_left_at_a_closed_device_change_nothing(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.invoice(device, tab, 1_000)
    desk.must(world.retire(device))
    world.runtime.airdrop(device.address, 10**9)
    desk.next_slot()

    assert world.send(desk.void(invoice)).ok


def test_who_made_it_voids_it_once_the_device_is_another_registration(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    invoice = desk.invoice(device, tab, 1_000, number=6)
    desk.must(world.retire(device))
    again, terms = world.plan(network, signer=device.signer)
    desk.must(world.possession(again), world.register(again, terms))
    desk.next_slot()
    number_taken = desk.plan(again, tab.consumer.pubkey(), 5, number=6)

    assert not world.send(desk.create(number_taken)).ok
    assert world.send(desk.void(invoice, owner=again.owner.pubkey())).error_name == "Unauthorized"
    assert world.send(desk.void(invoice)).ok
    assert world.send(desk.create(number_taken)).ok


def test_an_heir_who_did_not_make_it_does_not_void_it_after_the_close(
    world: World, desk: Desk, device: Device, tab: Tab
) -> None:
    invoice, heir = desk.invoice(device, tab, 1_000), world.keypair()
    desk.must(world.update(device, new_owner=heir.pubkey()))
    desk.must(world.retire(device, owner=heir.pubkey()))
    desk.next_slot()

    assert world.send(desk.void(invoice, owner=heir.pubkey())).error_name == "Unauthorized"
    assert world.send(desk.void(invoice)).ok


def test_the_rent_goes_to_nobody_else(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.invoice(device, tab, 1_000)
    desk.next_slot()

    for other in (device.owner.pubkey(), invoice.address, device.address):
        assert not world.send(desk.void(invoice, rent_payer=other)).ok

    assert desk.read(invoice).terms == invoice.agreed


def test_an_owner_who_paid_the_rent_gets_it_back(world: World, desk: Desk, network: Network, tab: Tab) -> None:
    owner = world.keypair(lamports=10**9)
    device = world.device(network, owner=owner)
    invoice = desk.plan(device, tab.consumer.pubkey(), 5)
    desk.must(desk.create(invoice, payer=owner.pubkey()))
    rent = world.runtime.minimum_balance_for_rent_exemption(state.Invoice.SIZE)
    assert world.lamports(owner.pubkey()) == 10**9 - rent
    desk.next_slot()

    assert world.send(desk.void(invoice, rent_payer=owner.pubkey())).ok

    assert world.lamports(owner.pubkey()) == 10**9


def test_another_device_says_nothing_about_who_voids(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    """The thief owns a device, and a closed one, and an address that never was one."""
    thief = world.keypair()
    own, closed = world.device(network, owner=thief), world.device(network, owner=thief)
    desk.must(world.retire(closed))
    invoice = desk.invoice(device, tab, 1_000)
    desk.next_slot()

    for other in (own.address, closed.address, world.keypair().pubkey()):
        for owner in (thief, device.owner):
            error = world.send(desk.void(invoice, device=other, owner=owner.pubkey())).error_name
            assert error == "WrongParty"


def test_nothing_pauses_a_void(world: World, desk: Desk, network: Network, device: Device, tab: Tab) -> None:
    invoice = desk.invoice(device, tab, 1_000)
    desk.next_slot()
    desk.must(world.pause(network, 31))

    assert world.send(desk.void(invoice)).ok
