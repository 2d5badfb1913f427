"""Stores of both kinds, each new."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.ingest import FACTS
from support.postgres import PostgresServer, postgres_server
from worktab.ingest.opening import open_store
from worktab.ingest.store import ReceiptStore


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that all tests share."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def store_name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The name of a store with nothing in it."""
    if request.param == "sqlite":
        return str(tmp_path / "store.sqlite")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def reopen(store_name: str) -> Iterator[Callable[[], ReceiptStore]]:
    """Opens the store once more."""
    opened: list[ReceiptStore] = []

    def open_again() -> ReceiptStore:
        opened.append(open_store(store_name))
        return opened[-1]

    yield open_again
    for each in opened:
        each.close()


@pytest.fixture
def store(reopen: Callable[[], ReceiptStore]) -> ReceiptStore:
    """A store that knows the network."""
    store = reopen()
    store.set_facts(FACTS)
    return store
