"""Judging one commitment: what it says, what was published for it, and what its records show."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from solders.pubkey import Pubkey

from worktab.core.errors import StorageError, WorktabError
from worktab.epochs.attesting.accepted import Accepted
from worktab.epochs.attesting.comparing import Held, against_chain, against_manifest, against_own, against_rebuilt
from worktab.epochs.attesting.errors import DataUnavailable
from worktab.epochs.attesting.merging import foreign_keys, merge, unsigned
from worktab.epochs.attesting.population import Population
from worktab.epochs.attesting.sampler import Sampler
from worktab.epochs.attesting.slots import SlotHash
from worktab.epochs.attesting.sources import DataSource
from worktab.epochs.attesting.verdicts import Objection, Reason, Sample, Verdict, sample_objections
from worktab.epochs.attesting.versions import Versions
from worktab.epochs.building import NothingToReward, build
from worktab.epochs.data import EpochData
from worktab.epochs.lineage import PreviousUnknown
from worktab.epochs.policy import Policy
from worktab.epochs.runners import Runner
from worktab.epochs.terms import EpochTerms
from worktab.ingest.store import ReceiptStore
from worktab.program.generated.accounts import Network
from worktab.roles.commitments import EpochView

_LOG: Final = logging.getLogger(__name__)

GRACE: Final = 600
"""Seconds before an epoch's end: a receipt that arrived later may have come too late for whoever built it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """By what an attestor judges.

    Attributes:
        policy: how work is rewarded.
        grace: seconds before an epoch's end; receipts that arrived later may have come too late for others.
        refuse_withheld: whether a record drawn that is not shown is a reason to refuse.
    """

    policy: Policy
    grace: int = GRACE
    refuse_withheld: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """The network, its terms and the chain's clock in Unix seconds, as one look found them."""

    network: Network
    terms: EpochTerms
    now: int


@dataclass
class Judge:
    """Builds epochs of an attestor's own receipts, and compares commitments with them.

    store     its own receipts
    accepted  the epochs it stands by
    source    where others publish theirs
    rules     by what it judges
    sampler   runs records again
    runner    where builds run
    versions  registrations on chain that were replaced
    """

    store: ReceiptStore
    accepted: Accepted
    source: DataSource
    rules: Rules
    sampler: Sampler
    runner: Runner | None = None
    versions: Versions = field(default_factory=Versions)

    def __post_init__(self) -> None:
        self._built: dict[int, tuple[tuple[bytes | None, EpochTerms], EpochData | None]] = {}
        self._samples: dict[Pubkey, Sample] = {}

    def renew(self) -> None:
        """Build epochs anew from now on: receipts may have come."""
        self._built.clear()

    def keep(self, subjects: Collection[Pubkey]) -> None:
        """Forget all samples but those of these."""
        self._samples = {subject: sample for subject, sample in self._samples.items() if subject in subjects}

    async def own(self, epoch: int, base: EpochData | None, terms: EpochTerms) -> EpochData | None:
        """The epoch built of this attestor's own receipts; None without any. Built once until `renew`.

        Raises what `build` raises else.
        """
        on = (None if base is None else base.manifest.hash(), terms)
        known = self._built.get(epoch)
        if known is None or known[0] != on:
            known = self._built[epoch] = on, await asyncio.to_thread(self._build, epoch, base, terms)
        return known[1]

    async def judge(
        self, view: EpochView, network: Network, terms: EpochTerms, *, now: int, drawn_by: SlotHash, attestor: Pubkey
    ) -> Verdict:
        """What is found about a commitment. `now` is in Unix seconds.

        Nothing that was published, or served by devices, raises; the disk does.
        """
        try:
            return await self._judged(view, network, terms, now, drawn_by, attestor)
        except StorageError:
            raise
        except Exception as error:
            # Strangers wrote what is judged here: the others' commitments must be judged all the same.
            _LOG.exception("Commitment %s could not be judged", view.address)
            detail = f"judging it failed: {type(error).__name__}: {str(error)[:200]}"
            return Verdict((Objection(Reason.NOT_JUDGED, detail),))

    async def _judged(
        self, view: EpochView, network: Network, terms: EpochTerms, now: int, drawn_by: SlotHash, attestor: Pubkey
    ) -> Verdict:
        objections = against_chain(view.commitment, network)
        with tempfile.TemporaryDirectory(prefix="worktab-epoch-") as folder:
            try:
                data = await self._published(view, network, terms, Path(folder))
                base = self.accepted.find(data.epoch, data.manifest.previous, network, terms)
            except DataUnavailable as error:
                return Verdict((*objections, Objection(Reason.DATA_UNAVAILABLE, str(error))))
            except PreviousUnknown as error:
                return Verdict((*objections, Objection(Reason.PREVIOUS_UNKNOWN, str(error))))
            verdict = await self._compared(view, data, base, terms, now)
            objections += verdict.objections
            sample = None
            if not objections:
                population = Population.of(data, base)
                sample = await self.sample(
                    population, network, drawn_by=drawn_by, subject=view.address, attestor=attestor
                )
                objections += sample_objections(sample, refuse_withheld=self.rules.refuse_withheld)
        return replace(verdict, objections=tuple(objections), sample=sample)

    async def sample(
        self, population: Population, network: Network, *, drawn_by: SlotHash, subject: Pubkey, attestor: Pubkey
    ) -> Sample:
        """The sample of a commitment, taken once: `subject` is its account or, before there is one, its data's hash."""
        if subject not in self._samples:
            self._samples[subject] = await self.sampler.take(
                population, network, drawn_by=drawn_by, subject=subject, attestor=attestor
            )
        return self._samples[subject]

    async def accept(self, view: EpochView, network: Network, terms: EpochTerms) -> None:
        """Stand by a commitment that was judged: publish its data, too. Raises `DataUnavailable`, `StorageError`."""
        with tempfile.TemporaryDirectory(prefix="worktab-epoch-") as folder:
            data = await self._published(view, network, terms, Path(folder))
            await asyncio.to_thread(self.accepted.put, data, network)

    async def _compared(
        self, view: EpochView, data: EpochData, base: EpochData | None, terms: EpochTerms, now: int
    ) -> Verdict:
        """What is found about a commitment's data without its records; what is built on `base`."""
        commitment = view.commitment
        found = against_manifest(commitment, data, terms, self.rules.policy.to_json())
        if found:
            return Verdict(tuple(found))
        found = await asyncio.to_thread(self._wrong, base, data, terms)
        if found:
            return Verdict(_once(found))
        # Now that all of it is known to be signed.
        merged = await asyncio.to_thread(merge, self.store, data, now)
        if merged.stored or merged.enrolled:
            self.renew()
        own = await self.own(commitment.epoch, base, terms)
        same = own is not None and own.manifest.hash() == commitment.data
        if not same:
            before = terms.end(commitment.epoch) - self.rules.grace
            held = Held(self.store, self.versions, terms, before)
            found = await asyncio.to_thread(against_own, data, own, base, held)
        return Verdict(_once([*found, *merged.objections]), same=same, merged=merged.stored)

    async def _published(self, view: EpochView, network: Network, terms: EpochTerms, folder: Path) -> EpochData:
        """A commitment's data: what this attestor has of it, or what was published."""
        epoch, manifest = view.account.index, view.account.data
        held = self.accepted.holding(epoch, manifest)
        if held is not None:
            return held
        try:
            own = await self.own(epoch, self.accepted.base(epoch, network, terms), terms)
        except PreviousUnknown:
            own = None
        if own is not None and own.manifest.hash() == manifest:
            return own
        return await self.source.fetch(epoch, manifest, folder)

    def _wrong(self, base: EpochData | None, data: EpochData, terms: EpochTerms) -> list[Objection]:
        """What is wrong with published data by themselves, on what they are built on."""
        found = self._rebuilt(base, data, terms)
        if found:
            found += unsigned(data, terms)
        return [*found, *foreign_keys(data, terms)]

    def _rebuilt(self, base: EpochData | None, data: EpochData, terms: EpochTerms) -> list[Objection]:
        try:
            rebuilt = build(base, data.inputs(), terms, self.rules.policy, runner=self.runner)
        except StorageError:
            raise
        except WorktabError as error:
            return [Objection(Reason.DIFFERENT_ROOT, f"its inputs give no root: {error}")]
        return against_rebuilt(data, rebuilt)

    def _build(self, epoch: int, base: EpochData | None, terms: EpochTerms) -> EpochData | None:
        try:
            return build(base, self.store.inputs(epoch), terms, self.rules.policy, runner=self.runner)
        except NothingToReward:
            return None


def _once(objections: Sequence[Objection]) -> tuple[Objection, ...]:
    """Each reason about the same devices once."""
    return tuple({(each.reason, each.devices, each.seq): each for each in reversed(objections)}.values())[::-1]
