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

from worktab.epochs.ray import RayRunner
from worktab.localnet.ports import free_range

C = TypeVar("C")
R = TypeVar("R")

HOST = "127.0.0.1"
"""No one else reaches it."""

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_raylet_start_wait_time_s": "120",
    # Ray otherwise puts another address of the machine in the place of this one, and listens there.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # A node that is gone is noticed within a few seconds.
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "3000",
    "RAY_health_check_failure_threshold": "4",
}
LIMIT = 90.0
"""Seconds that a node, or a worker on it, may take to start on a busy machine."""


@dataclass
class Node:
    """A node: the process that started it, and all processes it was seen to have."""

    process: subprocess.Popen[bytes]
    seen: dict[int, psutil.Process] = field(default_factory=dict)

    def look(self) -> list[psutil.Process]:
        """The processes it has now."""
        try:
            found = _children(psutil.Process(self.process.pid))
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
    # Not one that the system gives to outgoing connections: it takes seconds until a node listens there.
    port = free_range(HOST, 1)
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


# `ray`, but for its refusal to let a second node join where nodes listen on 127.0.0.1.
_RAY = """
from ray._private import ray_constants, services
ray_constants.ENABLE_RAY_CLUSTER = True
services.get_node_ip_address = lambda address=None: "127.0.0.1"
from ray.scripts.scripts import main
main()
"""


class Traced:
    """A runner on a cluster that notes which node every chunk ran on.

    No task goes on before one has begun on each node; they say so by files in the folder. If `hold`, those that are not
    on the driver's node never go on.
    """

    def __init__(self, runner: RayRunner, folder: Path, *, hold: bool = False) -> None:
        self.runner = runner
        self.folder = folder
        self.hold = hold
        self.nodes: list[str] = []

    def map(self, function: Callable[[C], R], chunks: Iterable[C]) -> Iterator[R]:
        """As `Runner.map`."""
        import ray

        only = ray.get_runtime_context().get_node_id() if self.hold else None
        tasks = ((function, chunk, self.folder, only) for chunk in chunks)
        for node, result in self.runner.map(traced, tasks):
            self.nodes.append(node)
            yield result


def traced(task: tuple[Callable[[Any], Any], Any, Path, str | None]) -> tuple[str, Any]:
    """The node and the function's result."""
    import ray

    function, chunk, folder, only = task
    node: str = ray.get_runtime_context().get_node_id()
    (folder / node).touch()
    _meet(folder)
    while only is not None and node != only:
        time.sleep(0.01)
    return node, function(chunk)


def kill_when_busy(victim: Node, folder: Path) -> None:
    """Kill a node's raylet as soon as a task runs on each node."""
    _meet(folder)
    victim.raylet().kill()


def _meet(folder: Path) -> None:
    until(lambda: len(list(folder.iterdir())) == 2, "a task began on each node")


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something to become true. Fails when it does not."""
    end = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < end, f"still not so after {LIMIT:g} seconds: {what}"
        time.sleep(0.02)


def _start(folder: str, *arguments: str) -> Node:
    command = [
        *(sys.executable, "-c", _RAY, "start", "--block"),
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
    def looked() -> bool:
        for node in nodes:
            node.look()
            ended = node.process.poll() is not None
            assert not ended, (Path(folder) / "nodes.log").read_text(errors="replace")[-4_000:]
        return holds()

    until(looked, "the cluster runs")


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
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []
