"""`worktab ingest` as people use it: processes on real ports, beside a chain."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partialmethod
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from solders.pubkey import Pubkey

from support.cli import Cli
from support.node import eventually, is_free, lives
from support.postgres import PostgresServer
from support.served import served
from worktab.cli.ingest_serving import _named
from worktab.core.contexts import receipt_context
from worktab.core.keys import Ed25519Signer
from worktab.core.messages import Message
from worktab.ingest.client import IngestClient
from worktab.ingest.opening import open_store
from worktab.ingest.postgres import PostgresBackend
from worktab.ingest.rows import RECEIPT, REGISTRATION
from worktab.ingest.verdicts import Verdict

LIMIT = 120


@pytest.fixture
def cli(worktab_chain: Any, tmp_path: Path) -> Iterator[Cli]:
    """A user of a new network."""
    with served(worktab_chain) as network:
        yield Cli(network, tmp_path)


class Process:
    """`worktab ingest serve` with these arguments."""

    def __init__(self, cli: Cli, *args: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "worktab.cli", "ingest", "serve", cli.network, "--json", *map(str, args)],
            env={**os.environ, **cli.env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=LIMIT)[1]
        self.facts = json.loads(line)
        self.url: str = self.facts["url"]

    def end(self, number: int) -> int:
        """Send it a signal, and wait for it."""
        self.process.send_signal(number)
        self.process.communicate(timeout=LIMIT)
        return self.process.returncode


@contextmanager
def serving(cli: Cli, *args: object) -> Iterator[Process]:
    """An ingest until the block ends."""
    running = Process(cli, *args, "--port", 0)
    try:
        yield running
    finally:
        running.end(signal.SIGKILL)


def receipt(cli: Cli, device: str, key: Path, seq: int) -> bytes:
    """A receipt of the device."""
    view = cli.served.do(_view(cli, device))
    signer = Ed25519Signer.from_json_bytes(key.read_bytes())
    context = receipt_context(view.network.domain, bytes(Pubkey.from_string(device)), view.device.index)
    message = Message.receipt(context, seq, 10 * seq, view.network.created_at + 1, bytes(32)).encode()
    return bytes(Pubkey.from_string(device)) + message + signer.sign(message)


async def _view(cli: Cli, device: str) -> Any:
    from worktab.roles.reading import NetworkReader

    return await NetworkReader(cli.fleet.chain, cli.fleet.network).view(Pubkey.from_string(device))


def submit(url: str, *receipts: bytes) -> list[Verdict]:
    """Post receipts."""

    async def post() -> list[Verdict]:
        async with IngestClient(url) as client:
            return await client.submit(receipts)

    return asyncio.run(post())


@pytest.fixture
def device(cli: Cli) -> tuple[str, Path]:
    """A registered device."""
    return cli.device()


def test_a_service_is_killed_started_again_asked_and_stopped(
    cli: Cli, device: tuple[str, Path], tmp_path: Path
) -> None:
    name, address = tmp_path / "store.sqlite", device[0]
    one, two = (receipt(cli, *device, seq) for seq in (1, 2))
    with serving(cli, "--store", name) as running:
        assert submit(running.url, one) == [Verdict.STORED]
        assert running.end(signal.SIGKILL) == -signal.SIGKILL
    with serving(cli, "--store", name) as running:
        assert submit(running.url, one, two) == [Verdict.DUPLICATE, Verdict.STORED]
        status = cli.json("ingest", "status", "--store", name)
        assert (status["registered"], status["enrolled"], status["receipts"], status["forks"]) == (1, 0, 1, 0)
        assert status["network"] == cli.network
        assert status["newest_epoch"] == 0
        assert "registered" in cli.text("ingest", "status", "--store", name)
        written = cli.json("ingest", "export", tmp_path / "there", "--epoch", 3, "--from", running.url)
        assert (written["registrations"], written["receipts"], written["forks"]) == (1, 1, 0)
        assert cli.json("ingest", "export", tmp_path / "here", "--epoch", 3, "--store", name)["receipts"] == 1
        for part in ("registrations", "receipts", "forks"):
            assert (tmp_path / "there" / f"{part}.bin").read_bytes() == (tmp_path / "here" / f"{part}.bin").read_bytes()
        assert (tmp_path / "here" / "receipts.bin").read_bytes() == two
        [row] = np.fromfile(tmp_path / "here" / "registrations.bin", REGISTRATION)
        assert row["device"].tobytes() == bytes(Pubkey.from_string(address))

        other = tmp_path / "other.sqlite"
        cli.failure("ingest", "sync", "--store", other, "--from", running.url)
        assert not other.exists()
        first = cli.json("ingest", "sync", cli.network, "--store", other, "--from", running.url, "--epoch", 0)
        assert (first["registrations_changed"], first["pulled"][0]["stored"]) == (1, 1)
        again = cli.json("ingest", "sync", cli.network, "--store", other, "--from", running.url, "--epoch", 0)
        assert (again["pulled"][0]["stored"], again["pulled"][0]["held"]) == (0, 1)
        store = open_store(str(other))
        assert store.inputs(0).receipts.tobytes() == two
        store.close()
        assert cli.json("ingest", "prune", "--store", other, "--epoch", 9)["forgotten"] == 0
        assert running.end(signal.SIGTERM) == 0
        assert is_free(running.url)
    assert len(two) == RECEIPT.itemsize


def test_workers_share_a_port_and_a_database_and_end_together(
    cli: Cli, device: tuple[str, Path], postgres: PostgresServer
) -> None:
    name = postgres.new_database()
    receipts = [receipt(cli, *device, seq) for seq in range(1, 13)]
    with serving(cli, "--store", name, "--workers", 2) as running:
        assert running.facts["workers"] == 2
        children = _children(running.process.pid)
        for each in receipts[:6]:
            assert submit(running.url, each) == [Verdict.STORED]
        os.kill(children[0], signal.SIGKILL)
        eventually(lambda: len(_children(running.process.pid)) == len(children), "a new worker")
        for each in receipts[6:]:
            assert submit(running.url, each) == [Verdict.STORED]
        assert cli.json("ingest", "status", "--store", name)["receipts"] == 1
        children = _children(running.process.pid)
        assert running.end(signal.SIGTERM) == 0
        assert [each for each in children if lives(each)] == []
    with serving(cli, "--store", name, "--workers", 2) as running:
        children = _children(running.process.pid)
        running.end(signal.SIGKILL)
        eventually(lambda: not any(map(lives, children)), "workers without a parent end")


def test_what_cannot_be_is_said(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "store"
    failure = cli.failure("ingest", "serve", cli.network, "--store", store, "--workers", 2, "--port", 0, code=2)
    assert failure["expected"].startswith("--workers 1")
    assert cli.failure("ingest", "status", "--store", store)["code"] == "storage"
    assert cli.failure("ingest", "sync", "--store", store, code=2)["code"] == "input"
    assert cli.failure("ingest", "export", tmp_path / "x", "--epoch", 1, code=2)["code"] == "input"
    assert cli.failure("ingest", "serve", "nonsense", "--store", store, code=2)["code"] == "input"
    # A server that is not there is else waited for, for half a minute.
    monkeypatch.setattr(PostgresBackend, "__init__", partialmethod(PostgresBackend.__init__, patience=0))
    nowhere = "postgresql://worktab:secret@/none?host=/nowhere"
    shown = json.dumps(cli.failure("ingest", "status", "--store", nowhere))
    assert "secret" not in shown
    assert not store.exists()


def test_a_store_is_named_without_its_password() -> None:
    assert _named("postgresql://worktab:secret@db/name") == "postgresql://worktab@db/name"
    assert _named("postgresql://db/name") == "postgresql://db/name"
    assert _named("receipts.sqlite") == "receipts.sqlite"


def _children(pid: int) -> list[int]:
    """The workers of a process that live: its children, but for the one that tracks their resources."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and lives(int(entry.name)):
            try:
                stat = (entry / "stat").read_text(errors="replace")
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == pid and b"spawn_main" in command:
                found.append(int(entry.name))
    return sorted(found)


def test_a_port_that_is_taken_is_named(cli: Cli, tmp_path: Path) -> None:
    with serving(cli, "--store", tmp_path / "one") as running:
        port = running.url.rpartition(":")[2]
        failure = cli.failure("ingest", "serve", cli.network, "--store", tmp_path / "two", "--port", port)
        assert failure["next_step"] == "Choose another --host or --port"
        assert httpx.get(running.url + "/v1/health", timeout=120).json()["status"] == "ok"
