"""create_invoice: what an invoice holds, and what can't be asked for."""

from __future__ import annotations

from typing import Any

import pytest

from support.builders import unsigned
from support.invoices import Desk, state_of
from support.parties import NOBODY, Device, Network, Tab
from support.world import World
from worktab.core.addresses import find_invoice
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state
from worktab.program.generated.events import InvoiceCreated

U64 = 2**64 - 1
HEAD, MEMO = b"h" * 32, b"m" * 32


def test_an_invoice_holds_its_terms_and_nothing_else(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    payer, consumer = world.keypair(lamports=10**9), tab.consumer.pubkey()
    desk.next_slot(5)
    invoice = desk.plan(device, consumer, 1_000, number=77, units=30, due=world.now + 60, head=HEAD, memo=MEMO)
    before = world.read_device(device)

    event = world.send(desk.create(invoice, payer=payer.pubkey())).event()

    address, bump = find_invoice(PROGRAM_ID, device.address, 77)
    due = world.now + 60
    assert event == InvoiceCreated(address, device.address, consumer, 77, 1_000, 30, due, HEAD, MEMO)
    assert desk.read(invoice) == state.Invoice(
        network=device.network.address,
        device=device.address,
        consumer=consumer,
        issuer=device.owner.pubkey(),
        rent_payer=payer.pubkey(),
        terms=invoice.agreed,
        head=HEAD,
        memo=MEMO,
        number=77,
        amount=1_000,
        paid=0,
        refunded=0,
        units=30,
        due=due,
        created_slot=desk.slot,
        index=1,
        bump=bump,
        version=1,
        reserved=bytes(2),
    )
    rent = world.runtime.minimum_balance_for_rent_exemption(state.Invoice.SIZE)
    assert (world.lamports(address), world.lamports(payer.pubkey())) == (rent, 10**9 - rent)
    assert world.read_device(device) == before


def test_the_owner_may_pay_the_rent(world: World, desk: Desk, network: Network, tab: Tab) -> None:
    owner = world.keypair(lamports=10**9)
    device = world.device(network, owner=owner)
    invoice = desk.plan(device, tab.consumer.pubkey(), 1)

    assert world.send(desk.create(invoice, payer=owner.pubkey())).ok

    assert desk.read(invoice).rent_payer == owner.pubkey()


@pytest.mark.parametrize(
    "terms",
    [
        {"amount": U64, "units": 2**48, "due": 2**63 - 1, "number": U64},
        {"amount": 1, "units": 0, "due": 0, "number": 0},
        {"amount": 1, "units": 1, "due": 1, "number": 1},
    ],
    ids=["largest", "least", "due long ago"],
)
def test_terms_at_their_edges_are_accepted(desk: Desk, device: Device, tab: Tab, terms: dict[str, Any]) -> None:
    number, amount = terms["number"], terms["amount"]
    others = {"units": terms["units"], "due": terms["due"]}
    invoice = desk.plan(device, tab.consumer.pubkey(), amount, number=number, **others)

    desk.must(desk.create(invoice))

    held = desk.read(invoice)
    assert (held.amount, held.units, held.due, held.number) == tuple(
        terms[name] for name in ("amount", "units", "due", "number")
    )
    assert held.terms == invoice.agreed


@pytest.mark.parametrize(
    "terms", [{"amount": 0}, {"due": -1}, {"due": -(2**63)}, {"consumer": NOBODY}, {"units": 2**48 + 1}], ids=str
)
def test_terms_that_ask_for_nothing_or_of_nobody_are_refused(
    world: World, desk: Desk, device: Device, tab: Tab, terms: dict[str, Any]
) -> None:
    invoice = desk.plan(device, tab.consumer.pubkey(), 5, **terms)

    assert world.send(desk.create(invoice)).error_name == "InvalidParameter"

    assert world.account(invoice.address) is None


def test_only_the_owner_makes_one(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice, heir = desk.plan(device, tab.consumer.pubkey(), 5), world.keypair()
    create = desk.create(invoice)

    for other in (heir.pubkey(), device.payout.pubkey(), tab.consumer.pubkey(), device.network.authority.pubkey()):
        assert world.send(desk.create(invoice, owner=other)).error_name == "Unauthorized"
    assert not world.send(unsigned(create, device.owner.pubkey())).ok
    assert world.send(world.update(device, new_owner=heir.pubkey())).ok
    assert world.send(create).error_name == "Unauthorized"
    assert world.send(desk.create(invoice, owner=heir.pubkey())).ok
    assert desk.read(invoice).issuer == heir.pubkey()


def test_a_number_in_use_is_refused(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.invoice(device, tab, 500, number=9)
    held = state_of(world, invoice.address)

    for again in (invoice, desk.plan(device, tab.consumer.pubkey(), 400, number=9)):
        assert not world.send(desk.create(again)).ok

    assert state_of(world, invoice.address) == held


def test_the_same_number_of_another_device_is_another_invoice(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    first = desk.invoice(device, tab, 500, number=9)
    second = desk.invoice(world.device(network), tab, 400, number=9)

    assert (desk.read(first).amount, desk.read(second).amount) == (500, 400)
    assert desk.read(first).terms != desk.read(second).terms


def test_an_address_of_another_number_is_refused(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.plan(device, tab.consumer.pubkey(), 5, number=1)
    other = find_invoice(PROGRAM_ID, device.address, 2)[0]

    assert world.send(desk.create(invoice, invoice=other)).error_name == "InvalidSeeds"

    assert (world.account(invoice.address), world.account(other)) == (None, None)


@pytest.mark.parametrize(("status", "error"), [(1, ""), (2, ""), (3, "DeviceInactive")])
def test_a_retired_device_makes_none(
    world: World, desk: Desk, device: Device, tab: Tab, status: int, error: str
) -> None:
    world.patch_device(device, status=status)

    assert world.send(desk.create(desk.plan(device, tab.consumer.pubkey(), 5))).error_name == error


def test_nothing_pauses_an_invoice(world: World, desk: Desk, network: Network, device: Device, tab: Tab) -> None:
    """It asks for money and moves none; what it is for was delivered already."""
    assert world.send(world.pause(network, 31)).ok

    desk.sell(device, tab, 5)


def test_what_is_no_device_is_refused(world: World, desk: Desk, network: Network, device: Device, tab: Tab) -> None:
    others = {
        network.address: "InvalidAccountData",
        tab.address: "InvalidAccountData",
        desk.invoice(device, tab, 5).address: "AccountDataTooSmall",
        tab.consumer.pubkey(): "UninitializedAccount",
    }
    for other, error in others.items():
        invoice = desk.plan(device, tab.consumer.pubkey(), 5)
        address = find_invoice(PROGRAM_ID, other, invoice.number)[0]

        assert world.send(desk.create(invoice, device=other, invoice=address)).error_name == error

        assert world.account(address) is None
