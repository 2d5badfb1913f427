"""CPU milliseconds (PROTOCOL section 3, meter 2)."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import ClassVar, Self

from worktab.core.records import Meter

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


class CpuMeter:
    """CPU time of this process, all its threads, and the child processes that ended and were waited for meanwhile.

    User and system time together, to the microsecond where the system has getrusage; on Windows without children.
    Whatever else the process does meanwhile is counted too: run one metered job at a time in a process.
    """

    kind: ClassVar[Meter] = Meter.CPU_MS
    version: ClassVar[int] = 1

    def __init__(self, *, clock: Callable[[], int] | None = None) -> None:
        """A meter over `clock`, CPU nanoseconds used so far; by default the process's own and its children's."""
        self._clock = clock or cpu_ns
        self._start = 0
        self._end: int | None = None

    @property
    def units(self) -> int:
        """Whole CPU milliseconds so far; final once the block has ended."""
        end = self._clock() if self._end is None else self._end
        return (end - self._start) // 1_000_000

    def __enter__(self) -> Self:
        self._start, self._end = self._clock(), None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end = self._clock()


def cpu_ns() -> int:
    """CPU nanoseconds, user and system, of this process and of the children it has waited for."""
    if resource is None:
        return time.process_time_ns()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time_ns() + round((children.ru_utime + children.ru_stime) * 1e9)
