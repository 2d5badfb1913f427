"""The part of the random histories in which devices' owners put bonds in and take them out."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from support import ledger_strategies as some
from support.ledger_people import People


class BondRules(People):
    """Rules for a machine whose devices have bonds."""

    @precondition(lambda self: self.open_devices() and self.supply < 2**62)
    @rule(number=some.PICK, amount=some.BONDS)
    def deposit_bond(self, number: int, amount: int) -> None:
        device, handle = self.pick(number)
        result = self.world.send(self.world.deposit_bond(handle, amount))
        self.supply += amount
        if self.expect(result, {"DeviceInactive"} if device.inactive else set()):
            device.bond.amount += amount
            self.model.vault += amount
            assert (result.event().amount, result.event().bond) == (amount, device.bond.amount)
        else:
            self.purses[device.owner] += amount

    @precondition(lambda self: self.open_devices())
    @rule(number=some.PICK, part=st.sampled_from([0, 1, 1, 2, 3]), over=some.OVER)
    def let_bond_leave(self, number: int, part: int, over: int) -> None:
        """Of what no SLA holds, a part or all of it; or nothing any more."""
        device, handle = self.pick(number)
        free = device.bond.amount - device.bond.held
        amount = free // part + over if part else over
        result = self.world.send(self.world.withdraw_bond(handle, amount))
        if self.expect(result, self.model.leave(device, amount)):
            event = result.event()
            assert (event.amount, event.due) == (amount, device.bond.leaving_at)
            assert event.capacity == device.announced

    @precondition(lambda self: any(each.bond.leaving for each in self.open_devices()))
    @rule(number=some.PICK, wait=st.sampled_from([-1, 0, 0]))
    def take_bond(self, number: int, wait: int) -> None:
        """When it is due, or a second before."""
        leaving = [each for each in self.open_devices() if each.bond.leaving]
        device = leaving[number % len(leaving)]
        if device.bond.leaving_at + wait > self.world.now:
            self.pass_time(device.bond.leaving_at + wait - self.world.now)
        self.take(device.index)

    @precondition(lambda self: self.open_devices())
    @rule(number=some.PICK)
    def take_bond_whenever(self, number: int) -> None:
        self.take(self.pick(number)[0].index)

    def take(self, index: int) -> None:
        device, handle = self.model.devices[index], self.handles[index]
        result = self.world.send(self.world.withdraw_bond(handle))
        reasons, paid = device.bond.take(self.model.now)
        if self.expect(result, reasons):
            assert (result.event().amount, result.event().bond) == (paid, device.bond.amount)
            self.model.vault -= paid
            self.purses[device.owner] += paid
