"""Meters: how much work was done, in the units of PROTOCOL section 3.

Every meter is a context manager around the work; afterwards, and meanwhile, `units` says how many whole units there
were, rounded down. `kind` and `version` go into the record.

    with CpuMeter() as meter:
        output = job(data)
    record = JobRecord(meter.kind, work_class, meter.version, .., units=meter.units, ..)

    cpu       CPU milliseconds           WASM fuel is metered by `worktab.work.wasm`
    gpu       GPU milliseconds
    data      bytes moved, byte-hours
    samples   samples

None of these can be checked by doing the job again; they are as good as the consumer's signature on them.
"""

from __future__ import annotations

from types import TracebackType
from typing import ClassVar, Protocol, Self

from worktab.core.records import Meter


class UsageMeter(Protocol):
    """What every meter here offers."""

    kind: ClassVar[Meter]
    version: ClassVar[int]

    @property
    def units(self) -> int:
        """Whole units so far; final once the block has ended."""

    def __enter__(self) -> Self:
        """Starts to count."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops counting."""
