"""GPU milliseconds, from the driver's utilisation samples (PROTOCOL section 3, meter 3). Needs the extra `gpu`.

NVML keeps a sample several times a second (every 1/6 s to 1 s, depending on the card): the share of the time since
the last one during which a kernel was running. GPU milliseconds are those shares times the time they cover, summed.

How good that is: it says how long the card was busy, not how much of the card was used. It counts every program on
the card, so give a metered job a card of its own. Percent are whole, and the samples at the two ends are spread evenly
over their time, so a job is off by at most one sample at each end: measure seconds, not milliseconds. Time for which
no sample came is not charged.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable
from types import ModuleType, TracebackType
from typing import Any, ClassVar, Final, Self

from worktab.core.errors import JobError
from worktab.core.records import Meter

MAX_SAMPLE_US: Final = 1_500_000
"""Longest time in microseconds that one sample is taken to stand for."""

_POLL_SECONDS: Final = 1.0
_LAST_SAMPLE_TRIES: Final = 20
_LAST_SAMPLE_WAIT: Final = 0.1


class GpuMeter:
    """Busy milliseconds of one NVIDIA card; see the module's text.

    Leaving the block waits, up to two seconds, for the sample that covers the job's end.
    """

    kind: ClassVar[Meter] = Meter.GPU_MS
    version: ClassVar[int] = 1

    def __init__(
        self,
        index: int = 0,
        *,
        clock: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """A meter for card number `index`. `clock` gives Unix nanoseconds: the driver's samples carry that time."""
        self._index = index
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._busy = 0
        self._start = self._last = 0
        self._end: int | None = None
        self._failure: Exception | None = None

    @property
    def units(self) -> int:
        """Whole GPU milliseconds in the samples read so far; final once the block has ended."""
        # Microseconds times percent.
        return self._busy // 100_000

    def __enter__(self) -> Self:
        """Starts to count.

        Raises:
            JobError: no NVML library, no driver, no such card, or a card that gives no samples.
        """
        self._nvml = _load()
        try:
            self._nvml.nvmlInit()
        except self._nvml.NVMLError as error:
            raise _unusable("the NVIDIA driver does not answer", error) from error
        try:
            self._card = self._nvml.nvmlDeviceGetHandleByIndex(self._index)
            self._last = max((int(sample.timeStamp) for sample in self._read(0)), default=0)
        except self._nvml.NVMLError as error:
            self._nvml.nvmlShutdown()
            raise _unusable(f"card {self._index} gives no utilisation samples", error) from error
        self._busy, self._end, self._failure = 0, None, None
        self._start = self._clock() // 1000
        self._last = self._last or self._start
        self._stop.clear()
        self._thread = threading.Thread(target=self._poll, name="worktab-gpu-meter", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops counting.

        Raises:
            JobError: the driver stopped answering meanwhile (unless the block itself raised).
        """
        with self._lock:
            self._end = self._clock() // 1000
        self._stop.set()
        self._thread.join()
        try:
            if kind is None:
                self._finish(self._end)
        finally:
            self._nvml.nvmlShutdown()

    def _finish(self, end: int) -> None:
        try:
            for _ in range(_LAST_SAMPLE_TRIES):
                self._collect()
                if self._last >= end or self._failure is not None:
                    break
                self._sleep(_LAST_SAMPLE_WAIT)
        except self._nvml.NVMLError as error:
            self._failure = error
        if self._failure is not None:
            raise _unusable("the NVIDIA driver stopped answering", self._failure) from self._failure

    def _poll(self) -> None:
        # The driver holds the last few seconds only.
        while not self._stop.wait(_POLL_SECONDS):
            try:
                self._collect()
            except self._nvml.NVMLError as error:
                self._failure = error
                return

    def _collect(self) -> None:
        with self._lock:
            for sample in sorted(self._read(self._last), key=lambda each: int(each.timeStamp)):
                ended = int(sample.timeStamp)
                began = max(self._last, ended - MAX_SAMPLE_US, self._start)
                until = ended if self._end is None else min(ended, self._end)
                self._busy += max(0, until - began) * min(int(sample.sampleValue.uiVal), 100)
                self._last = max(self._last, ended)

    def _read(self, after: int) -> list[Any]:
        try:
            _, samples = self._nvml.nvmlDeviceGetSamples(self._card, self._nvml.NVML_GPU_UTILIZATION_SAMPLES, after)
        except self._nvml.NVMLError as error:
            if error.value == self._nvml.NVML_ERROR_NOT_FOUND:
                return []
            raise
        return [sample for sample in samples if int(sample.timeStamp) > after]


def _load() -> ModuleType:
    try:
        return importlib.import_module("pynvml")
    except ImportError as error:
        raise JobError(
            "GPU time cannot be metered without the NVML library",
            next_step="Install it: pip install 'worktab[gpu]'",
        ) from error


def _unusable(message: str, error: Exception) -> JobError:
    return JobError(
        message,
        got=str(error),
        next_step="Check `nvidia-smi`; metering needs an NVIDIA driver and a whole card (no MIG slice)",
    )
