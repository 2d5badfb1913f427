"""The page on epochs: its commands are what happens, from a new network to a claim."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support.agents import free_port
from support.cli import Cli
from support.fleet import TIMING
from support.jobs import increment
from support.served import served
from worktab.cli import connecting
from worktab.roles.base import program_sender
from worktab.roles.terms import WorkClass

ROOT = Path(__file__).parents[2]
PAGE, README = (ROOT / "docs" / "epochs.md").read_text(), (ROOT / "README.md").read_text()
COMMAND = [sys.executable, "-m", "worktab.cli"]
_LIMIT = 120


def blocks(page: str) -> list[list[list[str]]]:
    """The commands of a page, block by block, without `scripts/worktab`."""
    return [
        [shlex.split(line, comments=True)[1:] for line in block.splitlines()]
        for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    ]


@pytest.fixture
def cli(worktab_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    classes = (WorkClass(rate=2_000_000, max_capacity=10**9, budget=10**9),)
    with served(worktab_chain, classes=classes) as network:
        monkeypatch.setattr(connecting, "program_sender", partial(program_sender, **TIMING))
        monkeypatch.chdir(tmp_path)
        for name in ("WORKTAB_INGEST", "WORKTAB_PROOFS", "WORKTAB_STORE"):
            monkeypatch.delenv(name, raising=False)
        yield Cli(network, tmp_path)


@contextmanager
def serving(env: Mapping[str, str], *words: str) -> Iterator[dict[str, Any]]:
    """A command that serves, as a process of its own, until the block ends; what it says of itself."""
    given = [*COMMAND, *words, "--json"]
    with subprocess.Popen(
        given, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.communicate(timeout=_LIMIT)[1]
            yield json.loads(line)
            process.terminate()
            _, errors = process.communicate(timeout=_LIMIT)
            assert (process.returncode, errors) == (0, "")
        finally:
            process.kill()


class Typist:
    """Types commands of the page: with the names that earlier ones printed, and an ingest on another port."""

    def __init__(self, cli: Cli, **names: str) -> None:
        self._cli, self.names, self.port = cli, names, str(free_port())

    def words(self, words: list[str]) -> list[str]:
        """A command as it is run."""
        filled = [self.names[word[1:]] if word.startswith("$") else word for word in words]
        return [word.replace("127.0.0.1:8410", f"127.0.0.1:{self.port}") for word in filled]

    def run(self, words: list[str], **env: str) -> Any:
        """What the command answers; the clock of the chain under test is moved by hand."""
        if words[:2] == ["clock", "--advance"]:
            return self._cli.pass_time(int(words[2]))
        result = self._cli.run(*self.words(words), "--json", **env)
        assert result.exit_code == 0, (words, result.output)
        return json.loads(result.stdout)


def test_a_device_is_paid_by_a_root_as_the_page_says(cli: Cli) -> None:
    wallet = cli.fleet.payer.pubkey()
    cli.give(wallet, 25_000_000_000)
    cli.file("job.wasm", increment())
    cli.file("input.bin", b"abc")
    setting_up, working, paying, sponsoring, _ = blocks(PAGE)
    typist = Typist(cli, MINT=cli.mint, WALLET=str(wallet))
    create, fund, serve = setting_up
    typist.names["NETWORK"] = typist.run(create)["network"]
    assert typist.run(fund)["amount"] == 25_000_000_000
    assert serve[:2] == ["ingest", "serve"]

    with serving(cli.env, *typist.words(serve), "--port", typist.port) as told:
        assert told["url"] == f"http://127.0.0.1:{typist.port}"
        keygen, enrol, run, submit = working
        typist.run(keygen)
        enrolled = typist.run(enrol)
        typist.names["DEVICE"] = enrolled["device"]
        assert [each["outcome"] for each in enrolled["ingests"]] == ["stored"]
        assert [each["units"] for each in typist.run(run)["jobs"]] == [71]
        assert typist.run(submit)["units"] == 71
        advance, attest, verify, claim, stats = paying
        typist.run(advance)
        attested = typist.run(attest)
        assert (attested["committed"]["total"], attested["finalized"][0]["outcome"]) == (142, "final")
        assert typist.run(verify)["final"] is True
        before = cli.served.do(cli.fleet.mint.balance(wallet))
        assert typist.run(claim)["paid"]["total"] == 142
        assert cli.served.do(cli.fleet.mint.balance(wallet)) == before + 142
        roots = typist.run(stats)["roots"]
        assert (roots["payees"], roots["claimed"], roots["owed"]) == (1, 142, 0)
        export, crank = (typist.run(words) for words in sponsoring)
        assert (export["payees"], crank["payees"], crank["owed_by_root"]) == (1, 0, 0)


def test_a_network_moves_to_roots_as_the_page_says(cli: Cli) -> None:
    cli.airdrop(cli.fleet.authority, 10**9)
    typist = Typist(cli, NETWORK=cli.network)
    for words in blocks(PAGE)[-1]:
        typist.run(words, ANCHOR_WALLET=str(cli.authority))
    assert cli.json("stats", cli.network)["roots"]["pays_from"] == 25


def test_ports_of_servers_are_as_the_page_says() -> None:
    from typer.main import get_command

    from worktab.cli.main import app

    groups: Any = get_command(app)
    ports = {}
    for name in ("proofs", "ingest"):
        [port] = [each for each in groups.commands[name].commands["serve"].params if each.name == "port"]
        ports[name] = port.default
    assert f"proof server listens on port {ports['proofs']}, an ingest on {ports['ingest']}." in PAGE


def test_the_readme_shows_three_commands_of_the_page() -> None:
    [shown] = [block for block in blocks(README) if block[0][:2] == ["device", "enrol"]]
    assert len(shown) == 3
    assert all(words in [each for block in blocks(PAGE) for each in block] for words in shown)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([\w./-]+\.(?:md|json))", PAGE))))
def test_every_link_of_the_page_on_epochs_leads_somewhere(path: str) -> None:
    assert (ROOT / "docs" / path).is_file()
