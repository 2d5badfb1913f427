"""Judging one commitment: what it says, what was published for it, and what its records show."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from solders.pubkey import Pubkey

from worktab.epochs.attesting.accepted import Accepted, PreviousUnknown
from worktab.epochs.attesting.comparing import against_chain, against_manifest, against_own, against_rebuilt
from worktab.epochs.attesting.errors import DataUnavailable
from worktab.epochs.attesting.merging import merge
from worktab.epochs.attesting.population import Population
from worktab.epochs.attesting.sampler import Sampler
from worktab.epochs.attesting.slots import SlotHash
from worktab.epochs.attesting.sources import DataSource
from worktab.epochs.attesting.verdicts import Objection, Reason, Verdict, sample_objections
from worktab.epochs.building import build
from worktab.epochs.data import EpochData
from worktab.epochs.policy import Policy
from worktab.epochs.runners import LocalRunner, Runner
from worktab.epochs.terms import EpochTerms
from worktab.ingest.store import ReceiptStore
from worktab.program.generated.accounts import Network
from worktab.roles.commitments import EpochView

GRACE: Final = 600
"""Seconds before an epoch's end in which a receipt may have come too late for whoever built it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """By what an attestor judges.

    Attributes:
        policy: how work is rewarded.
        grace: seconds before an epoch's end in which receipts may have come too late for others.
        refuse_withheld: whether a record drawn that is not shown is a reason to refuse.
    """

    policy: Policy
    grace: int = GRACE
    refuse_withheld: bool = False


@dataclass
class Judge:
    """Builds epochs of an attestor's own receipts, and compares commitments with them.

    store     its own receipts
    accepted  the epochs it stands by
    source    where others publish theirs
    rules     by what it judges
    sampler   runs records again
    runner    where builds run
    """

    store: ReceiptStore
    accepted: Accepted
    source: DataSource
    rules: Rules
    sampler: Sampler
    runner: Runner | None = None

    async def own(self, epoch: int, base: EpochData | None, terms: EpochTerms) -> EpochData:
        """The epoch built of this attestor's own receipts. Raises what `build` raises."""
        return await asyncio.to_thread(self._build, epoch, base, terms)

    async def judge(
        self, view: EpochView, network: Network, terms: EpochTerms, *, now: int, drawn_by: SlotHash, attestor: Pubkey
    ) -> tuple[Verdict, EpochData | None]:
        """What is found about a commitment, and its data where it is approved of. `now` is in Unix seconds.

        Nothing that was published, or served by devices, raises; the disk does, and the build where there are no
        receipts at all.
        """
        commitment = view.commitment
        objections: list[Objection] = against_chain(commitment, network)
        with tempfile.TemporaryDirectory(prefix="worktab-epoch-") as folder:
            try:
                data, base, verdict = await self._compared(view, network, terms, now, Path(folder))
            except DataUnavailable as error:
                return Verdict((*objections, Objection(Reason.DATA_UNAVAILABLE, str(error)))), None
            except PreviousUnknown as error:
                return Verdict((*objections, Objection(Reason.PREVIOUS_UNKNOWN, str(error)))), None
            objections += verdict.objections
            sample = None
            if not objections:
                population = Population.of(data, base)
                sample = await self.sampler.take(
                    population, network, drawn_by=drawn_by, subject=view.address, attestor=attestor
                )
                objections += sample_objections(sample, refuse_withheld=self.rules.refuse_withheld)
            verdict = replace(verdict, objections=tuple(objections), sample=sample)
            if not verdict.approve:
                return verdict, None
            # Before the folder that it is read from goes.
            await asyncio.to_thread(self.accepted.put, data)
        return verdict, await asyncio.to_thread(EpochData.read, self.accepted.folder, data.epoch)

    async def _compared(
        self, view: EpochView, network: Network, terms: EpochTerms, now: int, folder: Path
    ) -> tuple[EpochData, EpochData | None, Verdict]:
        """A commitment's data, what they are built on, and what is found about them without their records."""
        commitment = view.commitment
        data = await self._published(commitment.epoch, commitment.data, folder)
        base = self.accepted.find(commitment.epoch, data.manifest.previous, network)
        found = against_manifest(commitment, data, terms, self.rules.policy.to_json())
        if found:
            return data, base, Verdict(tuple(found))
        rebuilt = await asyncio.to_thread(
            build, base, data.inputs(), terms, self.rules.policy, runner=self.runner or LocalRunner()
        )
        found = against_rebuilt(data, rebuilt)
        merged = await asyncio.to_thread(merge, self.store, data, terms, now)
        found += merged.objections
        own = await self.own(commitment.epoch, base, terms)
        same = own.manifest == data.manifest
        if not same:
            before = terms.end(commitment.epoch) - self.rules.grace
            found += await asyncio.to_thread(against_own, data, own, base, before=before, forked=self._forked)
        return data, base, Verdict(_once(found), same=same, merged=merged.stored)

    async def _published(self, epoch: int, manifest: bytes, folder: Path) -> EpochData:
        held = self.accepted.holding(epoch, manifest)
        return held if held is not None else await self.source.fetch(epoch, manifest, folder)

    def _build(self, epoch: int, base: EpochData | None, terms: EpochTerms) -> EpochData:
        return build(base, self.store.inputs(epoch), terms, self.rules.policy, runner=self.runner or LocalRunner())

    def _forked(self, device: bytes) -> bool:
        return len(self.store.fork(device)) > 0


def _once(objections: Sequence[Objection]) -> tuple[Objection, ...]:
    """Each reason about the same devices once."""
    return tuple({(each.reason, each.devices, each.seq): each for each in reversed(objections)}.values())[::-1]
