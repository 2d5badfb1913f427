"""Samples, such as sensor readings (PROTOCOL section 3, meter 6)."""

from __future__ import annotations

from types import TracebackType
from typing import ClassVar, Self

from worktab.core._checks import uint
from worktab.core.records import Meter


class CountingMeter:
    """A meter that counts what it is told."""

    kind: ClassVar[Meter]
    version: ClassVar[int] = 1

    def __init__(self) -> None:
        """A meter at zero."""
        self._units = 0

    @property
    def units(self) -> int:
        """Units so far."""
        return self._units

    def add(self, units: int = 1) -> None:
        """Counts `units` more.

        Raises:
            InputError: not an integer, negative, or beyond the u64.
        """
        self._units = uint(self._units + uint(units, 64, "units"), 64, "units")

    def __enter__(self) -> Self:
        self._units = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class SampleMeter(CountingMeter):
    """Samples taken; call `add` for each."""

    kind: ClassVar[Meter] = Meter.SAMPLES
