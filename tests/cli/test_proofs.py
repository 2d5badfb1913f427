"""`worktab proofs`: served, and exported as files."""

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

import httpx
import pytest

from support.cli import Cli, invoke
from support.proving import Publisher, epoch_data, people
from support.proving_cli import rooted_cli

Scene = tuple[Cli, Publisher]


@pytest.fixture
def scene(worktab_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with rooted_cli(worktab_chain, tmp_path, monkeypatch) as made:
        yield made


def test_export(scene: Scene) -> None:
    cli, publisher = scene
    data = cli.served.do(publisher.publish(0, people(1, 2)))
    cli.served.do(publisher.data(1, people(3)))  # not final
    facts = cli.json("proofs", "export", "--data", publisher.folder, "--to", cli.folder / "public")
    assert facts == {
        "epoch": 0,
        "root": data.manifest.root.hex(),
        "payees": 2,
        "folder": str(cli.folder / "public" / "0"),
        "files": 7,
        "bytes": sum(file.stat().st_size for file in (cli.folder / "public").rglob("*") if file.is_file()),
        "written": 7,
    }
    again = cli.json("proofs", "export", "--data", publisher.folder, "--to", cli.folder / "public")
    assert again == facts | {"written": 0}
    assert json.loads((cli.folder / "public" / "latest.json").read_bytes())["epoch"] == 0
    newer = cli.json("proofs", "export", "--data", publisher.folder, "--to", cli.folder / "public", "--not-final")
    assert newer["epoch"] == 1


def test_export_without_a_chain_and_without_data(tmp_path: Path) -> None:
    error = invoke("proofs", "export", "--data", tmp_path, "--to", tmp_path / "public", "--not-final", "--json")
    assert (error.exit_code, json.loads(error.stdout)["error"]["code"]) == (1, "no_final_root")
    epoch_data(people(1), epoch=6).write(tmp_path / "epochs")
    made = invoke(
        "proofs", "export", "--data", tmp_path / "epochs", "--to", tmp_path / "public", "--not-final", "--json"
    )
    assert (made.exit_code, json.loads(made.stdout)["epoch"]) == (0, 6)


def test_export_of_data_that_are_not_those_of_the_final_root(scene: Scene) -> None:
    cli, publisher = scene
    cli.served.do(Publisher(publisher.rooted, cli.folder / "true").publish(0, people(1, 2)))
    cli.served.do(publisher.data(0, people(1_000)))
    error = cli.failure("proofs", "export", "--data", publisher.folder, "--to", cli.folder / "public")
    assert error["code"] == "proof_refused"
    assert not (cli.folder / "public").exists()


def test_serve(scene: Scene) -> None:
    cli, publisher = scene
    named = people(11, 12)
    cli.served.do(publisher.publish(0, named))
    env = os.environ | cli.env | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "worktab.cli", "proofs", "serve", "--data", str(publisher.folder)]
    server = subprocess.Popen(
        [*command, "--port", "0", "--every", "0.1", "--json"], env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        told = json.loads(server.stdout.readline())
        assert (told["epoch"], told["payees"], told["final"], told["network"]) == (0, 2, True, cli.network)
        proof = httpx.get(f"{told['url']}/v1/proofs/{named[0].payout}", timeout=120).json()
        assert (proof["lifetime_reward"], proof["epoch"]) == ("11", "0")
        raised = [person.raised(1) for person in named]
        cli.served.do(publisher.publish(1, raised))
        end = time.monotonic() + 120
        while httpx.get(f"{told['url']}/v1/health", timeout=120).json()["epoch"] != "1":
            assert time.monotonic() < end
            time.sleep(0.05)
        paid = cli.json("claim", named[0].payout, "--network", cli.network, "--proofs", told["url"])
        assert paid["paid"]["total"] == 12
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(120) == 0
        server.communicate()


def test_serve_says_why_it_cannot(tmp_path: Path) -> None:
    error = invoke("proofs", "serve", "--data", tmp_path, "--json")
    assert (error.exit_code, json.loads(error.stdout)["error"]["code"]) == (1, "no_final_root")
