"""What is found about a disputed record: pure of chain and network, from bytes that anyone may have carried.

Only what hashes bind counts. A record is the disputed one if its salted hash is; module and input are what the record's
hashes say; earlier records count if the chain from them leads through the disputed record to a head that the device
signed. Everything else is as if it had not been served.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Final

from solders.pubkey import Pubkey

from worktab.core.errors import JobError, StorageError, WorktabError
from worktab.core.records import Meter, next_head, record_hash
from worktab.roles.accusations import DisputeFinding, Shown
from worktab.work.blobs import BlobSource
from worktab.work.bundle import Bundle, open_bundle
from worktab.work.history import ChainState, Entry
from worktab.work.probing import probe
from worktab.work.verify import Finding, run_again
from worktab.work.wasm import FUEL_LIMIT, METER_VERSION, WasmRuntime

FIRST_METER_VERSION: Final = 50
"""The metering rules of the first release: no record was ever made by older ones."""

NOBODY: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Accused:
    """The record that a dispute is about.

    Attributes:
        device: its device.
        seq: its place in the device's chain, from 1.
        hash: its 32-byte salted hash.
        signed: states that the device signed: on chain, or in receipts.
        vouched: whether only an attestor says that the device signed it; nobody is guilty of a record then that the
            records shown do not lead from to one of these states.
    """

    device: Pubkey
    seq: int
    hash: bytes
    signed: tuple[ChainState, ...] = ()
    vouched: bool = False


class Doubt(StrEnum):
    """Why nothing is found about a record, for now or for good.

    NOT_SERVED       what was served is not the record, or not its module and input
    OTHER_RECORD     the device has another record at that place, in a chain that leads to what it signed: it may have
                     signed two histories, or never the record
    NOT_BOUND        it is untrue, but only an attestor says that the device signed it, and no records were shown that
                     lead from it to anything that the device signed
    OWN_TROUBLE      this machine failed, and the device may have done nothing wrong
    OTHER_RULES      it was measured by rules that this release can't run
    TOO_LARGE        it takes more units than are run again here
    EARLIER_UNKNOWN  it agrees, but nobody paid for it and its earlier records were not shown: it may be a repeat
    """

    NOT_SERVED = "not_served"
    OTHER_RECORD = "other_record"
    NOT_BOUND = "not_bound"
    OWN_TROUBLE = "own_trouble"
    OTHER_RULES = "other_rules"
    TOO_LARGE = "too_large"
    EARLIER_UNKNOWN = "earlier_unknown"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found about a record.

    Attributes:
        finding: what to vote; None where there is a doubt instead.
        doubt: why there is nothing to vote.
        detail: a sentence.
        shown: the record and its salt; None where they were not served.
        whole: whether all records were shown, from the first to the last that the device signed, and looked at.
    """

    finding: DisputeFinding | None
    doubt: Doubt | None
    detail: str
    shown: Shown | None = None
    whole: bool = False


def judge(accused: Accused, bundles: Sequence[Path], runtime: WasmRuntime, *, max_units: int = FUEL_LIMIT) -> Judgement:
    """Judges the record by what was served.

    Args:
        accused: the record.
        bundles: files with it, in order, and with the records before and after it where they were asked for.
        runtime: executes jobs; made with `VERIFIER_STACK`.
        max_units: a record that takes more is not judged.

    Raises:
        StorageError: the disk is failing; nothing about what was served raises.
        JobError: this machine can't run jobs.
    """
    try:
        with ExitStack() as stack:
            opened = [stack.enter_context(open_bundle(path)) for path in bundles]
            return _judged(accused, opened, runtime, max_units)
    except (StorageError, JobError):
        raise
    except WorktabError as error:
        return Judgement(None, Doubt.NOT_SERVED, str(error))


def judge_record(shown: Shown, blobs: BlobSource, runtime: WasmRuntime, *, max_units: int = FUEL_LIMIT) -> Judgement:
    """Judges one record by its module and input alone, as if nothing came before it; raises what `blobs` raises."""
    record = shown.record
    if record.meter is not Meter.WASM_FUEL:
        return _guilty(f"the record is measured by meter {record.meter.value}, the class by WASM fuel", shown)
    if not FIRST_METER_VERSION <= record.meter_version <= METER_VERSION:
        return _guilty(f"there are no metering rules {record.meter_version}", shown)
    if not 1 <= record.units <= FUEL_LIMIT:
        return _guilty(f"a record may state 1 to {FUEL_LIMIT} units, this one states {record.units}", shown)
    if record.meter_version != METER_VERSION:
        detail = f"measured by rules {record.meter_version}, which take an earlier release than this one"
        return Judgement(None, Doubt.OTHER_RULES, detail, shown)
    problems = run_again(record, blobs, runtime, max_units=max_units)
    for finding, doubt in _DOUBTS.items():
        if finding in problems:
            return Judgement(None, doubt, problems[finding], shown)
    if problems:
        return _confirmed(problems, shown, blobs, runtime, max_units)
    return Judgement(DisputeFinding.AGREES, None, f"output and {record.units} units agree", shown)


_DOUBTS: Final = {
    Finding.DATA_MISSING: Doubt.NOT_SERVED,
    Finding.DATA_DAMAGED: Doubt.NOT_SERVED,
    Finding.OVER_LIMIT: Doubt.TOO_LARGE,
}


def _confirmed(
    problems: Mapping[Finding, str], shown: Shown, blobs: BlobSource, runtime: WasmRuntime, max_units: int
) -> Judgement:
    """Guilty, if a known job runs here as it must, and this one shows the same again: memory may have been short."""
    try:
        probe(runtime)
    except JobError as error:
        return Judgement(None, Doubt.OWN_TROUBLE, str(error), shown)
    if run_again(shown.record, blobs, runtime, max_units=max_units).keys() != problems.keys():
        return Judgement(None, Doubt.OWN_TROUBLE, "run twice on this machine, it did not end the same way", shown)
    return _guilty("; ".join(problems.values()), shown)


def _guilty(detail: str, shown: Shown) -> Judgement:
    return Judgement(DisputeFinding.DIFFERS, None, detail, shown)


def _judged(accused: Accused, bundles: Sequence[Bundle], runtime: WasmRuntime, max_units: int) -> Judgement:
    ours = [each for each in bundles if each.device == bytes(accused.device)]
    shown = _record(accused, ours)
    if shown is None:
        if walked(accused, None, ours).other:
            return _another(accused)
        return Judgement(
            None, Doubt.NOT_SERVED, f"job {accused.seq} was not served, or is another record than disputed"
        )
    walk = walked(accused, shown, ours)
    if accused.vouched and walk.other:
        return _another(accused)
    found = judge_record(shown, AnyBlobs(ours), runtime, max_units=max_units)
    if found.finding is not DisputeFinding.AGREES:
        if found.finding is not None and accused.vouched and not walk.bound:
            detail = f"untrue, but not shown to be signed by the device: {found.detail}"
            return Judgement(None, Doubt.NOT_BOUND, detail, shown)
        return found
    if walk.claimed is not None:
        return _guilty(walk.claimed, shown)
    if walk.repeats is not None:
        detail = f"job {walk.repeats} has the same module and input, and nobody paid for either"
        return Judgement(DisputeFinding.REPEATED, None, detail, shown)
    if shown.record.tab == NOBODY and not walk.earlier:
        return Judgement(None, Doubt.EARLIER_UNKNOWN, "it agrees, but the records before it were not all shown", shown)
    return replace(found, whole=walk.whole)


def _another(accused: Accused) -> Judgement:
    return Judgement(None, Doubt.OTHER_RECORD, f"job {accused.seq} of what the device signed is another record")


def _record(accused: Accused, bundles: Sequence[Bundle]) -> Shown | None:
    for bundle in bundles:
        for entry in bundle.entries():
            if entry.seq == accused.seq and record_hash(entry.salt, entry.record) == accused.hash:
                return Shown(entry.record, entry.salt)
    return None


@dataclass(frozen=True, slots=True)
class Walk:
    """What a chain of records shows beside the disputed one.

    repeats  job number of the earliest one that shows the same work, and nobody paid for either; None where none does
    claimed  what is wrong with a receipt that claims more units than the records up to it have; None where none does
    earlier  whether all records before the disputed one were shown, from the first on
    whole    whether all that the device signed were
    other    whether another record is at its place
    bound    whether the chain leads from its place to what the device signed
    """

    repeats: int | None = None
    claimed: str | None = None
    earlier: bool = False
    whole: bool = False
    other: bool = False
    bound: bool = False


def walked(accused: Accused, shown: Shown | None, bundles: Sequence[Bundle]) -> Walk:
    """Goes through a chain that leads to what was signed, from the first bundle on that has one."""
    for first in range(len(bundles)):
        found = _walk(accused, shown, bundles[first].base, bundles[first:])
        if found is not None:
            return found
    return Walk(earlier=accused.seq == 1)


def _walk(accused: Accused, shown: Shown | None, base: ChainState, bundles: Sequence[Bundle]) -> Walk | None:
    """What one chain shows; None where it does not lead past the disputed record's place to what was signed."""
    signed: dict[tuple[int, bytes], int] = {}
    for state in accused.signed:
        # Several receipts may be over the same records: the one that claims most is what the device answers for.
        signed[state.seq, state.head] = max(state.units, signed.get((state.seq, state.head), 0))
    seq, head, total = base.seq, base.head, 0
    repeats: int | None = None
    claimed: str | None = None
    through = bound = other = False
    unmet = {at for at, _ in signed if at}
    for entry, hashed in _linked(chain.from_iterable(each.entries() for each in bundles)):
        if entry.seq <= seq:
            continue
        if entry.seq != seq + 1:
            break
        seq, head, total = entry.seq, next_head(head, hashed), total + entry.record.units
        if seq == accused.seq:
            through, other = True, hashed != accused.hash
        if repeats is None and not through and shown is not None and is_same_unpaid(entry, shown):
            repeats = seq
        units = signed.get((seq, head))
        if units is not None:
            bound = bound or through
            unmet.discard(seq)
            # Without the first records nobody knows the sum.
            if units > total and base.seq == 0:
                claimed = f"a receipt for job {seq} claims {units} units, all records up to it have {total}"
    if not bound:
        return None
    if other:
        return Walk(other=True, bound=True)
    return Walk(repeats, claimed, earlier=base.seq == 0, whole=base.seq == 0 and not unmet, bound=True)


def _linked(entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes]]:
    """Entries with the hashes that their salts and records really have."""
    for entry in entries:
        yield entry, record_hash(entry.salt, entry.record)


def is_same_unpaid(entry: Entry, shown: Shown) -> bool:
    """Whether a record is of the same module and input as another, and nobody paid for either."""
    one, other = entry.record, shown.record
    same = (one.meter, one.module, one.input) == (other.meter, other.module, other.input)
    return same and one.tab == other.tab == NOBODY


class AnyBlobs:
    """The blobs of several sources; a damaged one in a source does not hide a whole one in another."""

    def __init__(self, sources: Collection[BlobSource]) -> None:
        self._sources = sources

    def get(self, digest: bytes) -> bytes | None:
        """See `BlobSource.get`."""
        for source in self._sources:
            try:
                data = source.get(digest)
            except StorageError:
                raise
            except WorktabError:
                continue
            if data is not None:
                return data
        return None
