"""The journal of sent transactions in the spool's file, so that a crash never leaves their fate unknown."""

from __future__ import annotations

from worktab.chain.journal import Outcome, SentTransaction
from worktab.core._checks import uint
from worktab.work.database import Database


class SentJournal:
    """A durable `worktab.chain.journal.Journal`: a change is on the disk when its call returns.

    Every method raises StorageError when the disk is full or failing, and StateError when the spool is closed.
    """

    def __init__(self, database: Database) -> None:
        """Shares the spool's file; use `Spool.journal`."""
        self._database = database

    def put(self, label: str, signature: str, last_valid_block_height: int, raw: bytes) -> None:
        """Remembers a signed transaction; called before its first byte is sent. A repeat changes nothing."""
        uint(last_valid_block_height, 63, "last valid block height")
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO sent (label, signature, last_valid_block_height, raw) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (signature) DO NOTHING",
                (label, signature, last_valid_block_height, raw),
            )

    def settle(self, signature: str, outcome: Outcome) -> None:
        """Records how a transaction ended, and lets its bytes go. A repeat changes nothing."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE sent SET outcome = ?, raw = x'' WHERE signature = ? AND outcome IS NULL", (outcome, signature)
            )

    def unsettled(self) -> list[SentTransaction]:
        """The transactions put and not settled, oldest first."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT label, signature, last_valid_block_height, raw FROM sent WHERE outcome IS NULL ORDER BY id"
            ).fetchall()
        return [SentTransaction(*row) for row in rows]

    def outcome(self, signature: str) -> Outcome | None:
        """How the transaction ended, or None while that is open or the signature is unknown."""
        with self._database.transaction() as connection:
            row: tuple[Outcome | None] | None = connection.execute(
                "SELECT outcome FROM sent WHERE signature = ?", (signature,)
            ).fetchone()
        return None if row is None else row[0]
