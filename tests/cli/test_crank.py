"""`worktab crank`: claiming for everyone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair

from support.cli import Cli
from support.proving import Publisher, people
from support.proving_cli import rooted_cli, sold
from worktab.program.generated.accounts import Page

Scene = tuple[Cli, Publisher]


@pytest.fixture
def scene(worktab_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with rooted_cli(worktab_chain, tmp_path, monkeypatch) as made:
        yield made


def test_everyone_is_claimed_for(scene: Scene) -> None:
    cli, publisher = scene
    named = people(5_000_000 // 10, 2, 3)
    cli.served.do(publisher.publish(0, named))
    cli.served.do(sold(publisher, named[2].payout, 40))
    rent = cli.served.do(cli.fleet.chain.rent_exempt(Page.SIZE))
    crank = ("crank", "--network", cli.network, "--proofs", publisher.folder, "--create-accounts")

    assert cli.json(*crank, "--dry-run") == {
        "network": cli.network,
        "epoch": 0,
        "payees": 3,
        "owed_by_root": 500_005,
        "wallets_of_devices": 1,
        "owed_by_devices": 40,
        "below": 0,
        "pages_to_open": 1,
        "page_rent_lamports": rent,
        "fees_at_most_lamports": 5 * 5_000,
    }

    refused = cli.run(*crank, "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["error"]["got"]) == (2, f"1 pages, {rent} lamports")
    assert refused.stderr == f"Pages to open: 1. Their rent, {rent:,} lamports, stays there for good.\n"

    before = cli.served.do(cli.fleet.lamports(cli.fleet.payer.pubkey()))
    result = cli.run(*crank, "--at-least", "0.4", "--yes", "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["epochs"], report["claimed"], report["paid"], report["below"]) == ([0], 1, 500_000, 2)
    assert (report["pages_opened"], report["page_rent_lamports"], report["transactions"]) == (1, rent, 2)
    assert [(each["payout"], each["outcome"], each["paid"], each["left"]) for each in report["payees"]] == [
        (str(named[0].payout), "paid", 500_000, 0)
    ]
    account = cli.served.do(cli.fleet.chain.rent_exempt(165))
    after = cli.served.do(cli.fleet.lamports(cli.fleet.payer.pubkey()))
    assert before - after == rent + account + report["fees_lamports"]

    rest = cli.json("crank", "--network", cli.network, "--create-accounts")
    assert {(each["payout"], each["paid"]) for each in rest["payees"]} == {
        (str(named[1].payout), 2),
        (str(named[2].payout), 43),
    }
    assert [cli.served.do(cli.fleet.mint.balance(person.payout)) for person in named] == [500_000, 2, 43]
    assert "claimed" in cli.text("crank", "--network", cli.network)


def test_those_who_cannot_be_paid_are_told(scene: Scene) -> None:
    cli, publisher = scene
    named = people(5, 6)
    cli.served.do(publisher.publish(0, named))
    cli.give(named[0].payout, 0)
    result = cli.run("crank", "--network", cli.network, "--proofs", publisher.folder, "--yes", "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["claimed"], report["unpayable"], report["failed"]) == (0, 1, 1, 0)
    assert {(each["payout"], each["outcome"], each["left"]) for each in report["payees"]} == {
        (str(named[0].payout), "paid", 0),
        (str(named[1].payout), "unpayable", 6),
    }


def test_what_fails_comes_with_what_was_done(scene: Scene) -> None:
    cli, publisher = scene
    named, poor = people(5, 6), Keypair()
    cli.served.do(publisher.publish(0, named))
    cli.airdrop(poor, 2_000_000)
    crank = ("crank", "--network", cli.network, "--proofs", publisher.folder, "--yes", "--create-accounts", "--json")
    result = cli.run(*crank, "--keypair", cli.key_file("poor.json", poor))
    told = json.loads(result.stdout)
    assert (result.exit_code, told["error"]["code"], told["claimed"]) == (1, "crank_incomplete", 0)
    assert "cannot pay" in told["error"]["got"]
    # The same goes on where it stopped, once the fee payer has lamports.
    cli.airdrop(poor, 10**9)
    assert json.loads(cli.run(*crank, "--keypair", cli.folder / "poor.json").stdout)["paid"] == 11


@pytest.mark.embedded("the node that is looked into serves an embedded chain")
def test_an_interrupt_shows_what_was_done_and_the_next_run_goes_on(scene: Scene) -> None:
    cli, publisher = scene
    named = people(*range(1, 41))
    cli.served.do(publisher.publish(0, named))
    args = [
        "crank",
        "--network",
        cli.network,
        "--proofs",
        str(publisher.folder),
        "--create-accounts",
        "--yes",
        "--json",
    ]
    env = os.environ | cli.env | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def sends() -> int:
        return sum(method == "sendTransaction" for method, _ in cli.served.node.calls)

    before = sends()
    process = subprocess.Popen(
        [sys.executable, "-m", "worktab.cli", *args, "--at-once", "1"], env=env, stdout=subprocess.PIPE
    )
    end = time.monotonic() + 120
    while sends() < before + 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=120)
    told = json.loads(said)
    assert (process.returncode, told["error"]["code"]) == (130, "interrupted")
    rest = cli.run(*args)
    assert rest.exit_code == 0
    assert [cli.served.do(cli.fleet.mint.balance(person.payout)) for person in named] == list(range(1, 41))
