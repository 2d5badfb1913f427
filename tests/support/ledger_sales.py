"""The part of the random histories that sells by invoice, changes owners, and takes fees."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from support import changes
from support import ledger_strategies as some
from support.invoices import Invoice
from support.ledger_parts import DeviceModel
from support.ledger_tabs import TabRules
from support.parties import Device
from support.sales_model import MOST_SOLD, InvoiceModel
from support.svm import Result


@dataclass(frozen=True, slots=True)
class Sold:
    """An invoice and its model."""

    invoice: Invoice
    model: InvoiceModel


class SalesRules(TabRules):
    """Rules for a machine whose people ask each other to pay."""

    def start_selling(self) -> None:
        super().start_selling()
        self.sold: list[Sold] = []

    # Invoices

    @precondition(lambda self: self.open_devices())
    @rule(number=some.PICK, person=some.PERSON, part=some.PART, units=some.SOLD, paid=st.sampled_from([0, 1, 1, 2, 7]))
    def create_invoice(self, number: int, person: int, part: int, units: int, paid: int) -> None:
        """Over a part of what the consumer has, of which some is paid at once."""
        device, handle = self.pick(number)
        tab = self.model.tabs.get(person)
        amount = max(1, tab.balance // (2 * part)) if tab else part
        if self.ask(device, handle, person, amount, max(0, units)) and paid:
            self.pay_invoice(len(self.sold) - 1, signer=paid % 2, part=paid, over=0)

    def ask(self, device: DeviceModel, handle: Device, person: int, amount: int, units: int) -> bool:
        """A new invoice, the last of those sold, unless the device is retired."""
        invoice = self.desk.plan(handle, self.people[person].pubkey(), amount, units=units)
        reasons = {"DeviceInactive"} if device.retired else set()
        if units > MOST_SOLD:
            reasons.add("InvalidParameter")
        made = self.expect(self.world.send(self.desk.create(invoice)), reasons)
        if made:
            model = InvoiceModel(device.index, person, amount, units, self.desk.slot)
            self.model.invoices.append(model)
            self.sold.append(Sold(invoice, model))
        return made

    def sell_by_invoice(self, device: DeviceModel, handle: Device, person: int, amount: int, units: int) -> None:
        """An invoice made and paid in full."""
        if self.ask(device, handle, person, amount, units):
            self.pay_invoice(len(self.sold) - 1, signer=0, part=1, over=0)

    @precondition(lambda self: self.sold)
    @rule(number=some.PICK, signer=some.SIGNER, part=some.PART, over=some.OVER)
    def pay_invoice(self, number: int, signer: int, part: int, over: int) -> None:
        sold = self.sold[number % len(self.sold)]
        invoice, person = sold.model, sold.model.consumer
        device = self.model.devices[invoice.device]
        amount = max(1, (invoice.amount - invoice.paid) // part) + over
        tab = self.tab_of(person)
        pay = self.desk.pay(sold.invoice, tab, amount, signer=self.signer(person, signer).pubkey())
        result = self.world.send(pay)
        if person not in self.model.tabs or device.closed:
            assert not result.ok
            return
        payer = self.model.tabs[person]
        reasons = payer.refuse(signer, amount, device.class_, self.model.now)
        if amount > invoice.amount - invoice.paid:
            reasons.add("InvoiceOverpaid")
        if self.expect(result, reasons):
            before = invoice.sold()
            invoice.paid += amount
            payer.spend(signer, amount, self.model.now)
            self.expect_sale(result, device, amount, invoice.sold() - before, person)

    def expect_sale(self, result: Result, device: DeviceModel, amount: int, units: int, person: int) -> None:
        assert (result.event().amount, result.event().units) == (amount, units)
        device.sales.sell(amount, units, own=device.owner == person)

    @precondition(lambda self: self.sold)
    @rule(number=some.PICK, part=some.PART, over=some.OVER)
    def refund_invoice(self, number: int, part: int, over: int) -> None:
        sold = self.sold[number % len(self.sold)]
        invoice, person = sold.model, sold.model.consumer
        device = self.model.devices[invoice.device]
        amount = max(1, (invoice.paid - invoice.refunded) // part) + over
        owner = self.handles[invoice.device].owner.pubkey()
        result = self.world.send(self.desk.refund(sold.invoice, self.tab_of(person), amount, owner=owner))
        if person not in self.model.tabs or device.closed:
            assert not result.ok
            return
        too_large = amount > min(invoice.paid - invoice.refunded, device.sales.earnings)
        if self.expect(result, {"RefundTooLarge"} if too_large else set()):
            before = invoice.sold()
            invoice.refunded += amount
            units = before - invoice.sold()
            assert (result.event().amount, result.event().units) == (amount, units)
            device.sales.take_back(amount, units, own=device.owner == person)
            self.model.tabs[person].balance += amount

    @precondition(lambda self: self.sold)
    @rule(number=some.PICK, slots=st.sampled_from([0, 1, 1, 5]))
    def void_invoice(self, number: int, slots: int) -> None:
        sold = self.sold[number % len(self.sold)]
        if slots:
            self.desk.next_slot(slots)
        device = self.model.devices[sold.model.device]
        handle = self.handles[sold.model.device]
        # Who made it, where the device is no more.
        owner = sold.invoice.device.owner if device.closed else handle.owner
        reasons = {"TooSoon"} if self.desk.slot <= sold.model.slot else set()
        result = self.world.send(self.desk.void(sold.invoice, owner=owner.pubkey()))
        if self.expect(result, reasons):
            assert result.event().paid == sold.model.paid
            self.sold.remove(sold)
            self.model.invoices.remove(sold.model)

    # Owners and fees

    @precondition(lambda self: self.open_devices())
    @rule(number=some.PICK, person=some.PERSON)
    def give_away(self, number: int, person: int) -> None:
        device, handle = self.pick(number)
        assert self.world.send(self.world.update(handle, new_owner=self.people[person].pubkey())).ok
        self.handles[device.index] = replace(handle, owner=self.people[person])
        device.owner = person

    @rule(bps=some.FEES)
    def change_fees(self, bps: tuple[int, int]) -> None:
        """Announced, waited for and applied; it takes the place of what was pending."""
        assert self.world.send(self.world.propose(self.network, changes.fees(*bps))).ok
        self.pass_time(self.model.delay)
        assert self.world.send(self.world.apply(self.network)).ok
        self.model.pending = None
        self.model.fee_bps, self.model.burn_bps = bps

    @precondition(lambda self: self.model.fees)
    @rule(times=st.integers(1, 2))
    def collect_fees(self, times: int) -> None:
        account = self.network.mint.account_of(self.collector.pubkey())
        for _ in range(times):
            result = self.world.send(self.desk.collect(self.network, account))
            if self.expect(result, set() if self.model.fees else {"NothingOwed"}):
                assert result.event().amount == self.model.fees
                self.collected += self.model.fees
                self.model.vault -= self.model.fees
                self.model.fees = 0
