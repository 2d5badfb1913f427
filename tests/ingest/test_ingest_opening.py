"""Opening stores: new ones, closed ones, other programs' files, later versions, servers that are not there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from support.ingest import FACTS
from support.postgres import PostgresServer
from worktab.core.errors import StateError, StorageError
from worktab.ingest.opening import open_store
from worktab.ingest.postgres import PostgresStore
from worktab.ingest.store import Counts, ReceiptStore


def test_a_new_store_knows_no_network(reopen: Callable[[], ReceiptStore]) -> None:
    store = reopen()
    assert store.counts() == Counts(0, 0, 0, 0, None)
    with pytest.raises(StateError, match="no network"):
        store.inputs(0)


def test_a_closed_store_says_so(reopen: Callable[[], ReceiptStore]) -> None:
    store = reopen()
    store.close()
    store.close()
    with pytest.raises(StateError, match="closed"):
        store.set_facts(FACTS)


def test_only_its_owner_reads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "store"
    open_store(str(path)).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (a)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match="another program's database"):
        open_store(str(path))
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(StorageError, match="damaged"):
        open_store(str(path))
    assert before


def test_a_later_version_is_left_alone(tmp_path: Path, postgres: PostgresServer) -> None:
    path = tmp_path / "store"
    open_store(str(path)).close()
    with sqlite3.connect(path) as later:
        later.execute("PRAGMA user_version = 99")
    later.close()
    with pytest.raises(StorageError, match="format 99"):
        open_store(str(path))
    url = postgres.new_database()
    open_store(url).close()
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE worktab_schema SET version = 99")
    with pytest.raises(StorageError, match="later version"):
        open_store(url)


def test_large_tables_are_in_parts(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    open_store(url).close()
    open_store(url).close()
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT inhparent::regclass::text, count(*) FROM pg_inherits GROUP BY 1").fetchall()
        versions = connection.execute("SELECT version FROM worktab_schema").fetchall()
    assert {name: count for name, count in found if not name.endswith("pkey")} == {
        "worktab_receipts": 16,
        "worktab_registrations": 16,
    }
    assert versions == [(1,)]


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="could not be read or written"):
        PostgresStore(f"postgresql://worktab@/none?host={tmp_path}", patience=0)
