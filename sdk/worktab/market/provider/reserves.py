"""Telling when a lane's reserve runs low."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from solders.pubkey import Pubkey

from worktab.market.provider.checking import Gate
from worktab.market.provider.rows import LaneAccount

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LowReserve:
    """A lane's reserve runs low: base units `left` beyond what is charged."""

    tab: Pubkey
    nonce: int
    left: int


class ReserveWatch:
    """Warns once for each level of a lane's reserve.

    requests  warn when it is good for fewer requests like the last one
    on_low    called beside the log; it must not raise
    """

    def __init__(self, requests: int, on_low: Callable[[LowReserve], None] | None) -> None:
        self._requests, self._on_low = requests, on_low
        self._warned: dict[tuple[Pubkey, int], int] = {}

    def look(self, lane: LaneAccount, gate: Gate, cost: int) -> None:
        """Looks at a lane after a request that could cost `cost` base units."""
        left, name = gate.most - lane.charged.amount, (lane.tab, lane.nonce)
        if left >= cost * self._requests:
            self._warned.pop(name, None)
        elif self._warned.get(name) != gate.most:
            self._warned[name] = gate.most
            _LOG.warning("Lane %d of tab %s has %d base units left", lane.nonce, lane.tab, left)
            if self._on_low is not None:
                self._on_low(LowReserve(lane.tab, lane.nonce, left))
