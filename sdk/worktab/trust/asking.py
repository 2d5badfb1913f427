"""Getting a disputed record from whoever has it, and judging what came."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from worktab.core.errors import StorageError
from worktab.epochs.attesting.errors import DeviceNotListed, EvidenceWithheld
from worktab.epochs.attesting.evidence import EvidenceSource, Wanted
from worktab.program.generated.accounts import Device
from worktab.roles.accusations import DisputeFinding
from worktab.roles.trust_reading import DisputeView
from worktab.trust.judging import Accused, Doubt, Judgement, judge
from worktab.work.history import ChainState
from worktab.work.wasm import FUEL_LIMIT, VERIFIER_STACK, WasmRuntime

_LOG: Final = logging.getLogger(__name__)

FOR_GOOD: Final = (Doubt.OTHER_RULES, Doubt.TOO_LARGE)
"""Doubts that asking again does not dispel."""


@dataclass
class Asker:
    """Asks sources for disputed records, and judges what they give.

    sources    asked one after the other, until something is found
    max_units  records that take more units are not judged
    """

    sources: Sequence[EvidenceSource]
    max_units: int = FUEL_LIMIT
    _runtime: WasmRuntime | None = field(default=None, init=False, repr=False)

    async def ask(self, view: DisputeView, device: Device, signed: Sequence[ChainState] = ()) -> tuple[Judgement, bool]:
        """What is found about a disputed record, and whether its device itself was asked for it.

        First the record alone is asked for; where it agrees or is another one, all records up to what was signed.

        Args:
            view: the dispute.
            device: its device, as on chain.
            signed: further states that the device signed.

        Raises:
            StorageError: the disk is failing; nothing that is served raises.
        """
        account = view.account
        states = (ChainState(device.seq, device.units, device.head), *signed)
        accused = Accused(account.device, account.seq, account.record_hash, states)
        last = max(account.seq, *(state.seq for state in states))
        alone = Wanted(account.device, account.seq, account.seq, (account.seq,), account.record_hash)
        whole = Wanted(account.device, 1, last, (account.seq,))
        found, asked = Judgement(None, Doubt.NOT_SERVED, "nobody was there to ask for the record"), False
        for source in self.sources:
            for wanted in (alone, whole):
                answer = await self._from(source, wanted, accused)
                asked = asked or (answer.asked and source.asks_device)
                found = _better(found, answer.judgement)
                if not answer.served or answer.judgement.whole or not _says_little(answer.judgement):
                    break
            if found.finding is not None or found.doubt in FOR_GOOD:
                break
        return found, asked

    async def _from(self, source: EvidenceSource, wanted: Wanted, accused: Accused) -> _Answer:
        with tempfile.TemporaryDirectory(prefix="worktab-dispute-") as folder:
            try:
                bundles = await source.fetch(wanted, Path(folder))
                return _Answer(await asyncio.to_thread(self._judge, accused, bundles), asked=True, served=True)
            except DeviceNotListed as error:
                return _Answer(Judgement(None, Doubt.NOT_SERVED, str(error)), asked=False, served=False)
            except EvidenceWithheld as error:
                return _Answer(Judgement(None, Doubt.NOT_SERVED, str(error)), asked=True, served=False)
            except StorageError:
                raise
            except Exception as error:
                # A stranger's bytes: no device may hold up other disputes by what it serves.
                _LOG.exception("The record of a dispute about %s could not be judged", accused.device)
                detail = f"judging failed: {type(error).__name__}"
                return _Answer(Judgement(None, Doubt.NOT_SERVED, detail), asked=True, served=True)

    def _judge(self, accused: Accused, bundles: Sequence[Path]) -> Judgement:
        if self._runtime is None:
            self._runtime = WasmRuntime(stack_bytes=VERIFIER_STACK)
        return judge(accused, bundles, self._runtime, max_units=self.max_units)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one source gave: what it shows, and whether the source was there to ask, and gave anything."""

    judgement: Judgement
    asked: bool
    served: bool


def _says_little(judgement: Judgement) -> bool:
    """Whether the records around it may say more."""
    return judgement.finding is DisputeFinding.AGREES or judgement.doubt in (Doubt.EARLIER_UNKNOWN, Doubt.NOT_SERVED)


def _better(one: Judgement, other: Judgement) -> Judgement:
    """Of two judgements of the same record the one that says more."""
    rank = (Doubt.NOT_SERVED, Doubt.OTHER_RECORD, Doubt.EARLIER_UNKNOWN, Doubt.TOO_LARGE, Doubt.OTHER_RULES, None)
    return other if rank.index(other.doubt) >= rank.index(one.doubt) else one
