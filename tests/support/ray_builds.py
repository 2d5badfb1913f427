"""Builds on a Ray cluster, each in a process of its own: Ray takes over a process's signals, which running WebAssembly
needs, and ends one whose x87 registers an embedded chain left in use."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from support import receipts
from support.ray_nodes import Traced, until
from worktab.epochs import building
from worktab.epochs.building import build
from worktab.epochs.data import EpochData
from worktab.epochs.policy import FixedRate
from worktab.epochs.ray import RayRunner
from worktab.ingest.inputs import Inputs

T = TypeVar("T")

CHUNK = 8


class Built(NamedTuple):
    """What a build gave: its data, the nodes its chunks ran on, and the node of the process that asked for it."""

    data: EpochData
    nodes: list[str]
    here: str


def apart(work: Callable[..., T], *arguments: Any) -> T:
    """What the work gives in a new process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(work, *arguments).result()


def built(address: str, work: Inputs, folder: Path, hold: bool, nodes_after: int) -> Built:
    """Build in small chunks once two nodes are there; so many are there at the end. See `Traced`."""
    _prepare()
    with RayRunner(address) as runner:
        import ray

        _wait_for_nodes(2)
        traced = Traced(runner, folder, hold=hold)
        data = build(None, work, receipts.terms(), FixedRate(), runner=traced)
        _wait_for_nodes(nodes_after)
        return Built(data, traced.nodes, ray.get_runtime_context().get_node_id())


def built_plainly(address: str, work: Inputs) -> EpochData:
    """Build in small chunks."""
    _prepare()
    with RayRunner(address) as runner:
        return build(None, work, receipts.terms(), FixedRate(), runner=runner)


def _prepare() -> None:
    from ray._private import ray_constants

    ray_constants.ENABLE_RAY_CLUSTER = False  # as in `ray_nodes.ENVIRONMENT`
    building.CHUNK = CHUNK


def _wait_for_nodes(count: int) -> None:
    import ray

    until(lambda: sum(each["Alive"] for each in ray.nodes()) == count, f"the cluster has {count} nodes")
