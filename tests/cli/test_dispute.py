"""Disputes in `worktab attest run`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from solders.pubkey import Pubkey

from support.agents import agent
from support.challenging import Challenging, challenging
from support.disputes import BOND, DEPOSIT, SLASH_BPS, TAB
from support.fleet import TIMING
from worktab.cli import connecting
from worktab.epochs.attesting.requests import RECORDS_PATH, RecordsRequest
from worktab.roles import submitting
from worktab.roles.base import program_sender


@pytest.fixture
def cli(worktab_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Challenging]:
    """A consumer in a network that takes disputes."""
    monkeypatch.setattr(connecting, "program_sender", partial(program_sender, **TIMING))
    with challenging(worktab_chain, tmp_path) as made:
        monkeypatch.setattr(submitting, "time", made.served)
        yield made


def words(cli: Challenging, number: int, *more: object) -> list[object]:
    """An attestor's command line."""
    memory = cli.folder / f"memory-{number}.json"
    return [
        "attest", "run", cli.network, "--evidence", cli.addresses(), "--keypair", cli.attestor(number),
        "--memory", memory, *more,
    ]  # fmt: skip


def test_attestors_judge_vote_and_resolve(cli: Challenging) -> None:
    device = cli.cheat()
    where = cli.json("challenge", cli.bundle(device), "--yes")["devices"][0]["dispute"]["address"]
    [first] = cli.json(*words(cli, 0, "--disputes-only"))["disputes"]
    assert (first["dispute"], first["job"], first["finding"], first["action"], first["verdict"]) == (
        where, 2, "differs", "voted", None,
    )  # fmt: skip
    assert first["detail"].startswith("the record states output ")
    [again] = cli.json(*words(cli, 0, "--disputes-only"))["disputes"]
    assert (again["action"], again["lamports"]) == ("kept", 0)
    text = cli.text(*words(cli, 1, "--disputes-only"))
    assert "resolved" in text
    assert "guilty" in text
    assert cli.json(*words(cli, 2, "--disputes-only"))["disputes"] == []
    assert cli.balance() == TAB + DEPOSIT
    assert cli.do(cli.court.read(device)).bond == BOND - BOND * SLASH_BPS // 10_000
    status = cli.json("dispute", "status", where)
    assert [each["finding"] for each in status["votes"]] == ["differs", "differs"]


def test_what_the_options_need(cli: Challenging) -> None:
    base = ["attest", "run", cli.network, "--keypair", cli.attestor(0)]
    assert cli.failure(*base, code=2)["expected"] == "both, or --disputes-only"
    assert cli.failure(*base, "--disputes-only", "--no-disputes", code=2)["code"] == "input"


def test_the_daemon_votes_by_itself(cli: Challenging) -> None:
    device = cli.cheat()
    where = cli.json("challenge", cli.bundle(device), "--yes")["devices"][0]["dispute"]["address"]
    lines = []
    for number in (0, 1):
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "worktab.cli",
                *map(str, words(cli, number, "--disputes-only", "--watch", "--json")),
            ],
            env={**os.environ, **cli.env},
            stdout=subprocess.PIPE,
            text=True,
        )
        watch = threading.Timer(120, process.kill)
        watch.start()
        assert process.stdout is not None
        lines.append(json.loads(process.stdout.readline())["disputes"][0])
        watch.cancel()
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
        process.stdout.close()
    assert [(each["dispute"], each["action"]) for each in lines] == [(where, "voted"), (where, "resolved")]
    assert cli.json("dispute", "status", where)["state"] == "guilty"


def test_a_device_serves_its_records_by_its_own_daemon(cli: Challenging) -> None:
    address, key = cli.device(capacity=1_000)
    cli.work(address, b"abc", b"abd", b"abc")
    cli.json("device", "submit", address, "--key", key)
    bundle = cli.folder / "work.bundle"
    cli.json("device", "export", address, bundle)
    words_of = ("attest", "run", cli.network, "--disputes-only", "--keypair")
    with agent(cli, address, key, "--price", "1") as daemon:
        # Nobody paid for the first and the third, which are the same work.
        where = cli.json("challenge", bundle, "--yes")["devices"][0]["dispute"]["address"]
        looks = [
            cli.json(*words_of, cli.attestor(number), "--evidence", daemon.url, "--memory", cli.folder / f"m{number}")
            for number in (0, 1)
        ]
        found = [look["disputes"][0] for look in looks]
        assert [(each["job"], each["finding"], each["verdict"]) for each in found] == [
            (3, "repeated", None),
            (3, "repeated", "guilty"),
        ]
        assert cli.json("device", "status", address)["status"] == "suspended"
        # A suspended device may be disputed again, so its daemon goes on showing records.
        cli.json("challenge", bundle, "--job", 3, "--dry-run")
        daemon.stop()
        daemon.start()
        domain = cli.do(cli.fleet.operator.reader.domain())
        asked = RecordsRequest(1, 3)
        headers = asked.headers(
            domain=domain, device=bytes(Pubkey.from_string(address)), attestor=cli.court.keys[0], now=int(time.time())
        )
        answer = httpx.get(daemon.url + RECORDS_PATH, params=asked.query, headers=headers, timeout=120)
        assert answer.status_code == 200
    assert cli.json("dispute", "status", where)["state"] == "guilty"
