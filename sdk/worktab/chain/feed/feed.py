"""The feed itself; see the package's text for what it promises."""

from __future__ import annotations

import asyncio
import random as chance
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from solders.pubkey import Pubkey
from solders.signature import Signature

from worktab.chain.feed.errors import TransactionMissing
from worktab.chain.feed.patience import Pauses
from worktab.chain.feed.trail import Trail
from worktab.chain.protocol import Chain, Failure, Logged
from worktab.core.errors import StateError

if TYPE_CHECKING:
    from worktab.chain.feed.listening import Listener

_AT_ONCE: Final = 8  # transactions read at a time
_MOST_HEARD: Final = 1_000  # log lists kept, of up to 10,000 bytes each
_LOCAL_POLL: Final = 0.05  # seconds between two looks at a chain in this process


class Start(Enum):
    """Where a feed without a cursor starts."""

    NOW = "now"
    """After everything that the chain holds when the feed is entered."""
    OLDEST = "oldest"
    """With the oldest transaction that the node keeps."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A transaction from a feed: its log lines, and its failure if it failed."""

    signature: Signature
    slot: int
    logs: tuple[str, ...]
    error: Failure | None = None


class Feed:
    """The transactions that name an address, in the chain's order, each once.

        async with Feed(chain, network, since=cursor) as feed:
            async for delivery in feed:
                ...
                save(feed.cursor)

    Entering it finds the start. Iteration waits for the next transaction, or, with `follow=False`, ends after the
    newest. An iteration that raised, or whose wait was cancelled, lost nothing: it can go on. For one task at a time.

    cursor  signature of the newest transaction delivered or passed over; None if there is none. A feed made with it
            goes on after it.
    """

    def __init__(
        self,
        chain: Chain,
        address: Pubkey,
        *,
        since: Signature | Start | None = Start.NOW,
        follow: bool = True,
        failed: bool = True,
        check: float = 30.0,
        ping: float = 10.0,
        poll: float = 0.4,
        patience: float = 90.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = chance.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare to follow `address`, a program's or an account's; nothing is asked yet.

        since     what was dealt with last, as `cursor` had it (None is `Start.OLDEST`), or a `Start`
        follow    whether to wait for more after the newest transaction that there is at the first look
        failed    whether to deliver failed transactions, each of which costs a request
        check     seconds after which to look without having been told of anything
        ping      seconds between pings, and seconds a pong may take
        poll      seconds between two looks while a transaction waits for its block to settle
        patience  seconds to keep asking a node that does not answer, lags or does not show what it lists
        sleep, random, clock  for all these but the pings; tests bring their own
        """
        self.cursor = since if isinstance(since, Signature) else None
        self._chain, self._address, self._since = chain, address, since
        self._follow, self._failed = follow, failed
        self._check, self._ping, self._poll, self._patience = check, ping, poll, patience
        self._pauses = Pauses(sleep, random, clock)
        self._trail = Trail(chain, address, clock)
        self._listener: Listener | None = None
        self._open = False
        self._started = False
        self._looked = False
        self._end = -1  # where not followed: the slot of the newest when first looked
        self._waiting: deque[Logged] = deque()
        self._ready: deque[Delivery] = deque()
        self._heard: dict[Signature, tuple[int, tuple[str, ...]]] = {}
        self._woken = asyncio.Event()
        self._silent = False

    @property
    def trouble(self) -> str:
        """Why no node tells of new transactions at the moment, so that they come late; empty if one does."""
        return self._listener.trouble if self._listener is not None else ""

    async def __aenter__(self) -> Self:
        """Find the start. Raises `CursorLost`, and `ConnectionFailed` if the node does not answer."""
        if not self._started:  # entered again, it goes on where it was
            await self._start()
            self._started, self.cursor = True, self._trail.cursor
        self._looked = False
        if self._follow and self._chain.ws_url is not None:
            # Not above: it takes a while to import, and not everyone listens.
            from worktab.chain.feed.listening import Listener

            self._listener = Listener(
                self._chain.ws_url, self._address, self._chain.level, self, ping=self._ping, pauses=self._pauses
            )
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        if self._listener is not None:
            await self._listener.close()

    async def _start(self) -> None:
        since = self._since
        if isinstance(since, Signature):
            # Not given up at once: one node of a pool may lag behind the one that showed it. Silence is told at once.
            await self._pauses.patiently(0, lambda: self._trail.start_after(since))
        elif since is Start.NOW:
            await self._trail.start_now()
        else:
            await self._trail.start_oldest()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delivery:
        """The next transaction.

        Raises `ConnectionFailed` (no answer), `CursorLost` and `TransactionMissing`, each when patience has run out,
        and `StateError` outside of the feed's `async with` block.
        """
        if not self._open:
            raise StateError("The feed is not open", next_step="Iterate inside of its `async with` block")
        while not self._ready:
            if self._waiting:
                await self._read_some()
            elif self._looked and not self._follow and self._trail.settled >= self._end:
                raise StopAsyncIteration
            else:
                await self._advance()
        delivery = self._ready.popleft()
        self.cursor = delivery.signature
        return delivery

    def opened(self) -> None:
        """See `Ear.opened`; for the listener."""
        self._trail.expect_anything()
        self._woken.set()

    def heard(self, signature: Signature, slot: int, logs: tuple[str, ...]) -> None:
        """See `Ear.heard`; for the listener."""
        self._silent = False
        self._trail.expect(slot)
        if len(self._heard) < _MOST_HEARD:
            self._heard[signature] = slot, logs
        self._woken.set()

    async def _advance(self) -> None:
        """Look at the history, once there is a reason to."""
        if self._looked:
            await self._wait()
        self._woken.clear()
        fresh = await self._pauses.patiently(self._patience, self._trail.look)
        if not self._looked:
            self._looked, self._end = True, self._trail.expected
        self._waiting.extend(entry for entry in fresh if self._failed or not entry.failed)
        wanted = {entry.signature for entry in fresh}
        self._heard = {
            signature: told
            for signature, told in self._heard.items()
            if signature in wanted or told[0] > self._trail.settled
        }
        # There is something and nobody told: the subscription has died, whatever its socket says.
        if fresh and self._silent and self._listener is not None:
            self._listener.renew()

    async def _wait(self) -> None:
        if self._trail.unsettled:
            await self._pauses.sleep(self._poll)
        elif self._listener is None:
            await self._pauses.sleep(_LOCAL_POLL)
        else:
            timer = asyncio.ensure_future(self._pauses.sleep(self._check))
            woken = asyncio.ensure_future(self._woken.wait())
            try:
                await asyncio.wait([timer, woken], return_when=asyncio.FIRST_COMPLETED)
            finally:
                timer.cancel()
                woken.cancel()
            self._silent = not self._woken.is_set()

    async def _read_some(self) -> None:
        """Make the next transactions ready. They leave the queue once they are, so that a cancelled wait loses none."""
        batch = [self._waiting[place] for place in range(min(_AT_ONCE, len(self._waiting)))]
        outcomes = await asyncio.gather(*(self._read(entry) for entry in batch), return_exceptions=True)
        for entry, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                if self._ready:
                    return
                raise outcome
            self._ready.append(outcome)
            self._waiting.popleft()
            self._heard.pop(entry.signature, None)

    async def _read(self, entry: Logged) -> Delivery:
        told = self._heard.get(entry.signature)
        if told is not None and not entry.failed:
            return Delivery(entry.signature, entry.slot, told[1])

        async def read() -> Delivery:
            landed = await self._chain.transaction(entry.signature)
            if landed is None:
                raise TransactionMissing(
                    f"The node lists transaction {entry.signature} in slot {entry.slot} and does not show it",
                    signature=entry.signature,
                )
            return Delivery(entry.signature, entry.slot, landed.logs, landed.error)

        return await self._pauses.patiently(self._patience, read)
