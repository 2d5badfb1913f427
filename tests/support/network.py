"""A network that fails as told, between a sender and the chain under test, and the time that passes on it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

from solders.pubkey import Pubkey
from solders.signature import Signature

from support.chains import AnyChain, pass_blocks
from worktab.chain.journal import MemoryJournal, Outcome
from worktab.chain.protocol import Blockhash, Level, Status
from worktab.core.errors import ConnectionFailed

Fate = Literal["deliver", "drop", "lose answer", "refuse", "delay"]
"""What becomes of one sending: it arrives; it vanishes unnoticed; it arrives and the answer is lost; it does not
arrive and the caller is told so; it arrives `DELAY` slots later."""

DELAY = 20
SECONDS_PER_SLOT = 0.5


class Network:
    """`Chain` by delegation, with every sending and every look at a status open to failure.

    events      what happened, in order; a journal of `journal()` writes into the same list
    sent        the bytes of every sending, whatever became of it
    fates       what becomes of the next sendings; "deliver" once it is empty
    looks       the next answers to `statuses`: "true", "down" (no answer), "absent" (from a node that lags,
                so never to a look that gives not_before), "processed" or "confirmed" (what landed is settled no
                further), "vanished" (its block was on a fork that lost); "true" once it is empty
    looked      (search_history, not_before) of every look
    details     whether the node keeps transactions to show
    frozen      the blockhash to hand out in place of the newest
    fees        what others are said to have paid
    kept_from   the lowest block the node keeps
    """

    def __init__(self, chain: AnyChain) -> None:
        self.chain = chain
        self.level = Level.CONFIRMED
        self.events: list[str] = []
        self.sent: list[bytes] = []
        self.fates: deque[Fate] = deque()
        self.looks: deque[str] = deque()
        self.looked: list[tuple[bool, int]] = []
        self.details = True
        self.frozen: Blockhash | None = None
        self.fees: list[int] = []
        self.kept_from = 0
        self.now = 0.0
        self._delayed: list[tuple[int, bytes]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.chain, name)

    def script(self, fates: Iterable[Fate] = (), looks: Iterable[str] = ()) -> None:
        """Replace what is to go wrong next."""
        self.fates, self.looks = deque(fates), deque(looks)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let time pass on the chain too: a slot every half second."""
        self.now += seconds
        await pass_blocks(self.chain, round(seconds / SECONDS_PER_SLOT))
        slot = await self.chain.slot()
        for due in [entry for entry in self._delayed if entry[0] <= slot]:
            self._delayed.remove(due)
            await self.chain.send(due[1])

    async def latest_blockhash(self) -> Blockhash:
        return self.frozen or await self.chain.latest_blockhash()

    async def send(self, raw: bytes) -> None:
        fate = self.fates.popleft() if self.fates else "deliver"
        self.events.append(f"send: {fate}")
        self.sent.append(raw)
        if fate in ("deliver", "lose answer"):
            await self.chain.send(raw)
        if fate == "delay":
            self._delayed.append((await self.chain.slot() + DELAY, raw))
        if fate in ("lose answer", "refuse"):
            raise ConnectionFailed("The connection broke")

    async def statuses(
        self, signatures: Sequence[Signature], *, search_history: bool = False, not_before: int = 0
    ) -> list[Status | None]:
        look = self.looks.popleft() if self.looks else "true"
        self.looked.append((search_history, not_before))
        if look == "down":
            raise ConnectionFailed("Too many requests")
        if look == "vanished" or (look == "absent" and not not_before):
            return [None for _ in signatures]
        found = await self.chain.statuses(signatures, search_history=search_history, not_before=not_before)
        if look in ("processed", "confirmed"):
            found = [replace(status, level=Level[look.upper()]) if status else None for status in found]
        return found

    async def transaction(self, signature: Signature) -> Any:
        return await self.chain.transaction(signature) if self.details else None

    async def recent_priority_fees(self, writable: Sequence[Pubkey]) -> list[int]:
        return self.fees

    async def history_start(self) -> int:
        return self.kept_from

    def journal(self) -> EventJournal:
        """A journal that writes what it is told among the network's events."""
        return EventJournal(self.events)


class EventJournal(MemoryJournal):
    """A memory journal that also notes the order of things."""

    def __init__(self, events: list[str]) -> None:
        super().__init__()
        self._events = events

    def put(self, label: str, signature: str, last_valid_block_height: int, raw: bytes) -> None:
        super().put(label, signature, last_valid_block_height, raw)
        self._events.append(f"put: {label}")

    def settle(self, signature: str, outcome: Outcome) -> None:
        super().settle(signature, outcome)
        self._events.append(f"settle: {outcome}")
