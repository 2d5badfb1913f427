"""The model of a network whose devices have bonds, make promises and answer for their records."""

from __future__ import annotations

from dataclasses import dataclass

from support.ledger_model import LedgerModel
from support.ledger_parts import DeviceModel
from support.sales_model import LaneModel, TabModel
from support.trust_model import GUILTY, NOT_GUILTY, BallotModel, DisputeModel, SlaModel


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a resolution moved; `consumer` is who was made whole, if anybody was."""

    verdict: int
    consumer: int | None = None
    to_consumer: int = 0
    deposit_back: int = 0
    to_challenger: int = 0
    to_pool: int = 0
    forfeited: int = 0
    to_bond: int = 0


@dataclass(slots=True)
class TrustModel(LedgerModel):
    """A network with bonds, SLAs and disputes. Methods that act return the errors of the rules that forbid it."""

    deposit: int = 0
    slash_bps: int = 0
    unbonding: int = 7_200
    slashed: int = 0
    guilty: int = 0
    not_guilty: int = 0

    def leave(self, device: DeviceModel, amount: int) -> set[str]:
        """Says what is to leave of a bond; capacity that it stood for ends with the epoch."""
        reasons = device.bond.leave(amount, self.now + self.unbonding)
        if not reasons and device.bond.free < self.classes[device.class_].least_bond and device.announced:
            self._announce(device, 0)
        return reasons

    def open_sla(
        self, device: DeviceModel, person: int, lane: LaneModel, due: int, bps: int, deadline: int
    ) -> set[str]:
        reasons = {"WrongParty"} if device.owner == person else set()
        if device.inactive:
            reasons.add("DeviceInactive")
        if (
            due < 1
            or bps > 10_000
            or (bps and not (self.roots.attestors and self.roots.challenge))
            or deadline <= self.now
        ):
            reasons.add("InvalidParameter")
        if lane.close_at:
            reasons.add("LaneClosing")
        if due > lane.reserved:
            reasons.add("OverReserve")
        if lane.held:
            reasons.add("Custom(0)")
        ballot = BallotModel(self.roots.version, self.roots.threshold)
        sla = SlaModel(person, lane.nonce, due, bps, lane.paid, deadline, self.roots.challenge, ballot)
        if sla.held and sla.held + self.classes[device.class_].least_bond > device.bond.free:
            reasons.add("BondHeld")
        if any(not dispute.guilty for dispute in device.bond.disputes):
            reasons.add("DisputeOpen")
        if not reasons:
            device.bond.slas.append(sla)
            lane.held = True
        return reasons

    def enforce(self, device: DeviceModel, sla: SlaModel, lane: LaneModel) -> tuple[int, int, int] | None:
        """Outcome, what was delivered, and the penalty; None while it runs."""
        end = sla.end(lane.paid, self.now)
        if end:
            outcome, _, penalty = end
            device.bond.end(sla, outcome, penalty)
            credit(self.tabs[sla.person], penalty)
            lane.held = False
        return end

    def dispute(
        self, device: DeviceModel, challenger: int, consumer: int | None, amount: int
    ) -> tuple[set[str], DisputeModel]:
        """A dispute about a record that the device signed."""
        tab = self.tabs[challenger]
        reasons = set() if self.deposit and self.roots.attestors else {"DisputesOff"}
        if self.deposit > tab.balance:
            reasons.add("InsufficientBalance")
        deadline = self.now + self.roots.challenge
        ballot = BallotModel(self.roots.version, self.roots.threshold)
        dispute = DisputeModel(challenger, consumer, amount, self.deposit, self.now, deadline, ballot)
        if not reasons:
            tab.balance -= self.deposit
            tab.withdrawn += self.deposit
            device.bond.disputes.append(dispute)
        return reasons, dispute

    def resolve(self, device: DeviceModel, dispute: DisputeModel, *, shown: bool) -> set[str] | Resolution:
        if dispute.guilty:
            return {"DisputeOver"}
        verdict = dispute.verdict(self.now)
        if verdict is None:
            return {"DisputeUndecided"}
        if verdict == GUILTY and not shown and self.now < dispute.show_until:
            return {"RecordNeeded"}
        device.bond.disputes.remove(dispute)
        if verdict == GUILTY:
            return self._convict(device, dispute, shown=shown)
        to_bond = dispute.deposit if verdict == NOT_GUILTY else dispute.deposit // 10
        self.not_guilty += verdict == NOT_GUILTY
        device.bond.amount += to_bond
        back = dispute.deposit - to_bond
        lost = self._pay(dispute.challenger, back)
        self.pool += lost
        return Resolution(verdict, deposit_back=back, to_pool=lost, to_bond=to_bond)

    def _convict(self, device: DeviceModel, dispute: DisputeModel, *, shown: bool) -> Resolution:
        dispute.guilty = True
        self.guilty += 1
        owed = dispute.amount if shown and dispute.consumer is not None else 0
        consumer, challenger, pool = device.bond.slash(self.slash_bps, owed, dispute.deposit)
        self.slashed += consumer + challenger + pool
        forfeited, device.owed = device.owed, 0
        device.forfeited += forfeited
        if not device.inactive:
            device.suspended = True
            self._announce(device, 0)
        pool += self._pay(dispute.challenger, dispute.deposit + challenger)
        whole = dispute.consumer if dispute.consumer in self.tabs and consumer else None
        if dispute.consumer is not None:
            pool += self._pay(dispute.consumer, consumer)
        self.pool += pool + forfeited
        return Resolution(
            GUILTY, whole, consumer if whole is not None else 0, dispute.deposit, challenger, pool, forfeited
        )

    def _pay(self, person: int, amount: int) -> int:
        """What is left for the pool, where the person has no tab any more."""
        if person not in self.tabs:
            return amount
        credit(self.tabs[person], amount)
        return 0


def credit(tab: TabModel, amount: int) -> None:
    """Adds what a penalty or a dispute brings."""
    tab.balance += amount
    tab.deposited += amount
