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
MOST_NEW = 300_000
"""Devices of which three signatures each are checked: more would take minutes, and each as long as any other."""
T = TypeVar("T")


def measure(folder: Path, count: int, facts: Facts, terms: EpochTerms, keep: Path) -> dict[str, Any]:
    """The figures of `count` devices; the data of the newest epoch are left in `keep`.

    Seconds are of one core's work where nothing else is said, so that what else the machine does matters little.
    """
    figures: dict[str, Any] = {"devices": count}
    with tempfile.TemporaryDirectory() as temporary:
        store = SqliteStore(Path(temporary) / "ingest.db")
        _keep(figures, store, devices.load(folder, count), facts, terms)
        for epoch in devices.EPOCHS:
            _build(figures, epoch, store, terms, keep)
        store.close()
        size = sum(each.stat().st_size for each in Path(temporary).iterdir())
    figures["stored_bytes_a_device"] = round(size / count, 1)
    size = sum(each.stat().st_size for each in (keep / str(devices.EPOCHS[-1])).iterdir())
    figures["published_bytes_a_device"] = round(size / count, 1)
    figures["build_peak_mib"] = _peak()
    _prove(figures, keep)
    return figures


def _keep(figures: dict[str, Any], store: SqliteStore, fleet: devices.Fleet, facts: Facts, terms: EpochTerms) -> None:
    """Checks and stores everything as an ingest does."""
    count = len(fleet.enrolments)
    store.set_facts(facts)
    for at in range(0, count, BATCH):
        store.put_enrolments(ordered(fleet.enrolments[at : at + BATCH]))
    check_seconds = store_seconds = store_wall = 0.0
    for epoch, receipts in zip(devices.EPOCHS, fleet.receipts, strict=True):
        for at in range(0, count, BATCH):
            batch = receipts[at : at + BATCH]
            known = store.registrations(batch["device"])
            checked, seconds = _timed(check, batch, known, facts, terms.end(epoch))
            check_seconds += seconds
            assert checked.passed.all()
            start = time.perf_counter()
            _, seconds = _timed(store.put, batch, checked.indices, terms.end(epoch))
            store_seconds += seconds
            store_wall += time.perf_counter() - start
    total = count * len(devices.EPOCHS)
    figures["checked_a_second_a_core"] = round(total / check_seconds)
    figures["stored_a_second_a_core_sqlite"] = round(total / store_seconds)
    figures["stored_a_second_with_disk_sqlite"] = round(total / store_wall)


def _build(figures: dict[str, Any], epoch: int, store: SqliteStore, terms: EpochTerms, keep: Path) -> None:
    """Builds an epoch as the command does: on the data before, mapped from the disk."""
    name = "first" if epoch == 0 else "next"
    previous = EpochData.read(keep, epoch - 1) if epoch else None
    inputs, figures["inputs_read_seconds"] = _timed(store.inputs, epoch)
    data, figures[f"{name}_build_trusting_seconds"] = _timed(_built, previous, inputs, terms, False)
    assert len(data.payees) == figures["devices"]
    if epoch or figures["devices"] <= MOST_NEW:
        again, figures[f"{name}_build_checking_seconds"] = _timed(_built, previous, inputs, terms, True)
        assert again.manifest == data.manifest
    if epoch and figures["devices"] <= MOST_NEW:
        start = time.perf_counter()
        again = build(previous, inputs, terms, FixedRate())
        figures["next_build_checking_all_cores_wall_seconds"] = round(time.perf_counter() - start, 3)
        assert again.manifest == data.manifest
    data.write(keep)


def _built(previous: EpochData | None, inputs: Inputs, terms: EpochTerms, verify: bool) -> EpochData:
    return build(previous, inputs, terms, FixedRate(), runner=LocalRunner(1), verify=verify)


def _prove(figures: dict[str, Any], keep: Path) -> None:
    data = EpochData.read(keep, devices.EPOCHS[-1])
    payees = data.payees
    roots, of_devices = _timed(device_roots, data.devices, payees["first"], payees["devices"])
    assert (roots == payees["devices_root"]).all()
    leaves, of_leaves = _timed(payee_leaves, data.manifest.domain, data.epoch, payees)
    tree, of_tree = _timed(Tree, leaves)
    assert tree.root == data.manifest.root
    figures["tree_seconds"] = round(of_devices + of_leaves + of_tree, 3)
    del roots, leaves, tree
    book, figures["proofs_load_seconds"] = _timed(ProofBook, data)
    draw = random.Random(1)
    wallets = [Pubkey(payees["payout"][draw.randrange(len(payees))].tobytes()) for _ in range(PROOFS)]
    times = []
    for wallet in wallets:
        start = time.perf_counter()
        book.proof(wallet)
        times.append(time.perf_counter() - start)
    figures["proof_microseconds_median"] = round(statistics.median(times) * 1e6, 1)
    figures["proof_microseconds_99th"] = round(statistics.quantiles(times, n=100)[98] * 1e6, 1)


def _timed(work: Callable[..., T], *arguments: object) -> tuple[T, float]:
    """What the work gives, and the seconds of this process's processor that it took."""
    start = time.process_time()
    result = work(*arguments)
    return result, round(time.process_time() - start, 3)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
