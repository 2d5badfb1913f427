"""Bytes moved and bytes stored over time (PROTOCOL section 3, meters 4 and 5)."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import ClassVar, Final, Self

from worktab.core._checks import uint
from worktab.core.records import Meter
from worktab.work.meters.samples import CountingMeter

_NS_PER_HOUR: Final = 3_600_000_000_000


class BytesMovedMeter(CountingMeter):
    """Bytes sent or received for somebody; call `add` with the size of each piece."""

    kind: ClassVar[Meter] = Meter.BYTES_MOVED


class ByteHourMeter:
    """Bytes kept, times the hours they were kept; call `keep` whenever the amount changes.

    Hours are of a clock that does not jump when the time of day is set. It stops while the machine sleeps on some
    systems: sleeping storage serves nobody.
    """

    kind: ClassVar[Meter] = Meter.BYTE_HOURS
    version: ClassVar[int] = 1

    def __init__(self, size: int = 0, *, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """A meter for `size` bytes kept from the start. `clock` gives nanoseconds from any beginning."""
        self._size = uint(size, 64, "size")
        self._clock = clock
        self._byte_ns = 0
        self._since: int | None = None

    @property
    def units(self) -> int:
        """Whole byte-hours so far; final once the block has ended."""
        return (self._byte_ns + self._running()) // _NS_PER_HOUR

    def keep(self, size: int) -> None:
        """From now on `size` bytes are kept.

        Raises:
            InputError: not an integer from 0 to the u64's end.
        """
        checked = uint(size, 64, "size")
        self._settle()
        self._size = checked

    def _running(self) -> int:
        return 0 if self._since is None else (self._clock() - self._since) * self._size

    def _settle(self) -> None:
        if self._since is not None:
            now = self._clock()
            self._byte_ns += (now - self._since) * self._size
            self._since = now

    def __enter__(self) -> Self:
        self._byte_ns, self._since = 0, self._clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._settle()
        self._since = None
