"""Getting a disputed record from whoever has it, and judging what came.

What fails on this machine is no answer of anybody: a full disk or memory that ran out is told apart from what a
device did or did not serve.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from worktab.core.errors import StateError
from worktab.epochs.attesting.errors import DeviceNotListed, EvidenceRefused, EvidenceWithheld
from worktab.epochs.attesting.evidence import EvidenceSource, Wanted
from worktab.epochs.attesting.requests import CLOCKS
from worktab.epochs.attesting.sampler import LONGEST, MOST_UNITS
from worktab.program.generated.accounts import Device
from worktab.roles.accusations import DisputeFinding
from worktab.roles.trust_reading import DisputeView
from worktab.trust.judging import Accused, Doubt, Judgement, judge
from worktab.work.history import ChainState
from worktab.work.probing import probe
from worktab.work.wasm import VERIFIER_STACK, WasmRuntime

_LOG: Final = logging.getLogger(__name__)

FOR_GOOD: Final = (Doubt.OTHER_RULES, Doubt.TOO_LARGE)
"""Doubts that asking again does not dispel."""

_AT_ONCE: Final = 4
"""Judgements under way: each may take a processor and a job's memory."""

_OWN: Final = frozenset(
    {
        errno.EDQUOT,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOENT,
        errno.ENOMEM,
        errno.ENOSPC,
        errno.EROFS,
    }
)
"""What no other machine can make the system say here."""


@dataclass
class Asker:
    """Asks sources for disputed records, and judges what they give.

    sources    asked one after the other, until something is found that no other could add to
    max_units  records that take more units are not judged
    clock      Unix seconds, as requests are signed with

    Raises `JobError` where this machine does not run jobs as all others do.
    """

    sources: Sequence[EvidenceSource]
    max_units: int = MOST_UNITS
    clock: Callable[[], float] = time.time
    _runtime: WasmRuntime = field(init=False, repr=False)
    _gate: asyncio.Semaphore = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._runtime, self._gate = (
            WasmRuntime(stack_bytes=VERIFIER_STACK, seconds=LONGEST),
            asyncio.Semaphore(_AT_ONCE),
        )
        probe(self._runtime, at_once=_AT_ONCE)

    async def ask(
        self, view: DisputeView, device: Device, signed: Sequence[ChainState] = (), *, now: int
    ) -> tuple[Judgement, bool]:
        """What is found about a disputed record, and whether its device itself was asked for it.

        First the record alone is asked for; where it agrees or is another one, all records up to what was signed.
        Nothing that is served or that fails here raises.

        Args:
            view: the dispute.
            device: its device, as on chain.
            signed: further states that the device signed.
            now: Unix seconds, by the chain's clock.
        """
        account, off = view.account, int(self.clock()) - now
        states = (ChainState(device.seq, device.units, device.head), *signed)
        accused = Accused(account.device, account.seq, account.record_hash, states, bool(account.vouched))
        found, asked = Judgement(None, Doubt.NOT_SERVED, "nobody was there to ask for the record"), False
        for source in self.sources:
            for wanted in _wanted(accused):
                answer = await self._from(source, wanted, accused, off)
                asked = asked or (answer.asked and source.asks_device)
                found = _better(found, answer.judgement)
                if not answer.served or not _says_little(answer.judgement):
                    break
            if _is_final(found, accused):
                break
        return found, asked

    async def _from(self, source: EvidenceSource, wanted: Wanted, accused: Accused, off: int) -> _Answer:
        try:
            with tempfile.TemporaryDirectory(prefix="worktab-dispute-") as folder:
                bundles = await source.fetch(wanted, Path(folder))
                async with self._gate:
                    judged = await asyncio.to_thread(judge, accused, bundles, self._runtime, max_units=self.max_units)
                return _Answer(judged, asked=True, served=True)
        except EvidenceWithheld as error:
            own = next(_own_causes(error), None) or _wrong_clock(error, off)
            if own is not None:
                return _own_trouble(own)
            asked = not isinstance(error, DeviceNotListed)
            return _Answer(Judgement(None, Doubt.NOT_SERVED, str(error)), asked, served=False)
        except Exception as error:
            _LOG.exception("The record of a dispute about %s could not be judged", accused.device)
            return _own_trouble(error)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one source gave: what it shows, and whether the source was there to ask, and gave anything."""

    judgement: Judgement
    asked: bool
    served: bool


def _wanted(accused: Accused) -> Iterator[Wanted]:
    """What is asked for, the least first."""
    device, seq = accused.device, accused.seq
    later = [state.seq for state in accused.signed if state.seq >= seq]
    if accused.vouched and later:
        # Alone it would prove nothing.
        yield Wanted(device, seq, min(later), (seq,))
    else:
        yield Wanted(device, seq, seq, (seq,), accused.hash)
    yield Wanted(device, 1, max(later, default=seq), (seq,))


def _wrong_clock(error: EvidenceWithheld, off: int) -> StateError | None:
    """Why a device may be right to refuse: requests from another time might be anybody's.

    `off` is from before it was asked: however long it takes to refuse, that says nothing about the clock.
    """
    if not isinstance(error, EvidenceRefused) or abs(off) <= CLOCKS:
        return None
    return StateError("the clock of this machine is wrong", expected="the chain's time", got=f"{off} seconds more")


def _own_trouble(error: BaseException) -> _Answer:
    detail = f"this attestor's own trouble: {error or type(error).__name__}"
    return _Answer(Judgement(None, Doubt.OWN_TROUBLE, detail), asked=False, served=False)


def _own_causes(error: BaseException | None) -> Iterator[BaseException]:
    """What failed on this machine, among an error's causes."""
    while error is not None:
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _own_causes(each)
        # TLS and names have numbers of their own.
        number = error.errno if isinstance(error, OSError) else None
        foreign = isinstance(error, (ssl.SSLError, socket.gaierror))
        if isinstance(error, MemoryError) or (number in _OWN and not foreign):
            yield error
        error = error.__cause__ or error.__context__


def _says_little(judgement: Judgement) -> bool:
    """Whether the records around it may say more."""
    agrees = judgement.finding is DisputeFinding.AGREES and not judgement.whole
    return agrees or judgement.doubt in (Doubt.EARLIER_UNKNOWN, Doubt.NOT_BOUND, Doubt.NOT_SERVED)


def _is_final(found: Judgement, accused: Accused) -> bool:
    """Whether nobody could show anything that changes it."""
    if found.finding is DisputeFinding.AGREES:
        return found.whole
    if accused.vouched and found.doubt is Doubt.OTHER_RECORD:
        return True
    return found.finding is not None or found.doubt in FOR_GOOD


_WEIGHTS: Final = (
    Doubt.NOT_SERVED,
    Doubt.NOT_BOUND,
    Doubt.OTHER_RECORD,
    Doubt.EARLIER_UNKNOWN,
    None,
    # What a machine in order would have seen might be worse than what the rest shows.
    Doubt.OWN_TROUBLE,
    Doubt.TOO_LARGE,
    Doubt.OTHER_RULES,
)


def _better(one: Judgement, other: Judgement) -> Judgement:
    """Of two judgements of the same record the one that says more."""
    return other if _weight(other) >= _weight(one) else one


def _weight(judgement: Judgement) -> int:
    if judgement.whole or judgement.finding not in (None, DisputeFinding.AGREES):
        return len(_WEIGHTS)
    return _WEIGHTS.index(judgement.doubt)
