"""One size, in a process of its own, so that its memory is its own: check, store, build, tree, prove."""

from __future__ import annotations

import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from solders.pubkey import Pubkey

from epochs import devices
from worktab.core.merkle import Tree
from worktab.epochs.building import build
from worktab.epochs.data import EpochData
from worktab.epochs.leaves import device_roots, payee_leaves
from worktab.epochs.policy import FixedRate
from worktab.epochs.proofs.book import ProofBook
from worktab.epochs.runners import LocalRunner
from worktab.epochs.terms import EpochTerms
from worktab.ingest.checking import check
from worktab.ingest.facts import Facts
from worktab.ingest.inputs import Inputs
from worktab.ingest.kept import ordered
from worktab.ingest.sqlite import SqliteStore

BATCH = 10_000
PROOFS = 2_000
T = TypeVar("T")


def measure(folder: Path, count: int, facts: Facts, terms: EpochTerms, keep: Path) -> dict[str, Any]:
    """The figures of `count` devices; the data of the newest epoch are left in `keep`."""
    fleet = devices.load(folder, count)
    figures: dict[str, Any] = {"devices": count}
    with tempfile.TemporaryDirectory() as temporary:
        inputs = _kept(figures, Path(temporary) / "ingest.db", fleet, facts, terms)
    first = _built(figures, "first", None, inputs[0], terms)
    newest = _built(figures, "next", first, inputs[1], terms)
    del inputs, first
    _, seconds = _timed(newest.write, keep)
    figures["write_seconds"] = round(seconds, 3)
    size = sum(each.stat().st_size for each in (keep / str(newest.epoch)).iterdir())
    figures["published_bytes_a_device"] = round(size / count, 1)
    figures["build_peak_mib"] = _peak()
    _proved(figures, newest, keep)
    figures["peak_mib"] = _peak()
    return figures


def _kept(figures: dict[str, Any], path: Path, fleet: devices.Fleet, facts: Facts, terms: EpochTerms) -> list[Inputs]:
    """Checks and stores everything as an ingest does, and gives what epochs are built from."""
    count = len(fleet.enrolments)
    store = SqliteStore(path)
    store.set_facts(facts)
    for at in range(0, count, BATCH):
        store.put_enrolments(ordered(fleet.enrolments[at : at + BATCH]))
    check_seconds = store_seconds = 0.0
    for epoch, receipts in zip(devices.EPOCHS, fleet.receipts, strict=True):
        for at in range(0, count, BATCH):
            batch = receipts[at : at + BATCH]
            known = store.registrations(batch["device"])
            checked, seconds = _timed(check, batch, known, facts, terms.end(epoch), clock=time.process_time)
            check_seconds += seconds
            assert checked.passed.all()
            _, seconds = _timed(store.put, batch, checked.indices)
            store_seconds += seconds
    total = count * len(devices.EPOCHS)
    figures["checked_a_second_a_core"] = round(total / check_seconds)
    figures["stored_a_second_sqlite"] = round(total / store_seconds)
    inputs, seconds = _timed(lambda: [store.inputs(epoch) for epoch in devices.EPOCHS])
    figures["inputs_read_seconds"] = round(seconds / len(devices.EPOCHS), 3)
    store.close()
    figures["stored_bytes_a_device"] = round(sum(each.stat().st_size for each in path.parent.iterdir()) / count, 1)
    return inputs


def _built(
    figures: dict[str, Any], name: str, previous: EpochData | None, inputs: Inputs, terms: EpochTerms
) -> EpochData:
    """Builds one epoch on one core without signatures, then with all of them on all cores."""
    data, seconds = _timed(
        lambda: build(previous, inputs, terms, FixedRate(), runner=LocalRunner(1), verify=False),
        clock=time.process_time,
    )
    figures[f"{name}_build_seconds_one_core"] = round(seconds, 3)
    again, seconds = _timed(lambda: build(previous, inputs, terms, FixedRate()))
    figures[f"{name}_build_with_signatures_seconds"] = round(seconds, 3)
    assert again.manifest == data.manifest
    assert len(data.payees) == figures["devices"]
    return data


def _proved(figures: dict[str, Any], data: EpochData, keep: Path) -> None:
    payees = data.payees
    roots, devices_seconds = _timed(
        lambda: device_roots(data.devices, payees["first"], payees["devices"]), clock=time.process_time
    )
    assert (roots == payees["devices_root"]).all()
    leaves, leaves_seconds = _timed(
        lambda: payee_leaves(data.manifest.domain, data.epoch, payees), clock=time.process_time
    )
    tree, tree_seconds = _timed(lambda: Tree(leaves), clock=time.process_time)
    assert tree.root == data.manifest.root
    figures["tree_seconds_one_core"] = round(devices_seconds + leaves_seconds + tree_seconds, 3)
    book, seconds = _timed(lambda: ProofBook(EpochData.read(keep, devices.EPOCHS[-1])))
    figures["proofs_load_seconds"] = round(seconds, 3)
    draw = random.Random(1)
    wallets = [Pubkey(payees["payout"][draw.randrange(len(payees))].tobytes()) for _ in range(PROOFS)]
    times = [_timed(book.proof, wallet)[1] for wallet in wallets]
    figures["proof_microseconds_median"] = round(statistics.median(times) * 1e6, 1)
    figures["proof_microseconds_99th"] = round(statistics.quantiles(times, n=100)[98] * 1e6, 1)


def _timed(
    work: Callable[..., T], *arguments: object, clock: Callable[[], float] = time.perf_counter
) -> tuple[T, float]:
    start = clock()
    result = work(*arguments)
    return result, clock() - start


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
