"""What the agent is going to ask for, and prices by which that comes to its limit, however many jobs there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from worktab.core.money import RATE_UNITS
from worktab.demo.jobs import JobPlan
from worktab.market.pricing import Price
from worktab.work.wasm import FUEL_LIMIT, WasmRuntime

LIMIT: Final = 5_000_000
"""Base units that the agent's session key may spend in all: 5 tokens."""

WEIGHTS: Final = (4, 5, 6)
"""How the three devices' prices compare."""

_COMPARED: Final = 8
"""One answer in so many is compared with another device's."""

_SLACK: Final = 10
"""A job may take a part in so many more than the longest took."""


@dataclass(frozen=True, slots=True)
class Shopping:
    """What is bought, and for how much.

    jobs       of the plan, each bought once
    fuel       work units that the longest of them takes
    max_units  most work units that a request may take
    breaks_at  the job, counted from 0, whose answer breaks off
    requests   for how many requests a lane is reserved at once
    prices     of the three devices, the cheapest first
    """

    jobs: int
    fuel: int
    max_units: int
    breaks_at: int
    requests: int
    prices: tuple[Price, ...]

    def compared(self, job: int) -> bool:
        """Whether a job's answer is compared with another device's; the one that broke off always is."""
        return _compared(job, self.breaks_at)

    @property
    def everything(self) -> int:
        """Most work units of an order for all jobs at once."""
        return min(FUEL_LIMIT, self.max_units * self.jobs)


def shopping(plan: JobPlan) -> Shopping:
    """The shopping for a plan, after a first run of the longest input has shown what a job takes.

    All lanes together never take more than the limit, but more than an order for everything once more leaves.

    Raises `WasmJobError` if the job fails.
    """
    jobs = len(plan.inputs)
    fuel = WasmRuntime().run(plan.module, max(plan.inputs, key=len), fuel_limit=FUEL_LIMIT).fuel
    max_units = min(FUEL_LIMIT, fuel + -(-fuel // _SLACK))
    breaks_at, requests = jobs // 2, max(1, jobs // _COMPARED)
    cheap, middle, dear = WEIGHTS
    weight = (requests - 1) * sum(WEIGHTS)  # what may be left on the lanes
    for job in range(jobs):
        before, at = job < breaks_at, job == breaks_at
        weight += cheap * (before or at) + middle * (not before)
        weight += (middle if before else dear) * _compared(job, breaks_at)
    # Each of the weights is rounded up once at most, to a whole base unit.
    rate = max(1, (LIMIT - weight) * RATE_UNITS // (max_units * weight))
    return Shopping(jobs, fuel, max_units, breaks_at, requests, tuple(Price(each * rate) for each in WEIGHTS))


def _compared(job: int, breaks_at: int) -> bool:
    return job % _COMPARED == 0 or job == breaks_at
