"""A subscription that is opened again whenever it breaks."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from solana.rpc.commitment import Confirmed, Finalized
from solana.rpc.websocket_api import OverflowPolicy, SolanaWsClient
from solders.pubkey import Pubkey
from solders.rpc.config import RpcTransactionLogsFilterMentions
from solders.rpc.responses import LogsNotification
from solders.signature import Signature

from worktab.chain.feed.patience import Pauses
from worktab.chain.protocol import Level

_OPENING: Final = 10.0  # seconds a handshake and a subscription may take, each
_CLOSING: Final = 1.0
_LASTING: Final = 20.0  # seconds after which a connection that breaks is no sign of one that cannot be had


class Ear(Protocol):
    """Who listens."""

    def opened(self) -> None:
        """A subscription began; what came before it was not told."""

    def heard(self, signature: Signature, slot: int, logs: tuple[str, ...]) -> None:
        """A node told of a transaction in, or not after, a slot. Whether it failed is not told by every node."""


class Listener:
    """Tells an `Ear` of transactions that name an address, as far as a node tells.

    A socket on which no pong comes within `ping` seconds of a ping, one every `ping` seconds, counts as broken. The
    pauses before new ones grow, and are short again after a connection that lasted.

    trouble  why there is no subscription at the moment; empty if there is one
    """

    def __init__(
        self,
        url: str,
        address: Pubkey,
        level: Level,
        ear: Ear,
        *,
        ping: float,
        pauses: Pauses,
    ) -> None:
        self.trouble = "not yet open"
        self._url, self._ping = url, ping
        self._filter = RpcTransactionLogsFilterMentions(address)
        self._commitment = Finalized if level is Level.FINALIZED else Confirmed
        self._ear, self._pauses = ear, pauses
        self._connection: asyncio.Task[None] | None = None
        self._running = asyncio.create_task(self._run(), name="worktab-feed")

    def renew(self) -> None:
        """Open a new socket in place of the present one, if one is open."""
        if self._connection is not None and not self.trouble:
            self._connection.cancel()

    async def close(self) -> None:
        """Close the socket and open no other."""
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        failures = 0
        while True:
            began = self._pauses.clock()
            self._connection = asyncio.create_task(self._listen())
            try:
                await asyncio.wait([self._connection])
            finally:
                self._connection.cancel()
                [outcome] = await asyncio.gather(self._connection, return_exceptions=True)
            self.trouble = f"{type(outcome).__name__}: {outcome}"
            failures = 1 if self._pauses.clock() - began > _LASTING else failures + 1
            await self._pauses.after(failures)

    async def _listen(self) -> None:
        client = SolanaWsClient(
            self._url,
            request_timeout=_OPENING,
            overflow=OverflowPolicy.DROP_NEWEST,
            open_timeout=_OPENING,
            close_timeout=_CLOSING,
            ping_interval=self._ping,
            ping_timeout=self._ping,
        )
        async with client:
            await client.logs_subscribe(filter_=self._filter, commitment=self._commitment)
            self.trouble = ""
            self._ear.opened()
            while True:
                notification = await client.recv()
                if isinstance(notification, LogsNotification):
                    told = notification.result
                    self._ear.heard(told.value.signature, told.context.slot, tuple(told.value.logs))
