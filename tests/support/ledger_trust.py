"""The part of the random histories in which devices answer for their records; and the pool's withdrawal."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from solders.pubkey import Pubkey

from support import changes
from support import ledger_strategies as some
from support.ledger_parts import DeviceModel
from support.ledger_slas import SlaRules
from support.ledger_trust_model import Resolution
from support.trust import Dispute
from support.trust_model import DisputeModel
from support.trust_records import Records

NOBODY = Pubkey.default()


@dataclass(frozen=True, slots=True)
class Disputed:
    """A dispute with an account, open or remembered, and its model."""

    dispute: Dispute
    model: DisputeModel
    device: DeviceModel


class TrustRules(SlaRules):
    """Rules for a machine whose consumers hold devices to promises and records."""

    def start_selling(self) -> None:
        super().start_selling()
        self.disputed: list[Disputed] = []
        self.accused = 0

    # Disputes

    def go_on(self, then: str) -> None:
        """Or a dispute comes between a promise and its end."""
        if then == "accuse":
            device = self.open_devices().index(self.promised[-1].device)
            self.accuse(device, challenger=0, consumer=None, amount=51, finding=2)
        else:
            super().go_on(then)

    @precondition(lambda self: self.model.tabs and self.open_devices())
    @rule(number=some.PICK, challenger=some.PICK, consumer=st.none() | some.PERSON, amount=some.BONDS)
    def open_dispute(self, number: int, challenger: int, consumer: int | None, amount: int) -> None:
        device, handle = self.pick(number)
        person, _, tab = self.pick_tab(challenger)
        self.accused += 1
        records = Records(salt=b"%d" % self.accused)
        records.add(None if consumer is None else self.tab_of(consumer), amount)
        records.extend(number % 3)
        dispute = self.world.dispute_of(handle, tab, records.entries[0])
        result = self.world.send(self.world.accuse(dispute, records))
        reasons, model = self.model.dispute(device, person, consumer, amount)
        if self.expect(result, reasons):
            assert (result.event().deposit, result.event().deadline) == (model.deposit, model.deadline)
            self.disputed.append(Disputed(dispute, model, device))

    @precondition(lambda self: self.model.tabs and self.open_devices())
    @rule(
        number=some.PICK,
        challenger=some.PICK,
        consumer=st.none() | some.PERSON,
        amount=some.BONDS,
        finding=st.sampled_from([1, 1, 2, 4]),
    )
    def accuse(self, number: int, challenger: int, consumer: int | None, amount: int, finding: int) -> None:
        """A dispute that all attestors agree on, with what the device was owed by then."""
        if self.open_devices()[number % len(self.open_devices())].announced:
            self.submit_part_of_what_is_left(number, part=3)
        before = len(self.disputed)
        self.open_dispute(number, challenger, consumer, amount)
        if len(self.disputed) > before:
            if amount % 2:
                self.claim_all(self.disputed[-1].device.payout)
            self.judge(-1, finding, amount % 5 > 0)

    @precondition(lambda self: self.disputed)
    @rule(number=some.PICK, attestor=some.ATTESTOR, finding=st.sampled_from([0, 1, 1, 2, 2, 3, 4]), wait=st.booleans())
    def vote_dispute(self, number: int, attestor: int, finding: int, wait: bool) -> None:
        disputed = self.disputed[number % len(self.disputed)]
        model = disputed.model
        if wait and self.world.now < (model.opened + model.deadline) // 2:
            self.pass_time((model.opened + model.deadline) // 2 - self.world.now)
        result = self.world.send(self.world.vote_dispute(disputed.dispute, self.attestor(attestor), finding))
        if self.expect(result, model.vote(self.model.roots, attestor, finding, self.model.now)):
            event = result.event()
            assert (event.guilty, event.not_guilty) == model.ballot.counts()

    @precondition(lambda self: self.disputed)
    @rule(number=some.PICK, finding=st.sampled_from([1, 2, 4]), shown=st.sampled_from([True, True, False]))
    def judge(self, number: int, finding: int, shown: bool) -> None:
        """All attestors agree, and it ends, at once or when no record is needed any more."""
        for attestor in list(self.model.roots.attestors):
            self.vote_dispute(number, attestor, finding, False)
        disputed = self.disputed[number % len(self.disputed)]
        for wait in ("",) if shown else ("", "end"):
            if disputed in self.disputed and not disputed.model.guilty:
                self.resolve_dispute(self.disputed.index(disputed), shown=shown, wait=wait)

    @precondition(lambda self: self.disputed)
    @rule(number=some.PICK, shown=st.sampled_from([True, True, False]), wait=st.sampled_from(["", "deadline", "end"]))
    def resolve_dispute(self, number: int, shown: bool, wait: str) -> None:
        disputed = self.disputed[number % len(self.disputed)]
        dispute, model = disputed.dispute, disputed.model
        date = {"": 0, "deadline": model.deadline, "end": model.show_until}[wait]
        if self.world.now < date:
            self.pass_time(date - self.world.now)
        entry = dispute.entry if shown else None
        result = self.world.send(self.world.resolve_dispute(dispute, shown=entry))
        if disputed.device.closed:
            # It was found guilty before, and at its address is nothing, or another registration.
            assert not result.ok
            return
        expected = self.model.resolve(disputed.device, model, shown=shown)
        if not isinstance(expected, Resolution):
            self.expect(result, expected)
            return
        event = result.event()
        whole = NOBODY if expected.consumer is None else self.tab_of(expected.consumer).address
        assert (event.verdict, event.consumer_tab) == (expected.verdict, whole)
        assert (event.to_consumer, event.to_challenger) == (expected.to_consumer, expected.to_challenger)
        assert (event.deposit_back, event.to_bond) == (expected.deposit_back, expected.to_bond)
        assert (event.to_pool, event.forfeited) == (expected.to_pool, expected.forfeited)
        if not model.guilty:
            self.disputed.remove(disputed)

    @precondition(lambda self: self.disputed)
    @rule(number=some.PICK)
    def close_dispute(self, number: int) -> None:
        disputed = self.disputed[number % len(self.disputed)]
        gone = disputed.model.guilty and disputed.device.closed
        result = self.world.send(self.world.close_dispute(disputed.dispute))
        if self.expect(result, set() if gone else {"TooSoon"}):
            self.disputed.remove(disputed)

    # Terms and the pool

    @rule(deposit=st.sampled_from([0, 1, 100, 100, 10**6]), bps=st.sampled_from([0, 1, 5_000, 9_999, 10_000]))
    def change_disputes(self, deposit: int, bps: int) -> None:
        if self.changed(changes.disputes(deposit, bps), allowed=True):
            self.model.deposit, self.model.slash_bps = deposit, bps

    @precondition(lambda self: self.model.pool)
    @rule(part=some.PART, over=some.OVER, wait=st.sampled_from([0, 0, 0, -1]))
    def withdraw_pool(self, part: int, over: int, wait: int) -> None:
        """Announced, waited for and paid to who collects fees; it takes the place of what was pending."""
        amount = max(1, self.model.pool // (3 * part)) + over * self.model.pool
        target = self.network.mint.account_of(self.collector.pubkey())
        assert self.world.send(self.world.propose(self.network, changes.withdraw_pool(amount, target))).ok
        self.pass_time(self.model.delay + wait)
        withdraw = self.world.withdraw_pool(self.network, target)
        if not self.expect(self.world.send(withdraw), {"NotDue"} if wait else set()):
            assert self.world.send(self.world.propose(self.network, changes.CANCEL)).ok
        else:
            paid = min(amount, self.model.pool)
            self.model.pool -= paid
            self.model.vault -= paid
            self.collected += paid
        self.model.pending = None
