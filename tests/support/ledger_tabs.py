"""The part of the random histories that spends from tabs: delegates, lanes, vouchers and batches."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from support import ledger_strategies as some
from support.consumers import entry
from support.ledger_people import People
from support.parties import Lane
from support.sales_model import U64, DelegateModel, TabModel
from support.svm import Result
from worktab.program.generated.types import DelegateTerms


class TabRules(People):
    """Rules for a machine whose people set money aside for devices in tabs of their own."""

    def open_tabs(self, amount: int) -> None:
        """Everybody opens a tab with money, and a delegate without limits."""
        for person in range(some.PEOPLE):
            self.open_tab(person, amount)
            self.set_delegate(person, 1, some.UNLIMITED, fresh=True)

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
        if device.inactive or self.model.pause & 4:
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
        reasons = lane.refuse(amount) | ({"VoucherExpired"} if expires < 0 else set())
        if self.expect(result, reasons):
            sale = lane.move(amount, total)
            assert (result.event().amount, result.event().units) == sale
            device.sales.sell(*sale, own=device.owner == person)

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
        reasons = {reason for lane, amount, _ in rising for reason in lane.refuse(amount)}
        if not rising:
            reasons.add("StaleVoucher")
        if self.expect(result, reasons):
            moved = [(lane.device, lane.nonce, *lane.move(amount, units)) for lane, amount, units in rising]
            said = result.event().entries
            assert [(each.index, each.nonce, each.amount, each.units) for each in said] == moved
            for index, _, amount, units in moved:
                device = self.model.devices[index]
                device.sales.sell(amount, units, own=device.owner == person)

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
