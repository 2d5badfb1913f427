"""Disputes in `worktab attest run`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support.challenging import Challenging, challenging
from support.disputes import BOND, DEPOSIT, SLASH_BPS, TAB
from support.fleet import TIMING
from worktab.cli import connecting
from worktab.roles.base import program_sender


@pytest.fixture
def cli(worktab_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Challenging]:
    """A consumer in a network that takes disputes."""
    monkeypatch.setattr(connecting, "program_sender", partial(program_sender, **TIMING))
    with challenging(worktab_chain, tmp_path) as made:
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
        watch = threading.Timer(60, process.kill)
        watch.start()
        assert process.stdout is not None
        lines.append(json.loads(process.stdout.readline())["disputes"][0])
        watch.cancel()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        process.stdout.close()
    assert [(each["dispute"], each["action"]) for each in lines] == [(where, "voted"), (where, "resolved")]
    assert cli.json("dispute", "status", where)["state"] == "guilty"
