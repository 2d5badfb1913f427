"""GPU milliseconds, over the real NVML binding with the driver's answers put in its place: no GPU is needed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import pynvml  # type: ignore[import-untyped]
import pytest

from worktab.core.errors import JobError
from worktab.work.meters import gpu
from worktab.work.meters.gpu import GpuMeter

SECOND = 1_000_000
START = 1_800_000_000 * SECOND
"""Microseconds."""


class Driver:
    """What the driver knows: samples by time, revealed as the clock moves on."""

    def __init__(self, samples: dict[int, int]) -> None:
        self.now = START
        self.samples = samples
        self.failure: int | None = None
        self.open = 0
        self.asked: list[int] = []
        self.asked_again = threading.Event()

    def clock(self) -> int:
        return self.now * 1000

    def sleep(self, seconds: float) -> None:
        self.now += round(seconds * SECOND)

    def init(self) -> None:
        self.open += 1

    def shutdown(self) -> None:
        self.open -= 1

    def handle(self, index: int) -> object:
        if index != 0:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_INVALID_ARGUMENT)
        return "card"

    def get_samples(self, card: object, kind: int, after: int) -> tuple[int, list[pynvml.c_nvmlSample_t]]:
        assert (card, kind) == ("card", pynvml.NVML_GPU_UTILIZATION_SAMPLES)
        self.asked.append(after)
        self.asked_again.set()
        if self.failure is not None:
            raise pynvml.NVMLError(self.failure)
        found = []
        for at, percent in self.samples.items():
            if after < START + at <= self.now:
                sample = pynvml.c_nvmlSample_t()
                sample.timeStamp = START + at
                sample.sampleValue.uiVal = percent
                found.append(sample)
        if not found:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return 1, found


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[int, int]], Driver]:
    def put(samples: dict[int, int]) -> Driver:
        driver = Driver(samples)
        monkeypatch.setattr(pynvml, "nvmlInit", driver.init)
        monkeypatch.setattr(pynvml, "nvmlShutdown", driver.shutdown)
        monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", driver.handle)
        monkeypatch.setattr(pynvml, "nvmlDeviceGetSamples", driver.get_samples)
        return driver

    return put


Install = Callable[[dict[int, int]], Driver]


def run(driver: Driver, microseconds: int) -> int:
    """The units of a job that takes so long."""
    with GpuMeter(clock=driver.clock, sleep=driver.sleep) as meter:
        driver.now += microseconds
    assert driver.open == 0
    return meter.units


@pytest.mark.parametrize(
    ("samples", "job", "units"),
    [
        # One sample a second, all of it busy: only the job's own time counts, at both ends.
        ({-SECOND // 2: 100, SECOND // 2: 100, 3 * SECOND // 2: 100}, SECOND, 1_000),
        ({-SECOND // 2: 0, SECOND // 2: 40, 3 * SECOND // 2: 60}, SECOND, 500 * 40 // 100 + 500 * 60 // 100),
        # What was sampled before the job began is not the job's.
        ({-2 * SECOND: 100, -SECOND: 100, 0: 100, SECOND: 0}, SECOND, 0),
        # Sixths of a second, partly idle.
        ({-1: 0} | {step * SECOND // 6: 50 if step % 2 else 0 for step in range(1, 8)}, SECOND, 250),
        # Rounded down.
        ({0: 0, 9_999: 10, 20_000: 0}, 20_000, 0),
        ({0: 0, 10_000: 10, 20_000: 0}, 20_000, 1),
        # A driver that counts past 100 percent is not believed.
        ({0: 0, SECOND: 250}, SECOND, 1_000),
        # A hole in the samples: only 1.5 s before the next sample are charged.
        ({0: 0, 10 * SECOND: 100}, 10 * SECOND, 1_500),
        # No sample before the job: the first one reaches back to its start and no further.
        ({SECOND // 2: 100, SECOND: 100}, SECOND, 1_000),
        # None at all, before or after: nothing is charged, and the wait ends.
        ({}, SECOND, 0),
    ],
    ids=["ends", "shares", "before", "sixths", "below one", "one", "over 100", "hole", "first", "none"],
)
def test_busy_time_is_shares_times_their_time(install: Install, samples: dict[int, int], job: int, units: int) -> None:
    assert run(install(samples), job) == units


def test_samples_are_read_once(install: Install) -> None:
    driver = install({0: 0, SECOND: 100, 2 * SECOND: 100, 3 * SECOND: 100})
    with GpuMeter(clock=driver.clock, sleep=driver.sleep) as meter:
        for _ in range(3):
            driver.now += SECOND
            meter._collect()
            meter._collect()
        assert meter.units == 3_000
    assert meter.units == 3_000
    assert driver.asked == sorted(driver.asked)


def test_the_end_waits_for_the_sample_that_covers_it_but_not_for_ever(install: Install) -> None:
    driver = install({0: 0, SECOND: 100})
    began = driver.now
    assert run(driver, SECOND // 2) == 500
    # Polled every tenth of a second until the sample at 1 s.
    assert driver.now == began + SECOND
    driver = install({0: 0})
    began = driver.now
    assert run(driver, SECOND) == 0
    assert driver.now == began + 3 * SECOND


def test_long_jobs_are_read_meanwhile(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "_POLL_SECONDS", 0.001)
    driver = install({0: 0, SECOND: 100})
    with GpuMeter(clock=driver.clock, sleep=driver.sleep) as meter:
        driver.now += SECOND
        driver.asked_again.clear()
        assert driver.asked_again.wait(120)
        with meter._lock:
            assert meter.units == 1_000
    assert meter.units == 1_000


def test_without_the_library_the_next_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(JobError, match="without the NVML library") as caught, GpuMeter():
        pass
    assert caught.value.next_step == "Install it: pip install 'worktab[gpu]'"


def test_without_a_driver_it_is_told(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    install({})
    monkeypatch.setattr(pynvml, "nvmlInit", missing)
    with (
        pytest.raises(JobError, match="the NVIDIA driver does not answer; got NVML Shared Library Not Found"),
        GpuMeter(),
    ):
        pass


@pytest.mark.parametrize(
    ("index", "failure"), [(1, None), (0, pynvml.NVML_ERROR_NOT_SUPPORTED)], ids=["no such card", "MIG"]
)
def test_a_card_without_samples_is_told(install: Install, index: int, failure: int | None) -> None:
    driver = install({})
    driver.failure = failure
    with pytest.raises(JobError, match=f"card {index} gives no utilisation samples"), GpuMeter(index):
        pass
    assert driver.open == 0


def test_a_driver_that_stops_answering_fails_the_job_unless_it_failed_itself(install: Install) -> None:
    driver = install({0: 0})
    meter = GpuMeter(clock=driver.clock, sleep=driver.sleep)
    with pytest.raises(JobError, match="stopped answering"), meter:
        driver.failure = pynvml.NVML_ERROR_GPU_IS_LOST
    driver.failure = None
    with pytest.raises(KeyError), meter:
        _fail(driver)
    assert driver.open == 0
    driver.failure = None
    driver.samples[SECOND] = 100
    driver.now = START
    with meter:
        driver.now += SECOND
    assert meter.units == 1_000


def _fail(driver: Driver) -> None:
    driver.failure = pynvml.NVML_ERROR_GPU_IS_LOST
    raise KeyError
