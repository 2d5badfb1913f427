"""Lanes of a consumer's tab as buying needs them: opened when there is none, topped up when one runs low."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from worktab.core.errors import StateError, WorktabError
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.delivery import Patience
from worktab.market.buyer.lane_state import Place, PurseLane
from worktab.market.buyer.purse import Purse
from worktab.program.generated.errors import (
    AllowanceExceeded,
    InsufficientBalance,
    LaneLimitExceeded,
    PeriodLimitExceeded,
)
from worktab.roles.consumer import Consumer, Reservation
from worktab.roles.tabs import TabView

REQUESTS: Final = 20
"""For how many requests a lane is reserved at once, where the budget allows it."""

MOST_DISPUTED: Final = 3
"""How many lanes for one device may end in a dispute over what is charged, before nothing more is signed for it."""

_LOOKS: Final = 4
"""How often a lane is looked for before it is believed to be gone: a node may be behind."""

_LESS_MAY_DO: Final = (InsufficientBalance, AllowanceExceeded, PeriodLimitExceeded, LaneLimitExceeded)


class Lanes:
    """Reserves lanes for one consumer, and remembers them in a purse. Hold the place's lock around every call.

    requests  a lane is reserved for this many requests at once: min(what the budget has left, requests x the most
              that the request can cost). Where the tab or a delegate's limits hold less, for the request alone
    patience  how long to wait between two looks at a chain that does not show what it should
    """

    def __init__(
        self, consumer: Consumer, purse: Purse, *, requests: int = REQUESTS, patience: Patience | None = None
    ) -> None:
        self._consumer = consumer
        self._purse = purse
        self._requests = requests
        self._patience = patience or Patience()

    async def ready(self, place: Place, index: int, amount: int, budget: Budget) -> PurseLane:
        """A lane at a place that can pay `amount` base units beyond what is charged on it.

        index  the device's index in the network; a lane from before it was registered anew pays it no more

        Raises what `Consumer.reserve` raises, the program's refusals as they are.
        """
        lane = self._purse.lane(place)
        if lane is not None and lane.index != index:
            self._purse.end(lane)
            lane = None
        if lane is not None and lane.room < amount:
            lane = await self.refreshed(lane)
        if lane is None:
            lane = await self._opened(place, index, amount, budget)
        if lane.room < amount:
            wanted = min(budget.left, self._requests * amount) - lane.room
            await self._reserve(place, max(wanted, amount - lane.room), amount - lane.room, nonce=lane.nonce)
            lane = await self.refreshed(lane, room=amount)
        if lane is None or lane.room < amount:
            raise StateError(
                "The lane was changed while it was topped up", next_step="Make the request again; it opens a new lane"
            )
        return lane

    async def refreshed(self, lane: PurseLane, *, room: int = 0) -> PurseLane | None:
        """A lane with what the chain says that it can pay; None, and used no more, where it is closing or gone.

        room  base units that it is known to be able to pay, beyond what is charged

        A chain that shows less than that, or no such lane, is asked again: the node may be behind.
        """
        most = units = 0
        for look in range(_LOOKS):
            if look:
                await self._patience.pause(look - 1)
            view = await self._consumer.tab()
            found = view.lane(lane.nonce) if view.has_lane(lane.nonce) else None
            if found is None or view.signer_of(found) != lane.place.signer:
                continue
            if found.close_at:
                break
            most, units = max(lane.most, found.most), max(lane.settled, found.units)
            if most - lane.charged.amount >= room:
                break
        if not most:
            self._purse.end(lane)
            return None
        return self._purse.refresh(lane, most, units)

    async def dispute(self, lane: PurseLane) -> None:
        """Use a lane no more of whose charges device and purse do not agree, and start its end."""
        self._purse.end(lane, disputed=True)
        if self._purse.disputed(lane.place) >= MOST_DISPUTED:
            self._purse.distrust(lane.place.device, f"What is charged was in dispute on {MOST_DISPUTED} lanes")
        await self._close_unused(lane.place)

    async def _close_unused(self, place: Place) -> None:
        """Bring the lanes that are used no more nearer to their end. What fails now is done when a lane is opened."""
        for nonce in self._purse.to_close(place.domain, place.tab, place.signer):
            with suppress(WorktabError):
                if (await self._consumer.close_lane(nonce)).ended:
                    self._purse.closed(place.domain, place.tab, nonce)

    async def _opened(self, place: Place, index: int, amount: int, budget: Budget) -> PurseLane:
        await self._close_unused(place)
        view = await self._consumer.tab()
        since = self._purse.reserving_from(place)
        if since is not None and (lane := self._left_over(place, view, index, since)):
            return lane
        self._purse.reserving(place, view.tab.nonce)
        wanted = min(budget.left, self._requests * amount)
        held = await self._reserve(place, max(wanted, amount), amount)
        return self._purse.add(place, held.index, held.nonce, held.reserved)

    def _left_over(self, place: Place, view: TabView, index: int, since: int) -> PurseLane | None:
        """A lane that was reserved just before the purse could note it: no voucher was ever signed for it."""
        for lane in view.lanes:
            ours = lane.nonce >= since and lane.index == index and view.signer_of(lane) == place.signer
            if ours and not lane.close_at and not lane.paid and not self._purse.knows(place, lane.nonce):
                return self._purse.add(place, index, lane.nonce, lane.most)
        return None

    async def _reserve(self, place: Place, wanted: int, needed: int, *, nonce: int | None = None) -> Reservation:
        try:
            return await self._consumer.reserve(place.device, wanted, nonce=nonce)
        except _LESS_MAY_DO:
            if wanted == needed:
                raise
            return await self._consumer.reserve(place.device, needed, nonce=nonce)
