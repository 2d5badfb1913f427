"""What a provider must not forget: vouchers, charges, and the answers that were bought.

One SQLite file per device, held by one process. A voucher is in it before the work begins, and an answer, together
with its charge, before it is sent: whatever is killed, a buyer that repeats its request gets what it bought, is
charged once, and the provider holds a voucher for every charge.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

from solders.pubkey import Pubkey

from worktab.core.errors import StateError
from worktab.core.vouchers import SignedVoucher
from worktab.market.errors import KeyReused
from worktab.market.provider import rows
from worktab.market.provider.committing import Committer
from worktab.market.provider.rows import BOOK, Answer, LaneAccount, Purchase, Rows
from worktab.market.terms import Totals
from worktab.work.database import Database

_CACHED: Final = 10_000


class Book:
    """A provider's memory; see the module's text. Made by `Book.open`, used by the tasks of one event loop."""

    def __init__(self, database: Database, device: Pubkey, index: int) -> None:
        """Wraps an open file; use `Book.open`."""
        self._rows = Rows(device, index)
        self._committer = Committer(database)
        self._lanes: OrderedDict[tuple[Pubkey, int], LaneAccount] = OrderedDict()

    @classmethod
    def open(cls, path: str | Path, *, device: Pubkey, index: int) -> Self:
        """Opens the book at `path`, or makes a new one there; `device` and its `index` are remembered in it.

        Raises:
            StateError: another process holds the file, or it belongs to another device.
            StorageError: the file cannot be opened, is damaged, or is no book of a known form.
        """
        database, owner = Database(Path(path), BOOK), bytes(device) + index.to_bytes(4, "little")
        try:
            with database.transaction() as connection:
                connection.execute("INSERT OR IGNORE INTO meta VALUES ('device', ?)", (owner,))
                (stored,) = connection.execute("SELECT value FROM meta WHERE name = 'device'").fetchone()
            if stored != owner:
                raise StateError(
                    f"the book {path} belongs to another device",
                    expected=str(device),
                    got=str(Pubkey(stored[:32])),
                    next_step="Give every device a file of its own",
                )
        except BaseException:
            database.close()
            raise
        return cls(database, device, index)

    def close(self) -> None:
        """Writes what was asked and releases the file. Closing twice is fine."""
        self._committer.close()

    async def lane(self, tab: Pubkey, nonce: int) -> LaneAccount | None:
        """The lane, None where nothing was ever begun on it. Raises `StorageError`, as every call here does."""
        known = self._lanes.get((tab, nonce))
        if known is None:
            known = await self._committer.run(lambda connection: self._rows.lane(connection, tab, nonce), synced=False)
            # What was written meanwhile is newer.
            known = self._lanes.get((tab, nonce), known)
            if known is not None:
                self._remember(known)
        return known

    async def purchase(self, tab: Pubkey, key: bytes) -> Purchase | None:
        """What was bought under a key, or begun to be."""
        return await self._committer.run(lambda connection: self._rows.purchase(connection, tab, key), synced=False)

    async def begin(self, purchase: Purchase, lane: LaneAccount, now: int) -> Purchase:
        """Stores a voucher before its work; returns the purchase as it stands under its key.

        That has a status where it was bought before: then nothing was stored. `lane` is stored if it is new. A kill
        leaves the voucher there. A power cut may not, before the answer is stored: then the buyer got nothing, was
        charged nothing, and brings the voucher again.

        Raises:
            KeyReused: the key stands for another request, or for one paid by another lane.
        """

        def change(connection: sqlite3.Connection) -> tuple[Purchase, bool]:
            # A lane that is remembered is in the file.
            known = (lane.tab, lane.nonce) in self._lanes
            new = not known and rows.write_new_lane(connection, lane)
            if rows.write_begun(connection, purchase, now):
                return purchase, new
            held = self._rows.purchase(connection, purchase.tab, purchase.key)
            assert held is not None, "nothing else keeps a purchase from being stored"
            require_same(held, purchase)
            return held, new

        held, new = await self._committer.run(change, synced=False)
        if new:
            self._remember(lane)
        return held

    async def finish(
        self, purchase: Purchase, conclude: Callable[[Totals], tuple[Totals, Answer]], now: int
    ) -> tuple[LaneAccount, Answer]:
        """Stores an answer and, in the same write, its charge; the purchase's voucher is then the lane's.

        `conclude` makes the lane's new totals and the answer out of its old totals, on the book's thread: so that
        recording the work and storing its answer cost one change of threads. Nothing is stored where it raises.
        """

        def change(connection: sqlite3.Connection) -> tuple[LaneAccount, Answer]:
            lane = self._rows.lane(connection, purchase.tab, purchase.nonce, vouchers=False)
            assert lane is not None, "begin stores the lane"
            charged, answer = conclude(lane.charged)
            since = lane.unsettled_since or (now if charged.amount > lane.paid else 0)
            after = replace(
                lane,
                charged=charged,
                cap=purchase.voucher,
                exact=None,
                charged_at=now,
                unsettled_since=since,
                ended=False,
            )
            rows.write_lane(connection, after)
            rows.write_answer(connection, purchase, answer, now)
            return after, answer

        after, answer = await self._committer.run(change)
        self._remember(after)
        return after, answer

    async def abandon(self, purchase: Purchase) -> None:
        """Forgets a purchase that has no answer: its work failed and is not charged."""
        await self._committer.run(lambda connection: rows.drop_begun(connection, purchase), synced=False)

    async def keep_exact(self, voucher: SignedVoucher) -> LaneAccount:
        """Stores the voucher for exactly what is charged on its lane."""
        return await self._change(
            voucher.tab, voucher.lane_nonce, lambda lane: replace(lane, exact=voucher, ended=False)
        )

    async def note_paid(self, tab: Pubkey, nonce: int, paid: int, now: int) -> LaneAccount:
        """Notes what the chain has paid on a lane; less than was noted before changes nothing."""

        def modify(lane: LaneAccount) -> LaneAccount:
            if paid <= lane.paid:
                return lane
            return replace(lane, paid=paid, unsettled_since=now if lane.charged.amount > paid else 0)

        return await self._change(tab, nonce, modify)

    async def note_ended(self, tab: Pubkey, nonce: int, ended: bool = True) -> LaneAccount:
        """Notes that the chain has the lane no more; or, for one that was seen again, that it has."""
        return await self._change(tab, nonce, lambda lane: replace(lane, ended=ended))

    async def note_charged(self, tab: Pubkey, nonce: int, charged: Totals, now: int) -> LaneAccount:
        """Notes what a lane's buyer owns to have been charged; no less than was noted before."""

        def modify(lane: LaneAccount) -> LaneAccount:
            since = lane.unsettled_since or (now if charged.amount > lane.paid else 0)
            return replace(lane, charged=charged, unsettled_since=since)

        return await self._change(tab, nonce, modify)

    async def unsettled(self) -> list[LaneAccount]:
        """The lanes with charges that the chain has not paid and still can."""
        return await self._committer.run(self._rows.unsettled)

    async def prune(self, before: int) -> int:
        """Drops the answers from before `before` (Unix seconds), never a voucher or a charge; how many.

        That a key was used is remembered until its lane has ended, so that a late repeat is never charged again.
        """
        return await self._committer.run(lambda connection: rows.prune(connection, before))

    async def _change(self, tab: Pubkey, nonce: int, modify: Callable[[LaneAccount], LaneAccount]) -> LaneAccount:
        """Changes a lane as it stands in the file when its turn comes."""

        def change(connection: sqlite3.Connection) -> LaneAccount:
            lane = self._rows.lane(connection, tab, nonce)
            assert lane is not None, "begin stores the lane"
            changed = modify(lane)
            if changed != lane:
                rows.write_lane(connection, changed)
            return changed

        changed = await self._committer.run(change)
        self._remember(changed)
        return changed

    def _remember(self, lane: LaneAccount) -> None:
        self._lanes[lane.tab, lane.nonce] = lane
        self._lanes.move_to_end((lane.tab, lane.nonce))
        if len(self._lanes) > _CACHED:
            self._lanes.popitem(last=False)


def require_same(held: Purchase, purchase: Purchase) -> None:
    """Refuses a purchase whose key stands for another. Raises `KeyReused`."""
    if (held.nonce, held.request) != (purchase.nonce, purchase.request):
        same = held.request == purchase.request
        raise KeyReused(
            "The idempotency key stands for another request",
            expected=f"lane {held.nonce}" if same else "the same method, URL and body",
            got=f"lane {purchase.nonce}" if same else "others",
        )
