"""The store that a name stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from worktab.ingest.store import ReceiptStore

_POSTGRES: Final = ("postgresql://", "postgres://")


def is_shared(name: str) -> bool:
    """Whether any number of workers may use the store at once."""
    return name.startswith(_POSTGRES)


def open_store(name: str) -> ReceiptStore:
    """The store at a path, in SQLite, or at a `postgresql://` address.

    Raises `StorageError`; `DependencyError` where psycopg is missing.
    """
    if is_shared(name):
        from worktab.ingest.postgres import PostgresStore

        return PostgresStore(name)
    from worktab.ingest.sqlite import SqliteStore

    return SqliteStore(Path(name))
