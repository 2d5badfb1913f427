"""What is found about one record, from bytes that anyone may have carried; and about many, by a challenger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from solders.pubkey import Pubkey

from support.attesting import ABC_UNITS, Worker
from support.disputes import VERIFIER
from support.jobs import increment, module, spin
from worktab.core.errors import EncodingError, InputError
from worktab.core.records import Meter, next_head, record_hash
from worktab.roles.accusations import DisputeFinding, Shown
from worktab.trust.challenging import Fault, examine, overclaimed
from worktab.trust.judging import Accused, AnyBlobs, Doubt, judge, judge_record
from worktab.trust.published import bundles_in, open_published
from worktab.work.blobs import BlobStore
from worktab.work.history import ChainState, Entry
from worktab.work.verify import one_in
from worktab.work.wasm import FUEL_LIMIT, METER_VERSION

DEVICE = Pubkey(sha256(b"device").digest())
TAB = sha256(b"tab").digest()


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path / "devices", DEVICE)
    yield made
    made.close()


def of(entry: Entry) -> Shown:
    return Shown(entry.record, entry.salt)


def accused(worker: Worker, entry: Entry, *signed: ChainState) -> Accused:
    """A record, by the newest state unless told otherwise."""
    return Accused(DEVICE, entry.seq, entry.record_hash, signed or (worker.state,))


@pytest.mark.parametrize(
    ("lies", "told"),
    [
        ({"output": bytes(32)}, "the record states output 00"),
        ({"units": ABC_UNITS - 1}, "the job needs more"),
        ({"units": ABC_UNITS + 1}, f"the job took {ABC_UNITS}"),
        ({"units": FUEL_LIMIT}, f"the job took {ABC_UNITS}"),
        ({"meter": Meter.CPU_MS}, "measured by meter 2"),
        ({"meter_version": METER_VERSION + 1}, "there are no metering rules 51"),
        ({"meter_version": 49}, "there are no metering rules 49"),
    ],
)
def test_what_is_untrue(worker: Worker, lies: dict[str, Any], told: str) -> None:
    found = judge_record(of(worker.claim(**lies)), worker.blobs, VERIFIER)
    assert (found.finding, found.doubt) == (DisputeFinding.DIFFERS, None)
    assert told in found.detail


@pytest.mark.parametrize("units", [0, FUEL_LIMIT + 1])
def test_units_that_no_record_may_state(worker: Worker, units: int) -> None:
    entry = worker.claim()
    found = judge_record(Shown(replace(entry.record, units=units), entry.salt), worker.blobs, VERIFIER)
    assert (found.finding, found.detail) == (
        DisputeFinding.DIFFERS,
        f"a record may state 1 to {FUEL_LIMIT} units, this one states {units}",
    )


def test_a_job_that_cannot_have_run(worker: Worker) -> None:
    trap = worker.blobs.put(module("unreachable"))
    found = judge_record(of(worker.claim(module=trap)), worker.blobs, VERIFIER)
    assert found.finding is DisputeFinding.DIFFERS
    assert "unreachable" in found.detail


def test_a_large_record_is_run_as_far_as_is_allowed(worker: Worker) -> None:
    # One that states much and takes little is untrue; of one that really is large nothing is known.
    inflated = judge_record(of(worker.claim(units=10**9)), worker.blobs, VERIFIER, max_units=1_000)
    assert inflated.finding is DisputeFinding.DIFFERS
    program, input = worker.blobs.put(spin()), worker.blobs.put((10**6).to_bytes(8, "little"))
    entry = worker.claim(units=10**9)
    shown = Shown(replace(entry.record, module=program, input=input), entry.salt)
    found = judge_record(shown, worker.blobs, VERIFIER, max_units=1_000)
    assert (found.finding, found.doubt) == (None, Doubt.TOO_LARGE)


def test_data_that_is_missing_or_damaged(worker: Worker, tmp_path: Path) -> None:
    entry = worker.claim()
    assert judge_record(of(entry), BlobStore(tmp_path / "empty"), VERIFIER).doubt is Doubt.NOT_SERVED
    name = entry.record.input.hex()
    (worker.folder / "blobs" / name[:2] / name).write_bytes(b"other")
    assert judge_record(of(entry), worker.blobs, VERIFIER).doubt is Doubt.NOT_SERVED
    # A damaged copy somewhere does not hide a whole one elsewhere.
    whole = BlobStore(tmp_path / "whole")
    for data in (increment(), b"abc"):
        whole.put(data)
    assert judge_record(of(entry), AnyBlobs([worker.blobs, whole]), VERIFIER).finding is DisputeFinding.AGREES


def test_only_the_disputed_record_counts(worker: Worker, tmp_path: Path) -> None:
    [entry] = worker.work(b"abc")
    path = worker.bundle(tmp_path)
    assert judge(accused(worker, entry), [path], VERIFIER).finding is DisputeFinding.AGREES
    for other in (
        replace(accused(worker, entry), seq=2),
        replace(accused(worker, entry), device=Pubkey(bytes(32))),
    ):
        assert judge(other, [path], VERIFIER).doubt is Doubt.NOT_SERVED
    path.write_bytes(b"no bundle")
    assert judge(accused(worker, entry), [path], VERIFIER).doubt is Doubt.NOT_SERVED


def test_a_repeat_counts_in_the_chain_that_was_signed_alone(worker: Worker, tmp_path: Path) -> None:
    entries = worker.work(b"abc", b"abd", b"abc")
    path = worker.bundle(tmp_path)
    found = judge(accused(worker, entries[2]), [path], VERIFIER)
    assert (found.finding, found.shown) == (DisputeFinding.REPEATED, of(entries[2]))
    # The first of two is work.
    assert judge(accused(worker, entries[0]), [path], VERIFIER).finding is DisputeFinding.AGREES
    # Without a head that was signed, anybody could have made the earlier record up.
    unsigned = accused(worker, entries[2], replace(worker.state, head=bytes(32)))
    assert judge(unsigned, [path], VERIFIER).doubt is Doubt.EARLIER_UNKNOWN
    beyond = accused(worker, entries[2], ChainState(4, 0, bytes(32)))
    assert judge(beyond, [path], VERIFIER).doubt is Doubt.EARLIER_UNKNOWN
    alone = worker.bundle(tmp_path, first=3)
    assert judge(accused(worker, entries[2]), [alone], VERIFIER).doubt is Doubt.EARLIER_UNKNOWN


def test_another_record_in_the_signed_chain_is_told_apart_from_none(worker: Worker, tmp_path: Path) -> None:
    entries = worker.work(b"abc", b"abd")
    path = worker.bundle(tmp_path)
    never = replace(accused(worker, entries[0]), hash=bytes(32))
    assert judge(never, [path], VERIFIER).doubt is Doubt.OTHER_RECORD
    # Only in what the device signed.
    unsigned = replace(never, signed=(ChainState(2, 0, bytes(32)),))
    assert judge(unsigned, [path], VERIFIER).doubt is Doubt.NOT_SERVED
    before = replace(never, seq=2, signed=(entries[0].state,))
    assert judge(before, [path], VERIFIER).doubt is Doubt.NOT_SERVED


def test_a_chain_may_come_in_parts(worker: Worker, tmp_path: Path) -> None:
    entries = worker.work(b"abc", b"abd", b"abe", b"abc")
    later = worker.bundle(tmp_path, first=3)
    (tmp_path / "part").mkdir()
    first = worker.bundle(tmp_path / "part", entries=entries[:2])
    found = judge(accused(worker, entries[3]), [first, later], VERIFIER)
    assert (found.finding, found.detail[:5]) == (DisputeFinding.REPEATED, "job 1")


def test_a_forged_earlier_record_convicts_nobody(worker: Worker, tmp_path: Path) -> None:
    entries = worker.work(b"abd", b"abc")
    forged = replace(entries[0], record=replace(entries[0].record, input=entries[1].record.input))
    path = worker.bundle(tmp_path, entries=[forged, entries[1]])
    found = judge(accused(worker, entries[1]), [path], VERIFIER)
    assert (found.finding, found.doubt) == (None, Doubt.EARLIER_UNKNOWN)


def test_what_receipts_claim_is_compared_with_all_records(worker: Worker, tmp_path: Path) -> None:
    entries = worker.work(b"abc", b"abd", b"abe")
    path, state = worker.bundle(tmp_path), worker.state
    for claimed, finding in (
        ((state,), DisputeFinding.AGREES),
        ((replace(state, units=state.units - 1),), DisputeFinding.AGREES),
        ((replace(state, units=state.units + 1),), DisputeFinding.DIFFERS),
        ((state, replace(entries[0].state, units=10**6)), DisputeFinding.DIFFERS),
        ((state, replace(entries[0].state, units=10**6, head=bytes(32))), DisputeFinding.AGREES),
    ):
        assert judge(accused(worker, entries[1], *claimed), [path], VERIFIER).finding is finding
    # Where the first records are not there, nobody knows the sum.
    later = worker.bundle(tmp_path, first=2)
    over = replace(state, units=state.units + 1)
    assert judge(accused(worker, entries[1], over), [later], VERIFIER).doubt is Doubt.EARLIER_UNKNOWN
    with open_published([later]) as published:
        assert overclaimed(published, over) is None
    with open_published([worker.bundle(tmp_path)]) as published:
        assert overclaimed(published, state) is None
        assert overclaimed(published, replace(over, head=bytes(32))) is None
        assert overclaimed(published, replace(over, seq=9)) is None
        suspect = overclaimed(published, over)
        assert suspect is not None
        assert (suspect.seq, suspect.hash) == (3, entries[2].record_hash)


def test_an_examination_finds_everything_and_orders_what_to_dispute(worker: Worker, tmp_path: Path) -> None:
    worker.work(b"abc", b"abd")
    worker.work(b"abc")
    worker.claim(b"x", output=bytes(32))
    worker.claim(b"y", units=1, amount=5, tab=TAB)
    worker.claim(b"z", meter=Meter.CPU_MS)
    missing = worker.spool.append(replace(worker.claim(b"w").record, input=bytes(32)), bytes(32))
    with open_published([worker.bundle(tmp_path)]) as published:
        found = examine(published, VERIFIER)
        assert (published.device, published.count) == (DEVICE, 8)
    faults = [(each.seq, each.fault) for each in found.suspects]
    assert faults == [
        (3, Fault.REPEATED),
        (4, Fault.DIFFERS),
        (5, Fault.DIFFERS),
        (6, Fault.DIFFERS),
        (missing.seq, Fault.DATA_MISSING),
    ]
    # Who paid comes first, and last what attestors need all earlier records for.
    assert [each.seq for each in found.disputable] == [5, 4, 6, 3]
    assert (found.records, found.executed, found.unchecked) == (8, 6, 0)


def test_a_sample_and_a_limit(worker: Worker, tmp_path: Path) -> None:
    worker.work(*(b"%d" % number for number in range(10)))
    with open_published([worker.bundle(tmp_path)]) as published:
        sampled = examine(published, VERIFIER, sample=one_in(3, b"seed"))
        assert 0 < sampled.executed < 10
        assert sampled.suspects == []
        limited = examine(published, VERIFIER, max_units=10)
        assert (limited.executed, limited.unchecked) == (0, 10)


def test_a_broken_chain_is_told_and_not_disputed(worker: Worker, tmp_path: Path) -> None:
    entries = worker.work(b"abc", b"abd", b"abe")
    path = worker.bundle(tmp_path, entries=[entries[0], replace(entries[1], salt=bytes(32)), entries[2]])
    with open_published([path]) as published:
        found = examine(published, VERIFIER)
    assert [(each.seq, each.fault) for each in found.suspects] == [(2, Fault.BROKEN)]
    assert found.disputable == []


def test_bundles_in_folders(worker: Worker, tmp_path: Path) -> None:
    worker.work(b"abc", b"abd")
    folder = tmp_path / "bundles"
    folder.mkdir()
    path = worker.bundle(folder)
    (folder / "inner").mkdir()
    (folder / "other").write_bytes(b"no bundle")
    assert bundles_in(folder) == {DEVICE: [path]}
    with pytest.raises(InputError), open_published([]):
        pass
    with pytest.raises(EncodingError), open_published([folder / "other"]):
        pass
    (tmp_path / "part").mkdir()
    entries = list(worker.spool.entries())
    parts = [worker.bundle(tmp_path / "part", entries=entries[:1]), worker.bundle(tmp_path, first=2)]
    with open_published(parts[::-1]) as published:
        assert (published.base, published.count) == (ChainState(0, 0, bytes(32)), 2)
        assert [each.seq for each in published.entries()] == [1, 2]
        assert examine(published, VERIFIER).suspects == []


def test_records_in_several_bundles_count_once(worker: Worker, tmp_path: Path) -> None:
    """Exports of a device at different times hold the same records."""
    entries = worker.work(b"abc", b"abd", b"abe", b"abf")
    worker.work(b"abc")
    (tmp_path / "part").mkdir()
    parts = [worker.bundle(tmp_path / "part", entries=entries), worker.bundle(tmp_path, first=3)]
    over = replace(worker.state, units=worker.state.units + 1)
    with open_published(parts) as published:
        found, suspect = examine(published, VERIFIER), overclaimed(published, over)
    assert [(each.seq, each.fault) for each in found.suspects] == [(5, Fault.REPEATED)]
    assert (found.records, found.executed) == (5, 4)
    assert suspect is not None
    assert suspect.seq == 5


def test_a_forged_branch_between_bundles_makes_no_repeat(worker: Worker, tmp_path: Path) -> None:
    """Its records follow from the device's, and lead to nothing that it signed."""
    one, two, three = worker.work(b"abc", b"abd", b"abe")
    salt = bytes(32)
    hashed = record_hash(salt, three.record)
    forged = replace(two, salt=salt, record=three.record, record_hash=hashed, head=next_head(one.head, hashed))
    folders = [tmp_path / name for name in ("first", "second", "third")]
    for folder in folders:
        folder.mkdir()
    parts = [worker.bundle(folder, entries=part) for folder, part in zip(folders, ([one], [one, forged]), strict=False)]
    with open_published([*parts, worker.bundle(folders[2])]) as published:
        found = examine(published, VERIFIER)
    assert (found.suspects, found.records) == ([], 4)
