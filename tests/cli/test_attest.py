"""`worktab attest`."""

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

import numpy as np
import pytest
from solders.keypair import Keypair

from support.attesting import ABC_UNITS, Member, Scene
from support.chains import pass_blocks
from support.cli import Cli
from support.fleet import SOL, TIMING
from support.served import served
from worktab.cli import connecting
from worktab.epochs.data import EpochData
from worktab.roles.base import program_sender


class Attesting(Cli):
    """Three attestors at the command line, of a network that pays by roots."""

    scene: Scene

    def arguments(self, number: int, *more: object) -> list[object]:
        """The command of one attestor, who pays for itself."""
        member = self.scene.members[number]
        key = self.key_file(f"attestor-{number}.json", member.key)
        sources = [each.published for each in self.scene.members if each is not member]
        words: list[object] = ["attest", "run", self.network, "--store", member.folder / "receipts.sqlite"]
        words += ["--published", member.published, "--evidence", self.scene.evidence, "--keypair", key]
        for source in sources:
            words += ["--data", source]
        return [*words, *more]

    def blocks(self) -> None:
        """Let a slot go by."""
        self.served.do(pass_blocks(self.fleet.chain, 2))


@pytest.fixture
def cli(worktab_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Attesting]:
    """A network whose first epoch is over; two devices sent their receipts to all attestors."""
    scene = Scene(tmp_path)
    with served(worktab_chain, **scene.plan) as network:
        monkeypatch.setattr(connecting, "program_sender", partial(program_sender, **TIMING))
        network.do(scene.join(network.fleet))
        for member in scene.members:
            network.do(network.fleet.airdrop(member.key.pubkey(), SOL))
        receipts = []
        for party in scene.parties:
            party.worker.work(b"abc", b"abd")
            receipts.append(party.receipt())
        for member in scene.members:
            member.take(*receipts)
        network.do(scene.end_epoch())
        made = Attesting(network, tmp_path)
        made.scene = scene
        yield made
        scene.close()


def lie(member: Member, cli: Attesting) -> None:
    """Publish and commit to a root with one reward too many."""
    from worktab.roles.attesting import Attestor

    async def work() -> None:
        attestor = member.attestor()
        chain = await attestor._read()
        true = await attestor.judge.own(0, None, chain.terms)
        assert true is not None
        devices = np.array(true.devices)
        devices["reward"][0] += 1
        made = EpochData.seal(true.manifest, true.payees, devices, true.registrations, true.receipts, {})
        made.write(member.published)
        await Attestor(cli.fleet.sender, cli.fleet.network, member.key).commit(made.commitment())

    cli.served.do(work())


def test_commit_approve_finalize_and_status(cli: Attesting) -> None:
    made = cli.json(*cli.arguments(0, "--commit"))
    assert (made["epoch"], made["commitments"], made["finalized"], made["lamports"]) == (0, [], [], 5_000)
    committed = made["committed"]
    assert (committed["total"], committed["units"], committed["objections"]) == (8 * ABC_UNITS, 4 * ABC_UNITS, [])
    sample = committed["sample"]
    assert (sample["drawn"], sample["checked"], sample["share_of_records"], sample["share_of_units"]) == (
        4,
        4,
        1.0,
        1.0,
    )
    assert made["cpu_ns"] == sample["cpu_ns"] > 0

    cli.blocks()
    text = cli.text(*cli.arguments(1, "--sample", "2"))
    assert "approved" in text
    [judged] = cli.json(*cli.arguments(2, "--sample", "2"))["commitments"]
    assert (judged["action"], judged["approve"], judged["same"], judged["lamports"]) == ("approved", True, True, 5_000)
    assert (judged["sample"]["checked"], judged["sample"]["share_of_records"]) == (2, 0.5)

    status = cli.json("attest", "status", cli.network)
    [standing] = status["commitments"]
    assert (standing["commitment"], standing["stage"], standing["approvals"]) == (
        committed["commitment"],
        "approved",
        3,
    )
    assert standing["increase"] == 8 * ABC_UNITS
    keys = [str(key.pubkey()) for key in cli.scene.keys]
    assert status["attestors"] == keys
    assert [(vote["voter"], vote["vote"], vote["checked"]) for vote in status["votes"]] == [
        (keys[0], "commit", 4),
        (keys[1], "approve", 2),
        (keys[2], "approve", 2),
    ]
    assert "approve" in cli.text("attest", "status", cli.network)

    delay = cli.served.do(cli.scene.network()).challenge_delay
    cli.pass_time(delay)
    done = cli.json(*cli.arguments(0, "--finalize"))
    assert [(each["outcome"], each["increase"]) for each in done["finalized"]] == [("final", 8 * ABC_UNITS)]
    status = cli.json("attest", "status", cli.network)
    assert (status["final_epoch"], status["final_total"], status["commitments"]) == (0, 8 * ABC_UNITS, [])


def test_a_refusal_is_told_with_its_reason(cli: Attesting) -> None:
    lie(cli.scene.members[0], cli)
    cli.blocks()
    result = cli.run(*cli.arguments(1), "--json")
    assert (result.exit_code, result.stderr) == (1, "")
    facts = json.loads(result.stdout)
    assert facts["error"]["code"] == "verification"
    assert facts["error"]["got"].startswith("different_root: the published inputs give root ")
    [judged] = facts["commitments"]
    assert (judged["approve"], judged["action"]) == (False, "none")
    assert [each["reason"] for each in judged["objections"]] == ["different_root"]
    # The guardian's key vetoes.
    guardian = cli.key_file("guardian.json", cli.scene.guardian)
    words = cli.arguments(1, "--fee-payer", cli.payer, "--memory", cli.folder / "guardian.memory")
    words[words.index("--keypair") + 1] = guardian
    result = cli.run(*words, "--json")
    assert [each["action"] for each in json.loads(result.stdout)["commitments"]] == ["vetoed"]
    [standing] = cli.json("attest", "status", cli.network)["commitments"]
    assert (standing["stage"], standing["final_from"]) == ("vetoed", None)


def test_a_key_that_attests_nothing_commits_to_nothing(cli: Attesting) -> None:
    words = cli.arguments(0, "--commit", "--fee-payer", cli.payer)
    keypair = words.index("--keypair") + 1
    words[keypair] = cli.key_file("stranger.json", stranger := Keypair())
    error = cli.failure(*words, code=1)
    assert (error["code"], error["got"]) == ("key_attests_nothing", str(stranger.pubkey()))
    assert "--add-attestor" in error["next_step"]
    assert not cli.scene.members[0].published.exists()
    # The guardian looks all the same, and commits to nothing.
    words[keypair] = cli.key_file("guardian.json", cli.scene.guardian)
    result = cli.run(*words, "--json")
    assert (result.exit_code, json.loads(result.stdout)["committed"]) == (0, None)
    assert result.stderr == "warning: nothing is committed to: the guardian only vetoes\n"
    assert cli.json("attest", "status", cli.network)["commitments"] == []


def test_a_device_that_cheats_is_told_with_what_to_do_and_then_left_out(cli: Attesting) -> None:
    scene = cli.scene
    honest, cheat = scene.parties
    cheat.worker.claim(output=bytes(32))
    honest.worker.work()
    for member in scene.members:
        member.take(honest.receipt(), cheat.receipt())
    cli.served.do(scene.end_epoch())
    words = cli.arguments(0, "--commit")
    cli.blocks()
    result = cli.run(*words, "--json")
    assert result.exit_code == 1
    facts = json.loads(result.stdout)
    assert facts["convicted"] == [str(cheat.address)]
    assert f'exclude = ["{cheat.address}"]' in facts["next_step"]
    assert facts["error"]["next_step"] == facts["next_step"]
    cli.blocks()
    text = cli.run(*words)
    assert text.exit_code == 1
    assert f'Add to the policy file of all attestors: exclude = ["{cheat.address}"]' in " ".join(text.output.split())

    policy = cli.file("policy.toml", f'policy = "fixed-rate"\nexclude = ["{cheat.address}"]\n'.encode())
    cli.blocks()
    done = cli.json(*words, "--policy", policy)
    assert (done["convicted"], done["next_step"]) == ([], None)
    assert done["committed"]["commitment"] is not None
    shown = cli.json("epoch", "show", "--data", scene.members[0].published)
    assert shown["excluded"] == [str(cheat.address)]
    assert shown["devices"] == 1


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--watch", "--epoch", "0"], "input"),
        (["--epoch", "9"], "epoch_not_over"),
        (["--policy", "missing.json"], "storage"),
        (["--evidence", "missing"], "storage"),
        (["--store", "missing.sqlite"], "storage"),
    ],
)
def test_what_cannot_be_asked(cli: Attesting, more: list[str], code: str) -> None:
    error = cli.failure(*cli.arguments(0, *more), code=2 if code == "input" else 1)
    assert error["code"] == code


def test_watching_ends_with_a_signal_and_goes_on_where_it_was(cli: Attesting) -> None:
    words = [str(each) for each in cli.arguments(0, "--commit", "--watch", "--every", "1", "--json")]
    first: dict[str, Any] = {}
    for round_ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-m", "worktab.cli", *words],
            env={**os.environ, **cli.env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        limit = threading.Timer(120, process.kill)
        limit.start()
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        facts = json.loads(line)
        if round_ == 0:
            process.kill()
            first = facts
        else:
            process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=120)
        limit.cancel()
        assert errors == ""
        assert process.returncode == (-signal.SIGKILL if round_ == 0 else 0)
    assert first["committed"]["commitment"] is not None
    [kept] = facts["commitments"]
    assert (kept["commitment"], kept["action"], facts["committed"]) == (
        first["committed"]["commitment"],
        "kept",
        None,
    )
    votes = cli.json("attest", "status", cli.network)["votes"]
    assert [vote["vote"] for vote in votes] == ["commit"]
