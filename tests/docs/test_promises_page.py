"""What docs/guarantees.md says of bonds, SLAs and watching: its commands are what happens."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.promising import Promising, promising
from support.sla_scene import DELAY, HOUR

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text()
TOKEN = 1_000_000


def blocks(title: str) -> list[list[list[str]]]:
    """The commands of a section, block by block, without `scripts/worktab`."""
    [section] = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    found = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    return [[shlex.split(line, comments=True)[1:] for line in block.splitlines()] for block in found]


@pytest.fixture
def cli(worktab_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Promising]:
    """An owner with 100 whole tokens, and a consumer with a lane of 10 of them."""
    with promising(worktab_chain, tmp_path, monkeypatch) as made:
        monkeypatch.chdir(tmp_path)
        made.give(made.fleet.payer.pubkey(), 100 * TOKEN)
        made.give(made.scene.consumer.consumer, 20 * TOKEN)
        made.served.do(made.scene.consumer.deposit(20 * TOKEN))
        for keypair in (made.scene.consumer.key, *made.scene.attestors):
            made.airdrop(keypair, 10**9)
        yield made


def run(cli: Promising, words: list[str], **names: object) -> dict[str, Any]:
    """What a command of the page answers."""
    known = {"DEVICE": cli.device, "NETWORK": cli.network} | names
    filled = [str(known[word[1:]]) if word.startswith("$") else word for word in words]
    result = cli.run(*filled, "--json")
    assert result.exit_code == 0, (words, result.output)
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_a_bond_is_kept_as_the_page_says(cli: Promising) -> None:
    (deposit, withdraw, status), [finish] = blocks("Bonds")
    assert run(cli, deposit)["deposited"] == 50 * TOKEN
    leaving = run(cli, withdraw)
    assert leaving["leaving"] == 20 * TOKEN
    assert run(cli, status)["leaves_at"] == leaving["leaves_at"]
    cli.pass_time(2 * DELAY)
    assert run(cli, finish)["paid"] == 20 * TOKEN
    assert cli.money()[0] == 30 * TOKEN + 500


def test_slas_are_made_and_ended_as_the_page_says(cli: Promising) -> None:
    (offer, accept, complete, status), (contest, vote), [enforce] = blocks("SLAs")
    run(cli, blocks("Bonds")[0][0])
    lane = cli.served.do(cli.scene.consumer.reserve(cli.scene.device.device, 10 * TOKEN)).nonce
    run(cli, offer, LANE=lane)
    run(cli, accept)
    sla = run(cli, complete)["sla"]
    assert cli.money()[1] == 5 * TOKEN // 2
    assert [each["sla"] for each in run(cli, status)["slas"]] == [sla]
    cli.pass_time(36 * HOUR)
    assert run(cli, contest, SLA=sla)["stage"] == "contested"
    voted = []
    for number in (0, 1):
        cli.key_file("attestor.json", cli.scene.attestors[number])
        voted.append(run(cli, vote, SLA=sla)["stage"])
    assert voted == ["contested", "excused"]
    assert run(cli, enforce, SLA=sla)["slas"][0]["outcome"] == "excused"
    assert cli.money()[1] == 0


def test_watching_is_as_the_page_says(cli: Promising) -> None:
    [(once, daemon)] = blocks("Watching")
    sla = cli.open()
    cli.pass_time(HOUR)
    assert [each["alarm"] for each in run(cli, once)["warnings"]] == ["sla_missed"]
    assert [each["subject"] for each in run(cli, [*daemon, "--once"])["done"]] == [sla]
