"""What roots should do, in plain Python and from PROTOCOL section 5 alone.

It keeps every root that became final and all that was paid where the program keeps sums. A method that acts returns the
errors of every rule that forbids it; where there is none, it has acted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

NOTHING_OWED, PAID, UNPAYABLE = 1, 0, 5


@dataclass(slots=True)
class CommitmentModel:
    """A commitment on chain: what it says, who approves, and since when enough do."""

    epoch: int
    count: int
    total: int
    units: int
    checked: tuple[int, int, int]
    version: int
    approving: set[int] = field(default_factory=set)
    approved_at: int | None = None
    vetoed: bool = False


@dataclass(slots=True)
class RootsModel:
    """Attestors by number, commitments, final roots in their order, and what was paid by position."""

    attestors: list[int]
    threshold: int
    challenge: int
    since: int = 0
    version: int = 0
    finals: list[CommitmentModel] = field(default_factory=list)
    paid: Counter[int] = field(default_factory=Counter)

    # The newest final root

    @property
    def next(self) -> int:
        """The first epoch that no root covers and that roots pay for."""
        return self.finals[-1].epoch + 1 if self.finals else self.since

    @property
    def total(self) -> int:
        """Everything that roots ever promised."""
        return self.finals[-1].total if self.finals else 0

    @property
    def count(self) -> int:
        return self.finals[-1].count if self.finals else 0

    @property
    def owed(self) -> int:
        """What roots promised and nobody was paid yet."""
        return self.total - self.paid.total()

    def checked(self) -> tuple[int, ...]:
        """Records re-executed for final roots, those that failed, and the milliseconds it took."""
        return tuple(sum(each.checked[at] for each in self.finals) for at in range(3))

    # Instructions

    def commit(self, said: CommitmentModel, attestor: int, now: int, epoch: int, *, paused: bool) -> set[str]:
        """`epoch` is the one by the clock."""
        reasons = self._unfit(said) | ({"Paused"} if paused else set())
        if attestor not in self.attestors:
            reasons.add("NotAttestor")
        if said.epoch >= epoch:
            reasons.add("EpochNotOver")
        if not reasons:
            self._vote(said, attestor, True, now)
        return reasons

    def _unfit(self, said: CommitmentModel) -> set[str]:
        """Why a commitment can't follow the newest final root."""
        reasons = {"EpochCovered"} if said.epoch < self.next else set()
        if said.count == 0 or said.count < self.count or said.total < self.total:
            reasons.add("InvalidCommitment")
        return reasons

    def vote(self, said: CommitmentModel, attestor: int, approves: bool, now: int) -> set[str]:
        reasons = {"CommitmentVetoed"} if said.vetoed else set()
        if attestor not in self.attestors:
            reasons.add("NotAttestor")
        if not reasons:
            self._vote(said, attestor, approves, now)
        return reasons

    def _vote(self, said: CommitmentModel, attestor: int, approves: bool, now: int) -> None:
        if said.version != self.version:
            said.version, said.approving, said.approved_at = self.version, set(), None
        if approves:
            said.approving.add(attestor)
        else:
            said.approving.discard(attestor)
        if not self.approved(said):
            said.approved_at = None
        elif said.approved_at is None:
            said.approved_at = now

    def approved(self, said: CommitmentModel) -> bool:
        """Whether enough of today's attestors approve since they are the attestors."""
        return said.version == self.version and 0 < self.threshold <= len(said.approving)

    def finalize(self, said: CommitmentModel, now: int, budget: int, pool: int, *, paused: bool) -> set[str]:
        """`budget` is that of all classes for one epoch. Not for a commitment whose epoch is covered."""
        reasons = self._unfit(said) | ({"Paused"} if paused else set())
        if said.vetoed:
            reasons.add("CommitmentVetoed")
        if not self.approved(said):
            reasons.add("BelowThreshold")
        elif said.approved_at is None or now < said.approved_at + self.challenge:
            reasons.add("ChallengeOpen")
        increase = said.total - self.total
        if increase > budget * (said.epoch + 1 - self.next):
            reasons.add("BudgetExceeded")
        if increase > pool:
            reasons.add("PoolTooSmall")
        if not reasons:
            self.finals.append(said)
        return reasons

    def claim(self, position: int, lifetime: int, *, payable: bool) -> str | tuple[int, int]:
        """Amount and outcome of a claim whose proof is good."""
        due = max(0, lifetime - self.paid[position])
        if due > self.owed:
            return "RootExhausted"
        if due and not payable:
            return 0, UNPAYABLE
        self.paid[position] += due
        return due, PAID if due else NOTHING_OWED

    # Attestors

    def set_attestors(self, attestors: list[int], threshold: int) -> None:
        """Every vote cast before is void."""
        self.attestors, self.threshold = attestors, threshold
        self.version += 1

    def remove(self, attestor: int) -> set[str]:
        if attestor not in self.attestors:
            return {"NotAttestor"}
        left = [each for each in self.attestors if each != attestor]
        self.set_attestors(left, min(self.threshold, len(left)))
        return set()
