"""The records drawn: what speaks against a device, and what only says that it was not shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from solders.pubkey import Pubkey

from support.attesting import ABC_UNITS, Worker
from worktab.core.records import Meter
from worktab.epochs.attesting.records import Checked, Drawn, Outcome, check
from worktab.work.history import ChainState
from worktab.work.wasm import VERIFIER_STACK, WasmRuntime

RUNTIME = WasmRuntime(stack_bytes=VERIFIER_STACK)
OTHER = sha256(b"other").digest()


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path, Pubkey.new_unique())
    yield made
    made.close()


def drawn(worker: Worker, *records: int, known: ChainState | None = None, **fields: object) -> Drawn:
    made = Drawn(worker.device, known, 0, worker.state, frozenset(records), Meter.WASM_FUEL)
    return replace(made, **fields)  # type: ignore[arg-type]


def outcomes(found: list[Checked]) -> list[tuple[int, Outcome]]:
    return [(each.seq, each.outcome) for each in found]


def test_honest_records_agree_from_any_place_they_are_known_from(worker: Worker, tmp_path: Path) -> None:
    worker.work(b"abc", b"abc")
    known = worker.state
    worker.work(b"abc", b"abc", b"abc")
    whole = worker.bundle(tmp_path)
    assert check(drawn(worker, 2, 5), [whole], RUNTIME) == [
        Checked(worker.device, 2, ABC_UNITS, Outcome.AGREES, "agrees"),
        Checked(worker.device, 5, ABC_UNITS, Outcome.AGREES, "agrees"),
    ]
    assert outcomes(check(drawn(worker, 4, known=known), [whole], RUNTIME)) == [(4, Outcome.AGREES)]
    part = worker.bundle(tmp_path, first=3)
    assert outcomes(check(drawn(worker, 3, 4, known=known), [part], RUNTIME)) == [
        (3, Outcome.AGREES),
        (4, Outcome.AGREES),
    ]


def test_records_after_the_receipt_are_not_looked_at(worker: Worker, tmp_path: Path) -> None:
    worker.work(b"abc")
    head = worker.state
    worker.claim(output=OTHER)
    found = check(drawn(worker, 1, head=head), [worker.bundle(tmp_path)], RUNTIME)
    assert outcomes(found) == [(1, Outcome.AGREES)]


def test_several_bundles_are_one_chain(worker: Worker, tmp_path: Path) -> None:
    worker.work(b"abc", b"abd", b"abe")
    entries = list(worker.spool.entries())
    (tmp_path / "one").mkdir()
    first = worker.bundle(tmp_path / "one", entries=entries[:2])
    second = worker.bundle(tmp_path, first=3)
    assert outcomes(check(drawn(worker, 1, 3), [first, second], RUNTIME)) == [(1, Outcome.AGREES), (3, Outcome.AGREES)]
    assert outcomes(check(drawn(worker, 1, 3), [second, first], RUNTIME)) == [
        (1, Outcome.UNAVAILABLE),
        (3, Outcome.UNAVAILABLE),
    ]


@pytest.mark.parametrize(
    ("lie", "detail"),
    [
        ({"output": OTHER}, f"the record states output {OTHER.hex()}, the job gave {sha256(b'bcd').hexdigest()}"),
        ({"units": ABC_UNITS + 1}, f"the record states {ABC_UNITS + 1} units, the job took {ABC_UNITS}"),
        ({"units": ABC_UNITS - 1}, f"the record states {ABC_UNITS - 1} units, the job needs more"),
        ({"meter": Meter.CPU_MS}, "the record states another meter than the device's class has"),
    ],
    ids=["output", "more fuel", "less fuel", "another meter"],
)
def test_a_lie_in_a_record_fails_and_names_it(
    worker: Worker, tmp_path: Path, lie: dict[str, object], detail: str
) -> None:
    worker.work(b"abc")
    worker.claim(**lie)
    worker.work(b"abc")
    bundle = worker.bundle(tmp_path)
    units = lie.get("units", ABC_UNITS)
    assert check(drawn(worker, 1, 2, 3), [bundle], RUNTIME)[1] == Checked(
        worker.device,
        2,
        units,
        Outcome.FAILED,
        detail,  # type: ignore[arg-type]
    )
    # One that was not drawn is not run again.
    assert outcomes(check(drawn(worker, 1, 3), [bundle], RUNTIME)) == [(1, Outcome.AGREES), (3, Outcome.AGREES)]


def test_a_receipt_for_more_units_than_the_records_fails_without_being_drawn(worker: Worker, tmp_path: Path) -> None:
    worker.work(b"abc")
    known = worker.state
    worker.work(b"abc", b"abc")
    head = replace(worker.state, units=worker.state.units + 1)
    bundle = worker.bundle(tmp_path)
    detail = f"the records add up to {3 * ABC_UNITS} units, the receipt claims {3 * ABC_UNITS + 1}"
    for before in (None, known):
        assert check(drawn(worker, 2, known=before, head=head), [bundle], RUNTIME) == [
            Checked(worker.device, 2, ABC_UNITS, Outcome.AGREES, "agrees"),
            Checked(worker.device, 3, 0, Outcome.FAILED, detail),
        ]


def test_what_others_could_have_spoilt_is_no_proof(worker: Worker, tmp_path: Path) -> None:
    worker.work(b"abc", b"abd", b"abe")
    entries = list(worker.spool.entries())
    spoilt = {
        "salt": [entries[0], replace(entries[1], salt=OTHER), entries[2]],
        "record": [entries[0], replace(entries[1], record=replace(entries[1].record, units=5)), entries[2]],
        "left out": [entries[0], entries[2]],
        "short": entries[:2],
        "none": [],
    }
    for changed in spoilt.values():
        bundle = worker.bundle(tmp_path, entries=iter(changed))
        assert outcomes(check(drawn(worker, 2), [bundle], RUNTIME)) == [(2, Outcome.UNAVAILABLE)]
    # Totals are bound by no hash: whatever they say, the sum of the records counts.
    wrong = [replace(each, units_total=each.units_total + 9) for each in entries]
    bundle = worker.bundle(tmp_path, entries=wrong)
    assert outcomes(check(drawn(worker, 2), [bundle], RUNTIME)) == [(2, Outcome.AGREES)]


def test_another_history_than_the_known_one_is_not_its_evidence(worker: Worker, tmp_path: Path) -> None:
    worker.work(b"abc", b"abc")
    known = ChainState(1, ABC_UNITS, OTHER)
    [found] = check(drawn(worker, 2, known=known), [worker.bundle(tmp_path)], RUNTIME)
    assert found == Checked(
        worker.device,
        2,
        0,
        Outcome.UNAVAILABLE,
        "what was served does not lead from job 1 to the receipt's head at job 2",
    )


def test_what_was_paid_before_roots_need_not_be_shown(worker: Worker, tmp_path: Path) -> None:
    worker.work(b"abc", b"abc", b"abc")
    part = worker.bundle(tmp_path, first=3)
    for baseline, outcome in ((2 * ABC_UNITS, Outcome.AGREES), (2 * ABC_UNITS - 1, Outcome.UNAVAILABLE)):
        assert outcomes(check(drawn(worker, 3, baseline=baseline), [part], RUNTIME)) == [(3, outcome)]


def test_data_that_is_missing_or_damaged_is_unavailable(worker: Worker, tmp_path: Path) -> None:
    worker.claim(input=b"abc")
    worker.spool.append(replace(next(worker.spool.entries()).record, input=OTHER), bytes(32))
    found = check(drawn(worker, 1, 2), [worker.bundle(tmp_path)], RUNTIME)
    assert outcomes(found) == [(1, Outcome.AGREES), (2, Outcome.UNAVAILABLE)]
    assert found[1].detail == f"the input {OTHER.hex()} was not given"


@pytest.mark.parametrize(
    ("lie", "fields"),
    [({"units": 1_001}, {}), ({"meter": Meter.CPU_MS}, {"meter": Meter.CPU_MS})],
    ids=["size", "meter"],
)
def test_what_cannot_be_run_again_is_counted_as_such(
    worker: Worker, tmp_path: Path, lie: dict[str, object], fields: dict[str, object]
) -> None:
    worker.claim(**lie)
    found = check(drawn(worker, 1, **fields), [worker.bundle(tmp_path)], RUNTIME, max_units=1_000)
    assert outcomes(found) == [(1, Outcome.NOT_CHECKABLE)]


def test_units_by_rules_that_nobody_knows_are_no_units(worker: Worker, tmp_path: Path) -> None:
    worker.claim(meter_version=99, units=400_000)
    found = check(drawn(worker, 1), [worker.bundle(tmp_path)], RUNTIME)
    assert outcomes(found) == [(1, Outcome.FAILED)]
    assert found[0].detail == "the record states other rules of its meter than the device's class has"
    # In a class of another meter nothing is run again anyway.
    found = check(drawn(worker, 1, meter=Meter.CPU_MS), [worker.bundle(tmp_path)], RUNTIME)
    assert outcomes(found) == [(1, Outcome.NOT_CHECKABLE)]


def test_a_foreign_bundle_and_no_bundle_are_unavailable(worker: Worker, tmp_path: Path) -> None:
    worker.work(b"abc")
    bundle = worker.bundle(tmp_path)
    stranger = drawn(worker, 1, device=Pubkey.new_unique())
    assert outcomes(check(stranger, [bundle], RUNTIME)) == [(1, Outcome.UNAVAILABLE)]
    bundle.write_bytes(bundle.read_bytes()[:-30])
    assert outcomes(check(drawn(worker, 1), [bundle], RUNTIME)) == [(1, Outcome.UNAVAILABLE)]
    bundle.write_bytes(b"no bundle")
    assert outcomes(check(drawn(worker, 1), [bundle], RUNTIME)) == [(1, Outcome.UNAVAILABLE)]
