"""Building on a real Ray cluster of two nodes."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import receipts as r
from support.ray_nodes import Cluster, Traced, cluster, free_registers, kill_when_busy, until
from worktab.core.errors import ConnectionFailed, DependencyError
from worktab.epochs import building
from worktab.epochs.building import build
from worktab.epochs.data import EpochData
from worktab.epochs.policy import FixedRate
from worktab.epochs.ray import RayRunner
from worktab.epochs.runners import LocalRunner
from worktab.ingest.inputs import Inputs

# Ray warns of its own deprecations, and leaves sockets and files to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def registers() -> None:
    free_registers()


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch, cluster() as running:
        patch.setattr("ray._private.ray_constants.ENABLE_RAY_CLUSTER", False)  # as in `ray_nodes.ENVIRONMENT`
        yield running


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "CHUNK", 8)


@pytest.fixture(scope="module")
def work() -> Inputs:
    machines = [r.Machine(f"m{number}", payout=r.wallet(f"w{number % 7}")) for number in range(100)]
    return r.inputs(
        0, [each.registration() for each in machines], [each.receipt(1, 100, r.at(0, 5)) for each in machines]
    )


@pytest.fixture(scope="module")
def local(work: Inputs) -> EpochData:
    return build(None, work, r.terms(), FixedRate(), runner=LocalRunner(1))


@pytest.mark.usefixtures("small_chunks")
def test_the_bytes_are_those_of_one_machine_and_both_nodes_worked(
    nodes: Cluster, work: Inputs, local: EpochData, tmp_path: Path
) -> None:
    with RayRunner(nodes.address) as runner:
        _wait_for_nodes(2)
        traced = Traced(runner, tmp_path)
        built = build(None, work, r.terms(), FixedRate(), runner=traced)
    assert built.manifest.encode() == local.manifest.encode()
    assert built.left_out == {}
    # 13 chunks of enrolments and 13 of receipts.
    assert len(traced.nodes) == 26
    assert len(set(traced.nodes)) == 2


@pytest.mark.usefixtures("small_chunks")
def test_a_bad_signature_is_found_on_the_cluster_too(nodes: Cluster, work: Inputs) -> None:
    receipts = work.receipts.copy()
    receipts["signature"][3, 5] ^= 1
    with RayRunner(nodes.address) as runner:
        built = build(None, Inputs(0, work.registrations, receipts), r.terms(), FixedRate(), runner=runner)
    assert built.left_out == {"wrong_signature": 1}
    assert len(built.receipts) == 99


@pytest.mark.usefixtures("small_chunks")
def test_a_node_lost_in_mid_build_costs_nothing(nodes: Cluster, work: Inputs, local: EpochData, tmp_path: Path) -> None:
    with RayRunner(nodes.address) as runner:
        import ray

        _wait_for_nodes(2)
        here = ray.get_runtime_context().get_node_id()
        traced = Traced(runner, tmp_path, hold=True)
        killer = threading.Thread(target=kill_when_busy, args=(nodes.other, tmp_path))
        killer.start()
        built = build(None, work, r.terms(), FixedRate(), runner=traced)
        killer.join()
        _wait_for_nodes(1)
    assert len(list(tmp_path.iterdir())) == 2, "a task began on each node"
    assert set(traced.nodes) == {here}, "what ended ran on the node that was left"
    assert built.manifest.encode() == local.manifest.encode()


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


def _wait_for_nodes(count: int) -> None:
    import ray

    until(lambda: sum(each["Alive"] for each in ray.nodes()) == count, f"{count} nodes")
