"""Who takes part: honest devices, one for each way to cheat, and one that goes away."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from worktab.work.wasm import WasmResult, WasmRuntime

INFLATED: Final = 10
"""A device that inflates fuel states so many times what a job took."""

_DIGITS: Final = 10


class Cheat(StrEnum):
    """How a device cheats.

    OUTPUT  it hands out and records another digit than the job finds
    FUEL    it records ten times the fuel that the job took, for the reward
    REPEAT  it does a job again that it did before, which nobody asked for, for another reward
    """

    OUTPUT = "wrong output"
    FUEL = "inflated fuel"
    REPEAT = "reused input"


@dataclass(frozen=True, slots=True)
class Part:
    """What a device does, in three jobs.

    name    of the device
    sells   whether the consumer buys its last job
    cheat   how it cheats in its last job; None for an honest device
    leaves  whether it promises the consumer a further job, and goes away
    """

    name: str
    sells: bool = False
    cheat: Cheat | None = None
    leaves: bool = False


CAST: Final = (
    Part("phone", sells=True),
    Part("sensor"),
    Part("liar", sells=True, cheat=Cheat.OUTPUT),
    Part("inflater", cheat=Cheat.FUEL),
    Part("repeater", cheat=Cheat.REPEAT),
    Part("absentee", sells=True, leaves=True),
)


class CheatingRuntime(WasmRuntime):
    """Does jobs, and lies about the one on an input `about`."""

    def __init__(self, cheat: Cheat, about: bytes) -> None:
        super().__init__()
        self._cheat, self._about = cheat, about

    def run(self, module: bytes, input: bytes, *, fuel_limit: int) -> WasmResult:
        """See `WasmRuntime.run`."""
        result = super().run(module, input, fuel_limit=fuel_limit)
        if input == self._about and self._cheat is Cheat.OUTPUT:
            digit, rest = result.output[0], result.output[1:]
            return replace(result, output=bytes([(digit + 1) % _DIGITS]) + rest)
        if input == self._about and self._cheat is Cheat.FUEL:
            return replace(result, fuel=INFLATED * result.fuel)
        return result


def runtime_of(part: Part, last: bytes) -> WasmRuntime:
    """What a device runs its jobs in, the last of them on `last`."""
    return WasmRuntime() if part.cheat is None else CheatingRuntime(part.cheat, last)
