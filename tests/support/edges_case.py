"""A number at an edge of its range, given to an instruction: what must come of it, to the last field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from support.snapshots import snapshot
from support.svm import Instructions
from support.world import World

U64: Final = (1 << 64) - 1
EDGES: Final = (0, 1, (1 << 32) - 1, 1 << 32, 1 << 63, U64)
"""Where a number's width, sign or range ends."""


@dataclass(frozen=True, slots=True)
class Case:
    """A transaction and the error it must fail with; where it must succeed, what to read then and what that is."""

    instructions: Instructions
    error: str = ""
    read: Callable[[], Any] = lambda: None
    wanted: Any = None

    def check(self, world: World) -> None:
        """Sends it. A refusal must leave every account as it was; the ledger is checked either way."""
        before = snapshot(world)
        result = world.send(self.instructions)
        assert result.error_name == self.error, result.logs
        if self.error:
            assert snapshot(world) == before
        else:
            assert self.read() == self.wanted


Making: TypeAlias = Callable[[World, int], Case]
CASES: Final[dict[str, Making]] = {}
"""By the path of the argument."""


def case(path: str) -> Callable[[Making], Making]:
    """Registers what makes the case of an argument."""

    def register(making: Making) -> Making:
        assert path not in CASES
        CASES[path] = making
        return making

    return register
