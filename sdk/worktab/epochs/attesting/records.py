"""The records drawn, run again: what their devices served is checked against their receipts, and each job against
its record (PROTOCOL section 3, meter 1)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain, takewhile
from pathlib import Path
from typing import Final

from solders.pubkey import Pubkey

from worktab.core.errors import EncodingError, StorageError, WorktabError
from worktab.core.records import Meter
from worktab.work.bundle import Bundle, open_bundle
from worktab.work.history import MAX_UNITS, START, ChainState, Entry
from worktab.work.verify import Finding, RecordCheck, Verification, verify
from worktab.work.wasm import FUEL_LIMIT, WasmRuntime


class Outcome(StrEnum):
    """What became of a record.

    AGREES         it was run again and gave what it states
    FAILED         it was run again, or added up, and differs: its device signed something untrue
    NOT_CHECKABLE  its device's meter or its size do not let it be run again here
    UNAVAILABLE    its device did not show it, or not so that it leads to the receipt
    """

    AGREES = "agrees"
    FAILED = "failed"
    NOT_CHECKABLE = "not_checkable"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one record: of which device, its job number, its units where it was seen, and a sentence."""

    device: Pubkey
    seq: int
    units: int
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A device and the records of it that were drawn.

    Attributes:
        device: its address.
        known: the state that its last published receipt claimed; None before the first.
        baseline: units that were paid before roots; without a `known` state, records need not be held beyond them.
        head: the state that its newest receipt claims.
        records: job numbers, after `known` and up to `head`.
        meter: of its class.
    """

    device: Pubkey
    known: ChainState | None
    baseline: int
    head: ChainState
    records: frozenset[int]
    meter: int

    def all(self, outcome: Outcome, detail: str) -> list[Checked]:
        """The same about all of them."""
        return [Checked(self.device, seq, 0, outcome, detail) for seq in sorted(self.records)]


_OUTCOMES: Final = {
    Finding.AGREES: Outcome.AGREES,
    Finding.OTHER_METER_VERSION: Outcome.NOT_CHECKABLE,
    Finding.OVER_LIMIT: Outcome.NOT_CHECKABLE,
    Finding.NOT_REPEATABLE: Outcome.NOT_CHECKABLE,
    # Whoever carried the bundle may have left them out: no proof of anything.
    Finding.DATA_MISSING: Outcome.UNAVAILABLE,
    Finding.DATA_DAMAGED: Outcome.UNAVAILABLE,
}
# Units by other rules would be whatever the device says.
_UNKNOWN: Final = {Finding.NOT_REPEATABLE: "another meter", Finding.OTHER_METER_VERSION: "other rules of its meter"}
_NOT_ITS_CHAIN: Final = frozenset({Finding.RECORD_HASH_DIFFERS, Finding.HEAD_DIFFERS, Finding.SEQUENCE_DIFFERS})


def check(drawn: Drawn, bundles: Iterable[Path], runtime: WasmRuntime, *, max_units: int = FUEL_LIMIT) -> list[Checked]:
    """Checks what a device served: that it leads from the known state to the receipt's, and the records drawn.

    Only what hashes bind to the signed receipt can speak against the device; anything else is `UNAVAILABLE`, since
    whoever carried it may have spoilt it. Units that do not add up are found even in records that were not drawn.

    Args:
        drawn: the device and its records.
        bundles: files with them, in order.
        runtime: executes jobs; made with `VERIFIER_STACK`.
        max_units: larger records are not run again.

    Raises:
        StorageError: the disk is failing; nothing about what was served raises.
    """
    try:
        with ExitStack() as stack:
            opened = [stack.enter_context(open_bundle(path)) for path in bundles]
            return _checked(drawn, opened, runtime, max_units)
    except StorageError:
        raise
    except WorktabError as error:
        return drawn.all(Outcome.UNAVAILABLE, str(error))


def _checked(drawn: Drawn, bundles: list[Bundle], runtime: WasmRuntime, max_units: int) -> list[Checked]:
    if any(bundle.device != bytes(drawn.device) for bundle in bundles):
        raise EncodingError("the bundle is of another device")
    base = bundles[0].base
    watch = _Watch(drawn, base)
    entries = takewhile(lambda entry: entry.seq <= drawn.head.seq, chain.from_iterable(b.entries() for b in bundles))
    found = verify(
        watch.over(entries),
        _Blobs(bundles),
        runtime,
        base=base,
        sample=lambda entry: entry.seq in drawn.records,
        max_units=max_units,
        cpu_clock=time.thread_time_ns,
    )
    if (found.end.seq, found.end.head) != (drawn.head.seq, drawn.head.head) or not watch.joins or _broken(drawn, found):
        return drawn.all(
            Outcome.UNAVAILABLE,
            f"what was served does not lead from job {drawn.known.seq if drawn.known else base.seq} to the receipt's "
            f"head at job {drawn.head.seq}",
        )
    outcomes = {
        each.seq: _outcome(drawn, each, watch.units.get(each.seq, 0)) for each in found.checks if _counts(drawn, each)
    }
    if watch.bound and found.end.units != drawn.head.units:
        detail = f"the records add up to {found.end.units} units, the receipt claims {drawn.head.units}"
        outcomes[drawn.head.seq] = Checked(drawn.device, drawn.head.seq, 0, Outcome.FAILED, detail)
    return [outcomes[seq] for seq in sorted(outcomes)]


def _counts(drawn: Drawn, check: RecordCheck) -> bool:
    new = drawn.known is None or check.seq > drawn.known.seq
    return new and (check.seq in drawn.records or Finding.UNITS_DIFFER in check.findings)


def _outcome(drawn: Drawn, check: RecordCheck, units: int) -> Checked:
    outcome, detail = _OUTCOMES.get(check.findings[0], Outcome.FAILED), "; ".join(check.details)
    if drawn.meter == Meter.WASM_FUEL and (stated := _UNKNOWN.get(check.findings[0])):
        outcome, detail = Outcome.FAILED, f"the record states {stated} than the device's class has"
    return Checked(drawn.device, check.seq, units, outcome, detail or check.findings[0].value.replace("_", " "))


def _broken(drawn: Drawn, found: Verification) -> bool:
    known = drawn.known.seq if drawn.known else 0
    return any(check.seq > known and not _NOT_ITS_CHAIN.isdisjoint(check.findings) for check in found.checks)


class _Watch:
    """Notes, while records go by, whether they pass the known state, and what those drawn state as their units.

    The totals that a bundle states are bound by nothing, so the sum of the records stands in their place.

    joins  whether the records follow what is known
    bound  whether their sum does
    """

    def __init__(self, drawn: Drawn, base: ChainState) -> None:
        self._drawn, self._total = drawn, base.units
        self.units: dict[int, int] = {}
        if drawn.known is None:
            self.bound = base == START
            self.joins = self.bound or base.units <= drawn.baseline
        else:
            self.joins = self.bound = False
            self._pass(base.seq, base.head)

    def over(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            units = entry.record.units
            self._total = min(self._total + units, MAX_UNITS)
            self._pass(entry.seq, entry.head)
            if entry.seq in self._drawn.records or not 1 <= units <= FUEL_LIMIT:
                self.units[entry.seq] = units
            yield replace(entry, units_total=self._total)

    def _pass(self, seq: int, head: bytes) -> None:
        known = self._drawn.known
        if known is not None and (seq, head) == (known.seq, known.head):
            self.joins = self.bound = True
            self._total = known.units


class _Blobs:
    """The blobs of several bundles."""

    def __init__(self, bundles: list[Bundle]) -> None:
        self._bundles = bundles

    def get(self, digest: bytes) -> bytes | None:
        return next((data for bundle in self._bundles if (data := bundle.get(digest)) is not None), None)
