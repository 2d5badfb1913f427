"""The book and what keeps it: one process, one device, many changes in one write, nothing half done."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.core.errors import InputError, StateError, StorageError
from worktab.core.vouchers import SignedVoucher
from worktab.market.errors import KeyReused
from worktab.market.provider.book import Book
from worktab.market.provider.committing import Committer
from worktab.market.provider.rows import BOOK, Answer, LaneAccount, Purchase
from worktab.market.terms import Totals
from worktab.work.database import Database
from worktab.work.spool import Spool

U64 = (1 << 64) - 1
DEVICE, TAB = Pubkey(b"d" * 32), Pubkey(b"t" * 32)
START = Totals(0, 0, 0, bytes(32))


def _voucher(amount: int) -> SignedVoucher:
    return SignedVoucher.sign(
        Keypair(), bytes(32), TAB, DEVICE, 3, 7, amount=amount, units=U64, seq=5, head=b"h" * 32, expires_at=9
    )


def _purchase(key: bytes = b"k" * 32, request: bytes = b"r" * 32, nonce: int = 7, amount: int = 100) -> Purchase:
    return Purchase(TAB, key, nonce, request, _voucher(amount))


async def test_what_is_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    book = Book.open(tmp_path / "book", device=DEVICE, index=3)
    lane, purchase = LaneAccount(TAB, 7, Totals(U64 - 9, U64, 0, bytes(32)), U64 - 10), _purchase()
    assert await book.begin(purchase, lane, 10) == purchase
    charged, answer = Totals(U64 - 1, U64, 8, b"n" * 32), Answer(200, (("a", "1"), ("a", "é"), ("b", "")), b"\0body")
    after, stored = await book.finish(purchase, lambda before: (replace(charged, seq=before.seq + 8), answer), 20)
    assert stored == answer
    book.close()
    book.close()

    book = Book.open(tmp_path / "book", device=DEVICE, index=3)
    assert await book.lane(TAB, 7) == after
    assert after == LaneAccount(TAB, 7, charged, U64 - 10, purchase.voucher, None, 20, 20)
    assert (after.unsettled, after.best) == (9, purchase.voucher)
    held = await book.purchase(TAB, purchase.key)
    assert held == Purchase(TAB, purchase.key, 7, purchase.request, purchase.voucher, 200, answer)
    assert await book.begin(purchase, lane, 30) == held
    assert await book.unsettled() == [after]
    paid = await book.note_paid(TAB, 7, U64 - 1, 40)
    assert (paid.unsettled, paid.unsettled_since) == (0, 0)
    assert await book.note_paid(TAB, 7, 5, 50) == paid
    assert await book.unsettled() == []
    book.close()
    with pytest.raises(StateError, match="closed"):
        await book.lane(TAB, 8)


async def test_a_key_is_for_one_request_and_one_lane(tmp_path: Path) -> None:
    book = Book.open(tmp_path / "book", device=DEVICE, index=3)
    lane = LaneAccount(TAB, 7, START, 0)
    await book.begin(_purchase(), lane, 10)
    for other in (_purchase(request=b"x" * 32), _purchase(nonce=8)):
        with pytest.raises(KeyReused):
            await book.begin(other, lane, 10)
    again = _purchase(amount=200)
    assert await book.begin(again, lane, 10) == again
    await book.abandon(again)
    assert await book.purchase(TAB, again.key) is None
    other = _purchase(request=b"x" * 32)
    assert await book.begin(other, lane, 10) == other
    book.close()


async def test_a_book_is_one_devices_and_one_process(tmp_path: Path) -> None:
    Book.open(tmp_path / "book", device=DEVICE, index=3).close()
    with pytest.raises(StateError, match="another device"):
        Book.open(tmp_path / "book", device=TAB, index=3)
    with pytest.raises(StateError, match="another device"):
        Book.open(tmp_path / "book", device=DEVICE, index=4)
    book = Book.open(tmp_path / "book", device=DEVICE, index=3)
    with pytest.raises(StateError, match=r"the book .* is in use"):
        Book.open(tmp_path / "book", device=DEVICE, index=3)
    book.close()
    Spool.open(tmp_path / "spool", device=DEVICE).close()
    with pytest.raises(StorageError, match="is not a book of this version"):
        Book.open(tmp_path / "spool", device=DEVICE, index=3)
    assert (tmp_path / "book").stat().st_mode & 0o777 == 0o600


async def test_changes_asked_for_at_once_share_a_write_and_one_that_fails_is_undone_alone(tmp_path: Path) -> None:
    database = Database(tmp_path / "book", BOOK)
    transactions: list[int] = []
    database._connection.set_trace_callback(lambda text: transactions.append(1) if text == "COMMIT" else None)
    committer = Committer(database)

    def write(name: str, fail: bool) -> Any:
        def change(connection: sqlite3.Connection) -> str:
            connection.execute("INSERT INTO meta VALUES (?, x'00')", (name,))
            if fail:
                raise InputError("no")
            return name

        return change

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_outcome(committer.run(write(str(number), number % 10 == 3)))) for number in range(100)
        ]
    outcomes = [task.result() for task in tasks]
    assert outcomes == [None if number % 10 == 3 else str(number) for number in range(100)]
    names = await committer.run(lambda connection: connection.execute("SELECT name FROM meta").fetchall())
    assert {int(name) for (name,) in names} == {number for number in range(100) if number % 10 != 3}
    assert len(transactions) < 100
    committer.close()


async def _outcome(change: Any) -> Any:
    try:
        return await change
    except InputError:
        return None


async def test_when_the_disk_fails_all_that_shared_the_write_fail(tmp_path: Path) -> None:
    database = Database(tmp_path / "book", BOOK)
    committer = Committer(database)

    def broken(connection: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(StorageError, match="the book"):
        await committer.run(broken)
    assert await committer.run(lambda connection: 1) == 1
    committer.close()


async def test_only_what_must_be_on_the_disk_waits_for_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "book", BOOK)
    statements: list[str] = []
    database._connection.set_trace_callback(statements.append)
    committer = Committer(database)
    for synced in (True, False, False, True):
        await committer.run(lambda connection: None, synced=synced)
    kept = [text for text in statements if text.startswith(("PRAGMA", "COMMIT"))]
    lax = ["PRAGMA synchronous = NORMAL", "PRAGMA wal_autocheckpoint = 0"]
    full = ["PRAGMA synchronous = FULL", "PRAGMA wal_autocheckpoint = 1000"]
    assert kept == ["COMMIT", *lax, "COMMIT", "COMMIT", *full, "COMMIT"]
    committer.close()
