"""What bonds, SLAs and disputes should do, in plain Python and from PROTOCOL section 5 alone.

A method that acts returns the errors of every rule that forbids it; where there is none, it has acted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from support.roots_model import RootsModel

KEPT, MISSED, EXCUSED = range(3)
GUILTY, NOT_GUILTY, UNDECIDED = 1, 2, 3
WITHHELD = 3


@dataclass(slots=True)
class BallotModel:
    """Who of the attestors votes which way, by their numbers; `threshold` had to agree when it was put to them."""

    version: int
    threshold: int
    votes: dict[int, bool] = field(default_factory=dict)

    def vote(self, rules: RootsModel, attestor: int, vote: bool | None) -> None:
        """Votes of other attestors than there are now are void."""
        if self.version != rules.version:
            self.version, self.votes = rules.version, {}
        self.votes.pop(attestor, None)
        if vote is not None:
            self.votes[attestor] = vote

    def counts(self) -> tuple[int, int]:
        """Votes for and against."""
        votes = list(self.votes.values())
        return votes.count(True), votes.count(False)

    def outcome(self, rules: RootsModel) -> bool | None:
        """What enough of the attestors of now agree on."""
        if self.version != rules.version or not rules.threshold:
            return None
        for way, count in zip((True, False), self.counts(), strict=True):
            if count >= max(rules.threshold, self.threshold):
                return way
        return None


@dataclass(slots=True)
class SlaModel:
    """A promise to a person, on the lane of a nonce. `stands` is what was decided where it was contested."""

    person: int
    nonce: int
    due: int
    bps: int
    paid_before: int
    deadline: int
    challenge: int
    ballot: BallotModel
    contested: bool = False
    stands: bool | None = None

    @property
    def held(self) -> int:
        """The part of the bond that could be lost."""
        return self.due * self.bps // 10_000

    def contest(self, now: int) -> set[str]:
        if now < self.deadline:
            return {"SlaRunning"}
        if self.contested or now >= self.deadline + self.challenge:
            return {"ContestOver"}
        self.contested = True
        return set()

    def vote(self, rules: RootsModel, attestor: int, upheld: bool | None, now: int) -> set[str]:
        reasons = set()
        if not self.contested or self.stands is not None:
            reasons.add("NotContested")
        if now >= self.deadline + 2 * self.challenge:
            reasons.add("VotingOver")
        if attestor not in rules.attestors:
            reasons.add("NotAttestor")
        if not reasons:
            self.ballot.vote(rules, attestor, upheld)
            self.stands = self.ballot.outcome(rules)
        return reasons

    def end(self, paid: int, now: int) -> tuple[int, int, int] | None:
        """Outcome, what was delivered, and the penalty; None while it runs."""
        delivered = paid - self.paid_before
        if delivered >= self.due:
            return KEPT, delivered, 0
        waits = 0 if self.stands is not None else 2 * self.challenge if self.contested else self.challenge
        if now < self.deadline + waits:
            return None
        if self.contested and not self.stands:
            return EXCUSED, delivered, 0
        return MISSED, delivered, (self.due - delivered) * self.bps // 10_000


@dataclass(slots=True)
class DisputeModel:
    """A challenge by a person of a record that another one, or nobody, owes an amount for."""

    challenger: int
    consumer: int | None
    amount: int
    deposit: int
    opened: int
    deadline: int
    ballot: BallotModel
    guilty: bool = False
    found: bool | None = None

    @property
    def show_until(self) -> int:
        """Until when a guilty one needs its record: as long after the deadline as there was to vote."""
        return 2 * self.deadline - self.opened

    def vote(self, rules: RootsModel, attestor: int, finding: int, now: int) -> set[str]:
        reasons = {"DisputeOver"} if self.guilty else set()
        if now >= self.deadline or self.found is not None:
            reasons.add("VotingOver")
        if finding == WITHHELD and now - self.opened < (self.deadline - self.opened) // 2:
            reasons.add("TooSoon")
        if attestor not in rules.attestors:
            reasons.add("NotAttestor")
        if not reasons:
            self.ballot.vote(rules, attestor, None if finding == 0 else finding != 1)
            self.found = self.ballot.outcome(rules)
        return reasons

    def verdict(self, now: int) -> int | None:
        """How it ends now; None where it can't."""
        if self.found is not None:
            return GUILTY if self.found else NOT_GUILTY
        return UNDECIDED if now >= self.deadline else None


@dataclass(slots=True)
class BondModel:
    """A device's bond, its open SLAs and disputes, and how the others ended."""

    amount: int = 0
    leaving: int = 0
    leaving_at: int = 0
    slas: list[SlaModel] = field(default_factory=list)
    disputes: list[DisputeModel] = field(default_factory=list)
    outcomes: Counter[int] = field(default_factory=Counter)

    @property
    def held(self) -> int:
        """What SLAs could take."""
        return sum(sla.held for sla in self.slas)

    @property
    def free(self) -> int:
        """What counts towards the least bond."""
        return self.amount - self.leaving - self.held

    @property
    def clear(self) -> bool:
        """Whether nothing keeps the device's account."""
        return not self.amount and not self.slas and not self.disputes

    def leave(self, amount: int, due: int) -> set[str]:
        if amount > self.amount - self.held:
            return {"BondHeld"}
        self.leaving, self.leaving_at = amount, due if amount else 0
        return set()

    def take(self, now: int) -> tuple[set[str], int]:
        """What forbids it, and what is paid."""
        if not self.leaving:
            return {"NothingOwed"}, 0
        reasons = {"BondNotDue"} if now < self.leaving_at else set()
        if self.disputes:
            reasons.add("DisputeOpen")
        if reasons:
            return reasons, 0
        paid = self.leaving
        self.amount -= paid
        self.leaving = self.leaving_at = 0
        return reasons, paid

    def end(self, sla: SlaModel, outcome: int, penalty: int) -> None:
        """Ends an SLA."""
        self.slas.remove(sla)
        self.outcomes[outcome] += 1
        self.amount -= penalty

    def slash(self, bps: int, owed: int, deposit: int) -> tuple[int, int, int]:
        """Parts of the consumer, the challenger and the pool. SLAs' part is not touched; three quarters at most go to
        people, the consumer first."""
        total = min(self.amount * bps // 10_000, self.amount - self.held)
        people = total * 3 // 4
        consumer = min(owed, people)
        challenger = min(deposit, people - consumer)
        self.amount -= total
        self.leaving = min(self.leaving, self.amount - self.held)
        return consumer, challenger, total - consumer - challenger
