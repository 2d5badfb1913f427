"""What the history of an address shows after a point in it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

from solders.pubkey import Pubkey
from solders.signature import Signature

from worktab.chain.feed.errors import CursorLost, NodeBehind
from worktab.chain.protocol import HISTORY_PAGE, Chain, Logged

_FIRST_PAGE: Final = 32  # entries; what came since the last look is mostly few
_STANDSTILL: Final = 2.0


class Trail:
    """Reads the history forward from the `head`, the newest entry that was taken.

    settled   the slot up to which everything was given, -1 before the first look
    expected  the highest slot known to hold something

    What it gives is settled: nodes write what a block holds into their history while later ones come, so the newest
    block is left for the next look, unless no other comes for two seconds (some local nodes make no empty blocks).
    The head stays below such a block until another comes, so that what the node then adds to it is given, too.
    """

    def __init__(self, chain: Chain, address: Pubkey, clock: Callable[[], float]) -> None:
        self._chain, self._address, self._clock = chain, address, clock
        self._head: Logged | None = None
        self._early: set[Signature] = set()  # given from the newest block
        self._tip, self._tip_since = -1, 0.0
        self.settled = -1
        self.expected = -1
        self._unsure = False

    @property
    def cursor(self) -> Signature | None:
        """The head's signature; None before there is one."""
        return self._head.signature if self._head is not None else None

    @property
    def unsettled(self) -> bool:
        """Whether something is there already that no look has given so far."""
        return self.expected > self.settled

    def expect(self, slot: int) -> None:
        """Something is in this slot."""
        self.expected = max(self.expected, slot)

    def expect_anything(self) -> None:
        """Something may be in any slot that there is by the next look."""
        self._unsure = True

    async def start_after(self, signature: Signature) -> None:
        """Make a transaction the head. Raises `CursorLost` if the node does not know it."""
        [status] = await self._chain.statuses([signature], search_history=True)
        if status is None:
            raise CursorLost(f"The node does not know transaction {signature}", cursor=signature)
        self._start(Logged(signature, status.slot, status.error is not None))

    async def start_oldest(self) -> None:
        """Have no head. The node is asked all the same, for whether it answers."""
        await self._read_tip()

    async def start_now(self) -> None:
        """Make the newest entry the head."""
        tip = await self._chain.slot()
        for newest in await self._chain.history(self._address, limit=1, not_before=tip):
            self._start(newest)

    def _start(self, head: Logged) -> None:
        self._head = head
        self.expect(head.slot)

    async def look(self) -> list[Logged]:
        """What is new and settled, oldest first. Raises `CursorLost` if the history does not show the head."""
        await self._read_tip()
        if self._unsure:
            self.expect(self._tip)
            self._unsure = False
        settled, head = self._newest_settled(), self._head
        if head is not None and self._tip < head.slot:
            raise NodeBehind(
                f"The node has not reached transaction {head.signature}",
                cursor=head.signature,
                expected=f"slot {head.slot} or later",
                got=f"slot {self._tip}",
            )
        if settled == self.settled or (head is not None and settled < head.slot):
            return []
        newer = await self._newer(head)
        known = [entry for entry in reversed(newer) if entry.slot <= settled]
        fresh = [entry for entry in known if entry.signature not in self._early]
        if newer:
            self.expect(newer[0].slot)
        for entry in known:
            if self._is_whole(entry.slot):
                self._head = entry
        self._early = {entry.signature for entry in known if not self._is_whole(entry.slot)}
        self.settled = settled
        return fresh

    async def _read_tip(self) -> None:
        tip = await self._chain.slot()
        if tip != self._tip:
            self._tip, self._tip_since = tip, self._clock()

    def _newest_settled(self) -> int:
        still = self._clock() - self._tip_since >= _STANDSTILL
        return self._tip if still or self._is_whole(self._tip) else self._tip - 1

    def _is_whole(self, slot: int) -> bool:
        """Whether the history holds all of a block: one before the tip, or any of a chain in this process."""
        return slot < self._tip or self._chain.ws_url is None

    async def _newer(self, head: Logged | None) -> list[Logged]:
        """What the history shows above the head, newest first, read down to the head to prove that it is whole."""
        newer: list[Logged] = []
        async with aclosing(self._newest_first()) as entries:
            async for entry in entries:
                if head is not None and entry.signature == head.signature:
                    return newer
                if head is not None and entry.slot < head.slot:
                    break
                newer.append(entry)
        if head is None:
            return newer
        raise CursorLost(
            f"The history of {self._address} does not show transaction {head.signature}",
            cursor=head.signature,
            expected=f"it in slot {head.slot}",
        )

    async def _newest_first(self) -> AsyncGenerator[Logged, None]:
        tip = self._tip
        page = await self._chain.history(self._address, limit=_FIRST_PAGE, not_before=tip)
        while page:
            for entry in page:
                yield entry
            last = page[-1].signature
            page = await self._chain.history(self._address, before=last, limit=HISTORY_PAGE, not_before=tip)
