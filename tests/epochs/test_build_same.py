"""The same bytes from the same receipts, whatever else differs; and what holds over any sequence of epochs."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support import receipts as r
from support.receipts import Machine, at, inputs, wallet
from worktab.epochs import building
from worktab.epochs.building import build
from worktab.epochs.data import EpochData
from worktab.epochs.policy import FixedRate, Policy, ShareOfBudget
from worktab.epochs.runners import LocalRunner, WorkersLost
from worktab.ingest.inputs import Inputs

C = TypeVar("C")
R = TypeVar("R")

MACHINES = [
    Machine(f"m{number}", wallet(f"w{number % 4}"), index=number if number % 2 else None) for number in range(9)
]
WORK = inputs(
    0,
    [each.registration() for each in MACHINES],
    [each.receipt(1, 10 * number + 1, at(0)) for number, each in enumerate(MACHINES)],
)
"""Nine devices of four payees."""


def built(given: Inputs, **options: object) -> bytes:
    data = build(None, given, r.terms(), FixedRate(), **{"runner": LocalRunner(1), **options})  # type: ignore[arg-type]
    return data.manifest.encode()


def test_the_order_of_rows_and_repetitions_do_not_matter() -> None:
    expected = built(WORK)
    random = np.random.default_rng(1)
    for _ in range(5):
        registrations = random.permutation(np.concatenate((WORK.registrations, WORK.registrations[:3])))
        receipts = random.permutation(np.concatenate((WORK.receipts, WORK.receipts[4:])))
        assert built(Inputs(0, registrations, receipts)) == expected


def test_the_order_of_competing_registrations_does_not_matter() -> None:
    moved = [each.paid_to(wallet("new")).registration() for each in MACHINES[::2]]
    rows = np.concatenate((WORK.registrations, *moved))
    assert built(Inputs(0, rows, WORK.receipts)) == built(Inputs(0, rows[::-1], WORK.receipts))


@pytest.mark.parametrize("chunk", [1, 4, 100])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_and_chunks_do_not_matter(workers: int, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = built(WORK)
    monkeypatch.setattr(building, "CHUNK", chunk)
    assert built(WORK, runner=LocalRunner(workers)) == expected


class Backwards:
    """A runner that works from the last chunk to the first."""

    def map(self, function: Callable[[C], R], chunks: Iterable[C]) -> Iterator[R]:
        return iter([function(chunk) for chunk in reversed(list(chunks))][::-1])


def test_the_runner_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "CHUNK", 2)
    assert built(WORK, runner=Backwards()) == built(WORK)


def test_a_hash_seed_and_a_process_do_not_matter() -> None:
    code = "import test_build_same as t, sys; sys.stdout.buffer.write(t.built(t.WORK))"
    folder = str(Path(__file__).parent)
    for seed in ("0", "1", "12345"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join([folder, *sys.path])}
        out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True).stdout
        assert out == built(WORK)


def test_the_bytes_are_these() -> None:
    """Another platform, or a later version, that makes others would split the attestors."""
    assert hashlib.sha256(built(WORK)).hexdigest() == "f7060d75c19696bc5c9b962d81ce29df274a54d042808de4859adef0ba2ab980"


def _die(chunk: object) -> None:
    os._exit(1)


def test_a_process_that_dies_is_told() -> None:
    with pytest.raises(WorkersLost, match="ended before its work did"):
        list(LocalRunner(2).map(_die, [1, 2, 3]))


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "CHUNK", 4)
    told: list[tuple[int, int]] = []
    built(WORK, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 9), (4, 9), (8, 9), (9, 9)]


STEP = st.tuples(
    st.integers(0, len(MACHINES) - 1),
    st.integers(1, 3_000),  # new units
    st.sampled_from([0, 0, 0, 1, 2]),  # another payout from now on
)
EPOCH = st.tuples(st.integers(1, 3), st.lists(STEP, max_size=8))
POLICIES: list[Policy] = [FixedRate(), ShareOfBudget(), ShareOfBudget({0: 500})]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EPOCH, min_size=1, max_size=5), st.integers(0, 20_000), st.sampled_from(POLICIES))
def test_what_holds_over_any_epochs(
    epochs: list[tuple[int, list[tuple[int, int, int]]]], budget: int, policy: Policy
) -> None:
    terms = r.terms(r.class_terms(rate=1_333_333, budget=budget))
    machines, done = list(MACHINES), [(0, 0)] * len(MACHINES)
    data: EpochData | None = None
    epoch = -1
    for length, steps in epochs:
        epoch += length
        receipts = []
        for number, units, payout in steps:
            if payout:
                machines[number] = machines[number].paid_to(wallet(f"p{payout}"))
            seq, before = done[number]
            done[number] = seq + 1, before + units
            receipts.append(machines[number].receipt(seq + 1, before + units, at(epoch)))
        given_ = inputs(epoch, [each.registration() for each in machines], receipts)
        if data is None and not steps:
            continue
        after = build(data, given_, terms, policy, runner=LocalRunner(1), verify=False)
        after.check()
        _holds(data, after, budget, len({number for number, _, _ in steps}))
        again = build(data, after.inputs(), terms, policy, runner=LocalRunner(1), verify=False)
        assert again.manifest.encode() == after.manifest.encode()
        data = after
    if data is not None:
        units = sum(each for _, each in done)
        assert data.manifest.units == sum(data.devices["units"].tolist()) == units


def _holds(before: EpochData | None, after: EpochData, budget: int, devices: int) -> None:
    """Totals only grow, by the budget at most; rows and positions stay; every sum is the sum of its parts."""
    manifest = after.manifest
    assert manifest.total == sum(after.payees["reward"].tolist()) == sum(after.devices["reward"].tolist())
    assert manifest.count == len(after.payees)
    assert len(after.receipts) == devices
    active = after.devices[after.devices["active"] == 1]["device"]
    assert len(np.unique(active, axis=0)) == len(active), "a device is active once at most"
    if before is None:
        assert manifest.total <= budget * (manifest.epoch + 1)
        return
    held = len(before.payees)
    assert 0 <= manifest.total - before.manifest.total <= budget * (manifest.epoch - before.epoch)
    assert (after.payees["payout"][:held] == before.payees["payout"]).all()
    assert (after.payees["reward"][:held] >= before.payees["reward"]).all()
    rows = {_key(row): row for row in after.devices}
    for row in before.devices:
        now = rows[_key(row)]
        assert now["units"] >= row["units"]
        assert now["reward"] >= row["reward"]


def _key(row: np.void) -> tuple[bytes, int, int]:
    return row["device"].tobytes(), int(row["position"]), int(row["index"])
