"""A real Ray cluster of two nodes on this machine, and what tests see of where its tasks run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil

from support.node import eventually
from worktab.epochs.ray import RayRunner

C = TypeVar("C")
R = TypeVar("R")

HOST = "127.0.0.1"
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_RECORD_ACTOR_TASK_LOGGING": "0",
    "RAY_DEDUP_LOGS": "0",
    # A node that is gone is noticed within a few seconds.
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "500",
    "RAY_health_check_failure_threshold": "3",
}
LIMIT = 90.0
"""Seconds that starting a node may take on a busy machine."""


@dataclass
class Node:
    """A node: the process that started it, and all processes it was seen to have."""

    process: subprocess.Popen[bytes]
    seen: dict[int, psutil.Process] = field(default_factory=dict)

    def look(self) -> list[psutil.Process]:
        """The processes it has now."""
        try:
            found = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            found = []
        self.seen |= {each.pid: each for each in found}
        return found

    def raylet(self) -> psutil.Process:
        """The process that runs its tasks."""
        [found] = [each for each in self.look() if each.name() == "raylet"]
        return found

    def stop(self) -> None:
        """End every process of it."""
        self.look()
        self.process.kill()
        self.process.wait()
        for each in self.seen.values():
            for one in [*_children(each), each]:
                if one.is_running():
                    one.kill()


@dataclass
class Cluster:
    """Two nodes of a core each."""

    address: str
    head: Node
    other: Node


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A cluster of two nodes, both of this machine alone; gone at the end, whatever happens."""
    # Ray's sockets are in this folder, and the path of a socket is short.
    folder, nodes = tempfile.mkdtemp(prefix="wt-ray-", dir="/tmp"), list[Node]()
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    address = f"{HOST}:{port}"
    try:
        nodes.append(_start(folder, "--head", f"--port={port}", f"--temp-dir={folder}", "--include-dashboard=false"))
        _until(lambda: _answers(port), nodes, folder)
        _until(lambda: _has_raylet(nodes[0]), nodes, folder)
        nodes.append(_start(folder, f"--address={address}"))
        _until(lambda: _has_raylet(nodes[1]), nodes, folder)
        yield Cluster(address, *nodes)
    finally:
        for node in reversed(nodes):
            node.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Traced:
    """A runner on a cluster that notes which node every chunk ran on.

    hold: where there is such a folder, tasks say there that they began; those not on the driver's node go no further.
    """

    def __init__(self, runner: RayRunner, hold: Path | None = None) -> None:
        self.runner = runner
        self.hold = hold
        self.nodes: list[str] = []

    def map(self, function: Callable[[C], R], chunks: Iterable[C]) -> Iterator[R]:
        """As `Runner.map`."""
        import ray

        here = ray.get_runtime_context().get_node_id()
        tasks = ((function, chunk, here, self.hold) for chunk in chunks)
        for node, result in self.runner.map(traced, tasks):
            self.nodes.append(node)
            yield result


def traced(task: tuple[Callable[[Any], Any], Any, str, Path | None]) -> tuple[str, Any]:
    """The node and the function's result."""
    import ray

    function, chunk, driver, hold = task
    node = ray.get_runtime_context().get_node_id()
    if hold is not None:
        (hold / f"{node}-{os.getpid()}").touch()
        while node != driver:
            time.sleep(0.01)
    return node, function(chunk)


def kill_when_busy(victim: Node, driver_node: str, hold: Path) -> None:
    """Kill a node's raylet as soon as a task runs there."""
    eventually(
        lambda: any(not each.name.startswith(driver_node) for each in hold.iterdir()), "a task on the other node"
    )
    raylet = victim.raylet()
    raylet.kill()


def _start(folder: str, *arguments: str) -> Node:
    command = [
        *(str(Path(sys.executable).with_name("ray")), "start", "--block"),
        *(f"--node-ip-address={HOST}", "--num-cpus=1", "--num-gpus=0", "--object-store-memory=80000000"),
        *("--disable-usage-stats", "--min-worker-port=0", "--max-worker-port=0"),
        *arguments,
    ]
    path = os.pathsep.join(sys.path)
    with open(Path(folder) / "nodes.log", "ab") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **ENVIRONMENT, "PYTHONPATH": path},
            start_new_session=True,
        )
    return Node(process)


def _until(holds: Callable[[], bool], nodes: list[Node], folder: str) -> None:
    until = time.monotonic() + LIMIT
    while not holds():
        for node in nodes:
            node.look()
            ended = node.process.poll() is not None
            assert not ended, (Path(folder) / "nodes.log").read_text(errors="replace")[-4_000:]
        assert time.monotonic() < until, "the cluster did not start"
        time.sleep(0.1)


def _answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _has_raylet(node: Node) -> bool:
    return any(each.name() == "raylet" for each in node.look())


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
