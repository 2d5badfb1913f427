"""CPU, bytes, byte-hours and samples."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from worktab.core.errors import InputError
from worktab.core.records import Meter
from worktab.work.meters import UsageMeter
from worktab.work.meters.cpu import CpuMeter, cpu_ns
from worktab.work.meters.data import ByteHourMeter, BytesMovedMeter
from worktab.work.meters.gpu import GpuMeter
from worktab.work.meters.samples import SampleMeter

HOUR = 3_600_000_000_000
SPIN = "import time\nwhile time.process_time_ns() < 60_000_000: pass"


def test_every_meter_has_the_interface_and_its_own_kind() -> None:
    meters: list[UsageMeter] = [CpuMeter(), GpuMeter(), ByteHourMeter(), BytesMovedMeter(), SampleMeter()]
    assert [(meter.kind, meter.version) for meter in meters] == [
        (Meter.CPU_MS, 1),
        (Meter.GPU_MS, 1),
        (Meter.BYTE_HOURS, 1),
        (Meter.BYTES_MOVED, 1),
        (Meter.SAMPLES, 1),
    ]
    assert [meter.units for meter in meters[1:]] == [0] * 4


def test_cpu_milliseconds_are_rounded_down_and_final_at_the_end() -> None:
    readings = iter([5_000_000, 7_999_999, 9_000_000, 20_000_000, 20_999_999])
    meter = CpuMeter(clock=lambda: next(readings))
    with meter:
        assert meter.units == 2
    assert (meter.units, meter.units) == (4, 4)
    with meter:
        pass
    assert meter.units == 0


def test_cpu_time_is_that_of_the_process() -> None:
    before = time.process_time_ns()
    with CpuMeter() as meter:
        started = time.process_time_ns()
        while time.process_time_ns() < started + 30_000_000:
            pass
    after = time.process_time_ns()
    assert 30 <= meter.units <= (after - before) // 1_000_000


def test_cpu_time_includes_children_that_were_waited_for() -> None:
    before = cpu_ns()
    with CpuMeter() as meter:
        subprocess.run([sys.executable, "-c", SPIN], check=True)
    assert 60 <= meter.units <= (cpu_ns() - before) // 1_000_000


@pytest.mark.parametrize("kind", [BytesMovedMeter, SampleMeter])
def test_counting_meters_count(kind: type[SampleMeter]) -> None:
    with kind() as meter:
        meter.add()
        meter.add(41)
        meter.add(0)
        assert meter.units == 42
    assert meter.units == 42
    with meter:
        assert meter.units == 0


@pytest.mark.parametrize("units", [-1, 1.5, True, 2**64, 2**64 - 1])
def test_counts_out_of_range_are_refused(units: int) -> None:
    meter = SampleMeter()
    meter.add(3)
    with pytest.raises(InputError):
        meter.add(units)
    assert meter.units == 3


def test_byte_hours_are_bytes_times_hours() -> None:
    now = [7 * HOUR]
    meter = ByteHourMeter(10, clock=lambda: now[0])
    with meter:
        now[0] += HOUR // 2
        assert meter.units == 5
        meter.keep(100)
        now[0] += 2 * HOUR
        meter.keep(0)
        now[0] += 50 * HOUR
        meter.keep(1)
        now[0] += HOUR - 1
        assert meter.units == 205
        now[0] += 1
    now[0] += HOUR
    assert meter.units == 206


def test_byte_hours_begin_at_the_block() -> None:
    now = [0]
    meter = ByteHourMeter(10, clock=lambda: now[0])
    now[0] = 5 * HOUR
    for _ in range(2):
        with meter:
            now[0] += HOUR
        assert meter.units == 10


@pytest.mark.parametrize("size", [-1, 2**64, 0.5])
def test_a_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(InputError):
        ByteHourMeter(size)
    with ByteHourMeter(clock=lambda: 0) as meter, pytest.raises(InputError):
        meter.keep(size)
