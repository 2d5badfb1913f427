"""The rows of the book as values."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Final

from solders.pubkey import Pubkey

from worktab.core.messages import MESSAGE_SIZE, Message
from worktab.core.vouchers import SignedVoucher
from worktab.market.terms import Totals
from worktab.work.database import Form

# Amounts and units are 8 bytes, big-endian: SQLite has no u64, and these compare in the right order. A voucher is its
# 104 bytes and its signature. A purchase without a status was begun and has no answer yet; one with a status and no
# body was pruned.
_TABLES: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE lanes (
    tab BLOB NOT NULL CHECK (length(tab) = 32),
    nonce INTEGER NOT NULL,
    amount BLOB NOT NULL CHECK (length(amount) = 8),
    units BLOB NOT NULL CHECK (length(units) = 8),
    seq INTEGER NOT NULL,
    head BLOB NOT NULL CHECK (length(head) = 32),
    paid BLOB NOT NULL CHECK (length(paid) = 8),
    cap BLOB CHECK (length(cap) = 168),
    exact BLOB CHECK (length(exact) = 168),
    charged_at INTEGER NOT NULL,
    unsettled_since INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    PRIMARY KEY (tab, nonce)
) WITHOUT ROWID;
CREATE INDEX unsettled ON lanes (tab, nonce) WHERE ended = 0 AND amount > paid;
CREATE TABLE purchases (
    tab BLOB NOT NULL,
    key BLOB NOT NULL CHECK (length(key) = 32),
    nonce INTEGER NOT NULL,
    request BLOB NOT NULL CHECK (length(request) = 32),
    voucher BLOB NOT NULL CHECK (length(voucher) = 168),
    time INTEGER NOT NULL,
    status INTEGER,
    headers TEXT,
    body BLOB,
    UNIQUE (tab, key)
);
CREATE INDEX answered ON purchases (time) WHERE body IS NOT NULL
"""
BOOK: Final = Form(
    "book",
    _TABLES,
    1,
    int.from_bytes(b"WTM1"),
    "Keep the file: vouchers can be read out of it. Open a new book; lanes then start from what the chain has paid, or "
    "from what their buyers own to",
)
LANE_COLUMNS: Final = "tab, nonce, amount, units, seq, head, paid, cap, exact, charged_at, unsettled_since, ended"


@dataclass(frozen=True, slots=True)
class LaneAccount:
    """One lane as the book has it.

    Attributes:
        tab, nonce: which lane.
        charged: what is charged on it so far.
        paid: base units of it that the chain is known to have moved.
        cap: the voucher of the newest charged request; at or above what is charged. None before the first.
        exact: the voucher for exactly what is charged, once the buyer has left one.
        charged_at: when it was last charged, Unix seconds.
        unsettled_since: when the oldest charge was made that is not settled, Unix seconds; 0 while there is none.
        ended: whether the chain has the lane no more; then nothing of it can be settled.
    """

    tab: Pubkey
    nonce: int
    charged: Totals
    paid: int
    cap: SignedVoucher | None = None
    exact: SignedVoucher | None = None
    charged_at: int = 0
    unsettled_since: int = 0
    ended: bool = False

    @property
    def unsettled(self) -> int:
        """Base units that are charged and not yet paid on the chain."""
        return max(0, self.charged.amount - self.paid)

    @property
    def best(self) -> SignedVoucher | None:
        """The voucher to settle: the exact one, else the newest charged request's."""
        return self.exact or self.cap


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response: status, headers (lower-case names) in their order, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Purchase:
    """One paid request.

    Attributes:
        tab, key: which: the payer and the hash of its idempotency key.
        nonce: the lane that pays.
        request: 32-byte hash of the request.
        voucher: what came with it.
        status: of the answer, None while there is none.
        answer: the answer, None while there is none, and again after it was pruned.
    """

    tab: Pubkey
    key: bytes
    nonce: int
    request: bytes
    voucher: SignedVoucher
    status: int | None = None
    answer: Answer | None = None


class Rows:
    """Reads and writes the rows of one device's book."""

    def __init__(self, device: Pubkey, index: int) -> None:
        self._device, self._index = device, index

    def lane(
        self, connection: sqlite3.Connection, tab: Pubkey, nonce: int, *, vouchers: bool = True
    ) -> LaneAccount | None:
        """A lane, None where the book has none. Without `vouchers` it shows none: reading them takes longest."""
        row = connection.execute(
            f"SELECT {LANE_COLUMNS} FROM lanes WHERE tab = ? AND nonce = ?",  # noqa: S608
            (bytes(tab), nonce),
        ).fetchone()
        return None if row is None else self._lane(row, vouchers)

    def unsettled(self, connection: sqlite3.Connection) -> list[LaneAccount]:
        """The lanes with charges that the chain has not paid and still can."""
        rows = connection.execute(f"SELECT {LANE_COLUMNS} FROM lanes WHERE ended = 0 AND amount > paid")  # noqa: S608
        return [self._lane(row, True) for row in rows]

    def purchase(self, connection: sqlite3.Connection, tab: Pubkey, key: bytes) -> Purchase | None:
        """A purchase, None where the book has none."""
        row = connection.execute(
            "SELECT nonce, request, voucher, status, headers, body FROM purchases WHERE tab = ? AND key = ?",
            (bytes(tab), key),
        ).fetchone()
        if row is None:
            return None
        nonce, request, voucher, status, headers, body = row
        answer = None
        if body is not None:
            answer = Answer(status, tuple((name, value) for name, value in json.loads(headers)), body)
        return Purchase(tab, key, nonce, request, self._voucher(tab, nonce, voucher), status, answer)

    def _lane(
        self, row: tuple[bytes, int, bytes, bytes, int, bytes, bytes, bytes, bytes, int, int, int], vouchers: bool
    ) -> LaneAccount:
        tab, nonce, amount, units, seq, head, paid, cap, exact, charged_at, unsettled_since, ended = row
        payer = Pubkey(tab)
        return LaneAccount(
            payer,
            nonce,
            Totals(int.from_bytes(amount, "big"), int.from_bytes(units, "big"), seq, head),
            int.from_bytes(paid, "big"),
            self._voucher(payer, nonce, cap) if vouchers and cap is not None else None,
            self._voucher(payer, nonce, exact) if vouchers and exact is not None else None,
            charged_at,
            unsettled_since,
            bool(ended),
        )

    def _voucher(self, tab: Pubkey, nonce: int, data: bytes) -> SignedVoucher:
        message = Message.decode(data[:MESSAGE_SIZE])
        return SignedVoucher(tab, self._device, self._index, nonce, message, data[MESSAGE_SIZE:])


def write_new_lane(connection: sqlite3.Connection, lane: LaneAccount) -> bool:
    """Stores a lane where the book has none; whether it did."""
    named = (bytes(lane.tab), lane.nonce)
    if connection.execute("SELECT 1 FROM lanes WHERE tab = ? AND nonce = ?", named).fetchone():
        return False
    write_lane(connection, lane)
    return True


def write_lane(connection: sqlite3.Connection, lane: LaneAccount) -> None:
    """Stores a lane."""
    connection.execute(
        f"INSERT OR REPLACE INTO lanes ({LANE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            bytes(lane.tab),
            lane.nonce,
            lane.charged.amount.to_bytes(8, "big"),
            lane.charged.units.to_bytes(8, "big"),
            lane.charged.seq,
            lane.charged.head,
            lane.paid.to_bytes(8, "big"),
            None if lane.cap is None else _voucher_bytes(lane.cap),
            None if lane.exact is None else _voucher_bytes(lane.exact),
            lane.charged_at,
            lane.unsettled_since,
            lane.ended,
        ),
    )


def write_begun(connection: sqlite3.Connection, purchase: Purchase, now: int) -> bool:
    """Stores a purchase that has no answer yet; one begun before takes the new voucher.

    Not stored, and False returned, where its key stands for one that is answered or another.
    """
    stored = connection.execute(
        "INSERT INTO purchases (tab, key, nonce, request, voucher, time) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (tab, key) DO UPDATE SET voucher = excluded.voucher, time = excluded.time"
        " WHERE status IS NULL AND nonce = excluded.nonce AND request = excluded.request",
        (
            bytes(purchase.tab),
            purchase.key,
            purchase.nonce,
            purchase.request,
            _voucher_bytes(purchase.voucher),
            now,
        ),
    )
    return stored.rowcount == 1


def write_answer(connection: sqlite3.Connection, purchase: Purchase, answer: Answer, now: int) -> None:
    """Stores the answer of a purchase."""
    connection.execute(
        "UPDATE purchases SET status = ?, headers = ?, body = ?, time = ? WHERE tab = ? AND key = ?",
        (answer.status, json.dumps(answer.headers), answer.body, now, bytes(purchase.tab), purchase.key),
    )


def drop_begun(connection: sqlite3.Connection, purchase: Purchase) -> None:
    """Forgets a purchase that has no answer."""
    connection.execute(
        "DELETE FROM purchases WHERE tab = ? AND key = ? AND status IS NULL", (bytes(purchase.tab), purchase.key)
    )


def prune(connection: sqlite3.Connection, before: int) -> int:
    """Drops answers older than `before`, and the keys of ended lanes; how many answers."""
    connection.execute(
        "DELETE FROM purchases WHERE time < ? AND EXISTS"
        " (SELECT 1 FROM lanes WHERE lanes.tab = purchases.tab AND lanes.nonce = purchases.nonce AND ended)",
        (before,),
    )
    return connection.execute(
        "UPDATE purchases SET headers = NULL, body = NULL WHERE time < ? AND body IS NOT NULL", (before,)
    ).rowcount


def _voucher_bytes(voucher: SignedVoucher) -> bytes:
    return voucher.message.encode() + voucher.signature
