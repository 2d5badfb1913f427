"""`worktab watch`, on a real program behind real HTTP, and as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from solders.keypair import Keypair

from support.promising import Promising, promising
from support.rpc_server import Drop
from support.sla_scene import DELAY, HOUR
from support.watching import AMOUNT, Accused
from worktab.agent.purchases import PurchaseLog
from worktab.core.errors import StorageError
from worktab.core.records import ZERO_HEAD, chain_head
from worktab.market.provider.book import Book
from worktab.market.provider.lane_book import LaneBookFile, device_of
from worktab.market.provider.rows import Answer, LaneAccount, Purchase
from worktab.market.terms import Totals
from worktab.market.wire import WorkReceipt
from worktab.roles.accusations import DisputeFinding, Shown

LIMIT = 120


@pytest.fixture
def cli(worktab_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Promising]:
    with promising(worktab_chain, tmp_path, monkeypatch) as made:
        yield made


def look(cli: Promising, *options: object) -> dict[str, Any]:
    """One look."""
    return cli.json("watch", cli.network, "--once", *options)


def deeds(shown: dict[str, Any]) -> list[tuple[str, int]]:
    """What a look did, and what moved."""
    assert [each["error"] for each in shown["done"] if each["error"]] == []
    return [(each["deed"], each["moved"]) for each in shown["done"]]


def alarms(shown: dict[str, Any]) -> list[str]:
    """What a look warned of."""
    return [each["alarm"] for each in shown["warnings"]]


def test_a_consumer_is_paid_once(cli: Promising) -> None:
    sla = cli.open()
    assert (deeds(look(cli, *cli.consumer)), cli.money()) == ([], (500, 100, 700))
    cli.pass_time(HOUR + DELAY)
    shown = look(cli, *cli.consumer)
    assert deeds(shown) == [("enforce", 100)]
    assert (shown["done"][0]["subject"], shown["done"][0]["why"]) == (sla, "missed: 0.0001 are paid to the tab")
    assert shown["done"][0]["transaction"]["signature"]
    assert cli.money() == (400, 0, 800)
    assert (deeds(look(cli, *cli.consumer)), cli.money()) == ([], (400, 0, 800))


def test_anybody_may_watch_for_a_consumer(cli: Promising) -> None:
    cli.open()
    cli.pass_time(HOUR + DELAY)
    assert deeds(look(cli)) == []
    assert alarms(look(cli)) == ["sla_penalty_due"]
    assert deeds(look(cli, "--tab-of", cli.scene.consumer.consumer)) == [("enforce", 100)]
    assert cli.money() == (400, 0, 800)


def test_an_owner_is_warned_and_contests_as_told(cli: Promising) -> None:
    sla = cli.open()
    assert alarms(look(cli, "--ahead", HOUR // 2)) == []
    [warned] = look(cli, "--ahead", 2 * HOUR)["warnings"]
    assert (warned["alarm"], warned["subject"], warned["amount"]) == ("sla_ends_soon", sla, 100)
    assert warned["text"] == "0.0002 of 0.0002 are not delivered: that costs 0.0001"
    text = cli.text("watch", cli.network, "--once", "--ahead", 2 * HOUR)
    assert "0.0002 of 0.0002 are not delivered: that costs 0.0001" in text

    cli.pass_time(HOUR)
    for choice in ("short", "never"):
        shown = look(cli, "--contest", choice)
        assert (deeds(shown), alarms(shown)) == ([], ["sla_missed"])
    shown = look(cli, "--contest", "always", "--device", cli.device)
    assert (deeds(shown), alarms(shown)) == ([("contest", 0)], ["sla_missed"])
    assert alarms(look(cli, "--contest", "always")) == ["sla_contested"]
    # A consumer learns of it.
    assert alarms(look(cli, *cli.consumer)) == ["sla_contested"]


def book_of(cli: Promising, amount: int, expires_at: int = 0) -> tuple[Path, Book]:
    """The book of the device's daemon, with a voucher over the scene's lane."""
    scene, path = cli.scene, cli.folder / "book.sqlite"
    device = cli.served.do(cli.fleet.read(scene.device.device))
    book = Book.open(path, device=scene.device.device, index=device.index)

    async def sell() -> None:
        fleet = scene.fleet
        voucher = await fleet.voucher(
            scene.consumer, scene.device, scene.nonce, amount=amount, units=amount, expires_at=expires_at
        )
        tab = scene.consumer.tab_address
        purchase = Purchase(tab, b"k" * 32, scene.nonce, b"r" * 32, voucher)
        await book.begin(purchase, LaneAccount(tab, scene.nonce, Totals(0, 0, 0, ZERO_HEAD), 0), 1)
        charged = Totals(amount, amount, 1, b"h" * 32)
        await book.finish(purchase, lambda before: (charged, Answer(200, (), b"")), 1)

    cli.served.do(sell())
    return path, book


def test_what_a_book_has_is_settled_before_the_deadline(cli: Promising) -> None:
    cli.open()
    path, book = book_of(cli, 200)
    in_use = cli.failure("watch", cli.network, "--once", "--book", path)
    assert in_use["code"] == "state"
    book.close()
    assert deeds(look(cli, "--book", path, "--ahead", HOUR // 2)) == []
    assert deeds(look(cli, "--book", path, "--ahead", 2 * HOUR)) == [("settle", 200)]
    device = cli.served.do(cli.fleet.read(cli.scene.device.device))
    assert (device.earnings_owed, cli.money()) == (200, (500, 100, 700))
    assert deeds(look(cli, "--book", path)) == [("enforce", 0)]
    assert cli.money() == (500, 0, 700)


def test_work_that_was_charged_and_cannot_be_settled_is_contested(cli: Promising) -> None:
    cli.open()
    path, book = book_of(cli, 150, expires_at=int(cli.served.time()) + HOUR)
    book.close()
    cli.pass_time(HOUR)
    assert deeds(look(cli, "--book", path)) == [("contest", 0)]


def test_a_record_that_was_found_wrong_is_shown(cli: Promising) -> None:
    accused = Accused(cli.scene)
    cli.served.do(accused.open())
    receipt = kept_receipt(cli, accused.shown)
    log = PurchaseLog.open(cli.folder / "data" / "worktab" / "buyer" / "purchases", "order-1", "a job")
    log.ask("http://10.0.0.7:8402")
    log.charge("http://10.0.0.7:8402", AMOUNT, receipt)
    assert alarms(look(cli, *cli.consumer)) == ["purchase_disputed"]
    cli.served.do(accused.vote(DisputeFinding.DIFFERS))
    assert cli.money() == (500, 0, 700)
    assert deeds(look(cli, *cli.consumer)) == [("resolve", AMOUNT + 100)]
    assert cli.money() == (250, 0, 700 + AMOUNT)
    assert (deeds(look(cli, *cli.consumer)), cli.money()) == ([], (250, 0, 820))


def kept_receipt(cli: Promising, shown: Shown) -> WorkReceipt:
    """What a device's answer would have left with its buyer."""
    scene = cli.scene
    message, signature = cli.served.do(scene.fleet.receipt(scene.device, 1, 10, head=chain_head([shown.hash])))
    totals = Totals(AMOUNT, 10, 1, message.head)
    device = scene.device.device
    return WorkReceipt(device, 0, totals, AMOUNT, 10, shown.record, shown.salt, ZERO_HEAD, message, signature)


def test_what_can_not_be_done_is_a_failure_that_shows_what_was(cli: Promising) -> None:
    cli.open()
    cli.pass_time(HOUR + DELAY)
    poor = cli.key_file("poor.json", Keypair())
    result = cli.run(
        "watch", cli.network, "--once", "--json", "--tab-of", cli.scene.consumer.consumer, "--keypair", poor
    )
    shown = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [each["deed"] for each in shown["done"]] == ["enforce"]
    assert shown["done"][0]["error"]["code"] == shown["error"]["code"]
    assert cli.money() == (500, 100, 700)
    assert cli.failure("watch", cli.network, "--once", "--metrics-port", 0, code=2)["got"] == "both"
    assert cli.failure("watch", Keypair().pubkey())["code"] == "network_not_found"
    missing = cli.failure("watch", cli.network, "--once", "--book", cli.folder / "none.sqlite")
    assert missing["message"].startswith("There is no book")


def start(cli: Promising, *options: object, output: Any = subprocess.PIPE) -> subprocess.Popen[str]:
    """The command as a process of its own."""
    words = [sys.executable, "-m", "worktab.cli", "watch", cli.network, "--every", "1", "--json"]
    given = [*words, *(str(each) for each in options)]
    env = {**os.environ, **cli.env}
    return subprocess.Popen(given, env=env, stdout=output, stderr=subprocess.PIPE, text=True)


@contextmanager
def daemon(cli: Promising, *options: object) -> Iterator[subprocess.Popen[str]]:
    """The command as a process that ends well when it is told to."""
    with start(cli, *options) as process:
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=LIMIT)
            assert (process.returncode, errors) == (0, "")
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The next thing that it says."""
    assert process.stdout is not None
    said: dict[str, Any] = json.loads(process.stdout.readline())
    return said


def test_a_daemon_takes_what_is_due_and_is_killed_and_started_again(cli: Promising) -> None:
    cli.open()
    cli.pass_time(HOUR)
    with start(cli) as killed:
        assert alarms(line(killed)) == ["sla_missed"]
        killed.kill()
    with daemon(cli) as owners, daemon(cli, *cli.consumer) as consumers:
        assert alarms(line(owners)) == ["sla_missed"]
        cli.pass_time(DELAY)
        assert deeds(line(consumers)) == [("enforce", 100)]
    assert cli.money() == (400, 0, 800)


def test_a_daemon_tells_prometheus(cli: Promising) -> None:
    cli.open()
    cli.pass_time(HOUR + DELAY)
    with start(cli, "--metrics-port", 0, *cli.consumer) as process:
        assert process.stderr is not None
        url = process.stderr.readline().removeprefix("metrics: ").strip()
        assert deeds(line(process)) == [("enforce", 100)]
        told = httpx.get(url, timeout=120).text.splitlines()
        process.send_signal(signal.SIGINT)
        assert (process.wait(LIMIT), process.stderr.read()) == (0, "")
    assert 'worktab_watch_done_total{deed="enforce"} 1.0' in told
    assert 'worktab_watch_moved_base_units_total{deed="enforce"} 100.0' in told
    assert 'worktab_watch_warnings{alarm="bond_short"} 0.0' in told


@pytest.mark.embedded("the node's faults are to order")
def test_a_daemon_outlives_its_node(cli: Promising) -> None:
    cli.open()
    cli.pass_time(HOUR + DELAY)

    async def fail() -> None:
        cli.served.node.faults.extend([Drop()] * 8)

    asyncio.run_coroutine_threadsafe(fail(), cli.served._loop).result(LIMIT)
    with daemon(cli, *cli.consumer) as process:
        said = line(process)
        assert said["error"]["code"] == "connection"
        while "error" in said:
            said = line(process)
        assert deeds(said) == [("enforce", 100)]
    assert cli.money() == (400, 0, 800)


def test_a_full_disk_keeps_nothing_from_being_done(cli: Promising) -> None:
    cli.open()
    cli.pass_time(HOUR)
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("only Linux has a disk that is always full")
    with full.open("w") as output, start(cli, "--tab-of", cli.scene.consumer.consumer, output=output) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline() == "warning: the output cannot be written: No space left on device\n"
            cli.pass_time(DELAY)
            assert "cannot be written" in process.stderr.readline()
            assert cli.money() == (400, 0, 800)
        finally:
            process.kill()


def test_what_is_no_book_stays_as_it_is(cli: Promising) -> None:
    other = cli.folder / "other.sqlite"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
    for file in (other, cli.file("empty.sqlite", b"")):
        before, beside = file.read_bytes(), sorted(cli.folder.iterdir())
        told = cli.failure("watch", cli.network, "--once", "--book", file)
        assert (told["code"], told["message"]) == ("storage", f"{file} is no book")
        assert (file.read_bytes(), sorted(cli.folder.iterdir())) == (before, beside)


def test_a_book_that_is_moved_away_is_not_made_anew(cli: Promising) -> None:
    cli.open()
    path, book = book_of(cli, 200)
    book.close()
    kept = LaneBookFile(path, *device_of(path))
    lane = (cli.scene.consumer.tab_address, cli.scene.nonce)
    assert cli.served.do(kept.owed([lane], 0))[lane].charged == 200
    path.rename(path.with_name("away.sqlite"))
    with pytest.raises(StorageError, match="There is no book"):
        cli.served.do(kept.owed([lane], 0))
    assert not path.exists()
