"""Where the parts of a build run: in this process, on all cores, or elsewhere (`worktab.epochs.ray`)."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from typing import Protocol, TypeVar

from worktab.core.errors import InputError, StateError

C = TypeVar("C")
R = TypeVar("R")


class WorkersLost(StateError):
    """Workers ended before their work did."""

    code = "workers_lost"
    default_next_step = "Look for what ended them, such as a lack of memory, and build again"


class Runner(Protocol):
    """Applies a function to parts of the work."""

    def map(self, function: Callable[[C], R], chunks: Iterable[C]) -> Iterator[R]:
        """The function's results in the order of the chunks, as they come; where and when it runs is the runner's.

        The function is one of a module's, so that other processes find it. Chunks are taken only as they are needed.
        """


class LocalRunner:
    """Runs on the cores of this machine: in processes of their own, or in this one where one chunk is all there is.

    The processes start afresh (forkserver or spawn): threads and locks of this one are not theirs. As always with
    these, a script that builds has its work under `if __name__ == "__main__"`.

    Args:
        workers: processes; by default as many as this process may use cores. 1 works in this process.

    Raises:
        InputError: no workers.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = _cores() if workers is None else workers
        if self.workers < 1:
            raise InputError("a build needs a worker", expected="1 or more", got=str(workers))

    def map(self, function: Callable[[C], R], chunks: Iterable[C]) -> Iterator[R]:
        """As `Runner.map`. Raises `WorkersLost` where a process ends before its work does."""
        waiting = iter(chunks)
        first = list(islice(waiting, 2))
        if self.workers == 1 or len(first) < 2:
            yield from map(function, chain(first, waiting))
            return
        try:
            yield from self._spread(function, chain(first, waiting))
        except BrokenProcessPool as error:
            raise WorkersLost("A process of the build ended before its work did", got=str(error)) from error

    def _spread(self, function: Callable[[C], R], chunks: Iterator[C]) -> Iterator[R]:
        methods = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        with ProcessPoolExecutor(self.workers, mp_context=context) as pool:
            running: deque[Future[R]] = deque()
            try:
                for chunk in chunks:
                    running.append(pool.submit(function, chunk))
                    # So few are on their way that chunks which nobody works on yet take no memory.
                    if len(running) > 2 * self.workers:
                        yield running.popleft().result()
                while running:
                    yield running.popleft().result()
            finally:
                for each in running:
                    each.cancel()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
