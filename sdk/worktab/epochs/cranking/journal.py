"""What a sponsor sent, kept on the disk, so that one that was killed sees it through before it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

from worktab.work.database import Database, Form
from worktab.work.sent import SentJournal

_FORM: Final = Form(
    "crank's journal",
    """
CREATE TABLE sent (
    id INTEGER PRIMARY KEY,
    signature TEXT NOT NULL UNIQUE,
    label TEXT NOT NULL,
    last_valid_block_height INTEGER NOT NULL,
    raw BLOB NOT NULL,
    outcome TEXT
)
""",
    1,
    int.from_bytes(b"WTC1"),
    "Move the file away: the chain itself knows who was paid",
)


class CrankJournal(SentJournal):
    """A journal in a file of its own, held by one process at a time; a context manager.

    Transactions whose end is known are forgotten when it is opened.

    Raises `StateError` where another process holds it, `StorageError`.
    """

    def __init__(self, path: Path) -> None:
        self._file = Database(path, _FORM)
        super().__init__(self._file)
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM sent WHERE outcome IS NOT NULL")

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
