"""Taking a sample: draw, fetch, run again, count."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from solders.pubkey import Pubkey

from worktab.core.errors import JobError, WorktabError
from worktab.core.records import Meter
from worktab.epochs.attesting.evidence import AnyEvidence, EvidenceSource, Wanted
from worktab.epochs.attesting.population import Population
from worktab.epochs.attesting.records import Checked, Drawn, Outcome, check
from worktab.epochs.attesting.slots import SlotHash, seed
from worktab.epochs.attesting.verdicts import Sample
from worktab.program.generated.accounts import Network
from worktab.work.probing import probe
from worktab.work.wasm import VERIFIER_STACK, WasmRuntime

_LOG: Final = logging.getLogger(__name__)

DRAWN: Final = 30
"""Records that are drawn unless told otherwise."""

MOST_UNITS: Final = 20_000_000_000
"""Work units of the largest record that is run again unless told otherwise: what devices take on in one request unless
told otherwise. That is mostly less than a minute."""

LONGEST: Final = 600
"""Seconds that a disputed one may take to be run again: twice, where it differs, in half an hour."""

_SECONDS: Final = 120
"""Seconds that one of a sample may take: some instructions take hundreds of times as long as others."""

_AT_ONCE: Final = 4


@dataclass
class Sampler:
    """Draws records of an epoch and runs them again.

    evidence   where records come from
    count      how many are drawn
    max_units  larger records are not run again; they count as not checkable
    """

    evidence: EvidenceSource = field(default_factory=lambda: AnyEvidence(()))
    count: int = DRAWN
    max_units: int = MOST_UNITS
    _runtime: WasmRuntime | None = field(default=None, init=False, repr=False)

    async def take(
        self, population: Population, network: Network, *, drawn_by: SlotHash, subject: Pubkey | bytes, attestor: Pubkey
    ) -> Sample:
        """The sample that an attestor draws of a population; see `worktab.epochs.attesting.slots.seed`.

        Nothing that devices serve or withhold raises.
        """
        began = time.monotonic_ns()
        seeded = seed(drawn_by, subject, attestor)
        drawn = population.draw(seeded, self.count, network)
        gate = asyncio.Semaphore(_AT_ONCE)
        found = await asyncio.gather(*(self._device(each, gate) for each in drawn))
        return Sample(
            slot=drawn_by.slot,
            seed=seeded,
            new_records=population.records,
            new_units=population.total_units,
            records=tuple(each for records, _ in found for each in records),
            ms=(time.monotonic_ns() - began) // 1_000_000,
            cpu_ns=sum(spent for _, spent in found),
        )

    async def _device(self, drawn: Drawn, gate: asyncio.Semaphore) -> tuple[Sequence[Checked], int]:
        if drawn.meter != Meter.WASM_FUEL:
            return drawn.all(Outcome.NOT_CHECKABLE, "its meter says nothing that can be run again"), 0
        first = drawn.known.seq + 1 if drawn.known is not None else 1
        wanted = Wanted(drawn.device, first, drawn.head.seq, tuple(sorted(drawn.records)))
        async with gate:
            with tempfile.TemporaryDirectory(prefix="worktab-evidence-") as folder:
                try:
                    bundles = await self.evidence.fetch(wanted, Path(folder))
                    return await asyncio.to_thread(self._check, drawn, bundles)
                except JobError as error:
                    return drawn.all(Outcome.NOT_CHECKABLE, f"this attestor's own trouble: {error}"), 0
                except WorktabError as error:
                    return drawn.all(Outcome.UNAVAILABLE, str(error)), 0
                except Exception as error:
                    # A stranger's bytes: no device may hold up the others' pay by what it serves.
                    _LOG.exception("Records of %s could not be checked", drawn.device)
                    return drawn.all(Outcome.UNAVAILABLE, f"checking failed: {type(error).__name__}"), 0

    def _check(self, drawn: Drawn, bundles: Sequence[Path]) -> tuple[Sequence[Checked], int]:
        if self._runtime is None:
            self._runtime = WasmRuntime(stack_bytes=VERIFIER_STACK, seconds=_SECONDS)
        began = time.thread_time_ns()
        found = check(drawn, bundles, self._runtime, max_units=self.max_units)
        if any(each.outcome is Outcome.FAILED for each in found):
            # Memory may have been short: a known job must run here as everywhere, and these the same way again.
            probe(self._runtime)
            if check(drawn, bundles, self._runtime, max_units=self.max_units) != found:
                raise JobError("run twice on this machine, jobs did not end the same way")
        return found, time.thread_time_ns() - began
