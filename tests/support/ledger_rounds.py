"""The part of the random histories in which epochs go by, each with its root and what may come in between."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from support.epochs import APPROVE, WITHDRAW
from support.ledger_roots import CHALLENGE, LIES, MOST_POSITIONS, SHARES, SIZES, Committed, RootRules

ENOUGH = 10_000
"""Base units in the pool that make it worth an epoch."""
DISTURBANCES = ("too early", "veto", "late veto", "withdrawn", "given again", "removed", "replaced", "rival")


@dataclass(frozen=True, slots=True)
class Round:
    """An epoch with its root: what it adds and to whom, by how much it lies, what comes between, and who claims."""

    size: str
    shares: list[int]
    lie: int
    between: str
    claims: list[int]


ROUNDS = st.builds(
    Round,
    size=SIZES,
    shares=SHARES,
    lie=LIES,
    between=st.sampled_from(["", "", "", "", *DISTURBANCES]),
    claims=st.lists(st.integers(0, MOST_POSITIONS - 1), max_size=4),
)


class RoundRules(RootRules):
    """Rules for a machine in which most epochs have a root that becomes final."""

    @precondition(lambda self: self.on_roots())
    @rule(rounds=st.lists(ROUNDS, min_size=1, max_size=4))
    def epochs_go_by(self, rounds: list[Round]) -> None:
        """Each epoch's root is approved and becomes final, unless it adds too much or something comes between."""
        for each in rounds:
            self.pass_to_the_edge_of_an_epoch(before=0)
            if not self.model.roots.attestors:
                self.bring_an_attestor_back(1)
            if self.model.pool < ENOUGH and self.supply < 2**62:
                self.fund(10**9)
            made = self.approved(each, each.shares)
            if made in self.open:
                self.disturb(each, made)
            if made in self.open:
                self.finalize(self.open.index(made), CHALLENGE)
            for position in each.claims if self.finals else []:
                self.claim_from_root(position, -1)

    def approved(self, terms: Round, shares: list[int]) -> Committed:
        attestors = self.model.roots.attestors
        made = self.commit_to(attestors[0], "last", terms.size, shares, terms.lie, "")
        for attestor in attestors[1 : self.model.roots.threshold]:
            if made in self.open:
                self.vote(self.open.index(made), attestor, APPROVE)
        return made

    def disturb(self, terms: Round, made: Committed) -> None:
        """What comes between the approval of a commitment and its becoming final."""
        number = self.open.index(made)
        if terms.between == "too early":
            self.finalize(number, CHALLENGE - 1)
        elif terms.between == "veto":
            self.veto(number, True)
        elif terms.between == "late veto":
            self.pass_time(CHALLENGE - 1)
            self.veto(number, True)
        elif terms.between == "withdrawn":
            self.vote(number, self.model.roots.attestors[0], WITHDRAW)
        elif terms.between == "given again":
            for vote in (WITHDRAW, APPROVE):
                self.vote(number, self.model.roots.attestors[0], vote)
        elif terms.between == "removed":
            self.remove_attestor(self.model.roots.attestors[-1])
        elif terms.between == "replaced":
            self.remove_attestor(self.model.roots.attestors[-1])
            self.bring_an_attestor_back(2)
        elif terms.between == "rival":
            rival = self.approved(terms, terms.shares[::-1])
            if rival in self.open:
                self.finalize(self.open.index(rival), CHALLENGE)
