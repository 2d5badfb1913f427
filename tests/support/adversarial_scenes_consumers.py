"""Valid calls of the instructions of consumers and of invoices."""

from __future__ import annotations

from solders.instruction import Instruction

from support.adversarial_cast import Company
from support.adversarial_idl import Family, slot
from support.adversarial_scene import scene
from support.builders import signed
from support.consumers import CLOSE_DELAY, entry
from support.parties import Device, Lane
from support.svm import Instructions

_BETWEEN_TABS = (Family.NEIGHBOUR, Family.FOREIGN)


def sell(company: Company, amount: int) -> Instructions:
    """A voucher of the company's lane."""
    return company.world.voucher(company.lane, amount)


@scene("open_tab", families=_BETWEEN_TABS, created=("tab",))
def open_tab(company: Company) -> Instruction:
    # Owners of devices have no tabs yet.
    return company.world.open_tab(company.world.tab_of(company.network, company.people.owner))


@scene("deposit", families=_BETWEEN_TABS)
def deposit(company: Company) -> Instruction:
    return company.world.deposit(company.tab, 60)


@scene("withdraw", families=_BETWEEN_TABS)
def withdraw(company: Company) -> Instruction:
    return company.world.withdraw(company.tab, 60)


@scene("set_delegate", families=_BETWEEN_TABS)
def set_delegate(company: Company) -> Instruction:
    world = company.world
    return world.set_delegate(company.tab, 1, world.delegate_terms(world.keypair()))


@scene("reserve_lane")
def reserve_lane(company: Company) -> Instruction:
    return company.world.reserve(company.tab, company.device, 70)


@scene("reserve_lane", "more on a lane")
def reserve_lane_more(company: Company) -> Instruction:
    return company.world.add(company.lane, 70)


@scene("reserve_lane", "by a delegate")
def reserve_lane_by_a_delegate(company: Company) -> Instruction:
    return company.world.reserve(company.tab, company.device, 70, signer=company.delegate)


@scene("settle_voucher")
def settle_voucher(company: Company) -> Instructions:
    return sell(company, 40)


@scene("settle_voucher", "by the signer itself", signs=("proof",), differs={"proof": (Family.NEIGHBOUR,)})
def settle_voucher_by_the_signer(company: Company) -> Instruction:
    world, lane = company.world, company.lane
    key = lane.signer.pubkey()
    return signed(world.settle(lane, shown=world.voucher_message(lane, 40), proof=key), key)


@scene("settle_voucher", "of a delegate's lane")
def settle_voucher_of_a_delegate(company: Company) -> Instructions:
    return company.world.voucher(company.delegates_lane, 40)


_SELLERS = (slot("device 1", writable=True), slot("device 2", writable=True))


def _lanes(company: Company) -> list[Lane]:
    """Lanes of one tab for two devices, in the order of their indexes."""
    devices: list[Device] = sorted([company.device, company.second], key=lambda device: device.index)
    return [company.world.lane(company.tab, device, 100) for device in devices]


@scene("settle_batch", extra=_SELLERS)
def settle_batch(company: Company) -> Instructions:
    lanes = _lanes(company)
    entries = [entry(lane, 30) for lane in lanes]
    return company.world.batch(company.tab, entries, [lane.device for lane in lanes])


@scene(
    "settle_batch",
    "by the signer itself",
    extra=_SELLERS,
    signs=("proof",),
    differs={"proof": (Family.NEIGHBOUR,)},
)
def settle_batch_by_the_signer(company: Company) -> Instruction:
    world, lanes = company.world, _lanes(company)
    entries = [entry(lane, 30) for lane in lanes]
    key = company.people.consumer.pubkey()
    shown = world.batch_message(company.tab, entries)
    devices = [lane.device for lane in lanes]
    return signed(world.settle_batch(company.tab, entries, devices, shown=shown, proof=key), key)


@scene("close_lane", families=_BETWEEN_TABS, without=("device",))
def close_lane(company: Company) -> Instruction:
    return company.world.close_lane(company.lane)


@scene("close_lane", "after the delay", families=_BETWEEN_TABS, without=("device",), seconds=CLOSE_DELAY)
def close_lane_after_the_delay(company: Company) -> Instruction:
    company.world.must(company.world.close_lane(company.lane))
    return company.world.close_lane(company.lane)


@scene("close_lane", "by a delegate", families=_BETWEEN_TABS, without=("device",))
def close_lane_by_a_delegate(company: Company) -> Instruction:
    return company.world.close_lane(company.delegates_lane)


@scene("close_lane", "by the device's owner")
def close_lane_by_the_owner(company: Company) -> Instruction:
    return company.world.waive(company.lane)


@scene("close_tab", closed=("tab",), families=_BETWEEN_TABS, slots=10)
def close_tab(company: Company) -> Instruction:
    company.world.must(company.world.withdraw(company.tab, 1_000))
    return company.world.close_tab(company.tab)


@scene("create_invoice", created=("invoice",))
def create_invoice(company: Company) -> Instruction:
    return company.desk.create(company.desk.plan(company.device, company.people.consumer.pubkey(), 80))


@scene("pay_invoice")
def pay_invoice(company: Company) -> Instruction:
    return company.desk.pay(company.desk.invoice(company.device, company.tab, 80), company.tab, 50)


@scene("pay_invoice", "by a delegate")
def pay_invoice_by_a_delegate(company: Company) -> Instruction:
    invoice = company.desk.invoice(company.device, company.tab, 80)
    return company.desk.pay(invoice, company.tab, 50, signer=company.delegate.pubkey())


@scene("void_invoice", closed=("invoice",), slots=10)
def void_invoice(company: Company) -> Instruction:
    return company.desk.void(company.desk.invoice(company.device, company.tab, 80))


@scene("refund_invoice")
def refund_invoice(company: Company) -> Instruction:
    return company.desk.refund(company.desk.sell(company.device, company.tab, 80), company.tab, 50)
