"""An ingest killed at many points of its work, and a database that restarts in mid-batch: nothing that was acknowledged
is lost, and nothing is there twice."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psycopg
import pytest

from support.ingest import FACTS, Party, kept_rows, rows, start
from support.ingest_victim import JOBS, JOBS_AN_EPOCH, PARTIES, receipt
from support.ingests import Clock, ingest
from support.postgres import PostgresServer, postgres_server
from worktab.ingest.client import IngestClient, Retries
from worktab.ingest.kept import addresses
from worktab.ingest.opening import open_store
from worktab.ingest.postgres import PostgresStore
from worktab.ingest.rows import messages
from worktab.ingest.store import ReceiptStore
from worktab.ingest.verdicts import Verdict

TESTS = Path(__file__).parents[1]


def run_victim(store: str, first: int, mode: str, at: int, heard: dict[int, int]) -> int:
    """Runs one victim to its death and returns its exit status."""
    command = [sys.executable, "-m", "support.ingest_victim", store, str(first), mode, str(at)]
    victim = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=TESTS, text=True)
    assert victim.stdout is not None
    assert victim.stderr is not None
    with victim, victim.stdout, victim.stderr:
        for count, line in enumerate(victim.stdout, 1):
            if line.endswith("\n"):
                place, job = map(int, line.split())
                heard[place] = max(heard.get(place, 0), job)
            if mode == "outside" and count == at:
                victim.kill()
        assert victim.stderr.read() == ""
    return victim.returncode


def check(name: str, heard: dict[int, int]) -> int:
    """Opens what a victim left and checks all of it; the jobs of the device that has the most."""
    store = open_store(name)
    store.set_facts(FACTS)
    newest = 0
    for place, party in enumerate(PARTIES):
        held = store.newest(party.device)
        job = int(messages(held)["seq"][0]) if len(held) else 0
        # One may have been stored, and its ingest killed before it could say so.
        assert heard.get(place, 0) <= job <= heard.get(place, 0) + 1
        if job:
            assert held.tobytes() == receipt(party, job)
        newest = max(newest, job)
    for epoch in range(newest // JOBS_AN_EPOCH):
        last = (epoch + 1) * JOBS_AN_EPOCH - 1
        inputs = store.inputs(epoch)
        assert inputs.receipts.tobytes() == b"".join(
            receipt(party, last) for party in sorted(PARTIES, key=lambda each: each.device)
        )
    assert store.counts().forks == 0
    assert store.counts().receipts <= len(PARTIES) * (newest // JOBS_AN_EPOCH + 1)
    store.close()
    return newest


def test_a_killed_ingest_loses_nothing_in_sqlite(tmp_path: Path) -> None:
    name, heard, newest = str(tmp_path / "store"), dict[int, int](), 0
    signals = {"opcode": signal.SIGKILL, "write": signal.SIGXFSZ, "outside": signal.SIGKILL}
    killed = dict.fromkeys(signals, 0)
    for step in range(6):
        points = (
            ("opcode", 211 + 2_733 * step),
            ("write", (40, 4_152, 4_176, 60_000, 90_000, 130_000)[step]),
            ("outside", 1 + 7 * step),
        )
        for mode, at in points:
            status = run_victim(name, max(1, newest), mode, at, heard)
            assert status in (0, -signals[mode]), (mode, at)
            killed[mode] += status != 0
            newest = check(name, heard)
    assert killed["outside"] == killed["opcode"] == 6
    assert killed["write"] >= 4
    assert newest > 10


def test_an_ingest_killed_while_its_store_is_made_starts_afresh(tmp_path: Path) -> None:
    for number, (mode, at) in enumerate(
        [("opcode", 1), ("opcode", 40), ("opcode", 90), ("write", 1), ("write", 9_000)]
    ):
        name, heard = str(tmp_path / str(number)), dict[int, int]()
        assert run_victim(name, 1, mode, at, heard) != 0
        assert heard == {}
        assert check(name, heard) == 0
        assert run_victim(name, 1, "outside", 20, heard) == -signal.SIGKILL
        assert check(name, heard) >= 2


def test_a_killed_ingest_loses_nothing_in_postgresql(postgres: PostgresServer) -> None:
    name, heard, newest = postgres.new_database(), dict[int, int](), 0
    for step in range(6):
        assert run_victim(name, max(1, newest), "outside", 1 + 13 * step, heard) == -signal.SIGKILL
        newest = check(name, heard)
    assert newest > 10
    assert JOBS > 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "as in a crash"])
async def test_a_database_that_restarts_loses_nothing(number: signal.Signals) -> None:
    parties = [Party.make(each) for each in range(20)]
    clock = Clock(start(9))
    with postgres_server() as server:
        stores = [PostgresStore(server.url()) for _ in range(2)]
        stores[0].set_facts(FACTS)
        stores[0].put_enrolments(kept_rows(*(each.kept() for each in parties)))
        acknowledged: dict[int, int] = {}
        restarts = 0

        async def device(place: int, client: IngestClient) -> None:
            for job in range(1, 31):
                [verdict] = await client.submit([receipt(parties[place], job)])
                assert verdict in (Verdict.STORED, Verdict.DUPLICATE)
                acknowledged[place] = job

        def restart() -> None:
            server.stop(number)
            server.start()

        async def disturb() -> None:
            nonlocal restarts
            for limit in (3, 12, 22):
                while min(acknowledged.values(), default=0) < limit:
                    await asyncio.sleep(0.005)
                await asyncio.to_thread(restart)
                restarts += 1

        retries = Retries(tries=20, first=0.05)
        async with (
            ingest(stores[0], clock) as one,
            ingest(stores[1], clock) as two,
            IngestClient(one.url, retries=retries) as first,
            IngestClient(two.url, retries=retries) as second,
        ):
            clients = [first, second] * 10
            await asyncio.gather(disturb(), *(device(place, clients[place]) for place in range(20)))
        assert restarts == 3
        assert acknowledged == dict.fromkeys(range(20), 30)
        for place, party in enumerate(parties):
            assert stores[place % 2].newest(party.device).tobytes() == receipt(party, 30)
        assert stores[0].counts().forks == 0
        assert stores[0].counts().receipts == 20 * 4
        for store in stores:
            store.close()


def test_workers_that_write_the_same_devices_never_wait_in_a_circle(
    reopen: Callable[[], ReceiptStore], store: ReceiptStore
) -> None:
    parties = [Party.make(each) for each in range(40)]
    store.put_enrolments(kept_rows(*(each.kept() for each in parties)))
    indices = {each.device: each.index for each in parties}
    failures: list[BaseException] = []
    stored = np.zeros(4, int)

    def work(number: int) -> None:
        chance, mine = random.Random(number), reopen()
        try:
            for job in range(1, 16):
                batch = rows(*(receipt(each, job) for each in chance.sample(parties, 40)))
                order = np.array([indices[each.tobytes()] for each in batch["device"]], np.uint32)
                stored[number] += (mine.put(batch, order, start(2)) == Verdict.STORED).sum()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []
    assert stored.sum() <= 40 * 15
    inputs = store.inputs(1)
    assert inputs.receipts.tobytes() == b"".join(
        receipt(each, 15) for each in sorted(parties, key=lambda each: each.device)
    )
    assert len(np.unique(addresses(inputs.receipts["device"]))) == 40


def test_two_workers_see_a_fork_of_which_each_took_one_half(
    reopen: Callable[[], ReceiptStore], store: ReceiptStore
) -> None:
    party = Party.make(1)
    store.put_enrolments(party.kept())
    stores = [reopen(), reopen()]
    halves = [party.receipt(5, 50, start(2)), party.receipt(5, 51, start(3))]
    index = np.array([party.index], np.uint32)
    barrier, verdicts = threading.Barrier(2), [0, 0]

    def work(number: int) -> None:
        barrier.wait()
        [verdicts[number]] = stores[number].put(rows(halves[number]), index, start(3))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(verdicts) == [Verdict.STORED, Verdict.FORK]
    assert store.fork(party.device).tobytes() == b"".join(halves)


def test_what_is_acknowledged_does_not_hang_on_the_servers_default(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        database = connection.info.dbname
        connection.execute(f"ALTER DATABASE {database} SET synchronous_commit = off".encode())
    store = PostgresStore(url)
    shown: list[str] = []

    def ask(tables: object) -> None:
        shown.append(tables._run("SHOW synchronous_commit").fetchone()[0])  # type: ignore[attr-defined]

    store._backend.write(ask)
    store.close()
    assert shown == ["on"]
