"""A build on the machines of a Ray cluster. Needs the extra `ray`, on this machine and on the cluster's."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from worktab.core.errors import ConnectionFailed, DependencyError
from worktab.epochs.runners import WorkersLost

C = TypeVar("C")
R = TypeVar("R")

RETRIES: Final = 10
"""How often a chunk is begun again when the worker or the machine that had it is lost."""

_CONNECT_SECONDS: Final = 10.0

_AHEAD: Final = 2
"""Chunks on their way for each of the cluster's cores: the object store holds no more than these."""


class RayRunner:
    """Runs on a Ray cluster: chunks become tasks, and those of a lost worker or machine run again elsewhere.

    Worktab is installed on every machine of the cluster, in the same version. Use it as a context, or `close` it; and
    in a process that neither runs WebAssembly, whose signals Ray takes over, nor has run an embedded chain, which
    leaves x87 registers in use that Ray's C++ needs.

    Args:
        address: of the cluster, such as 10.0.0.1:6379; `auto` for the one that this machine belongs to.

    Raises:
        DependencyError: ray is missing.
        ConnectionFailed: there is no cluster at the address.
    """

    def __init__(self, address: str) -> None:
        self._ray = _ray()
        try:
            _knock(address)
            self._ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        except (OSError, RuntimeError, ValueError) as error:
            raise ConnectionFailed(
                f"There is no Ray cluster at {address}",
                got=(str(error).splitlines() or [""])[0][:200],
                next_step="Start one with `ray start --head`, or leave out --ray to build on this machine",
            ) from error

    def close(self) -> None:
        """Leaves the cluster. Closing twice is fine."""
        self._ray.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def map(self, function: Callable[[C], R], chunks: Iterable[C]) -> Iterator[R]:
        """As `Runner.map`. Raises `WorkersLost` where the cluster does not finish a chunk."""
        ray = self._ray
        task = ray.remote(function).options(max_retries=RETRIES, num_cpus=1, scheduling_strategy="SPREAD")
        most = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        running: deque[Any] = deque()
        try:
            for chunk in chunks:
                running.append(task.remote(chunk))
                if len(running) > most:
                    yield ray.get(running.popleft())
            while running:
                yield ray.get(running.popleft())
        except ray.exceptions.RayError as error:
            raise WorkersLost(
                "The Ray cluster did not finish a part of the build",
                expected=f"Worktab on every machine, and a chunk lost at most {RETRIES} times",
                got=str(error).strip().splitlines()[-1][:200],
            ) from error
        finally:
            for each in running:
                ray.cancel(each)


def _knock(address: str) -> None:
    """Raises `OSError` where nobody listens: Ray itself would try for a minute."""
    host, colon, port = address.rpartition(":")
    if colon and "://" not in address and port.isdecimal():
        socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()


def _ray() -> Any:
    """The package."""
    try:
        import ray
    except ImportError as error:
        raise DependencyError(
            "Building on a Ray cluster needs ray", next_step="Install it with: pip install 'worktab[ray]'"
        ) from error
    return ray
