"""The chain's tabs, remembered for a while, so that a paid request costs no call to a node.

A remembered tab is safe to sell by: a reserve shrinks only by what this device settles, nonces are never used again,
and a lane that was open when it was read lives on for at least the network's lane delay. So it is read again after
`max_age`, or when it shows too little: at once, since a buyer who has just topped up a lane is waiting, but a few times
a second at most, since anyone can ask. While the chain does not answer, or strangers keep all readings busy, an older
one will do for as long as no lane of it can have ended. Tabs without a lane for this device are remembered apart:
however many are asked for, they displace no buyer's.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from solders.pubkey import Pubkey

from worktab.core.errors import ConnectionFailed
from worktab.market.errors import LaneUnknown, Overloaded
from worktab.market.provider.checking import Gate
from worktab.market.provider.seller import Seller
from worktab.roles.errors import TabNotFound
from worktab.roles.reading import NetworkReader
from worktab.roles.tabs import TabView

_CACHED: Final = 10_000
_MOST_READS: Final = 64
_AT_ONCE: Final = 4
"""How often a tab that shows too little is read again within `min_age`."""


@dataclass(slots=True)
class _Held:
    """A tab as it was read at `read_at` (monotonic seconds); None where there is none."""

    view: TabView | None
    read_at: float
    window: float
    """Since when `asked` counts the readings that were asked for because it showed too little."""

    asked: int = 0
    gates: dict[int, Gate] = field(default_factory=dict)

    def may_ask(self, now: float, length: float) -> bool:
        """Whether it may be read again so soon; counts that it is."""
        if now - self.window > length:
            self.window, self.asked = now, 0
        self.asked += 1
        return self.asked <= _AT_ONCE


class Tabs:
    """Tabs of a seller's buyers; see the module's text.

    max_age  seconds after which a tab is read again
    min_age  seconds in which a tab that shows too little is read again four times at most
    clock    monotonic seconds
    wall     this machine's clock in Unix seconds; the chain's is told from it by what they differed when last read
    """

    def __init__(
        self,
        reader: NetworkReader,
        seller: Seller,
        *,
        max_age: float = 300.0,
        min_age: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._reader, self._seller = reader, seller
        self._max_age, self._min_age = max_age, min_age
        self._clock, self._wall = clock, wall
        self._ahead = 0
        self._held: OrderedDict[Pubkey, _Held] = OrderedDict()
        self._strange: OrderedDict[Pubkey, _Held] = OrderedDict()
        self._reads: dict[Pubkey, asyncio.Task[_Held]] = {}

    @property
    def lane_delay(self) -> int:
        """Seconds that a lane lives on at least after its consumer began to close it."""
        return self._seller.lane_delay

    def now(self) -> int:
        """The chain's clock in Unix seconds, as far as it is known."""
        return int(self._wall()) + self._ahead

    async def gate(self, tab: Pubkey, nonce: int, *, fresh: bool = False) -> Gate:
        """What the vouchers of a lane are judged by; read again first if `fresh`, unless that was just done.

        Raises:
            LaneUnknown: there is no such lane, or it is another device's.
            Overloaded: the chain does not answer, or too much is asked of it at once.
        """
        held = self._remembered(tab)
        if held is None or not self._will_do(held, nonce, fresh):
            try:
                held = await self._read(tab)
            except Overloaded:
                if held is None or fresh or not self._surely_lives(held, nonce):
                    raise
        gate = held.gates.get(nonce)
        if gate is None:
            if held.view is None:
                raise LaneUnknown("There is no such tab", got=str(tab))
            gate = held.gates[nonce] = Gate.of(self._seller, held.view, nonce)
        return gate

    def known(self, tab: Pubkey, nonce: int) -> Gate | None:
        """The gate of a lane as it was last used, without asking the chain."""
        held = self._remembered(tab)
        return None if held is None else held.gates.get(nonce)

    async def read(self, tab: Pubkey) -> TabView | None:
        """A tab as the chain has it now. Raises `Overloaded`."""
        return (await self._read(tab)).view

    def _will_do(self, held: _Held, nonce: int, fresh: bool) -> bool:
        now = self._clock()
        if now - held.read_at > self._max_age:
            return False
        lacking = held.view is None or not held.view.has_lane(nonce)
        return not ((fresh or lacking) and held.may_ask(now, self._min_age))

    def _surely_lives(self, held: _Held, nonce: int) -> bool:
        """Whether a lane that was there cannot have ended since."""
        there = held.view is not None and held.view.has_lane(nonce)
        return there and self._clock() - held.read_at <= max(self._max_age, self._seller.lane_delay / 2)

    def _remembered(self, tab: Pubkey) -> _Held | None:
        return self._held.get(tab) or self._strange.get(tab)

    async def _read(self, tab: Pubkey) -> _Held:
        task = self._reads.get(tab)
        if task is None:
            if len(self._reads) >= _MOST_READS:
                raise Overloaded("Too many tabs are being read")
            task = asyncio.create_task(self._fetch(tab))
            self._reads[tab] = task
            task.add_done_callback(lambda task: self._done(tab, task))
        # One request that goes away must not take the others' answer with it.
        return await asyncio.shield(task)

    def _done(self, tab: Pubkey, task: asyncio.Task[_Held]) -> None:
        self._reads.pop(tab, None)
        if not task.cancelled():
            task.exception()  # looked at here, too, for the case that all who asked have gone

    async def _fetch(self, tab: Pubkey) -> _Held:
        started = self._clock()
        try:
            view = await self._find(tab)
            self._ahead = await self._reader.chain.unix_time() - int(self._wall())
        except ConnectionFailed as error:
            raise Overloaded("The chain does not answer", got=error.message) from error
        before = self._remembered(tab)
        window, asked = (before.window, before.asked) if before else (started, 0)
        held = _Held(view, started, window, asked)
        buys = view is not None and any(lane.index == self._seller.index for lane in view.lanes)
        kept, other = (self._held, self._strange) if buys else (self._strange, self._held)
        kept[tab] = held
        kept.move_to_end(tab)
        other.pop(tab, None)
        if len(kept) > _CACHED:
            kept.popitem(last=False)
        return held

    async def _find(self, tab: Pubkey) -> TabView | None:
        try:
            [view] = await self._reader.find_tabs([tab])
        except TabNotFound:  # another account, which is no tab of this network
            return None
        return view
