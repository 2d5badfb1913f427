"""The part of the random histories that pays by roots: attestors, commitments, votes, claims, and the move to roots."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from solders.keypair import Keypair

from support import changes
from support import ledger_strategies as some
from support.epochs import APPROVE, VETO, WITHDRAW, Payee, Root, Roots
from support.ledger_work import WorkRules
from support.roots_model import CommitmentModel
from worktab.core.commitments import EpochCommitment
from worktab.core.merkle import depth
from worktab.program.generated.events import EpochClosed
from worktab.program.generated.types import Change

ATTESTORS = 3
CHALLENGE = 600
MOST_POSITIONS = 7
IN_USE = "Custom(0)"


@dataclass(frozen=True, slots=True)
class Committed:
    """A commitment that was sent once, with its tree; `model` is on chain while it is among the machine's `open`."""

    root: Root
    commitment: EpochCommitment
    model: CommitmentModel


SIZES = st.sampled_from(
    ["some", "some", "some", "some", "some", "little", "nothing", "most", "all", "too much", "over"]
)
SHARES = st.lists(st.sampled_from([1, 1, 2, 3, 0]), min_size=1, max_size=MOST_POSITIONS)
LIES = st.sampled_from([0, 0, 0, 0, 0, 0, 1, 1_000, -1])


class RootRules(WorkRules):
    """Rules for a machine whose attestors post roots over payees, who are the payout wallets."""

    def start_attesting(self, attestors: list[Keypair], guardian: Keypair) -> None:
        """To be called once the network is there."""
        self.roots = Roots(self.world, self.network, attestors, guardian)
        self.open: list[Committed] = []
        self.finals: list[Committed] = []

    def on_roots(self) -> bool:
        return self.model.path == 2

    # Commitments

    @precondition(lambda self: self.on_roots())
    @rule(
        attestor=some.ATTESTOR,
        epoch=st.sampled_from(["last", "last", "last", "next", "next", "covered", "not over"]),
        size=SIZES,
        shares=SHARES,
        lie=LIES,
        fall=st.sampled_from(["", "", "", "", "", "", "count", "total"]),
    )
    def commit(self, attestor: int, epoch: str, size: str, shares: list[int], lie: int, fall: str) -> None:
        self.commit_to(attestor, epoch, size, shares, lie, fall)

    def commit_to(self, attestor: int, epoch: str, size: str, shares: list[int], lie: int, fall: str) -> Committed:
        """A new commitment: the newest root's payees with more, by their shares, and as many new ones."""
        current, rules = self.model.clock_epoch(), self.model.roots
        index = {"last": current - 1, "next": rules.next, "covered": rules.next - 1, "not over": current}[epoch]
        index = max(0, index)
        increase = self.increase(index, size)
        root = self.grown(index, increase + lie, shares)
        commitment = root.commitment(
            total=max(0, rules.total + increase - (fall == "total")),
            count=max(0, len(root.payees) - (fall == "count")),
            units=7 * len(self.finals),
            records_checked=index,
            records_failed=len(self.open),
            check_ms=lie + 1,
            data=self.world.seed(),
        )
        checked = (commitment.records_checked, commitment.records_failed, commitment.check_ms)
        said = CommitmentModel(index, commitment.count, commitment.total, commitment.units, checked, rules.version)
        made = Committed(root, commitment, said)
        self.send_commitment(made, attestor)
        return made

    def increase(self, index: int, size: str) -> int:
        """What a root adds, by the most that it may; "over" is by the budgets alone."""
        budgets = self.model.budget() * max(1, index + 1 - self.model.roots.next)
        most = min(budgets, self.model.pool)
        return {
            "nothing": 0,
            "little": min(1, most),
            "some": most // 7,
            "most": max(0, most - 1),
            "all": most,
            "too much": most + 1,
            "over": min(budgets + 1, 2**63),
        }[size]

    def grown(self, index: int, more: int, shares: list[int]) -> Root:
        """The newest final root's payees with so much more in all, and new ones where shares are left."""
        known = list(self.finals[-1].root.payees) if self.finals else []
        shares = shares + [0] * (len(known) - len(shares))
        weight = sum(shares)
        adds = [more * share // weight if weight else 0 for share in shares]
        adds[0] += more - sum(adds)
        payees = []
        for position, add in enumerate(adds):
            before = known[position] if position < len(known) else self.newcomer(position)
            payees.append(replace(before, reward=max(0, before.reward + add)) if before else None)
        return self.roots.root(index, payees)

    def newcomer(self, position: int) -> Payee:
        return Payee(self.wallets[position % some.WALLETS].pubkey(), 0, bytes([position]) * 32)

    def send_commitment(self, made: Committed, attestor: int) -> None:
        result = self.world.send(self.roots.commit(made.commitment, self.roots.attestors[attestor]))
        if made in self.open:
            assert result.error == IN_USE
            return
        now, paused = self.world.now, bool(self.model.pause & 8)
        reasons = self.model.roots.commit(made.model, attestor, now, self.model.clock_epoch(), paused=paused)
        if self.expect(result, reasons):
            self.open.append(made)

    @precondition(lambda self: self.open or self.finals)
    @rule(number=some.PICK, attestor=some.ATTESTOR)
    def commit_again(self, number: int, attestor: int) -> None:
        made = [*self.open, *self.finals]
        self.send_commitment(made[number % len(made)], attestor)

    @precondition(lambda self: self.open)
    @rule(number=some.PICK, attestor=some.ATTESTOR, vote=st.sampled_from([APPROVE, APPROVE, APPROVE, WITHDRAW]))
    def vote(self, number: int, attestor: int, vote: int) -> None:
        made = self.open[number % len(self.open)]
        result = self.world.send(self.roots.vote(made.commitment, self.roots.attestors[attestor], vote))
        reasons = self.model.roots.vote(made.model, attestor, vote == APPROVE, self.world.now)
        if self.expect(result, reasons):
            assert result.event().approvals == len(made.model.approving)

    @precondition(lambda self: self.open)
    @rule(number=some.PICK, by_guardian=st.sampled_from([True, True, False]))
    def veto(self, number: int, by_guardian: bool) -> None:
        made = self.open[number % len(self.open)]
        voter = self.roots.guardian if by_guardian else self.roots.attestors[0]
        result = self.world.send(self.roots.veto(made.commitment, voter))
        if self.expect(result, set() if by_guardian else {"Unauthorized"}):
            assert result.event().vote == VETO
            made.model.vetoed = True

    @precondition(lambda self: self.open)
    @rule(number=some.PICK, wait=st.sampled_from([0, CHALLENGE - 1, CHALLENGE]))
    def finalize(self, number: int, wait: int) -> None:
        if wait:
            self.pass_time(wait)
        made = self.open[number % len(self.open)]
        result = self.world.send(self.roots.finalize(made.commitment))
        if made.model.epoch < self.model.roots.next:
            assert isinstance(result.event(), EpochClosed)
            self.open.remove(made)
            return
        before = self.model.roots.total
        paused = bool(self.model.pause & 16)
        reasons = self.model.roots.finalize(
            made.model, self.world.now, self.model.budget(), self.model.pool, paused=paused
        )
        if self.expect(result, reasons):
            assert result.event().increase == made.model.total - before
            self.model.pool -= made.model.total - before
            self.open.remove(made)
            self.finals.append(made)
            if len(self.finals) == 1:
                assert self.world.send(self.roots.open_page(0)).ok

    # Claims

    @precondition(lambda self: self.finals)
    @rule(position=some.PICK, which=st.sampled_from([-1, -1, -1, -1, -2]))
    def claim_from_root(self, position: int, which: int) -> None:
        """From the newest final root, or with the proof of the one before it."""
        made = self.finals[max(which, -len(self.finals))]
        position %= len(made.root.payees)
        wallet = position % some.WALLETS
        result = self.world.send(self.roots.claim(made.root, position))
        # A count that its tree does not have takes proofs of another depth.
        fits = position < self.model.roots.count and made.root.tree.depth == depth(self.model.roots.count)
        if made is not self.finals[-1] or not fits:
            assert result.error_name == "NotInRoot"
            return
        lifetime, payable = made.root.payee(position).reward, wallet in self.model.payable
        expected = self.model.roots.claim(position, lifetime, payable=payable)
        if not result.ok:
            assert result.error_name == expected
            return
        event = result.event()
        assert (event.amount, event.outcome) == expected
        self.model.vault -= event.amount
        self.model.paid[wallet] += event.amount

    @precondition(lambda self: self.finals)
    @rule()
    def claim_everything_from_the_root(self) -> None:
        for position in range(self.model.roots.count):
            self.claim_from_root(position, -1)

    # Attestors, pauses and paths

    @rule(what=st.sampled_from(["remove", "bring back", "bring back", "threshold"]), number=st.integers(0, 4))
    def change_attestors(self, what: str, number: int) -> None:
        if what == "remove":
            self.remove_attestor(number % ATTESTORS)
        elif what == "threshold":
            self.change_threshold(number)
        elif len(self.model.roots.attestors) < ATTESTORS:
            self.bring_an_attestor_back(number)

    def remove_attestor(self, attestor: int) -> None:
        key = self.roots.attestors[attestor].pubkey()
        result = self.world.send(self.world.propose(self.network, changes.remove_attestor(key)))
        self.expect(result, self.model.roots.remove(attestor))

    def bring_an_attestor_back(self, threshold: int) -> None:
        """Announced, waited for and applied; it takes the place of what was pending."""
        missing = next(each for each in range(ATTESTORS) if each not in self.model.roots.attestors)
        attestors = [*self.model.roots.attestors, missing]
        key = self.roots.attestors[missing].pubkey()
        if self.changed(changes.add_attestor(key, threshold), len(attestors) // 2 < threshold <= len(attestors)):
            self.model.roots.set_attestors(attestors, threshold)

    def change_threshold(self, threshold: int) -> None:
        count = len(self.model.roots.attestors)
        allowed = count // 2 < threshold <= count or count == threshold == 0
        if self.changed(changes.threshold(threshold), allowed):
            self.model.roots.set_attestors(self.model.roots.attestors, threshold)

    def changed(self, change: Change, allowed: bool) -> bool:
        """Whether a change was announced, waited for and applied."""
        result = self.world.send(self.world.propose(self.network, change))
        if not self.expect(result, set() if allowed else {"InvalidParameter"}):
            return False
        self.pass_time(self.model.delay)
        assert self.world.send(self.world.apply(self.network)).ok
        self.model.pending = None
        return True

    @precondition(lambda self: self.open)
    @rule(flags=st.sampled_from([8, 16, 24]), number=some.PICK, attestor=some.ATTESTOR)
    def pause_roots_for_a_while(self, flags: int, number: int, attestor: int) -> None:
        """Nothing pauses votes, claims, and the closing of what is outdated."""
        self.world.must(self.world.pause(self.network, flags))
        self.model.pause = flags
        self.commit_to(attestor, "last", "some", [1, 2], 0, "")
        self.vote(number, attestor, APPROVE)
        self.finalize(number, CHALLENGE)
        if self.finals:
            self.claim_from_root(number, -1)
        self.world.must(self.world.pause(self.network, 0))
        self.model.pause = 0

    @precondition(lambda self: self.model.path == 1)
    @rule(working=st.booleans())
    def move_to_roots(self, working: bool) -> None:
        """Devices may work until the edge, at it, and after it."""
        if self.model.basis == 2:
            self.changed(changes.reward_path(2), allowed=False)
            return
        self.changed(changes.reward_path(2), allowed=True)
        self.model.path = 2
        self.model.roots.since = self.model.clock_epoch() + 1
        for before in (1, 0):
            if working and self.open_devices():
                self.submit_part_of_what_is_left(before, part=2)
            self.pass_to_the_edge_of_an_epoch(before=before)
        if working and self.open_devices():
            self.submit_part_of_what_is_left(0, part=2)
