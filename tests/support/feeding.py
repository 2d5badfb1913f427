"""A node whose history does what those of nodes do, and time for a feed to wait in."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import replace
from itertools import count
from typing import Any

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from support.transfers import SOL, pay, signed
from worktab.chain.embedded import EmbeddedChain
from worktab.chain.feed import Delivery
from worktab.chain.protocol import Landed, Level, Logged, Status
from worktab.core.errors import ConnectionFailed


class Time:
    """A clock that only sleeping moves. `pauses` are the sleeps so far, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def options(self) -> dict[str, Any]:
        """For a feed, with chance at one half."""
        return {"sleep": self.sleep, "random": lambda: 0.5, "clock": lambda: self.now}


class Node:
    """`Chain` by delegation to an embedded one, with a history that can be late, short or gone.

    per_slot  blocks of the embedded chain that make up one slot here
    hidden    signatures that the history does not (yet) show
    missing   signatures of which no transaction is (yet) shown
    pruned    the lowest slot that the node keeps
    down      how many of the next requests get no answer
    calls     how often each method was called
    limits    the limits of the pages asked for
    """

    level = Level.CONFIRMED

    def __init__(self, chain: EmbeddedChain | None = None, *, ws_url: str | None = None, per_slot: int = 1) -> None:
        self.chain = chain or EmbeddedChain()
        self.ws_url = ws_url
        self.per_slot = per_slot
        self.hidden: set[Signature] = set()
        self.missing: set[Signature] = set()
        self.pruned = 0
        self.down = 0
        self.calls: Counter[str] = Counter()
        self.limits: deque[int] = deque()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.chain, name)

    async def slot(self) -> int:
        self._answer("slot")
        return await self.chain.slot() // self.per_slot

    async def history(self, address: Pubkey, *, limit: int, not_before: int = 0, **window: Any) -> list[Logged]:
        self._answer("history")
        assert not_before <= await self.chain.slot() // self.per_slot
        self.limits.append(limit)
        page = [self._moved(entry) for entry in await self.chain.history(address, limit=limit, **window)]
        return [entry for entry in page if entry.slot >= self.pruned and entry.signature not in self.hidden]

    async def statuses(self, signatures: list[Signature], **options: Any) -> list[Status | None]:
        self._answer("statuses")
        found = [self._moved(each) if each else None for each in await self.chain.statuses(signatures, **options)]
        return [each if each and each.slot >= self.pruned else None for each in found]

    async def transaction(self, signature: Signature) -> Landed | None:
        self._answer("transaction")
        landed = await self.chain.transaction(signature)
        return None if landed is None or signature in self.missing else self._moved(landed)

    def _answer(self, method: str) -> None:
        self.calls[method] += 1
        if self.down:
            self.down -= 1
            raise ConnectionFailed("The RPC node gave no usable answer")

    def _moved(self, entry: Any) -> Any:
        return replace(entry, slot=entry.slot // self.per_slot)


class Payer:
    """Sends transactions that name it."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self._chain = chain
        self._keypair = Keypair()
        self.address = self._keypair.pubkey()
        chain.airdrop(self.address, 1_000 * SOL)
        self._amounts = count(1)  # no two transactions are the same

    async def send(self, times: int = 1) -> list[Delivery]:
        """As many transactions, one after the other, as a feed must deliver them."""
        return [await self._send(pay(self._keypair, self.address, next(self._amounts))) for _ in range(times)]

    async def fail(self) -> Delivery:
        """One that fails."""
        return await self._send(pay(self._keypair, self.address, 10**15))

    async def _send(self, instruction: Any) -> Delivery:
        transaction = await signed(self._chain, self._keypair, instruction)
        await self._chain.send(bytes(transaction))
        signature = transaction.signatures[0]
        landed = await self._chain.transaction(signature)
        assert landed is not None
        return Delivery(signature, landed.slot, landed.logs, landed.error)
