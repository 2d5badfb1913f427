"""Building on a real Ray cluster of two nodes."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import receipts as r
from support.ray_builds import apart, built, built_plainly
from support.ray_nodes import Cluster, cluster, kill_when_busy
from worktab.core.errors import ConnectionFailed, DependencyError
from worktab.epochs.building import build
from worktab.epochs.data import EpochData
from worktab.epochs.policy import FixedRate
from worktab.epochs.ray import RayRunner
from worktab.epochs.runners import LocalRunner
from worktab.ingest.inputs import Inputs


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


@pytest.fixture(scope="module")
def work() -> Inputs:
    machines = [r.Machine(f"m{number}", payout=r.wallet(f"w{number % 7}")) for number in range(100)]
    return r.inputs(
        0, [each.registration() for each in machines], [each.receipt(1, 100, r.at(0, 5)) for each in machines]
    )


@pytest.fixture(scope="module")
def local(work: Inputs) -> EpochData:
    return build(None, work, r.terms(), FixedRate(), runner=LocalRunner(1))


def test_the_bytes_are_those_of_one_machine_and_both_nodes_worked(
    nodes: Cluster, work: Inputs, local: EpochData, tmp_path: Path
) -> None:
    data, on, _ = apart(built, nodes.address, work, tmp_path, False, 2)
    assert data.manifest.encode() == local.manifest.encode()
    assert data.left_out == {}
    # 13 chunks of enrolments and 13 of receipts.
    assert len(on) == 26
    assert len(set(on)) == 2


def test_a_bad_signature_is_found_on_the_cluster_too(nodes: Cluster, work: Inputs) -> None:
    receipts = work.receipts.copy()
    receipts["signature"][3, 5] ^= 1
    data = apart(built_plainly, nodes.address, Inputs(0, work.registrations, receipts))
    assert data.left_out == {"wrong_signature": 1}
    assert len(data.receipts) == 99


def test_a_node_lost_in_mid_build_costs_nothing(nodes: Cluster, work: Inputs, local: EpochData, tmp_path: Path) -> None:
    killer = threading.Thread(target=kill_when_busy, args=(nodes.other, tmp_path))
    killer.start()
    data, on, here = apart(built, nodes.address, work, tmp_path, True, 1)
    killer.join()
    assert len(list(tmp_path.iterdir())) == 2, "a task began on each node"
    assert set(on) == {here}, "what ended ran on the node that was left"
    assert data.manifest.encode() == local.manifest.encode()


def test_no_cluster_is_told() -> None:
    with pytest.raises(ConnectionFailed, match="no Ray cluster at 127"):
        RayRunner("127.0.0.1:9")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_ray(name: str, *arguments: Any, **named: Any) -> Any:
        if name == "ray":
            raise ModuleNotFoundError("No module named 'ray'")
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without_ray)
    with pytest.raises(DependencyError, match=r"pip install 'worktab\[ray\]'"):
        RayRunner("auto")
