"""The half of the random histories that sells: tabs, delegates, lanes, vouchers, batches, invoices and fees."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from solders.keypair import Keypair

from support import changes
from support import ledger_strategies as some
from support.consumers import entry
from support.invoices import Desk, Invoice
from support.ledger_model import DeviceModel, LedgerModel
from support.parties import Device, Lane, Network, Tab
from support.sales_model import U64, DelegateModel, InvoiceModel, LaneModel, TabModel
from support.svm import Result
from support.world import World
from worktab.program.generated.types import DelegateTerms


@dataclass(frozen=True, slots=True)
class Sold:
    """An invoice and its model."""

    invoice: Invoice
    model: InvoiceModel


class SalesRules:
    """Rules for a machine whose people own devices, and buy from them with tabs of their own."""

    world: World
    network: Network
    model: LedgerModel
    handles: list[Device]
    people: list[Keypair]
    collector: Keypair
    supply: int

    def start_selling(self) -> None:
        """To be called once the network is there."""
        self.desk = Desk(self.world)
        self.people = [self.world.keypair() for _ in range(some.PEOPLE)]
        self.purses = [0] * some.PEOPLE
        self.collector = self.world.keypair()
        self.network.mint.open(self.collector.pubkey())
        self.collected = 0
        self.keys: dict[tuple[int, int], Keypair] = {}
        self.lanes: dict[tuple[int, int], Lane] = {}
        self.sold: list[Sold] = []

    def open_tabs(self, amount: int) -> None:
        """Everybody opens a tab with money, and a delegate without limits."""
        for person in range(some.PEOPLE):
            self.open_tab(person, amount)
            self.set_delegate(person, 1, some.UNLIMITED, fresh=True)

    def open_devices(self) -> list[DeviceModel]:
        return [each for each in self.model.devices if not each.closed]

    def pick(self, number: int) -> tuple[DeviceModel, Device]:
        devices = self.open_devices()
        model = devices[number % len(devices)]
        return model, self.handles[model.index]

    def pick_tab(self, number: int) -> tuple[int, TabModel, Tab]:
        person = sorted(self.model.tabs)[number % len(self.model.tabs)]
        return person, self.model.tabs[person], self.tab_of(person)

    def pick_lane(self, number: int) -> tuple[int, TabModel, LaneModel, Lane]:
        found = [(person, tab, lane) for person, tab in sorted(self.model.tabs.items()) for lane in tab.lanes]
        person, tab, lane = found[number % len(found)]
        return person, tab, lane, self.lanes[person, lane.nonce]

    def tab_of(self, person: int) -> Tab:
        return self.world.tab_of(self.network, self.people[person])

    def signer(self, person: int, number: int) -> Keypair:
        """The key of a signer number; some stranger's where there is none."""
        return self.keys.get((person, number), self.world.payer) if number else self.people[person]

    def own(self, device: DeviceModel, person: int) -> bool:
        return device.owner == person

    def has_lanes(self) -> bool:
        return any(tab.lanes for tab in self.model.tabs.values())

    def expect(self, result: Result, reasons: set[str]) -> bool:
        """The transaction did what no rule forbids, or failed for one that does."""
        assert result.error_name in reasons if reasons else result.ok, (result.error_name, reasons, result.logs)
        return result.ok

    # Tabs

    @precondition(lambda self: len(self.model.tabs) < some.PEOPLE)
    @rule(person=some.PERSON, amount=some.AMOUNTS)
    def open_tab(self, person: int, amount: int) -> None:
        if person in self.model.tabs:
            person = next(each for each in range(some.PEOPLE) if each not in self.model.tabs)
        assert self.world.send(self.world.open_tab(self.tab_of(person))).ok
        self.model.tabs[person] = TabModel(self.desk.slot)
        if self.supply < 2**62:
            self.deposit(sorted(self.model.tabs).index(person), amount)

    @precondition(lambda self: self.model.tabs and self.supply < 2**62)
    @rule(number=some.PICK, amount=some.AMOUNTS)
    def deposit(self, number: int, amount: int) -> None:
        _, model, tab = self.pick_tab(number)
        assert self.world.send(self.world.deposit(tab, amount)).event().amount == amount
        self.supply += amount
        self.model.vault += amount
        model.balance += amount
        model.deposited += amount

    @precondition(lambda self: self.model.tabs)
    @rule(number=some.PICK, part=some.PART, over=some.OVER)
    def withdraw(self, number: int, part: int, over: int) -> None:
        person, model, tab = self.pick_tab(number)
        amount = max(1, model.balance // part) + over
        reasons = {"InsufficientBalance"} if amount > model.balance else set()
        if self.expect(self.world.send(self.world.withdraw(tab, amount)), reasons):
            model.balance -= amount
            model.withdrawn += amount
            self.model.vault -= amount
            self.purses[person] += amount

    @precondition(lambda self: self.model.tabs)
    @rule(number=some.PICK, taking=st.booleans())
    def close_tab(self, number: int, taking: bool) -> None:
        """A consumer leaves, perhaps after taking out what is free."""
        person, model, tab = self.pick_tab(number)
        if taking:
            if model.balance:
                self.withdraw(number, part=1, over=0)
            self.desk.next_slot(1_000)
        reasons = {"TabNotEmpty"} if model.balance or model.lanes else set()
        if model.nonce >= self.desk.slot:
            reasons.add("TooSoon")
        if self.expect(self.world.send(self.world.close_tab(tab)), reasons):
            del self.model.tabs[person]
            self.keys = {place: key for place, key in self.keys.items() if place[0] != person}

    # Delegates

    @precondition(lambda self: self.model.tabs)
    @rule(number=some.PICK, slot=some.SLOT, terms=some.DELEGATES, fresh=st.booleans())
    def set_delegate(self, number: int, slot: int, terms: DelegateTerms, fresh: bool) -> None:
        person, model, tab = self.pick_tab(number)
        held = model.lanes_of(slot)
        key = self.keys.get((person, slot))
        if fresh or key is None or slot not in model.delegates:
            key = self.world.keypair()
        reasons = {"SlotInUse"} if held and key != self.keys.get((person, slot)) else set()
        expires_at = self.world.now + terms.expires_at if terms.expires_at else 0
        said = replace(terms, key=key.pubkey(), expires_at=expires_at)
        if self.expect(self.world.send(self.world.set_delegate(tab, slot, said)), reasons):
            self.keys[person, slot] = key
            model.delegates[slot] = DelegateModel(
                said.allowance,
                said.period_limit,
                said.period_length,
                said.lane_limit,
                expires_at,
                said.classes,
                self.world.now,
            )

    @precondition(lambda self: self.model.tabs)
    @rule(number=some.PICK, slot=some.SLOT)
    def revoke(self, number: int, slot: int) -> None:
        _, model, tab = self.pick_tab(number)
        reasons = model.revoke(slot)
        self.expect(self.world.send(self.world.set_delegate(tab, slot, None)), reasons)

    # Lanes

    @precondition(lambda self: self.model.tabs and self.open_devices())
    @rule(
        number=some.PICK,
        seller=some.PICK,
        signer=some.SIGNER,
        part=some.PART,
        over=some.OVER,
        more=st.none() | some.PICK,
    )
    def reserve(self, number: int, seller: int, signer: int, part: int, over: int, more: int | None) -> None:
        person, model, tab = self.pick_tab(number)
        device, handle = self.pick(seller)
        lane = model.lanes[more % len(model.lanes)] if more is not None and model.lanes else None
        if lane and not self.model.devices[lane.device].closed and seller % 4:
            device, handle = self.model.devices[lane.device], self.handles[lane.device]
        amount = max(1, model.balance // (3 * part)) + over
        nonce = lane.nonce if lane else None
        reserve = self.world.reserve(tab, handle, amount, nonce=nonce, signer=self.signer(person, signer))
        result = self.world.send(reserve)
        if device.retired or self.model.pause & 4:
            self.expect(result, {"Paused" if self.model.pause & 4 else "DeviceInactive"})
            return
        now = self.model.now
        reasons, made = model.reserve(signer, device.index, device.class_, amount, lane, now)
        if self.expect(result, reasons) and made:
            assert (result.event().nonce, result.event().amount) == (made.nonce, amount)
            self.lanes[person, made.nonce] = Lane(tab, handle, made.nonce, self.signer(person, signer))

    @precondition(lambda self: self.model.tabs and self.open_devices())
    @rule(
        number=some.PICK,
        sellers=st.lists(some.PICK, min_size=1, max_size=4),
        signer=some.SIGNER,
        parts=st.lists(some.PART, min_size=1, max_size=4),
        units=some.SOLD,
        end=st.sampled_from(["stay", "stay", "signer", "owner"]),
    )
    def trade(self, number: int, sellers: list[int], signer: int, parts: list[int], units: int, end: str) -> None:
        """New lanes, vouchers on the newest, a batch over all of them, and perhaps an end."""
        for seller in sellers:
            self.reserve(number, seller, signer, part=2, over=0, more=None)
        for part in parts:
            if self.has_lanes():
                self.settle(-1, part, 0, units, 0)
        if self.has_lanes():
            self.settle_batch(-1, parts, over=0, left_out=len(sellers))
        for _ in range(2):
            if end != "stay" and self.has_lanes():
                self.close_lane(-1, end, wait=True)

    @precondition(lambda self: self.has_lanes())
    @rule(number=some.PICK, part=some.PART, over=some.OVER, units=some.SOLD, expires=some.EXPIRES)
    def settle(self, number: int, part: int, over: int, units: int, expires: int) -> None:
        person, _, lane, handle = self.pick_lane(number)
        amount, total = lane.paid + lane.reserved // part + over, min(max(0, lane.units + units), U64)
        expires_at = self.world.now + expires if expires else 0
        result = self.world.send(self.world.voucher(handle, amount, total, expires_at=expires_at))
        device = self.model.devices[lane.device]
        if device.closed:
            # No account is there, or that of another registration.
            assert not result.ok
            return
        reasons = lane.refuse_totals(amount, total) | ({"VoucherExpired"} if expires < 0 else set())
        if self.expect(result, reasons):
            sale = lane.move(amount, total)
            assert (result.event().amount, result.event().units) == sale
            device.sales.sell(*sale, own=self.own(device, person))

    @precondition(lambda self: self.has_lanes())
    @rule(number=some.PICK, parts=st.lists(some.PART, min_size=1, max_size=6), over=some.OVER, left_out=some.PICK)
    def settle_batch(self, number: int, parts: list[int], over: int, left_out: int) -> None:
        """Totals of one signer's lanes, some of which have not risen; one device in a while is left out."""
        person, model, first, _ = self.pick_lane(number)
        lanes = sorted(model.lanes_of(first.signer), key=lambda lane: (lane.device, lane.nonce))[: len(parts)]
        totals = [
            (lane, lane.paid + lane.reserved // part + (over if part == 1 else 0), min(lane.units + part, U64))
            for lane, part in zip(lanes, parts, strict=False)
        ]
        named = sorted({lane.device for lane in lanes if not self.model.devices[lane.device].closed})
        settled = [device for place, device in enumerate(named) if place != left_out % 7]
        entries = [entry(self.lanes[person, lane.nonce], amount, units) for lane, amount, units in totals]
        sellers = [self.handles[index] for index in settled]
        signer = self.lanes[person, first.nonce].signer
        batch = self.world.batch(self.tab_of(person), entries, sellers, number=first.signer, signer=signer)
        result = self.world.send(batch)
        rising = [each for each in totals if each[0].device in settled and each[1] > each[0].paid]
        reasons = {reason for lane, amount, units in rising for reason in lane.refuse_totals(amount, units)}
        if not rising:
            reasons.add("StaleVoucher")
        if self.expect(result, reasons):
            moved = [(lane.device, lane.nonce, *lane.move(amount, units)) for lane, amount, units in rising]
            said = result.event().entries
            assert [(each.index, each.nonce, each.amount, each.units) for each in said] == moved
            for index, _, amount, units in moved:
                device = self.model.devices[index]
                device.sales.sell(amount, units, own=self.own(device, person))

    @precondition(lambda self: self.has_lanes())
    @rule(
        number=some.PICK, who=st.sampled_from(["signer", "signer", "consumer", "delegate", "owner"]), wait=st.booleans()
    )
    def close_lane(self, number: int, who: str, wait: bool) -> None:
        person, model, lane, handle = self.pick_lane(number)
        device = self.model.devices[lane.device]
        if wait and lane.close_at > self.world.now:
            self.pass_time(lane.close_at - self.world.now)
        if who == "owner":
            if device.closed:
                return
            owner, address = self.handles[lane.device].owner, handle.device.address
            result = self.world.send(self.world.close_lane(handle, signer=owner, device=address))
            self.expect_closed(result, model.close_lane(lane, 0, self.model.now, waived=True))
            return
        number = {"signer": lane.signer, "consumer": 0, "delegate": 1}[who]
        if number and (person, number) not in self.keys:
            return
        result = self.world.send(self.world.close_lane(handle, signer=self.signer(person, number)))
        self.expect_closed(result, model.close_lane(lane, number, self.model.now, waived=False))

    def expect_closed(self, result: Result, expected: set[str] | int | None) -> None:
        if isinstance(expected, set):
            self.expect(result, expected)
        elif expected is None:
            assert result.event().close_at == self.model.now + 3_600
        else:
            assert result.event().returned == expected

    # Invoices

    @precondition(lambda self: self.open_devices())
    @rule(number=some.PICK, person=some.PERSON, part=some.PART, units=some.SOLD, paid=st.sampled_from([0, 1, 1, 2, 7]))
    def create_invoice(self, number: int, person: int, part: int, units: int, paid: int) -> None:
        """Over a part of what the consumer has, of which some is paid at once."""
        device, handle = self.pick(number)
        tab = self.model.tabs.get(person)
        amount = max(1, tab.balance // (2 * part)) if tab else part
        invoice = self.desk.plan(handle, self.people[person].pubkey(), amount, units=max(0, units))
        reasons = {"DeviceInactive"} if device.retired else set()
        if self.expect(self.world.send(self.desk.create(invoice)), reasons):
            made = InvoiceModel(device.index, person, amount, max(0, units), self.desk.slot)
            self.model.invoices.append(made)
            self.sold.append(Sold(invoice, made))
            if paid:
                self.pay_invoice(len(self.sold) - 1, signer=paid % 2, part=paid, over=0)

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
        device.sales.sell(amount, units, own=self.own(device, person))

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
            device.sales.take_back(amount, units, own=self.own(device, person))
            self.model.tabs[person].balance += amount

    @precondition(lambda self: self.sold)
    @rule(number=some.PICK, slots=st.sampled_from([0, 1, 1, 5]))
    def void_invoice(self, number: int, slots: int) -> None:
        sold = self.sold[number % len(self.sold)]
        self.desk.next_slot(slots) if slots else None
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

    def pass_time(self, seconds: int) -> None:
        raise NotImplementedError
