"""An attestor's work: judge every open commitment, vote, commit where nobody did, make final what is due.

What was voted is on the chain and what was found is in a file, so it may be killed at any time and started again: no
commitment is voted on twice, and none gets a second sample.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Final

from solders.pubkey import Pubkey

from worktab.epochs.attesting.choosing import Found, choose, numbers_of
from worktab.epochs.attesting.committing import commit_to
from worktab.epochs.attesting.errors import DataUnavailable, KeyAttestsNothing, SlotNotThere
from worktab.epochs.attesting.finalizing import finalize_due
from worktab.epochs.attesting.judging import Judge, Seen
from worktab.epochs.attesting.memory import Memory, Remembered, basis_of
from worktab.epochs.attesting.reports import Action, Committed, Judged, Report
from worktab.epochs.attesting.results import Result
from worktab.epochs.attesting.slots import SlotHash, first_after, slot_hashes
from worktab.epochs.attesting.verdicts import Objection, Reason, Verdict
from worktab.epochs.errors import EpochDamaged, EpochNotOver
from worktab.epochs.lineage import PreviousUnknown
from worktab.epochs.terms import EpochTerms
from worktab.ingest.mirroring import Mirror
from worktab.program.generated.accounts import Network
from worktab.roles.attesting import Attestor
from worktab.roles.commitments import EpochStage, EpochView, next_root_epoch

_NOTHING = bytes(32)
_ROUNDS = 3
_VETOED = Verdict((Objection(Reason.VETOED, "the guardian vetoed the same result"),))
_ONE_OF_MANY = Verdict((Objection(Reason.ONE_OF_MANY, "whoever approves of it alone approves alone of many others"),))

MOST_ALONE: Final = 4
"""Results judged anew in one look that the same attestor alone approves of, or that nobody does any more."""


@dataclass
class EpochAttestor:
    """Attests to the epochs of one network with the key of an attestor, or watches over them with the guardian's.

    role      votes and commits
    judge     says what is found about a commitment
    memory    what was found before
    patience  seconds to wait for the slot that a sample is drawn by
    poll      seconds between two looks for it
    """

    role: Attestor
    judge: Judge
    memory: Memory
    patience: float = 30.0
    poll: float = 0.5
    _rules: tuple[EpochTerms, int] | None = field(default=None, init=False, repr=False)
    _bases: dict[int, bytes] = field(default_factory=dict, init=False, repr=False)
    _open: frozenset[Pubkey] = field(default=frozenset(), init=False, repr=False)
    _vetoed: frozenset[Result] = field(default=frozenset(), init=False, repr=False)
    _judged: Counter[tuple[Pubkey, ...]] = field(default_factory=Counter, init=False, repr=False)

    async def look(self, *, epoch: int | None = None, commit: bool = False, finalize: bool = False) -> Report:
        """Judge what is open, vote, and do what else is asked.

        epoch     judge, and commit to, this one alone; by default every open one, and the newest that is over
        commit    commit to the epoch where this attestor approves of nobody's commitment to it or to a later one; the
                  guardian commits to nothing
        finalize  make final what is due, and close what is outdated

        Raises `KeyAttestsNothing` where neither an attestor nor the guardian is to commit, and what reading the
        network, sending and the disk raise; nothing that others published does.
        """
        # Receipts may have come since the last look.
        self.judge.renew()
        chain = await self._read()
        attests = self._attests(chain.network)
        if commit and not attests and self.role.key.pubkey() != chain.network.guardian:
            raise KeyAttestsNothing("The key is no attestor's of the network", got=str(self.role.key.pubkey()))
        judged, committed = await self._judge_all(chain, epoch), None
        target = self._target(chain, epoch)
        if commit and attests and target is not None and not any(each.stands_for(target) for each in judged):
            committed = await commit_to(target, chain, self.role, self.judge, self.memory, self._vetoed)
            if committed.address is not None and committed.subject is not None:
                self._bases[target] = basis_of(bytes(committed.subject), chain.network)
        finalized = await finalize_due(self.role) if finalize else ()
        self._forget(committed)
        return Report(target, tuple(judged), committed, finalized)

    async def _read(self) -> Seen:
        reader = self.role.reader
        now = await reader.chain.unix_time()
        versions = self.judge.versions
        await Mirror(self.judge.store, reader, told=lambda had, has: versions.note(had, has, now)).refresh()
        network, now = await reader.network(), await reader.chain.unix_time()
        terms = EpochTerms.of(reader.address, network, program_id=reader.program_id)
        if (terms, network.attestor_version) != self._rules:
            self._rules = terms, network.attestor_version
            self._bases.clear()
        await self._catch_up(network, terms)
        return Seen(network, terms, now)

    async def _catch_up(self, network: Network, terms: EpochTerms) -> None:
        """Have the final root's data; where nobody publishes them, epochs built on them are refused for it."""
        accepted = self.judge.accepted
        try:
            accepted.base(network.root_epoch + 1, network, terms)
            return
        except PreviousUnknown:
            pass
        with tempfile.TemporaryDirectory(prefix="worktab-epoch-") as folder:
            try:
                data = await self.judge.source.fetch(network.root_epoch, network.root_data, Path(folder))
                await asyncio.to_thread(data.check)
                await asyncio.to_thread(accepted.put, data, network)
            except (DataUnavailable, EpochDamaged):
                return

    def _target(self, chain: Seen, epoch: int | None) -> int | None:
        """The epoch to commit to; None where there is none to."""
        try:
            newest = chain.terms.newest_over(chain.now)
        except EpochNotOver:
            return None
        if epoch is not None and epoch > newest:
            raise EpochNotOver(f"Epoch {epoch} is not over", expected=f"{newest} or earlier")
        target = newest if epoch is None else epoch
        return target if target >= next_root_epoch(chain.network) else None

    # Judging

    async def _judge_all(self, chain: Seen, epoch: int | None) -> list[Judged]:
        views = await self.role.reader.epochs()
        self._open = frozenset(view.address for view in views)
        self._vetoed = frozenset(Result.of(view.commitment) for view in views if view.account.vetoed)
        self._judged.clear()
        for result in self._vetoed:
            self.judge.accepted.drop(result)
        idle = (EpochStage.VETOED, EpochStage.OUTDATED)
        open_ = [view for view in views if view.stage(chain.network, chain.now) not in idle]
        found = []
        for index, group in groupby(open_, lambda view: view.account.index):
            if epoch is None or index == epoch:
                found += await self._judge_epoch(chain, index, list(group))
        return found

    async def _judge_epoch(self, chain: Seen, index: int, views: Sequence[EpochView]) -> list[Judged]:
        """Judge the commitments to one epoch, again where one brought receipts that change what is found of others."""
        # A veto stands for what was vetoed, by whatever commitment it comes back.
        found = {view.address: _VETOED for view in views if Result.of(view.commitment) in self._vetoed}
        for _ in range(_ROUNDS):
            basis = await self._basis(chain, index, views)
            settled = {address for address, verdict in found.items() if verdict.passing or verdict is _VETOED}
            stale = [view for view in views if not self._known(view, basis) and view.address not in settled]
            if not stale:
                break
            for view in stale:
                verdict = await self._judge_once(chain, view, views, found)
                if verdict is not None:
                    found[view.address] = verdict
        known = [Found.of(view, found.get(view.address), self.memory.get(view.address)) for view in views]
        chosen = choose([each.view for each in known if each.approve], chain.network, chain.now)
        # What is refused first: what takes its folder's place must not do so before its approval is taken back. Then
        # the chosen one: of others an approval is only given up for one that is given.
        done: dict[Pubkey, Judged] = {}
        instead: bytes | None = None
        for each in sorted(known, key=lambda each: (not each.refused, each.view is not chosen)):
            judged = await self._vote(chain, each, each.view is chosen, instead)
            if each.view is chosen and judged.stands_for(index):
                instead = each.view.account.data
            done[each.view.address] = judged
        return [done[view.address] for view in views]

    def _known(self, view: EpochView, basis: bytes) -> bool:
        """Whether it was judged on this basis."""
        known = self.memory.get(view.address)
        return known is not None and known.basis == basis != _NOTHING

    async def _basis(self, chain: Seen, index: int, views: Sequence[EpochView]) -> bytes:
        """See `basis_of`; made anew where something is to be judged."""
        known = self._bases.get(index)
        if known is None or not all(self._known(view, known) for view in views):
            known = await self._renewed(chain, index)
        return known

    async def _renewed(self, chain: Seen, index: int) -> bytes:
        try:
            base = self.judge.accepted.base(index, chain.network, chain.terms)
            own = await self.judge.own(index, base, chain.terms)
        except PreviousUnknown:
            own = None
        basis = self._bases[index] = _NOTHING if own is None else basis_of(own.manifest.hash(), chain.network)
        return basis

    async def _judge_once(
        self, chain: Seen, view: EpochView, views: Sequence[EpochView], found: Mapping[Pubkey, Verdict]
    ) -> Verdict | None:
        """Judge a commitment, unless one to the same result was already: others cost their committer only rent. None
        where that was in an earlier look."""
        result, basis = Result.of(view.commitment), self._bases[view.account.index]
        for twin in views:
            verdict = found.get(twin.address)
            known = self.memory.get(twin.address) if self._known(twin, basis) else None
            same = twin is not view and Result.of(twin.commitment) == result
            if same and known is not None:
                self.memory.put(view.address, known)
                return verdict
            if same and verdict is not None and verdict.passing:
                return verdict
        alone = view.approving(chain.network)
        if len(alone) < 2 and alone != (self.role.key.pubkey(),) and view.address not in found:
            self._judged[alone] += 1
            if self._judged[alone] > MOST_ALONE:
                return _ONE_OF_MANY
        return await self._judge(chain, view)

    async def _judge(self, chain: Seen, view: EpochView) -> Verdict:
        known = self.memory.get(view.address)
        drawn_by = known.drawn_by if known is not None else await self._slot_after(view.account.committed_slot)
        self.memory.put(view.address, Remembered(drawn_by, _NOTHING, False))
        verdict = await self.judge.judge(
            view, chain.network, chain.terms, now=chain.now, drawn_by=drawn_by, attestor=self.role.key.pubkey()
        )
        if not verdict.passing:
            # What it brought is among the attestor's own by now.
            basis = await self._renewed(chain, view.account.index)
            numbers, proven = numbers_of(verdict), verdict.proven
            self.memory.put(view.address, Remembered(drawn_by, basis, verdict.approve, numbers, proven))
        return verdict

    async def _slot_after(self, slot: int) -> SlotHash:
        waited = 0.0
        while True:
            try:
                return first_after(await slot_hashes(self.role.reader.chain), slot)
            except SlotNotThere:
                if waited >= self.patience:
                    raise
            await asyncio.sleep(self.poll)
            waited += self.poll

    # Voting

    async def _vote(self, chain: Seen, found: Found, chosen: bool, instead: bytes | None) -> Judged:
        """Vote as was found; `instead` is the hash of the data that are approved of for the same epoch."""
        view, key = found.view, self.role.key.pubkey()
        approved = key in view.approving(chain.network)
        refused = found.refused
        action = Action.KEPT if approved else Action.NONE
        if found.proven and key == chain.network.guardian:
            action = Action.VETOED
        elif self._attests(chain.network) and approved and (refused or instead not in (None, view.account.data)):
            action = Action.WITHDRAWN
        elif self._attests(chain.network) and chosen and not approved and await self._stands_by(chain, view):
            action = Action.APPROVED
        lamports = await self._send(action, view, found.numbers)
        if refused:
            # Only now: while its approval stood, it could become final.
            self.judge.accepted.drop(Result.of(view.commitment))
        return Judged(view, found.verdict, action, lamports)

    async def _send(self, action: Action, view: EpochView, numbers: Sequence[int]) -> int | None:
        """Send what was decided on; its fee in lamports."""
        if action in (Action.KEPT, Action.NONE):
            return 0
        counted = dict(zip(("checked", "failed", "ms"), numbers, strict=False))
        if action is Action.VETOED:
            return (await self.role.veto(view.address, **counted)).fee
        return (await self.role.vote(view.address, approve=action is Action.APPROVED, **counted)).fee

    async def _stands_by(self, chain: Seen, view: EpochView) -> bool:
        """Have the data of what is to be approved of; False where they can't be had any more."""
        try:
            await self.judge.accept(view, chain.network, chain.terms)
        except DataUnavailable:
            return False
        return True

    def _attests(self, network: Network) -> bool:
        return self.role.key.pubkey() in network.attestors[: network.attestor_count]

    def _forget(self, committed: Committed | None) -> None:
        """Forget commitments that are closed, and results that would be committed to no more."""
        kept = set(self._open)
        if committed is not None:
            kept |= {each for each in (committed.address, committed.subject) if each is not None}
        self.memory.keep(kept)
        self.judge.keep(kept)
