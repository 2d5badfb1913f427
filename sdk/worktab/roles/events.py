"""What happens in a network, to a tab or to a device, as it happens: the program's events from a feed of transactions.

A feed follows one address: it shows the transactions that name it, and the events in them that concern it. Settling
vouchers writes only a tab and a device and names no network, which lets any number of them run side by side; so a
network's own feed does not show sales. `TabEvents` and `DeviceEvents` do, and `NetworkEvents(.., sales=True)`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Final, Self

from solders.pubkey import Pubkey
from solders.signature import Signature

from worktab.chain.feed import Delivery, Feed
from worktab.chain.protocol import Chain
from worktab.core.errors import ChainError, EncodingError
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.events import EVENTS
from worktab.program.logs import events_from_logs, is_truncated
from worktab.program.structs import Event
from worktab.roles.homes import Homes

EVENT_TYPES: Final = {kind.__name__: kind for kind in EVENTS}
"""Every event of the program by its name."""


class EventsUnreadable(ChainError):
    """A transaction's events cannot be read, or not all of them: the node cut its log short, or the log makes no sense.

    No node shows them again; the accounts tell what came of them. `signature` and `slot` name the transaction.
    """

    code: ClassVar[str] = "events_unreadable"
    default_next_step: ClassVar[str] = "Read the accounts that the transaction names; iterating on goes on after it"

    def __init__(self, message: str, *, signature: Signature, slot: int, got: str) -> None:
        super().__init__(message, got=got)
        self.signature = signature
        self.slot = slot


@dataclass(frozen=True, slots=True)
class NetworkEvent:
    """An event, the transaction that logged it, and its place among all events of the program in there, from 0."""

    event: Event
    signature: Signature
    slot: int
    index: int


@dataclass(frozen=True, slots=True)
class TransactionEvents:
    """The wanted events of one successful transaction, and what kept others from being read, if anything did."""

    signature: Signature
    slot: int
    events: tuple[NetworkEvent, ...]
    error: EventsUnreadable | None = None


class ProgramEvents:
    """The events of transactions that name one address, in the chain's order, each once; what other feeds are made of.

    Failed transactions have none: what they logged did not happen.

    cursor  signature of the newest transaction all of whose events were given or passed over; None if there is none.
            Give it as `since` to go on after it, also in another process.
    """

    def __init__(
        self,
        chain: Chain,
        address: Pubkey,
        *,
        kinds: Collection[type[Event]] = EVENTS,
        program_id: Pubkey = PROGRAM_ID,
        **options: Any,
    ) -> None:
        """Prepare to follow; nothing is asked yet.

        address  any; a wallet's shows what it paid for
        kinds    the types of event to give
        options  as `Feed` takes them: since, follow, check, ping, poll, patience, sleep, random, clock
        """
        self.feed = Feed(chain, address, failed=False, **options)
        self.cursor = self.feed.cursor
        self._chain, self._program_id = chain, program_id
        self._kinds = tuple(kinds)
        self._entered = False
        self._delivery: Delivery | None = None
        self._given: deque[NetworkEvent] = deque()
        self._error: EventsUnreadable | None = None

    async def __aenter__(self) -> Self:
        """Find the start; as entering a `Feed`."""
        await self.feed.__aenter__()
        if not self._entered:  # later the feed may be ahead of what was given
            self._entered, self.cursor = True, self.feed.cursor
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.feed.__aexit__(kind, error, trace)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> NetworkEvent:
        """The next event.

        Raises as `Feed` does, and `EventsUnreadable`, after those events of its transaction that can be read.
        Iterating on is possible after every error.
        """
        while not self._given:
            if self._error is not None:
                error, self._error = self._error, None
                self.cursor = error.signature
                raise error
            transaction = await self._next()
            if transaction is None:
                raise StopAsyncIteration
            self._given.extend(transaction.events)
            self._error = transaction.error
            if not self._given and self._error is None:
                self.cursor = transaction.signature
        event = self._given.popleft()
        if not self._given and self._error is None:
            self.cursor = event.signature
        return event

    async def next_transaction(self) -> TransactionEvents | None:
        """The next successful transaction with its events, also one without any; None where the feed ends.

        In place of iterating, for who persists `cursor` after every transaction. Raises as `Feed` does.
        """
        transaction = await self._next()
        if transaction is not None:
            self.cursor = transaction.signature
        return transaction

    async def _next(self) -> TransactionEvents | None:
        # Kept until it was dealt with, so that a cancelled wait loses nothing.
        if self._delivery is None:
            self._delivery = await anext(self.feed, None)
        if self._delivery is None:
            return None
        transaction = await self._read(self._delivery)
        self._delivery = None
        return transaction

    async def _read(self, delivery: Delivery) -> TransactionEvents:
        signature, slot, error, found = delivery.signature, delivery.slot, None, list[Event]()
        try:
            found = events_from_logs(delivery.logs, self._program_id)
            got = "a log cut short" if is_truncated(delivery.logs) else ""
        except EncodingError as problem:
            got = str(problem)
        if got:
            error = EventsUnreadable(
                f"The events of transaction {signature} cannot all be read", signature=signature, slot=slot, got=got
            )
        await self._learn(found)
        wanted = tuple(
            NetworkEvent(event, signature, slot, index)
            for index, event in enumerate(found)
            if isinstance(event, self._kinds) and self._is_ours(event)
        )
        return TransactionEvents(signature, slot, wanted, error)

    async def _learn(self, events: list[Event]) -> None:
        """Find out, before events are chosen, what they do not say themselves."""

    def _is_ours(self, event: Event) -> bool:
        """Whether an event is to be given."""
        return True


class NetworkEvents(ProgramEvents):
    """The events of a network, or of all networks of a program, in the chain's order, each once.

        async with NetworkEvents(chain, network, kinds=[ReceiptSubmitted], since=cursor) as events:
            async for item in events:
                ...
                save(events.cursor)

    A network's address shows its parameters, devices, bonds, receipts and claims, and of its tabs the opening,
    deposits, withdrawals, reserves and ends of lanes; of SLAs the opening and votes, of disputes all but the closing of
    their accounts. Vouchers and batches that settle, delegates, the closing of tabs, invoices, and the contest and the
    end of an SLA do not name the network: these come only with `sales`, or where their transaction names it otherwise.
    """

    def __init__(
        self,
        chain: Chain,
        network: Pubkey | None = None,
        *,
        sales: bool = False,
        kinds: Collection[type[Event]] = EVENTS,
        program_id: Pubkey = PROGRAM_ID,
        **options: Any,
    ) -> None:
        """Prepare to follow; nothing is asked yet.

        network  the network's address; None for all networks, with every event there is
        sales    every event of the network: follows the program, so it reads the transactions of all other networks,
                 too. A cursor of the one is not good for the other
        kinds    the types of event to give
        options  as `Feed` takes them: since, follow, check, ping, poll, patience, sleep, random, clock
        """
        followed = program_id if network is None or sales else network
        super().__init__(chain, followed, kinds=kinds, program_id=program_id, **options)
        self._network = network
        self._homes = Homes(chain, program_id)

    async def _learn(self, events: list[Event]) -> None:
        if self._network is not None:
            await self._homes.learn(events, self._kinds)

    def _is_ours(self, event: Event) -> bool:
        """Whether an event is of the network followed."""
        return self._network is None or self._homes.of(event) in (None, self._network)
