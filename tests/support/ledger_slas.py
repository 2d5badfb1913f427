"""The part of the random histories in which devices promise to deliver on a lane by a deadline."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from solders.keypair import Keypair

from support import ledger_strategies as some
from support.ledger_bonds import BondRules
from support.ledger_parts import DeviceModel
from support.ledger_roots import RootRules
from support.ledger_tabs import TabRules
from support.parties import Lane
from support.sales_model import LaneModel
from support.trust import Sla
from support.trust_model import SlaModel


@dataclass(frozen=True, slots=True)
class Promised:
    """An open SLA and its model."""

    sla: Sla
    model: SlaModel
    device: DeviceModel
    lane: LaneModel


class SlaRules(BondRules, RootRules, TabRules):
    """Rules for a machine whose consumers hold devices to promises."""

    def start_selling(self) -> None:
        super().start_selling()
        self.promised: list[Promised] = []

    def attestor(self, number: int) -> Keypair:
        return self.roots.attestors[number]

    @precondition(lambda self: self.has_lanes())
    @rule(
        number=some.PICK,
        part=st.sampled_from([1, 1, 2, 3]),
        over=some.OVER,
        bps=st.sampled_from([0, 1, 1_000, 3_333, 10_000, 10_001]),
        time=st.sampled_from([0, 1, 60, 3_600]),
    )
    def open_sla(self, number: int, part: int, over: int, bps: int, time: int) -> None:
        person, _, lane, handle = self.pick_lane(number)
        self.promise(person, lane, handle, lane.reserved // part + over, bps, time)

    def promise(self, person: int, lane: LaneModel, handle: Lane, due: int, bps: int, time: int) -> bool:
        """Whether an SLA was opened; it is the newest then."""
        device, deadline = self.model.devices[lane.device], self.world.now + time
        if device.closed:
            return False
        sla = self.world.sla_of(handle, due, bps, deadline=deadline)
        owner = self.handles[device.index].owner.pubkey()
        result = self.world.send(self.world.open_sla(sla, owner=owner))
        opened = self.expect(result, self.model.open_sla(device, person, lane, due, bps, deadline))
        if opened:
            model = device.bond.slas[-1]
            assert result.event().held == model.held
            self.promised.append(Promised(sla, model, device, lane))
        return opened

    @precondition(lambda self: self.model.tabs and self.open_devices())
    @rule(
        number=some.PICK,
        seller=some.PICK,
        bps=st.sampled_from([1, 3_333, 9_999, 10_000]),
        delivered=st.sampled_from([0, 0, 1, 3, 9]),
        then=st.sampled_from(["", "", "keep", "miss", "uphold", "dismiss", "ignore", "leave", "accuse"]),
    )
    def promise_on_a_new_lane(self, number: int, seller: int, bps: int, delivered: int, then: str) -> None:
        """A lane and an SLA over all of it that the bond covers, a part of which is delivered; and how it goes on."""
        device, _ = self.pick(seller)
        others = [each for each in range(some.PEOPLE) if self.pick_tab(each)[0] != device.owner]
        number = others[number % len(others)] if others else number
        person, tab, _ = self.pick_tab(number)
        if not device.inactive and self.supply < 2**62:
            self.deposit_bond(seller, 1_000)
        before = len(tab.lanes)
        self.reserve(number, seller, 0, part=40, over=0, more=None)
        if len(tab.lanes) == before:
            return
        lane = tab.lanes[-1]
        handle, free = self.lanes[person, lane.nonce], device.bond.free
        due = min(lane.reserved, free * 10_000 // bps)
        if not self.promise(person, lane, handle, due, bps, 60):
            return
        if delivered:
            self.deliver_part(self.promised[-1], due * delivered // 10)
        self.go_on(then)

    def go_on(self, then: str) -> None:
        """How the newest SLA goes on."""
        device = self.promised[-1].device
        if then == "keep":
            self.deliver(-1)
        elif then == "miss":
            self.enforce_sla(-1, 1)
        elif then in ("uphold", "dismiss"):
            self.contest_and_decide(-1, then == "uphold")
        elif then == "ignore":
            self.contest_sla(-1, 0)
            self.enforce_sla(-1, 2)
        elif then == "leave":
            self.let_bond_leave(self.open_devices().index(device), part=1, over=0)

    def pick_promise(self, number: int, wait: int) -> Promised:
        """An open SLA, at one of its dates or whenever: `wait` counts challenge delays from the deadline on."""
        promised = self.promised[number % len(self.promised)]
        if wait >= 0:
            date = promised.model.deadline + wait * promised.model.challenge
            if date > self.world.now:
                self.pass_time(date - self.world.now)
        return promised

    @precondition(lambda self: self.promised)
    @rule(number=some.PICK, wait=st.sampled_from([-1, 0, 0, 0, 1]))
    def contest_sla(self, number: int, wait: int) -> None:
        promised = self.pick_promise(number, wait)
        owner = self.handles[promised.device.index].owner.pubkey()
        result = self.world.send(self.world.contest_sla(promised.sla, owner=owner))
        self.expect(result, promised.model.contest(self.model.now))

    @precondition(lambda self: self.promised)
    @rule(number=some.PICK, wait=st.sampled_from([-1, -1, 2]), attestor=some.ATTESTOR, upheld=st.none() | st.booleans())
    def vote_sla(self, number: int, wait: int, attestor: int, upheld: bool | None) -> None:
        promised = self.pick_promise(number, wait)
        result = self.world.send(self.world.vote_sla(promised.sla, self.attestor(attestor), upheld))
        if self.expect(result, promised.model.vote(self.model.roots, attestor, upheld, self.model.now)):
            assert (result.event().yes, result.event().no) == promised.model.ballot.counts()

    @precondition(lambda self: self.promised)
    @rule(number=some.PICK, upheld=st.booleans())
    def contest_and_decide(self, number: int, upheld: bool) -> None:
        self.contest_sla(number, 0)
        for attestor in list(self.model.roots.attestors):
            self.vote_sla(number, -1, attestor, upheld)
        self.enforce_sla(number, -1)

    @precondition(lambda self: self.promised)
    @rule(number=some.PICK, wait=st.sampled_from([-1, -1, 0, 1, 2]))
    def enforce_sla(self, number: int, wait: int) -> None:
        promised = self.pick_promise(number, wait)
        result = self.world.send(self.world.enforce_sla(promised.sla))
        end = self.model.enforce(promised.device, promised.model, promised.lane)
        if self.expect(result, set() if end else {"SlaRunning"}):
            event = result.event()
            assert (event.outcome, event.delivered, event.penalty) == end
            self.promised.remove(promised)

    @precondition(lambda self: self.promised)
    @rule(number=some.PICK)
    def deliver(self, number: int) -> None:
        """All that an SLA asks for, as far as the lane's reserve goes, and its end."""
        promised = self.promised[number % len(self.promised)]
        self.deliver_part(promised, promised.model.due)
        self.enforce_sla(self.promised.index(promised), -1)

    def deliver_part(self, promised: Promised, amount: int) -> None:
        """A voucher over so much of what is due, if that is more than was paid."""
        lane, model = promised.lane, promised.model
        total = min(model.paid_before + amount, lane.paid + lane.reserved)
        if total > lane.paid:
            handle = self.lanes[model.person, model.nonce]
            sale = self.world.send(self.world.voucher(handle, total, lane.units)).event()
            assert (sale.amount, sale.units) == lane.move(total, lane.units)
            promised.device.sales.sell(sale.amount, 0, own=promised.device.owner == model.person)
